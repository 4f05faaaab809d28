"""For tests of customers, on a server under a virtual clock: move time, and send as a virtual device."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection

from veldnet.api.errors import language_of
from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.assembly.virtual_world import (
    DidNotJoin,
    NotVirtual,
    SeenDownlink,
    UplinkOutcome,
    VirtualIdentity,
    VirtualUplink,
    VirtualWorld,
)
from veldnet.diagnosis import explain_device
from veldnet.domain.errors import BadRequest, InvalidField, NotFound
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import Scope
from veldnet.inventory import base_stations, devices
from veldnet.inventory.devices import check_root_key
from veldnet.lorawan import BaseStationId, DevEui, InvalidIdentifier, JoinEui
from veldnet.settings import Duration

_LONGEST = 366 * 86_400.0
# Times are written with four digits of a year, and stored as milliseconds that SQLite's integers hold.
_LATEST = datetime(2200, 1, 1, tzinfo=UTC).timestamp()


class Move(msgspec.Struct):
    """How far the clock is moved: `advance`, in seconds or with a unit (`"6h"`, `"35d"`), or `to`, a time."""

    advance: float | str | UnsetType = UNSET
    to: str | UnsetType = UNSET


class Clock(msgspec.Struct):
    """The clock of the server. `left` are the seconds that the last request could not move it: ask again."""

    time: str
    left: float = 0.0


class NewUplink(msgspec.Struct):
    """A frame of a virtual device: `payload` as hexadecimal digits. The first one, with which the device
    joins, needs its `applicationKey`, and with LoRaWAN 1.1 its `networkKey`. Without `baseStationIds` the
    first base station of the operator hears it. `rejoin` has it join again before."""

    payload: str = ""
    fPort: int = 1
    confirmed: bool = False
    applicationKey: str | UnsetType = UNSET
    networkKey: str | UnsetType = UNSET
    dataRate: int | UnsetType = UNSET
    baseStationIds: list[str] | UnsetType = UNSET
    rssi: float = -70.0
    snr: float = 8.0
    rejoin: bool = False


class ReceivedDownlink(msgspec.Struct):
    """A downlink as the device received it, decrypted. `morePending`: the network holds others for it."""

    time: str
    fPort: int | None
    payload: str
    fCntDn: int | None
    confirmed: bool
    acknowledges: bool
    morePending: bool


class InjectedUplink(msgspec.Struct):
    """What became of an uplink, as the device knows it. `joined`: it has joined for this one."""

    fCntUp: int
    joined: bool
    transmissions: int
    acknowledged: bool
    downlinks: list[ReceivedDownlink]


class VirtualDevice(msgspec.Struct):
    """A virtual device as it knows itself, with the last hundred downlinks that it received, oldest first."""

    joined: bool
    devAddr: str | None
    deviceClass: str
    uplinks: int
    downlinks: list[ReceivedDownlink]


def _world(services: Services) -> VirtualWorld:
    world = services.platform.virtual
    if world is None:
        raise NotVirtual
    return world


@SUBSCRIBER.get("/clock", "getClock", "Tests", "Clock of the server.")
async def get_clock(services: Services, scope: Scope) -> Clock:
    """The time that the server goes by, virtual or not."""
    return Clock(timestamp(round(services.platform.clock() * 1000)))


@SUBSCRIBER.post("/clock", "moveClock", "Tests", "Move the virtual clock ahead.", max_body=4096)
async def move_clock(services: Services, scope: Scope, body: Move) -> Clock:
    """Move the clock of a server that was started with --virtual-clock. What is due meanwhile happens in its
    order: alarms, retries, time-outs. After ten seconds of work the answer comes with what is `left`."""
    world = _world(services)
    left = await world.advance(_seconds(body, world.now()))
    return Clock(timestamp(round(world.now() * 1000)), round(left, 3))


def _seconds(body: Move, now: float) -> float:
    """How far to move, checked."""
    if (body.advance is UNSET) == (body.to is UNSET):
        raise InvalidField('give either advance, such as "6h", or to, such as "2027-01-31T12:00:00Z"')
    if isinstance(body.to, str):
        seconds = _moment(body.to) - now
        what = "to"
    else:
        seconds, what = _duration(body.advance), "advance"
    if not math.isfinite(seconds):
        raise InvalidField("{what} must be a number of seconds", what=what)
    if seconds < 0:
        raise InvalidField(
            "{what} lies {seconds:.0f} s in the past; the clock only moves ahead", what=what, seconds=-seconds
        )
    if seconds > _LONGEST:
        raise InvalidField("{what} is more than 366 days ahead; move in several steps", what=what)
    if now + seconds > _LATEST:
        raise InvalidField("{what} is after the year 2199", what=what)
    return seconds


def _duration(value: float | str | UnsetType) -> float:
    if isinstance(value, str) and value.strip().startswith("-"):
        raise InvalidField(
            "advance {value!r} must not be negative; the clock only moves ahead", value=value[:40]
        )
    try:
        return float(Duration.parse(value[:40] if isinstance(value, str) else value))
    except (ValueError, OverflowError):
        raise InvalidField(
            "advance: {value!r} is not a duration; write for example 200ms, 10s, 5m, 24h or 35d",
            value=str(value)[:40],
        ) from None


def _moment(text: str) -> float:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidField(
            "to {text!r} must be a time such as 2027-01-31T12:00:00Z", text=text[:40]
        ) from None
    return (found if found.tzinfo is not None else found.replace(tzinfo=UTC)).timestamp()


@SUBSCRIBER.post(
    "/devices/{deviceRef}/virtualUplinks",
    "injectUplink",
    "Tests",
    "Send an uplink as a virtual device.",
    status=201,
)
async def inject_uplink(
    request: Request, device_ref: str, services: Services, scope: Scope, body: NewUplink
) -> InjectedUplink:
    """Let the device join, if it has not, and send a frame over the virtual radio. The answer comes when its
    receive windows are over; virtual time passes meanwhile. Only with --virtual-clock."""
    world = _world(services)
    identity = await services.read(lambda c: _identity(c, scope, device_ref, body))
    stations = await services.read(lambda c: _stations(c, scope, body.baseStationIds))
    uplink = _uplink(body, stations)
    try:
        return _outcome(await world.uplink(identity, uplink))
    except DidNotJoin as error:
        raise BadRequest(
            "{problem}{cause}", problem=error.text, cause=await _why(request, services, identity)
        ) from None


async def _why(request: Request, services: Services, identity: VirtualIdentity) -> str:
    """The first problem that the diagnosis finds with a device."""
    now, language = services.platform.clock(), language_of(request)
    explanation = await services.read(lambda c: explain_device(c, identity.dev_eui, now, language))
    problems = [finding for finding in explanation.findings if finding.level == "problem"]
    joining = [finding for finding in problems if finding.code.startswith("join")]
    return f": {(joining or problems)[0].text}" if problems else ""


def _identity(connection: Connection, scope: Scope, device_ref: str, body: NewUplink) -> VirtualIdentity:
    device = devices.get_device(connection, scope, device_ref)
    if not isinstance(device.applicationEUI, str):
        raise BadRequest("the device is personalised (ABP); virtual devices join over the air")
    _ref, profile = devices.find_profile(connection, scope, str(device.deviceProfileId))
    app_key = nwk_key = None
    if isinstance(body.applicationKey, str):
        app_key = check_root_key(body.applicationKey, "applicationKey")
    if isinstance(body.networkKey, str):
        nwk_key = check_root_key(body.networkKey, "networkKey")
    if app_key is not None and nwk_key is None and profile.loRaWANMacVersion.startswith("1.1"):
        raise InvalidField("networkKey is needed for a device of LoRaWAN 1.1")
    return VirtualIdentity(
        devices.device_ref(connection, scope, device_ref),
        DevEui.parse(str(device.EUI)),
        JoinEui.parse(device.applicationEUI),
        profile,
        app_key,
        nwk_key,
    )


def _stations(
    connection: Connection, scope: Scope, wanted: list[str] | UnsetType
) -> tuple[BaseStationId, ...]:
    """The base stations of the operator that hear a frame."""
    there = {
        BaseStationId.parse(station.id): station
        for station in base_stations.list_base_stations(connection)
        if station.operator_ref == scope.operator_ref
    }
    if wanted is UNSET:
        if not there:
            raise BadRequest("the operator has no base station that could hear the device")
        return (next(iter(there)),)
    if not 1 <= len(wanted) <= 20:
        raise InvalidField("baseStationIds must name 1 to 20 base stations")
    found = []
    for text in wanted:
        try:
            identifier = BaseStationId.parse(text)
        except InvalidIdentifier as error:
            raise InvalidField("baseStationIds: {error}", error=error) from None
        if identifier not in there:
            raise NotFound("base station", str(identifier))
        found.append(identifier)
    return tuple(dict.fromkeys(found))


def _uplink(body: NewUplink, stations: tuple[BaseStationId, ...]) -> VirtualUplink:
    try:
        payload = bytes.fromhex(body.payload)
    except ValueError:
        raise InvalidField("payload must be an even number of hexadecimal digits") from None
    if not 1 <= body.fPort <= 223:
        raise InvalidField("fPort must be 1 to 223")
    if not -150 <= body.rssi <= 0:
        raise InvalidField("rssi must be -150 to 0 dBm")
    if not -30 <= body.snr <= 30:
        raise InvalidField("snr must be -30 to 30 dB")
    return VirtualUplink(
        fport=body.fPort,
        payload=payload,
        confirmed=body.confirmed,
        stations=stations,
        rssi=body.rssi,
        snr=body.snr,
        data_rate=None if body.dataRate is UNSET else body.dataRate,
        rejoin=body.rejoin,
    )


def _outcome(outcome: UplinkOutcome) -> InjectedUplink:
    return InjectedUplink(
        outcome.fcnt,
        outcome.joined,
        outcome.transmissions,
        outcome.acknowledged,
        [_received(each) for each in outcome.downlinks],
    )


def _received(seen: SeenDownlink) -> ReceivedDownlink:
    return ReceivedDownlink(
        timestamp(round(seen.at * 1000)),
        seen.fport,
        seen.payload.hex(),
        seen.fcnt,
        seen.confirmed,
        seen.acknowledges,
        seen.pending,
    )


@SUBSCRIBER.get(
    "/devices/{deviceRef}/virtualDevice", "getVirtualDevice", "Tests", "What a virtual device has received."
)
async def get_virtual_device(device_ref: str, services: Services, scope: Scope) -> VirtualDevice:
    """The virtual device that injected uplinks come from. Devices of class C receive between them, too."""
    world = _world(services)
    ref = await services.read(lambda c: devices.device_ref(c, scope, device_ref))
    state = world.device(ref)
    if state is None:
        # It comes with its first uplink.
        return VirtualDevice(False, None, "A", 0, [])
    return VirtualDevice(
        state.joined,
        state.dev_addr,
        state.device_class,
        state.uplinks,
        [_received(each) for each in state.downlinks],
    )
