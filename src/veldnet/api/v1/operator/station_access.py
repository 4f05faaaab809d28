"""What an operator does on a base station itself: commands, and remote shells."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from secrets import token_hex
from time import monotonic

import msgspec

from veldnet.api.auth.bearer import require_station_access
from veldnet.api.errors import GatewayError
from veldnet.api.routers import STATION_ACCESS
from veldnet.api.services import Services
from veldnet.asgi import Request, Stream
from veldnet.assembly.remote_operation import IDLE, Reader, ShellFacts, ShellOutput
from veldnet.assembly.station_desk import StationDesk
from veldnet.domain.errors import InvalidField, Refusal
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import OperatorScope
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


def _view(shell: ShellFacts) -> StationShell:
    return StationShell(
        shell.id,
        str(BaseStationId(shell.base_station)),
        shell.by,
        timestamp(round(shell.opened_at * 1000)),
        timestamp(round(shell.used_at * 1000)),
        round(IDLE),
        shell.sent,
        shell.received,
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
    desk = services.station_desk
    await desk.check_command(station, body.command, body.arguments)
    await services.change(
        lambda _connection: None,
        by=operator,
        action="baseStation.commandRun",
        what=f"baseStation {station}",
        details=body,
    )
    await desk.run(station, body.command, body.arguments)


@STATION_ACCESS.get(
    "/baseStations/{stationId}/shells", "listStationShells", "Operator", "Remote shells on a base station."
)
async def list_station_shells(
    station_id: str, services: Services, operator: OperatorScope
) -> list[StationShell]:
    """The shells that users of the operator have open on a base station."""
    station = await _own_station(services, operator, station_id)
    return [_view(each) for each in await services.station_desk.listed(operator.operator_ref, station)]


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
    return _view(await services.station_desk.open(operator, station, body.terminal))


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
    await services.station_desk.close(operator, station, shell_id)


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
    try:
        octets = base64.b64decode(body.data, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidField("data must be base64") from None
    if not 0 < len(octets) <= _MOST_INPUT:
        raise InvalidField("data must hold 1 to {most} octets", most=_MOST_INPUT)
    await services.station_desk.write(operator, station, shell_id, octets)


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
    request: Request,
    services: Services,
    operator: OperatorScope,
) -> Stream:
    """Server-sent events: `output` with `data` in base64, `dropped` with how many octets were too many for
    the reader so far, `closed` with the reason at the end, `expired` where the session or key has ended. One
    reader at a time."""
    station = await _own_station(services, operator, station_id)
    reading = _Reading(services.station_desk, operator, station, shell_id, token_hex(8))
    await reading.begin()

    async def allowed() -> bool:
        try:
            await require_station_access(request, services, looking=True)
        except (GatewayError, Refusal):
            return False
        return True

    return Stream(
        _events(reading, allowed),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


class _Reading:
    """A reader of a shell, which may be another node's."""

    def __init__(
        self, desk: StationDesk, by: OperatorScope, station: BaseStationId, shell: str, number: str
    ) -> None:
        self._desk = desk
        self._shell = (by, station, shell)
        self._number = number
        self._chunk = 0

    async def begin(self) -> None:
        """Raises `Refusal` where the shell is not the caller's, or is being read."""
        self._chunk = await self._desk.claim(*self._shell, self._number)

    async def next(self) -> ShellOutput:
        output = await self._desk.read(*self._shell, Reader(self._number, self._chunk), _BEAT)
        self._chunk += 1
        return output

    async def leave(self) -> None:
        _by, station, shell = self._shell
        await self._desk.leave(station, shell, self._number)


async def _events(reading: _Reading, allowed: Callable[[], Awaitable[bool]]) -> AsyncIterator[bytes]:
    dropped, checked = 0, monotonic()
    try:
        yield b"event: ready\ndata: {}\n\n"
        while True:
            output = await reading.next()
            if monotonic() - checked > _BEAT:
                checked = monotonic()
                if not await allowed():
                    yield _sent("expired", {})
                    return
            if output.dropped > dropped:
                dropped = output.dropped
                yield _sent("dropped", {"dropped": dropped})
            if output.octets:
                yield _sent("output", {"data": base64.b64encode(output.octets).decode()})
            elif output.ended is not None:
                yield _sent("closed", {"reason": output.ended})
                return
            else:
                yield b": alive\n\n"
    except Refusal:
        # It is not there any more, or its node is not.
        yield _sent("closed", {"reason": "disconnected"})
    finally:
        await reading.leave()


def _sent(name: str, data: dict[str, object]) -> bytes:
    return f"event: {name}\ndata: {json.dumps(data)}\n\n".encode()
