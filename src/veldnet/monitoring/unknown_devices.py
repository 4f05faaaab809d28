"""Devices that were heard and are not registered: those that ask to join, and DevAddrs that no session has.

They are remembered in memory, a bounded number of them, and taken from the journal again at a start, so that
nothing is written for a frame. Anybody can send with any number of made-up EUIs: those heard once are
forgotten first.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, select

from veldnet.lorawan import frames
from veldnet.lorawan.frames import DataFrame, FrameError, JoinRequest, RejoinRequest
from veldnet.network.core import RefusedRecord, decode_record
from veldnet.network.shell import Recorded
from veldnet.store import FrameRow, Rows, Store
from veldnet.store.schema import frame_bodies
from veldnet.store.schema import frames as frame_rows

# Outcomes of frames that no registered device sent.
UNKNOWN_DEV_EUI = "unknown_dev_eui"
UNKNOWN_DEV_ADDR = "unknown_dev_addr"
UNKNOWN = (UNKNOWN_DEV_EUI, UNKNOWN_DEV_ADDR)

MOST_DEVICES = 5000
_MOST_STATIONS = 8
# Frames of the journal that are read at a start.
_MOST_READ = 3000


class Heard(msgspec.Struct, array_like=True):
    """The last frame that a base station heard; time in Unix seconds, dBm, dB."""

    at: float
    rssi: float | None
    snr: float | None


class UnknownDevice(msgspec.Struct, array_like=True):
    """A device that asks to join, by its EUIs, or sends from a DevAddr. Times in Unix seconds."""

    dev_eui: str | None
    join_eui: str | None
    dev_addr: str | None
    first_at: float
    last_at: float
    modulation: str
    frames: int = 0
    heard: dict[int, Heard] = {}

    @property
    def key(self) -> str:
        return self.dev_eui or self.dev_addr or ""

    def joined(self, other: UnknownDevice) -> UnknownDevice:
        """The same device as two nodes have heard it. Both may have counted what the journal held."""
        later, earlier = (self, other) if self.last_at >= other.last_at else (other, self)
        heard = dict(later.heard)
        for station, reception in earlier.heard.items():
            if station not in heard or heard[station].at < reception.at:
                heard[station] = reception
        return replace(
            later,
            join_eui=later.join_eui or earlier.join_eui,
            first_at=min(self.first_at, other.first_at),
            frames=max(self.frames, other.frames),
            heard=heard,
        )


class Identity(msgspec.Struct, frozen=True):
    """How a frame names its sender."""

    dev_eui: str | None = None
    join_eui: str | None = None
    dev_addr: str | None = None


def identity_of(phy_payload: bytes) -> Identity | None:
    """Who sent a frame, as far as it says so; None for what cannot be read."""
    try:
        frame = frames.parse(phy_payload)
    except FrameError:
        return None
    if isinstance(frame, JoinRequest | RejoinRequest):
        return Identity(str(frame.dev_eui), None if frame.join_eui is None else str(frame.join_eui))
    if isinstance(frame, DataFrame):
        return Identity(dev_addr=str(frame.dev_addr))
    return None


def heard_by(stations: Collection[int], devices: Iterable[UnknownDevice]) -> list[UnknownDevice]:
    """What certain base stations have heard, and nothing of others."""
    found = []
    for device in devices:
        heard = {station: reception for station, reception in device.heard.items() if station in stations}
        if heard:
            found.append(replace(device, heard=heard))
    return found


def joined(lists: Iterable[Iterable[UnknownDevice]]) -> list[UnknownDevice]:
    """What several nodes have heard as one list, the device heard last first."""
    found: dict[str, UnknownDevice] = {}
    for device in (device for devices in lists for device in devices):
        known = found.get(device.key)
        found[device.key] = device if known is None else known.joined(device)
    return sorted(found.values(), key=lambda device: device.last_at, reverse=True)


class UnknownDevices:
    """Takes part in the frames' commits, without rows of its own."""

    def __init__(self, most: int = MOST_DEVICES) -> None:
        self._most = most
        # Heard once, and again: each in the order in which they were heard last.
        self._once: dict[str, UnknownDevice] = {}
        self._again: dict[str, UnknownDevice] = {}
        self._writing: list[RefusedRecord] = []

    async def load(self, store: Store) -> None:
        """Take up what the journal still holds."""
        for record in reversed(await store.read(_newest)):
            self._note(record)

    def listed(self) -> list[UnknownDevice]:
        """Those remembered, the one heard last first."""
        return sorted(
            [*self._once.values(), *self._again.values()], key=lambda device: device.last_at, reverse=True
        )

    # Part of the commit.

    def rows(self, recorded: Sequence[Recorded], _frames: Sequence[FrameRow]) -> Sequence[Rows]:
        self._writing = [
            record
            for record, _device, _entry in recorded
            if isinstance(record, RefusedRecord) and not record.device_ref and record.outcome in UNKNOWN
        ]
        return ()

    def committed(self) -> None:
        writing, self._writing = self._writing, []
        for record in writing:
            self._note(record)

    def failed(self) -> None:
        self._writing = []

    def _note(self, record: RefusedRecord) -> None:
        who = identity_of(record.phy_payload)
        key = None if who is None else who.dev_eui or who.dev_addr
        if who is None or key is None:
            return
        device = self._again.pop(key, None) or self._once.pop(key, None)
        if device is None:
            device = UnknownDevice(who.dev_eui, None, who.dev_addr, record.time, record.time, "")
        device.join_eui = who.join_eui or device.join_eui
        device.last_at, device.modulation = record.time, str(record.modulation)
        device.frames += 1
        for copy in record.copies:
            station = int(copy.base_station)
            device.heard.pop(station, None)
            device.heard[station] = Heard(copy.received_at, copy.rssi, copy.snr)
        while len(device.heard) > _MOST_STATIONS:
            del device.heard[next(iter(device.heard))]
        place = self._once if device.frames == 1 else self._again
        place[key] = device
        if len(self._once) + len(self._again) > self._most:
            crowd = self._once or self._again
            del crowd[next(iter(crowd))]


def _newest(connection: Connection) -> list[RefusedRecord]:
    """Frames of unknown devices that the journal holds, newest first."""
    ids = (
        select(frame_rows.c.id)
        .where(frame_rows.c.device_ref == 0, frame_rows.c.outcome.in_(UNKNOWN))
        .order_by(frame_rows.c.id.desc())
        .limit(_MOST_READ)
    )
    bodies = connection.execute(
        select(frame_bodies.c.body)
        .where(frame_bodies.c.frame_id.in_(ids), frame_bodies.c.part == 0)
        .order_by(frame_bodies.c.frame_id.desc())
    )
    records = [decode_record(row.body) for row in bodies]
    return [record for record in records if isinstance(record, RefusedRecord)]
