"""Takes uplinks to the solver and its answers back into the commits.

Nothing waits for it: what does not fit the queue is dropped and counted, and a device has so many solutions
in a time at most. What is known of a device's movement stays in memory, bounded; after a restart, or at
another node, it begins at the last solution, which is stored with the device.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Sequence
from typing import NamedTuple, Protocol, TypeVar

import msgspec
import structlog
from msgspec.structs import replace

from veldnet.domain.geofences import Circle, Geofence, Verdict, judge
from veldnet.domain.locations import (
    BOTH,
    RSSI,
    TDOA,
    LocationState,
    NetworkLocation,
    Place,
    Reason,
    encode_location,
)
from veldnet.location import Answer, Hearing, Limits, Motion, Problem, Reference, Track
from veldnet.lorawan import BaseStationId, DevAddr
from veldnet.lorawan.airtime import estimated_signal_power
from veldnet.network.core import Copy, Device, LocationRecord, Record, ResetRecord, UplinkRecord
from veldnet.network.shell import Entry, Recorded, Runtime
from veldnet.store import (
    FoundPlaceRow,
    FrameRow,
    LocationRow,
    LocationStateRow,
    LostPlaceRow,
    Rows,
    Statement,
    StoreError,
)

from .geofences import Geofences
from .pool import SolverPool
from .referees import Placed, Referees

V = TypeVar("V")

# m/s of a device by its motion indicator.
_SPEEDS = {
    "NEAR_STATIC": 0.0,
    "WALKING_SPEED": 2.0,
    "BIKE_SPEED": 8.0,
    "VEHICLE_SPEED": 40.0,
    "RANDOM": 40.0,
}
_REQUESTED = {"TDOA": TDOA, "RSSI": RSSI, None: BOTH}
log = structlog.get_logger(__name__)

# EIRP in dBm of a device of which nothing else is known.
_EIRP = 14.0
# Devices whose movement is in memory.
_MOST_TRACKS = 50_000


class Stations(Protocol):
    """Where base stations stand."""

    def placed(self, base_station: BaseStationId) -> Placed | None: ...


class Located(msgspec.Struct, frozen=True):
    """How much is located: seconds between two solutions of a device, problems that wait at most, the timing
    error in metres that surroundings cause, and the devices at known places, upper-case DevEUIs."""

    interval: float = 10.0
    waiting: int = 1000
    timing: float = 75.0
    references: frozenset[str] = frozenset()


class _Job(NamedTuple):
    """An uplink to locate a device by."""

    device_ref: int
    frame: int
    time: float
    fcnt: int
    dev_addr: DevAddr
    copies: tuple[Copy, ...]
    eirp: float


class Commits(Protocol):
    """The part of the commit loop that is needed."""

    def note(self, entry: Entry, record: Record) -> None: ...


class Devices(Protocol):
    """The part of the device table that is needed."""

    async def get(self, *, ref: int | None = None, dev_eui: str | None = None) -> Entry | None: ...


class Counters:
    """What became of uplinks: solutions by method, why there was none, and what was left out."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()


class LocationKeeper:
    """Takes part in the commits. `run` is a background task for each problem that can be solved at once."""

    def __init__(
        self,
        runtime: Runtime,
        devices: Devices,
        commits: Commits,
        stations: Stations,
        pool: SolverPool,
        located: Located,
    ) -> None:
        self._clock, self._ids = runtime.clock, runtime.ids
        self._devices, self._commits = devices, commits
        self._stations, self._pool, self._located = stations, pool, located
        self.referees = Referees()
        self.geofences = Geofences()
        self.counters = Counters()
        self._new: list[_Job] = []
        self._waiting: deque[_Job] = deque()
        self._arrived = asyncio.Event()
        # When a device was taken up last, and how it moves.
        self._taken: OrderedDict[int, float] = OrderedDict()
        self._tracks: OrderedDict[int, Track] = OrderedDict()
        self._busy = 0

    # Part of the commit.

    def rows(self, recorded: Sequence[Recorded], _frames: Sequence[FrameRow]) -> Sequence[Rows]:
        places: list[LocationRow] = []
        # The last place of each; None where nothing is known any more.
        last: dict[int, FoundPlaceRow | None] = {}
        states: list[LocationStateRow] = []
        for record, device, entry in recorded:
            if device is None or entry is None:
                continue
            if isinstance(record, UplinkRecord):
                self._uplink(record, device)
            elif isinstance(record, LocationRecord):
                if record.location is not None:
                    places.append(_row(record, record.location))
                    last[record.device_ref] = _found(places[-1])
                states.append(_state_row(entry))
            elif isinstance(record, ResetRecord) and entry.device.row.network_location is not None:
                # Of what it was before, nothing is repeated.
                self._tracks.pop(device.row.ref, None)
                entry.device = replace(device, row=replace(device.row, network_location=None))
                states.append(_state_row(entry))
                last[device.row.ref] = None
        written: tuple[Rows, ...] = (
            (Statement.INSERT_LOCATION, places),
            (Statement.UPDATE_LOCATION, states),
            (Statement.PUT_FOUND_PLACE, [row for row in last.values() if row is not None]),
            (Statement.DELETE_FOUND_PLACE, [LostPlaceRow(ref) for ref, row in last.items() if row is None]),
        )
        return [rows for rows in written if rows[1]]

    def _uplink(self, record: UplinkRecord, device: Device) -> None:
        plan = device.plan
        if plan is None or not plan.nwGeolocalization or record.outcome != "accepted" or record.late:
            return
        eirp = _EIRP if record.tx_power is None else record.tx_power
        self._new.append(
            _Job(record.device_ref, record.id, record.time, record.fcnt, record.dev_addr, record.copies, eirp)
        )

    def committed(self) -> None:
        new, self._new = self._new, []
        for job in new:
            if len(self._waiting) >= self._located.waiting:
                self.counters.outcomes["dropped"] += 1
            elif job.time - self._taken.get(job.device_ref, -1e12) < self._located.interval:
                self.counters.outcomes["too_often"] += 1
            else:
                _remember(self._taken, job.device_ref, job.time)
                self._waiting.append(job)
                self._arrived.set()

    def failed(self) -> None:
        self._new.clear()

    # Solving.

    @property
    def waiting(self) -> int:
        """Uplinks that wait for a solver, or are with one."""
        return len(self._waiting) + self._busy

    async def run(self) -> None:
        """Solve what comes, one after the other."""
        while True:
            while not self._waiting:
                self._arrived.clear()
                await self._arrived.wait()
            self._busy += 1
            try:
                await self._next()
            finally:
                self._busy -= 1

    async def settle(self) -> None:
        """Solve what waits now."""
        while self._waiting:
            await self._next()

    async def _next(self) -> None:
        job = self._waiting.popleft()
        try:
            await self._locate(job)
        except Exception:
            # A defect with one device keeps no other from being located.
            self.counters.outcomes["broken"] += 1
            log.exception("location_failed", device_ref=job.device_ref, frame=job.frame)

    async def _locate(self, job: _Job) -> None:
        entry = await self._found(job)
        if entry is None or entry.device.plan is None:
            return
        plan, row = entry.device.plan, entry.device.row
        heard = self._heard(job)
        if row.dev_eui in self._located.references and row.latitude is not None and row.longitude is not None:
            self.referees.learn(Reference(row.latitude, row.longitude, job.eirp, heard), job.time)
        motion = row.motion_indicator or entry.device.profile.motionIndicator
        problem = Problem(
            job.time,
            heard,
            plan.nwGeolocAlgo or "BOTH",
            job.eirp,
            Motion(_SPEEDS.get(motion, 40.0)),
            self.referees.loss,
            Limits(self._located.timing),
            self._tracks.get(job.device_ref) or _track_of(row.network_location),
        )
        answer = await self._pool.solve(problem)
        if answer is None:
            self.counters.outcomes["broken"] += 1
            return
        if answer.track is not None:
            _remember(self._tracks, job.device_ref, answer.track)
        self.referees.clocks.note(answer.clocks, job.time)
        try:
            areas = await self.geofences.watching(row)
        except StoreError:
            return
        # It may have been dropped from memory meanwhile, or gone to another node.
        entry = await self._found(job)
        if entry is not None:
            self._take(entry, job, answer, areas, [each.station for each in heard if each.doubted])

    async def _found(self, job: _Job) -> Entry | None:
        """The device, where it is served here and its plan still wants it located."""
        try:
            entry = await self._devices.get(ref=job.device_ref)
        except StoreError:
            return None
        if entry is None or entry.removed or entry.device.plan is None:
            return None
        return entry if entry.device.plan.nwGeolocalization else None

    def _heard(self, job: _Job) -> tuple[Hearing, ...]:
        """The copies by base stations with a place. Those kept while a backhaul was down are of now, too:
        their levels count."""
        heard = []
        for copy in job.copies:
            placed = self._stations.placed(copy.base_station)
            if placed is None:
                continue
            station = int(copy.base_station)
            self.referees.stands(station, placed)
            fine = copy.fine_time
            known = copy.rssi is not None and copy.snr is not None
            heard.append(
                Hearing(
                    station,
                    placed.latitude,
                    placed.longitude,
                    placed.altitude,
                    estimated_signal_power(copy.rssi or 0.0, copy.snr or 0.0) if known else copy.rssi,
                    copy.snr,
                    None if fine is None else (fine.second, fine.nanosecond),
                    self.referees.clock(station),
                    self.referees.gain(station),
                    fine is not None and self.referees.clocks.is_doubted(station, job.time),
                )
            )
        return tuple(heard[:_MOST_COPIES])

    def _take(
        self, entry: Entry, job: _Job, answer: Answer, areas: list[Geofence], doubted: list[int]
    ) -> None:
        """Have an answer written and reported: a solution always, a reason for none only where it is new.
        `areas` are those that watch the device; time stamps of `doubted` base stations were not used."""
        device, now = entry.device, self._clock()
        before = device.row.network_location or LocationState()
        verdict = Verdict({})
        fix = answer.fix
        if fix is None:
            reason = _reason(answer)
            self.counters.outcomes[reason] += 1
            if before.problem == reason:
                return
            state, location = replace(before, problem=reason, problem_at=job.time), None
        else:
            self.counters.outcomes[fix.method] += 1
            location = NetworkLocation(
                job.time,
                fix.latitude,
                fix.longitude,
                fix.altitude,
                fix.radius,
                fix.dilution,
                fix.north,
                fix.east,
                _REQUESTED[None if device.plan is None else device.plan.nwGeolocAlgo],
                TDOA if fix.method == "TDOA" else RSSI,
                job.fcnt,
                len(fix.used),
                fix.major,
                fix.minor,
                fix.azimuth,
            )
            verdict = _judged(areas, before, location)
            state = LocationState(location, sides=verdict.sides)
        excluded = [*doubted, *(() if answer.raw is None else answer.raw.excluded)]
        entry.device = replace(device, row=replace(device.row, network_location=state))
        record = LocationRecord(
            id=self._ids.next(now),
            device_ref=job.device_ref,
            time=now,
            outcome=_reason(answer) if fix is None else fix.method.lower(),
            dev_addr=job.dev_addr,
            frame=job.frame,
            location=location,
            excluded=tuple(BaseStationId(station) for station in excluded),
            crossings=verdict.crossings,
            unwatched=verdict.ended,
        )
        self._commits.note(entry, record)

    # Partitions.

    def forget(self) -> None:
        """What is known of devices may be out of date: others have served them."""
        self._tracks.clear()


# Copies beyond that are of the weakest base stations.
_MOST_COPIES = 64


def _remember(memory: OrderedDict[int, V], key: int, value: V) -> None:
    memory[key] = value
    memory.move_to_end(key)
    while len(memory) > _MOST_TRACKS:
        memory.popitem(last=False)


def _judged(areas: list[Geofence], before: LocationState, place: NetworkLocation) -> Verdict:
    """What a new place says of the areas that watch the device."""
    last = None if before.last is None else round(before.last.at * 1000)
    return judge(areas, before.sides, last, Circle(place.latitude, place.longitude, place.radius))


def _reason(answer: Answer) -> Reason:
    refusal = answer.refusal
    if refusal is None:
        return "unfiltered"
    return refusal.power or refusal.timing or "unfiltered"


def _track_of(state: LocationState | None) -> Track | None:
    """What a stored solution tells of the movement."""
    last = None if state is None else state.last
    if last is None:
        return None
    speed = last.north**2 + last.east**2
    return Track(
        last.at,
        last.latitude,
        last.longitude,
        last.north,
        last.east,
        last.radius**2 / 2,
        0.0,
        max(speed, 1.0),
    )


def _row(record: LocationRecord, place: NetworkLocation) -> LocationRow:
    members = {name: getattr(place, name) for name in Place.__struct_fields__}
    members["at"] = round(place.at * 1000)
    return LocationRow(**members, device_ref=record.device_ref, id=record.id)


def _found(row: LocationRow) -> FoundPlaceRow:
    return FoundPlaceRow(row.device_ref, round(row.at), row.latitude, row.longitude, row.radius)


def _state_row(entry: Entry) -> LocationStateRow:
    state = entry.device.row.network_location
    return LocationStateRow(None if state is None else encode_location(state), entry.device.row.ref)
