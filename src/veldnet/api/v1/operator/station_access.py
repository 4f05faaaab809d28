"""What an operator does on a base station itself: commands, and remote shells."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from time import monotonic
from typing import Any

import msgspec
from litestar import Request
from litestar.response import Stream

from veldnet.api.auth.bearer import require_station_access
from veldnet.api.errors import GatewayError
from veldnet.api.routers import STATION_ACCESS
from veldnet.api.services import Services
from veldnet.assembly.remote_operation import IDLE, OpenShell
from veldnet.domain.errors import Conflict, InvalidField, Refusal
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import OperatorScope
from veldnet.gateways import RemoteShell
from veldnet.inventory import base_stations
from veldnet.lorawan import BaseStationId

# Octets of input at once: Station keeps 4 KB for a program that does not read, and ends the shell beyond.
_MOST_INPUT = 1024
# Seconds between signs of life.
_BEAT = 15.0


class StationCommand(msgspec.Struct):
    """A program of the base station, and what it is given; 1,500 characters at most in all."""

    command: str
    arguments: list[str] = []


class NewShell(msgspec.Struct):
    """A shell to be. `terminal` is the name of the terminal that programs write for."""

    terminal: str = "dumb"


class StationShell(msgspec.Struct):
    """A remote shell. `idleSeconds` without input close it."""

    id: str
    baseStationId: str
    openedBy: str
    opened: str
    lastInput: str
    idleSeconds: int
    octetsSent: int
    octetsReceived: int


class ShellInput(msgspec.Struct):
    """Input for a shell: 1 to 1,024 octets in base64."""

    data: str


def _view(entry: OpenShell) -> StationShell:
    shell = entry.shell
    return StationShell(
        entry.id,
        str(entry.base_station),
        entry.by.display_name,
        timestamp(round(entry.opened_at * 1000)),
        timestamp(round(entry.used_at * 1000)),
        round(IDLE),
        0 if shell is None else shell.sent,
        0 if shell is None else shell.received,
    )


async def _own_station(services: Services, operator: OperatorScope, station_id: str) -> BaseStationId:
    await services.read(lambda c: base_stations.own_base_station(c, operator.operator_ref, station_id))
    return BaseStationId.parse(station_id)


@STATION_ACCESS.post(
    "/baseStations/{stationId}/commands",
    "runStationCommand",
    "Operator",
    "Run a program on a base station.",
    status=204,
    refusals=(409,),
)
async def run_station_command(
    station_id: str, services: Services, operator: OperatorScope, body: StationCommand
) -> None:
    """Have Basics Station start a program with arguments (`runcmd`). Its output and how it ends are not
    known: use it to start a script. The audit log holds the command."""
    station = await _own_station(services, operator, station_id)
    desk = services.platform.stations.remote
    desk.check_command(station, body.command, body.arguments)
    await services.change(
        lambda _connection: None,
        by=operator,
        action="baseStation.commandRun",
        what=f"baseStation {station}",
        details=body,
    )
    desk.run(station, body.command, body.arguments)


@STATION_ACCESS.get(
    "/baseStations/{stationId}/shells", "listStationShells", "Operator", "Remote shells on a base station."
)
async def list_station_shells(
    station_id: str, services: Services, operator: OperatorScope
) -> list[StationShell]:
    """The shells that users of the operator have open on a base station."""
    station = await _own_station(services, operator, station_id)
    return [
        _view(entry) for entry in services.platform.stations.remote.listed(operator.operator_ref, station)
    ]


@STATION_ACCESS.post(
    "/baseStations/{stationId}/shells",
    "openStationShell",
    "Operator",
    "Open a remote shell on a base station.",
    status=201,
    refusals=(409,),
)
async def open_station_shell(
    station_id: str, services: Services, operator: OperatorScope, body: NewShell
) -> StationShell:
    """Open a shell on a base station (`rmtsh`); it is the caller's alone. The audit log holds who opened it,
    when and why it ended, and how many octets went each way, and nothing of what they said."""
    station = await _own_station(services, operator, station_id)
    return _view(await services.platform.stations.remote.open(operator, station, body.terminal))


@STATION_ACCESS.delete(
    "/baseStations/{stationId}/shells/{shellId}",
    "closeStationShell",
    "Operator",
    "Close a remote shell on a base station.",
)
async def close_station_shell(
    station_id: str, shell_id: str, services: Services, operator: OperatorScope
) -> None:
    """Close a shell, one's own or that of another user of the operator."""
    station = await _own_station(services, operator, station_id)
    await services.platform.stations.remote.close(operator, station, shell_id)


@STATION_ACCESS.post(
    "/baseStations/{stationId}/shells/{shellId}/input",
    "writeStationShell",
    "Operator",
    "Give input to a remote shell.",
    status=204,
    max_body=4096,
    refusals=(409,),
)
async def write_station_shell(
    station_id: str, shell_id: str, services: Services, operator: OperatorScope, body: ShellInput
) -> None:
    """Give input to a shell of one's own; the answer comes once the connection has taken it. A base station
    keeps 4 KB that its program has not read, and ends a shell that is given more."""
    station = await _own_station(services, operator, station_id)
    desk = services.platform.stations.remote
    entry, shell = desk.own(operator, station, shell_id)
    try:
        octets = base64.b64decode(body.data, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidField("data must be base64") from None
    if not 0 < len(octets) <= _MOST_INPUT:
        raise InvalidField("data must hold 1 to {most} octets", most=_MOST_INPUT)
    await desk.write(entry, shell, octets)


@STATION_ACCESS.get(
    "/baseStations/{stationId}/shells/{shellId}/live",
    "readStationShell",
    "Operator",
    "Follow the output of a remote shell.",
    media="text/event-stream",
    refusals=(409,),
)
async def read_station_shell(
    station_id: str,
    shell_id: str,
    request: Request[Any, Any, Any],
    services: Services,
    operator: OperatorScope,
) -> Stream:
    """Server-sent events: `output` with `data` in base64, `dropped` with how many octets were too many for
    the reader so far, `closed` with the reason at the end, `expired` where the session or key has ended. One
    reader at a time."""
    station = await _own_station(services, operator, station_id)
    entry, shell = services.platform.stations.remote.own(operator, station, shell_id)
    if entry.read:
        raise Conflict("the output of this shell is being read already")

    async def allowed() -> bool:
        try:
            await require_station_access(request, services, looking=True)
        except (GatewayError, Refusal):
            return False
        return True

    return Stream(
        _events(entry, shell, allowed),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _events(
    entry: OpenShell, shell: RemoteShell, allowed: Callable[[], Awaitable[bool]]
) -> AsyncIterator[bytes]:
    if entry.read:
        # Another one was quicker.
        return
    entry.read, dropped = True, 0
    checked = monotonic()
    try:
        yield b"event: ready\ndata: {}\n\n"
        while True:
            octets = await shell.read(_BEAT)
            if monotonic() - checked > _BEAT:
                checked = monotonic()
                if not await allowed():
                    yield _sent("expired", {})
                    return
            if shell.dropped > dropped:
                dropped = shell.dropped
                yield _sent("dropped", {"dropped": dropped})
            if octets:
                yield _sent("output", {"data": base64.b64encode(octets).decode()})
            elif shell.ended is not None:
                yield _sent("closed", {"reason": shell.ended})
                return
            else:
                yield b": alive\n\n"
    finally:
        entry.read = False


def _sent(name: str, data: dict[str, object]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
