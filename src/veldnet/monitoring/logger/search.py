"""Searching the journal. The answer always comes soon: a search looks back in growing steps, and stops after
so many frames with a mark from where it can go on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, or_, select

from veldnet.domain.resources import timestamp
from veldnet.lorawan import BaseStationId
from veldnet.monitoring.unknown_devices import UNKNOWN
from veldnet.network.core import FrameKind, decode_record
from veldnet.store import FrameRow, Prepared, read_timeline
from veldnet.store.expressions import address_digits, fitting
from veldnet.store.schema import (
    FRAME_COLUMNS,
    base_stations,
    deliveries,
    delivery_results,
    device_states,
    devices,
    frame_bodies,
    frames,
    multicast_groups,
    routes,
    subscribers,
)

from .lines import Line, Named, Places, line_matches, line_of
from .patterns import fits_any

_FEW = 2000
_STEPS = (2_000, 8_000, 30_000)
_HOUR = 3_600_000
_SPANS = (_HOUR, 6 * _HOUR, 24 * _HOUR, 24 * 7 * _HOUR, 24 * 40 * _HOUR)
_KINDS = {
    "UPLINK": FrameKind.UPLINK,
    "UPLINK_JOIN": FrameKind.JOIN_REQUEST,
    "DOWNLINK": FrameKind.DOWNLINK,
    "DOWNLINK_JOIN": FrameKind.JOIN_ACCEPT,
    "RESET": FrameKind.RESET,
    "REFUSED": FrameKind.REFUSED,
    "DOWNLINK_REFUSED": FrameKind.DOWNLINK_REJECTED,
    "LOCATION": FrameKind.LOCATION,
    "DOWNLINK_MULTICAST": FrameKind.MULTICAST,
    "MULTICAST_SUMMARY": FrameKind.MULTICAST_SUMMARY,
}


class Whose(msgspec.Struct, frozen=True):
    """Frames of a subscriber's devices; without one, of all an operator's, and those of nobody that its base
    stations heard."""

    operator_ref: int
    subscriber_ref: int | None = None


class Query(msgspec.Struct, frozen=True):
    """What is looked for. EUIs and addresses may hold `*`; lists are alternatives; times in Unix ms."""

    dev_euis: tuple[str, ...] = ()
    dev_addrs: tuple[str, ...] = ()
    device_ref: int | None = None
    base_stations: tuple[int, ...] = ()
    as_ids: tuple[str, ...] = ()
    packet_types: frozenset[str] = frozenset()
    # Only frames of devices that are not registered.
    unknown: bool = False
    start: int = 0
    end: int = 1 << 42

    @property
    def names_only(self) -> bool:
        """Whether devices are looked for by what they say of themselves."""
        return bool(self.dev_euis or self.dev_addrs) and not self.as_ids and self.device_ref is None

    @property
    def by_device(self) -> bool:
        return bool(self.dev_euis or self.dev_addrs or self.as_ids or self.device_ref is not None)


class Page(msgspec.Struct):
    """Frames, the newest first. `next` goes on behind the last one, absent at the end; `searchedTo` is how
    far back was looked."""

    frames: list[Line]
    next: str | None
    searchedTo: str | None


def own_devices(whose: Whose) -> Select[tuple[int]]:
    """Refs of the devices whose frames may be seen."""
    query = select(devices.c.ref)
    if whose.subscriber_ref is not None:
        return query.where(devices.c.subscriber_ref == whose.subscriber_ref)
    own = select(subscribers.c.ref).where(subscribers.c.operator_ref == whose.operator_ref)
    return query.where(devices.c.subscriber_ref.in_(own))


def _devices(whose: Whose, wanted: Query) -> Select[tuple[int]]:
    """The devices that a query names."""
    query = own_devices(whose)
    if wanted.device_ref is not None:
        query = query.where(devices.c.ref == wanted.device_ref)
    if wanted.dev_euis:
        query = query.where(or_(*(fitting(devices.c.dev_eui, text) for text in wanted.dev_euis)))
    if wanted.dev_addrs:
        current = address_digits(device_states.c.dev_addr)
        pending = address_digits(device_states.c.pending_dev_addr)
        matches = [fitting(column, text) for text in wanted.dev_addrs for column in (current, pending)]
        known = select(device_states.c.device_ref).where(
            or_(device_states.c.dev_addr.is_not(None), device_states.c.pending_dev_addr.is_not(None)),
            or_(*matches),
        )
        query = query.where(devices.c.ref.in_(known))
    if wanted.as_ids:
        profiles = select(routes.c.routing_profile_ref).where(routes.c.as_id.in_(wanted.as_ids))
        query = query.where(devices.c.routing_profile_ref.in_(profiles))
    return query


def _groups(connection: Connection, whose: Whose, wanted: Query) -> list[int]:
    """The multicast groups that a query names; frames have their numbers below 0."""
    if wanted.device_ref is not None or wanted.as_ids:
        return []
    of = multicast_groups.c
    own = select(subscribers.c.ref).where(subscribers.c.operator_ref == whose.operator_ref)
    query = select(of.ref).where(
        of.subscriber_ref.in_(own)
        if whose.subscriber_ref is None
        else of.subscriber_ref == whose.subscriber_ref
    )
    if wanted.dev_euis:
        query = query.where(or_(*(fitting(of.dev_eui, text) for text in wanted.dev_euis)))
    if wanted.dev_addrs:
        digits = address_digits(of.dev_addr)
        query = query.where(or_(*(fitting(digits, text) for text in wanted.dev_addrs)))
    return list(connection.execute(query.limit(_FEW + 1)).scalars())


def _filters(wanted: Query) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if wanted.base_stations:
        found.append(frames.c.base_station.in_(wanted.base_stations))
    if wanted.packet_types:
        kinds = {
            int(_KINDS[kind if kind in _KINDS else kind.partition("_")[0]]) for kind in wanted.packet_types
        }
        found.append(frames.c.kind.in_(kinds))
    if wanted.unknown:
        found.append(frames.c.outcome.in_(UNKNOWN))
    return found


class _Range(NamedTuple):
    """Frame ids from `bottom` on, those from `top` on not in it."""

    bottom: int
    top: int


class _Collector:
    """Turns rows into lines until there are enough."""

    def __init__(self, connection: Connection, wanted: Query, limit: int, places: Places) -> None:
        self.connection = connection
        self.wanted = wanted
        self.limit = limit
        self.lines: list[Line] = []
        self.examined = 0
        self._places = places

    @property
    def full(self) -> bool:
        return len(self.lines) >= self.limit

    def fetch(self, query: Select[Any], most: int) -> list[FrameRow]:
        """Take the newest frames of a query, at most so many; returns all that were read."""
        newest = query.where(*_filters(self.wanted)).order_by(frames.c.id.desc()).limit(most)
        rows = [FrameRow(*row) for row in self.connection.execute(newest).all()]
        for start in range(0, len(rows), 200):
            if self.full:
                break
            self._take(rows[start : start + 200])
        return rows

    def _named_so(self, line: Line) -> bool:
        """Whether a frame of nobody bears the identifiers looked for; others were chosen by device."""
        return (
            line.deviceRef is not None
            or line.groupRef is not None
            or (
                fits_any(line.deviceEUI, self.wanted.dev_euis)
                and fits_any(line.devAddr, self.wanted.dev_addrs)
            )
        )

    def _take(self, rows: Sequence[FrameRow]) -> None:
        ids = [row.id for row in rows]
        bodies = dict(_BODIES.columns(self.connection, {"frames": ids}))
        named = _named(self.connection, {row.device_ref for row in rows} - {0})
        for row in rows:
            self.examined += 1
            body = bodies.get(row.id)
            record = None if body is None else decode_record(body)
            line = line_of(row, record, named.get(row.device_ref), self._places)
            if line_matches(line, self.wanted.packet_types) and self._named_so(line):
                self.lines.append(line)
                if self.full:
                    return


_BODIES = Prepared(
    select(frame_bodies.c.frame_id, frame_bodies.c.body).where(
        frame_bodies.c.frame_id.in_(bindparam("frames", expanding=True)), frame_bodies.c.part == 0
    )
)
_NAMED = Prepared(
    select(
        devices.c.ref,
        devices.c.dev_eui,
        devices.c.name,
        devices.c.profile_ref,
        devices.c.latitude,
        devices.c.longitude,
        devices.c.hsm_group_ref.is_not(None),
    ).where(devices.c.ref.in_(bindparam("refs", expanding=True)))
)


def _named(connection: Connection, refs: set[int]) -> dict[int, Named]:
    named = {ref: Named(ref, *others) for ref, *others in _NAMED.columns(connection, {"refs": list(refs)})}
    numbers = [-ref for ref in refs if ref < 0]
    if numbers:
        of_group = multicast_groups.c
        listed = connection.execute(
            select(of_group.ref, of_group.dev_eui, of_group.name).where(of_group.ref.in_(numbers))
        )
        named |= {-row.ref: Named(-row.ref, row.dev_eui, row.name, 0) for row in listed}
    return named


def search(
    connection: Connection, whose: Whose, wanted: Query, before: int | None, limit: int, places: Places
) -> Page:
    """The newest frames that match, at most `limit`, behind the frame id `before`."""
    timeline = read_timeline(connection)
    top = timeline.first_id_at(wanted.end)
    if before is not None:
        top = min(top, before)
    bottom = timeline.first_id_at(wanted.start)
    few = _few(connection, whose, wanted)
    if few == [] and whose.subscriber_ref is None and wanted.names_only:
        # Of a device that is not registered, perhaps.
        wanted = replace(wanted, unknown=True)
    collector = _Collector(connection, wanted, limit, places)
    ids = _Range(bottom, top)
    if wanted.unknown:
        reached = None
        if whose.subscriber_ref is None:
            reached = _of_few(collector, _of_nobody(connection, whose), ids)
    elif few is not None:
        reached = _of_few(collector, frames.c.device_ref.in_(few), ids) if few else None
    else:
        reached = _of_many(collector, whose, ids)
    _add_deliveries(connection, collector.lines)
    if collector.full:
        reached = int(collector.lines[-1].id)
    over = reached is None or reached <= bottom
    return Page(
        collector.lines,
        None if over else str(reached),
        None if reached is None else timestamp(max(timeline.millis_of(reached), 0)),
    )


def _few(connection: Connection, whose: Whose, wanted: Query) -> list[int] | None:
    """The devices that are searched one by one; None where they are too many, or not named."""
    if wanted.unknown or (whose.subscriber_ref is None and not wanted.by_device):
        return None
    theirs = connection.execute(_devices(whose, wanted).limit(_FEW + 1)).all()
    few = [row.ref for row in theirs]
    few += [-ref for ref in _groups(connection, whose, wanted)]
    return few if len(few) <= _FEW else None


def _of_few(collector: _Collector, theirs: ColumnElement[bool], ids: _Range) -> int | None:
    """Frames of a few devices, or of nobody, which lie side by side in the journal: looked for in growing
    spans of time. Returns how far it came, None for the whole way."""
    connection, bottom = collector.connection, ids.bottom
    latest = connection.execute(select(func.max(frames.c.id)).where(theirs, frames.c.id < ids.top)).scalar()
    if latest is None:
        return None
    timeline = read_timeline(connection)
    newest, upper, page = timeline.millis_of(latest), latest + 1, max(collector.limit, 200)
    for span in _SPANS:
        lower = max(timeline.first_id_at(max(newest - span, 0)), bottom)
        while not collector.full:
            within = (frames.c.id >= lower) & (frames.c.id < upper)
            rows = collector.fetch(select(*FRAME_COLUMNS).where(theirs, within), page)
            if rows:
                upper = rows[-1].id
            if len(rows) < page:
                break
            if collector.examined > _STEPS[-1]:
                return int(upper)
        if collector.full:
            return int(upper)
        upper = lower
        if lower <= bottom:
            return None
    return None


def _own_frames(connection: Connection, whose: Whose, wanted: Query) -> ColumnElement[bool]:
    """The frames that may be seen and that a query names."""
    if whose.subscriber_ref is not None and not wanted.by_device:
        return frames.c.subscriber_ref == whose.subscriber_ref
    own = frames.c.device_ref.in_(_devices(whose, wanted))
    if wanted.by_device:
        return own
    return or_(own, _of_nobody(connection, whose))


def _of_nobody(connection: Connection, whose: Whose) -> ColumnElement[bool]:
    """Frames of no device that an operator's base stations heard."""
    stations = connection.execute(
        select(base_stations.c.id).where(base_stations.c.operator_ref == whose.operator_ref)
    ).scalars()
    heard = frames.c.base_station.in_([int(BaseStationId.parse(station)) for station in stations])
    return (frames.c.device_ref == 0) & heard


def _of_many(collector: _Collector, whose: Whose, ids: _Range) -> int | None:
    """Frames of many devices: the journal is read backwards. Returns how far it came, None for the whole."""
    upper, page = ids.top, max(collector.limit, 200) * 5
    own = _own_frames(collector.connection, whose, collector.wanted)
    for step in _STEPS:
        slice_ = (
            select(frames.c.id, frames.c.device_ref)
            .where(frames.c.id < upper, frames.c.id >= ids.bottom)
            .order_by(frames.c.id.desc())
            .limit(step)
            .subquery()
        )
        of_slice = (slice_.c.id == frames.c.id) & (slice_.c.device_ref == frames.c.device_ref)
        rows = collector.fetch(select(*FRAME_COLUMNS).join(slice_, of_slice).where(own), page)
        if collector.full:
            return upper
        if len(rows) == page:
            upper = rows[-1].id
            continue
        lowest, count = collector.connection.execute(
            select(func.min(slice_.c.id), func.count()).select_from(slice_)
        ).one()
        if lowest is None or count < step:
            return None
        upper = lowest
    return upper


def _add_deliveries(connection: Connection, lines: list[Line]) -> None:
    """What became of the messages of some frames."""
    of = {int(line.id): line for line in lines if line.deviceRef is not None or line.groupRef is not None}
    for frame_id, result in _RESULTS.columns(connection, {"frames": list(of)}):
        line = of[frame_id]
        ok = msgspec.json.decode(result, type=_Result).status == "Ok"
        line.deliveries = "OK" if ok and line.deliveries != "ERROR" else "ERROR"
    refs = {int(line.deviceRef) for line in lines if line.deviceRef is not None}
    refs |= {-int(line.groupRef) for line in lines if line.groupRef is not None}
    for frame_id, state in _DELIVERIES.columns(connection, {"devices": list(refs), "frames": list(of)}):
        of[frame_id].deliveries = "ERROR" if state else "PENDING"


_RESULTS = Prepared(
    select(delivery_results.c.frame_id, delivery_results.c.result).where(
        delivery_results.c.frame_id.in_(bindparam("frames", expanding=True))
    )
)
_DELIVERIES = Prepared(
    select(deliveries.c.frame_id, deliveries.c.state).where(
        deliveries.c.device_ref.in_(bindparam("devices", expanding=True)),
        deliveries.c.frame_id.in_(bindparam("frames", expanding=True)),
    )
)


def delivery_states(connection: Connection, whose: Whose, ids: Sequence[int]) -> dict[str, str]:
    """What became of the messages of frames, by frame id; frames of others are left out."""
    rows = connection.execute(
        select(*FRAME_COLUMNS).where(frames.c.id.in_(ids), frames.c.device_ref.in_(own_devices(whose)))
    )
    found = [FrameRow(*row) for row in rows]
    lines = [line_of(row, None, Named(row.device_ref, "", "", 0), lambda _station: None) for row in found]
    _add_deliveries(connection, lines)
    return {line.id: line.deliveries for line in lines if line.deliveries is not None}


class _Result(msgspec.Struct):
    status: str
