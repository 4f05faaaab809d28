"""The invariants of the design, checked after each commit and each transmission of a virtual network.

I1 an uplink counter is accepted once; I2 a downlink counter carries one payload; I3 a DevNonce is accepted
once; I4 an accepted uplink is delivered or listed; I7 hourly totals are those of the frame rows; I8 the old
session lives until the first uplink under the new one.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence, Set
from typing import Any

from sqlalchemy import Connection, func, select

from veldnet.lorawan import frames
from veldnet.monitoring.statistics import recompute
from veldnet.monitoring.statistics.rollups import HOUR
from veldnet.network.core import DownlinkRecord, JoinRecord, Record, UplinkRecord
from veldnet.network.shell import Recorded
from veldnet.routing import ledger
from veldnet.store import FrameRow, Rows, read_timeline
from veldnet.store.expressions import total
from veldnet.store.schema import (
    DEVICE_BLOCK_BITS,
    deliveries,
    device_counts,
    devices,
    frame_bodies,
    hourly_statistics,
)
from veldnet.store.schema import frames as frame_rows


class InvariantBroken(AssertionError):
    """The network did what it must never do."""


class Checker:
    """Looks at everything that becomes durable, goes on air, or is delivered. It outlives every server."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.slots: Counter[int] = Counter()
        self.failures: Counter[str] = Counter()
        self.accepted = 0
        self._by_device: Counter[int] = Counter()
        # Copies with which accepted uplinks were heard.
        self.copies = 0
        self._uplinks: set[tuple[int, int, int]] = set()
        self._nonces: set[tuple[int, int]] = set()
        self._reported: dict[int, tuple[str, int]] = {}
        self._delivered: set[tuple[str, int]] = set()
        # What has come over flows, by connection and session: counters; and what became of downlinks.
        self._flowed: defaultdict[int, dict[str, set[int]]] = defaultdict(dict)
        self._acknowledged: set[str] = set()
        self._told: set[str] = set()
        self._downlinks: dict[tuple[int, int, bool], set[bytes]] = {}
        # Sessions that have been begun, by address: a large network gives some addresses twice.
        self._sessions: Counter[int] = Counter()
        self._join_accepts = 0
        self._joins = 0
        self._version_11: set[int] = set()
        self._waiting: list[Record] = []
        # What was found to be broken so far.
        self.broken: list[str] = []

    def _broken(self, words: str) -> InvariantBroken:
        """Remember it also where the server survives what its commits raise."""
        self.broken.append(words)
        return InvariantBroken(words)

    def participant(self) -> _Participant:
        """Take part in the commits of a server."""
        return _Participant(self)

    def committed(self, recorded: Sequence[Recorded]) -> None:
        """Records have become durable."""
        for record, device, _entry in recorded:
            self.outcomes[f"{record.kind.name.lower()} {record.outcome}"] += 1
            if isinstance(record, UplinkRecord) and record.outcome == "accepted":
                self._uplink(record)
            elif isinstance(record, JoinRecord) and record.outcome == "accepted":
                if record.dev_addr is not None:
                    self._sessions[int(record.dev_addr)] += 1
                    if device is not None and device.profile.version_11:
                        self._version_11.add(int(record.dev_addr))
                self._join(record)
            elif isinstance(record, DownlinkRecord):
                if record.delivered:
                    self.slots[record.slot] += 1
                else:
                    causes = (record.cause_rx1, record.cause_rx2, record.cause_ping)
                    self.failures["/".join(causes)] += 1

    def _uplink(self, record: UplinkRecord) -> None:
        key = (record.device_ref, int(record.dev_addr), record.fcnt)
        if key in self._uplinks:
            raise self._broken(f"I1: uplink {record.fcnt} of {record.dev_addr} was accepted twice")
        self._uplinks.add(key)
        self.accepted += 1
        self._by_device[record.device_ref] += 1
        self.copies += len(record.copies)
        if record.reported:
            self._reported[record.id] = (str(record.dev_addr), record.fcnt)

    def _join(self, record: JoinRecord) -> None:
        self._joins += 1
        if record.rejoin_type is not None:
            return
        key = (record.device_ref, record.dev_nonce)
        if key in self._nonces:
            raise self._broken(f"I3: DevNonce {record.dev_nonce} of {record.dev_eui} was accepted twice")
        self._nonces.add(key)

    def on_air(self, phy_payload: bytes) -> None:
        """A base station has been given a frame."""
        if phy_payload[0] == 0x20:
            self._join_accepts += 1
            return
        frame = frames.parse(phy_payload)
        if not isinstance(frame, frames.DataFrame):
            raise self._broken("something that is no downlink was sent")
        # Sessions of 1.1 count application downlinks apart.
        address = int(frame.dev_addr)
        apart = address in self._version_11 and bool(frame.fport)
        payloads = self._downlinks.setdefault((address, frame.fcnt, apart), set())
        payloads.add(phy_payload)
        if len(payloads) > max(self._sessions[address], 1):
            raise self._broken(f"I2: downlink {frame.fcnt} of {frame.dev_addr} carried two payloads")

    def delivered(self, message: dict[str, Any]) -> None:
        """An application server has taken a message."""
        uplink = message.get("DevEUI_uplink", {})
        if "FCntUp" in uplink:
            self._delivered.add((uplink["DevAddr"], uplink["FCntUp"]))

    def connects(self, ref: int) -> None:
        """Every uplink is to come over a connection."""
        self._flowed.setdefault(ref, {})

    def flowed(self, ref: int, dev_addr: str, fcnt: int) -> None:
        """An application has got an uplink over a connection; repetitions are allowed, other orders are
        not."""
        seen = self._flowed[ref].setdefault(dev_addr, set())
        if fcnt not in seen and seen and fcnt < max(seen):
            raise self._broken(f"I4: uplink {fcnt} of {dev_addr} came after {max(seen)} over a flow")
        seen.add(fcnt)

    def acknowledged(self, downlink: str) -> None:
        """A broker needs to keep a downlink no longer."""
        self._acknowledged.add(downlink)

    def told(self, downlink: str) -> None:
        """An application has heard what became of a downlink."""
        self._told.add(downlink)

    @property
    def acknowledged_count(self) -> int:
        return len(self._acknowledged)

    def flowed_count(self, ref: int) -> int:
        """Uplinks that have come over a connection."""
        return sum(map(len, self._flowed[ref].values()))

    def _check_flows(self, kept: Set[tuple[int, int]]) -> None:
        for ref, flowed in self._flowed.items():
            for frame_id, (dev_addr, fcnt) in self._reported.items():
                if fcnt not in flowed.get(dev_addr.upper(), ()) and (frame_id, ref) not in kept:
                    over = f"did not come over connection {ref}"
                    raise self._broken(f"I4: uplink {fcnt} of {dev_addr} {over} and is not listed")
        if lost := self._acknowledged - self._told:
            raise self._broken(f"I4: downlinks {sorted(lost)} were acknowledged to a broker and are lost")

    def accepted_of(self, device_ref: int) -> int:
        """Accepted uplinks of a device."""
        return self._by_device[device_ref]

    @property
    def delivered_count(self) -> int:
        return len(self._delivered)

    def check_ledger(self, connection: Connection) -> None:
        """I4, and that every frame row has its body; when everything has come to rest and application servers
        answer."""
        if self.broken:
            raise InvariantBroken("; ".join(self.broken))
        # A base station may be offered one in RX1 and again in RX2; the next one likewise.
        if self._join_accepts > 4 * self._joins:
            raise self._broken("a join-accept was sent without a session")
        # By connection; 0 for application servers of routes.
        listed = connection.execute(select(deliveries.c.frame_id, deliveries.c.queue))
        kept = {(frame_id, ledger.QueueName.parse(queue).connection_ref or 0) for frame_id, queue in listed}
        for frame_id, key in self._reported.items():
            if key not in self._delivered and (frame_id, 0) not in kept:
                raise self._broken(f"I4: uplink {key[1]} of {key[0]} is neither delivered nor listed")
        if self._flowed:
            self._check_flows(kept)
        stranded = connection.execute(select(func.count()).where(deliveries.c.state == 0)).scalar_one()
        if stranded:
            raise self._broken(f"I4: {stranded} messages are pending and nobody sends them")
        rows = set(connection.execute(select(frame_rows.c.id)).scalars())
        bodies = set(
            connection.execute(select(frame_bodies.c.frame_id).where(frame_bodies.c.part == 0)).scalars()
        )
        if rows != bodies:
            raise self._broken("a frame row has no body")

    def check_journal(self, records: Sequence[Record]) -> None:
        """I1 and I3 once more, over what is stored: also commits that were written and reported as failed."""
        uplinks = [
            (record.device_ref, int(record.dev_addr), record.fcnt)
            for record in records
            if isinstance(record, UplinkRecord) and record.outcome == "accepted"
        ]
        joins = [
            (record.device_ref, record.dev_nonce)
            for record in records
            if isinstance(record, JoinRecord) and record.outcome == "accepted" and record.rejoin_type is None
        ]
        for invariant, keys in (("I1", uplinks), ("I3", joins)):
            twice = [key for key, count in Counter(keys).items() if count > 1]
            if twice:
                raise self._broken(f"{invariant}: accepted twice: {twice[:5]}")

    def check_totals(self, connection: Connection) -> None:
        """I7, and the counts of devices by state of health."""
        hours = set(connection.execute(select(hourly_statistics.c.hour).distinct()).scalars())
        timeline = read_timeline(connection)
        hours |= {
            timeline.millis_of(id_) // HOUR for id_ in connection.execute(select(frame_rows.c.id)).scalars()
        }
        for hour in sorted(hours):
            for difference in recompute.differences(connection, hour):
                raise self._broken(f"I7: {difference}")
        block = devices.c.ref // (1 << DEVICE_BLOCK_BITS)
        counted = connection.execute(
            select(devices.c.subscriber_ref, block, devices.c.health, func.count()).group_by(
                devices.c.subscriber_ref, block, devices.c.health
            )
        )
        counts = device_counts.c
        of = (counts.subscriber_ref, counts.block, counts.health)
        number = total(counts.devices)
        kept = select(*of, number).group_by(*of).having(number != 0)
        if {tuple(row) for row in counted} != {tuple(row) for row in connection.execute(kept)}:
            raise self._broken("the counts of devices by health are not those of the devices")


class _Participant:
    """Sees the records of a server's commits."""

    def __init__(self, checker: Checker) -> None:
        self._checker = checker
        self._batch: list[Recorded] = []

    def rows(self, recorded: Sequence[Recorded], _frames: Sequence[FrameRow]) -> Sequence[Rows]:
        self._batch = list(recorded)
        return ()

    def committed(self) -> None:
        batch, self._batch = self._batch, []
        self._checker.committed(batch)

    def failed(self) -> None:
        self._batch = []
