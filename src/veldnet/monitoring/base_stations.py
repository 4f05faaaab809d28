"""Alarms of base stations: connection, uplink traffic, backhaul, airtime, forged and replayed frames.

There are few of them, so they are looked at in turn, every few seconds. Their alarms live by the same
machine as those of devices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import msgspec
import structlog
from sqlalchemy import Connection, delete, insert, select

from veldnet.lorawan import BaseStationId
from veldnet.store import IdSource, Store, put
from veldnet.store.schema import base_station_alarms, notifications

from .alarms import machine, types
from .alarms.machine import Alarm, Cleared, Raised, Signal, Step
from .alarms.types import BASE_STATION_TYPES, AlarmType
from .monitor import FrameAlarm
from .notification.events import OPERATOR, AlarmEvent, Recipients, encode_event

log = structlog.get_logger(__name__)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a base station. Times in Unix seconds; None where nothing is known. `packets` and
    `bad_packets` are those of its recent status reports, `acknowledged` the share of its datagrams that we
    acknowledged, `downlink_load` the share used of the airtime that its duty cycles allow."""

    name: str
    operator_ref: int
    seen_at: float | None = None
    up_since: float | None = None
    frame_at: float | None = None
    gps_at: float | None = None
    restarted_at: float | None = None
    packets: int = 0
    bad_packets: int = 0
    acknowledged: float | None = None
    downlink_load: float = 0.0
    # Addresses that its EUI is used from at once; seconds that its clock is ahead of ours where it is wrong.
    addresses: tuple[str, ...] = ()
    clock_error: float | None = None
    # Whether it refuses to transmit at GPS times; None for one that sends no beacons.
    gps_refused: bool | None = None
    # The kind of update that it has fetched and not reported yet; empty where there is none.
    overdue: str | None = None
    # Whether most of its fine timestamps do not fit those of others; None where too few could be checked.
    wrong_stamps: bool | None = None


class Limits(msgspec.Struct, frozen=True):
    """When something is wrong; times in seconds."""

    silence: float = 180.0
    no_frames: float = 43_200.0
    bad_crc: float = 0.9
    good_crc: float = 0.8
    packets: int = 100
    bad_backhaul: float = 0.8
    good_backhaul: float = 0.95
    overload: float = 0.9
    normal_load: float = 0.7
    gps_lost: float = 600.0
    restarted: float = 3600.0


def restart(facts: Facts, limits: Limits, now: float) -> Iterator[Signal]:
    """101: it has restarted within the last hour, by its counter."""
    if facts.restarted_at is not None and now - facts.restarted_at < limits.restarted:
        yield Raised(types.RESTARTED)
    elif facts.seen_at is not None:
        yield Cleared(types.RESTARTED)


def connection(facts: Facts, limits: Limits, now: float) -> Iterator[Signal]:
    """102: no contact."""
    if facts.seen_at is None:
        return
    silent = now - facts.seen_at
    if silent >= limits.silence:
        yield Raised(types.CONNECTION, (f"{silent / 60:.0f} min",))
    else:
        yield Cleared(types.CONNECTION)


def radio(facts: Facts, limits: Limits, now: float) -> Iterator[Signal]:
    """103: it is connected and receives no frames; 104: too many frames with CRC errors."""
    if facts.frame_at is not None and facts.seen_at is not None and now - facts.seen_at < limits.silence:
        # While it was disconnected it could not receive.
        deaf = now - max(facts.frame_at, facts.up_since or 0.0)
        if deaf >= limits.no_frames:
            yield Raised(types.LOW_TRAFFIC, (f"{deaf / 3600:.0f} h",))
        else:
            yield Cleared(types.LOW_TRAFFIC)
    if facts.packets >= limits.packets:
        bad = facts.bad_packets / facts.packets
        if bad >= limits.bad_crc:
            yield Raised(types.INVALID_CRC, (f"{bad:.0%}",))
        elif bad < limits.good_crc:
            yield Cleared(types.INVALID_CRC, (f"{bad:.0%}",))


def backhaul(facts: Facts, limits: Limits, _now: float) -> Iterator[Signal]:
    """121: part of what it sends does not arrive."""
    share = facts.acknowledged
    if share is None:
        return
    if share < limits.bad_backhaul:
        yield Raised(types.BACKHAUL, (f"{share:.0%}",))
    elif share >= limits.good_backhaul:
        yield Cleared(types.BACKHAUL, (f"{share:.0%}",))


def downlink_load(facts: Facts, limits: Limits, _now: float) -> Iterator[Signal]:
    """105: nearly all airtime allowed for downlinks is in use."""
    if facts.downlink_load >= limits.overload:
        yield Raised(types.DOWNLINK_OVERLOAD, (f"{facts.downlink_load:.0%}",))
    elif facts.downlink_load < limits.normal_load:
        yield Cleared(types.DOWNLINK_OVERLOAD, (f"{facts.downlink_load:.0%}",))


def time_source(facts: Facts, limits: Limits, _now: float) -> Iterator[Signal]:
    """109: its clock is wrong, or it has lost GPS time."""
    if facts.clock_error is not None:
        way = "behind" if facts.clock_error < 0 else "ahead"
        yield Raised(types.TIME_LOST, (f"{abs(facts.clock_error):.0f} s {way}",))
        return
    if facts.gps_at is None or facts.frame_at is None:
        return
    if facts.frame_at - facts.gps_at >= limits.gps_lost:
        yield Raised(types.TIME_LOST)
    else:
        yield Cleared(types.TIME_LOST)


def beacon(facts: Facts, _limits: Limits, _now: float) -> Iterator[Signal]:
    """111: it is to send beacons, and says that it has no GPS time, which they need."""
    if facts.gps_refused:
        yield Raised(types.BEACON_FAILURE)
    elif facts.gps_refused is not None:
        yield Cleared(types.BEACON_FAILURE)


def duplicate(facts: Facts, _limits: Limits, _now: float) -> Iterator[Signal]:
    """202: several base stations use its EUI."""
    if facts.addresses:
        yield Raised(types.DUPLICATE_EUI, facts.addresses[:5])
    elif facts.seen_at is not None:
        yield Cleared(types.DUPLICATE_EUI)


def update_overdue(facts: Facts, _limits: Limits, _now: float) -> Iterator[Signal]:
    """205: it has fetched an update, and has not reported since."""
    if facts.overdue:
        yield Raised(types.UPDATE_OVERDUE, (facts.overdue,))
    elif facts.overdue is not None:
        yield Cleared(types.UPDATE_OVERDUE)


def fine_timestamps(facts: Facts, _limits: Limits, _now: float) -> Iterator[Signal]:
    """206: devices cannot be located by its timestamps."""
    if facts.wrong_stamps:
        yield Raised(types.WRONG_STAMPS)
    elif facts.wrong_stamps is not None:
        yield Cleared(types.WRONG_STAMPS)


RULES = (
    restart,
    connection,
    radio,
    backhaul,
    downlink_load,
    time_source,
    beacon,
    duplicate,
    update_overdue,
    fine_timestamps,
)


class _Change(msgspec.Struct, frozen=True):
    station: BaseStationId
    facts: Facts
    step: Step
    infos: tuple[str, ...]


class BaseStationMonitor:
    """The alarms of all base stations, in memory and in the store."""

    def __init__(
        self,
        store: Store,
        ids: IdSource,
        recipients: Recipients,
        *,
        clock: Callable[[], float],
        limits: Limits | None = None,
        kinds: dict[int, AlarmType] = BASE_STATION_TYPES,
    ) -> None:
        self._store = store
        self._ids = ids
        self._recipients = recipients
        self._clock = clock
        self._limits = limits or Limits()
        self._kinds = kinds
        self._alarms: dict[tuple[BaseStationId, int], Alarm] = {}
        # How often since the last look, and what was said last.
        self._heard: dict[tuple[BaseStationId, int], tuple[int, tuple[str, ...]]] = {}
        self._on_change: Callable[[], None] = lambda: None

    def on_notification(self, wake: Callable[[], None]) -> None:
        self._on_change = wake

    def heard(self, alarm: FrameAlarm) -> None:
        """Count a frame that raises an alarm; it is written with the next look."""
        key = (alarm.base_station, alarm.type)
        self._heard[key] = self._heard.get(key, (0, ()))[0] + 1, alarm.infos

    async def load(self) -> None:
        """Take up the alarms that an earlier process left, or that another one has acknowledged."""
        self._alarms = await self._store.read(_load)

    def is_down(self, station: BaseStationId) -> bool:
        alarm = self._alarms.get((station, types.CONNECTION))
        return alarm is not None and alarm.active

    def cause(self, stations: tuple[int, ...]) -> str | None:
        """The base station that is to blame when devices heard at these fall silent: all of them are down."""
        heard = [BaseStationId(station) for station in stations]
        return str(heard[0]) if heard and all(self.is_down(station) for station in heard) else None

    @property
    def active(self) -> dict[int, int]:
        """Active alarms by type."""
        counts = dict.fromkeys(self._kinds, 0)
        for alarm in self._alarms.values():
            if alarm.active:
                counts[alarm.type] += 1
        return counts

    async def check(self, stations: Mapping[BaseStationId, Facts]) -> None:
        """Judge all base stations; what changes is written before it counts."""
        now = self._clock()
        heard, self._heard = self._heard, {}
        changes = [
            change
            for station, facts in stations.items()
            for change in self._judge_one(station, facts, heard, now)
        ]
        gone = {station for station, _type in self._alarms if station not in stations}
        if not changes and not gone:
            return
        events = [row for change in changes if (row := self._event(change)) is not None]
        await self._store.write(partial(_write, changes, gone, events))
        for change in changes:
            assert change.step.alarm is not None
            self._alarms[(change.station, change.step.alarm.type)] = change.step.alarm
        for key in [key for key in self._alarms if key[0] in gone]:
            del self._alarms[key]
        if events:
            self._on_change()

    def _judge_one(
        self,
        station: BaseStationId,
        facts: Facts,
        heard: Mapping[tuple[BaseStationId, int], tuple[int, tuple[str, ...]]],
        now: float,
    ) -> list[_Change]:
        """What changes at one; a defect in that keeps no other from being judged."""
        try:
            changes = list(self._judge(station, facts, now))
            return changes + list(self._judge_frames(station, facts, heard, round(now * 1000)))
        except Exception:
            log.exception("base_station_check_failed", base_station=str(station))
            return []

    def _judge(self, station: BaseStationId, facts: Facts, now: float) -> Iterator[_Change]:
        for rule in RULES:
            for signal in rule(facts, self._limits, now):
                before = self._alarms.get((station, signal.type))
                step = machine.apply(self._kinds[signal.type], before, signal, round(now * 1000))
                # A state that merely goes on is not written every few seconds.
                if step.written and step.change is not None:
                    yield _Change(station, facts, step, signal.infos)

    def _judge_frames(
        self,
        station: BaseStationId,
        facts: Facts,
        heard: Mapping[tuple[BaseStationId, int], tuple[int, tuple[str, ...]]],
        now: int,
    ) -> Iterator[_Change]:
        """114 to 120: frames that were forged or replayed; until there was none for a day."""
        for number in types.OF_FRAMES.values():
            kind, before = self._kinds[number], self._alarms.get((station, number))
            count, infos = heard.get((station, number), (0, ()))
            if count:
                yield _Change(station, facts, machine.raise_often(kind, before, infos, count, now), infos)
            elif before is not None and before.active and now - before.updated_at >= types.DAY:
                yield _Change(station, facts, machine.clear_alarm(before, now), ())

    def _event(self, change: _Change) -> tuple[int, int, bytes] | None:
        alarm, what = change.step.alarm, change.step.change
        if alarm is None or what is None:
            return None
        log.info("base_station_alarm", base_station=str(change.station), type=alarm.type, change=what)
        if not self._recipients.wants_base_station(change.facts.operator_ref, what, alarm.state):
            return None
        event = AlarmEvent(
            change=what,
            type=alarm.type,
            state=alarm.state,
            at=alarm.updated_at,
            subject=str(change.station),
            name=change.facts.name,
            infos=change.infos,
        )
        return self._ids.next(self._clock()), change.facts.operator_ref, encode_event(event)


_MACHINE = ("type", "object", "state", "occurrence", "acked", "created_at", "updated_at")


def _load(connection: Connection) -> dict[tuple[BaseStationId, int], Alarm]:
    rows = connection.execute(select(base_station_alarms)).mappings()
    return {
        (BaseStationId(row["base_station"]), row["type"]): Alarm(*(row[name] for name in _MACHINE))
        for row in rows
    }


def _write(
    changes: list[_Change],
    gone: set[BaseStationId],
    events: list[tuple[int, int, bytes]],
    connection: Connection,
) -> None:
    columns = base_station_alarms.c
    for change in changes:
        alarm = change.step.alarm
        assert alarm is not None
        values = {name: getattr(alarm, name) for name in _MACHINE} | {
            f"info{number + 1}": change.infos[number] if number < len(change.infos) else None
            for number in range(5)
        }
        # Somebody may have acknowledged it meanwhile; only what withdraws that writes over it.
        kept = ("acked",) if change.step.change in (None, "changed", "cleared") else ()
        put(
            connection,
            base_station_alarms,
            {"base_station": int(change.station), **values},
            ("base_station", "type", "object"),
            kept=kept,
        )
    for station in gone:
        connection.execute(delete(base_station_alarms).where(columns.base_station == int(station)))
    for identifier, operator_ref, event in events:
        connection.execute(
            insert(notifications).values(id=identifier, scope=OPERATOR, scope_ref=operator_ref, event=event)
        )


def acknowledge_stored(
    connection: Connection, station: BaseStationId, kind: int, now: int, author: str
) -> bool:
    """Write down that somebody has seen an alarm; False if there is none such."""
    columns = base_station_alarms.c
    done = connection.execute(
        base_station_alarms.update()
        .where(columns.base_station == int(station), columns.type == kind)
        .values(acked=True, acked_at=now, ack_author=author)
    )
    return done.rowcount == 1
