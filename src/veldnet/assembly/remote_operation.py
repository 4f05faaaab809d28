"""What operators do on base stations: commands and remote shells, who may, for how long, and who did."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping

import msgspec
import structlog
from sqlalchemy import Connection

from veldnet.domain.errors import Conflict, Forbidden, InvalidField, NotFound
from veldnet.domain.scope import OperatorScope
from veldnet.gateways import Hub, OperatesRemotely, RemoteRefused, RemoteShell
from veldnet.inventory import accounts, audit
from veldnet.lorawan import BaseStationId
from veldnet.settings import GatewaySettings
from veldnet.store import Store, StoreError
from veldnet.texts import Text

log = structlog.get_logger(__name__)

# Seconds without input after which a shell is closed, and for which one that is over can still be read.
IDLE = 600.0
_KEPT = 30.0
# Seconds between two looks at whether users still may.
_LOOK = 15.0
# Seconds after which a reader that says nothing more is gone.
_READER_GONE = 30.0
_MOST_SHELLS = 20
_MOST_ARGUMENTS = 64
# Characters of a command with its arguments: the audit log holds it whole.
_LONGEST = 1_500
_TERMINAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9.+_-]{0,31}")
_REFUSALS = {
    "not_connected": Text("the base station is not connected by Basics Station now"),
    "not_announced": Text(
        "the base station does not say that it has remote shells (rmtsh among its features): its program was "
        "built without them"
    ),
    "no_free_shell": Text("both remote shells of the base station are in use; close one"),
    "not_started": Text("the base station did not start the shell"),
}


class OpenShell(msgspec.Struct):
    """A shell of somebody; times in Unix seconds."""

    id: str
    base_station: BaseStationId
    by: OperatorScope
    opened_at: float
    used_at: float
    shell: RemoteShell | None = None
    # Who reads it, and did so last when; the number of the next chunk of output, and the last one.
    reader: str = ""
    reader_at: float = 0.0
    chunk: int = 0
    last: bytes = b""
    # Since when it is over, as was written down.
    noted_at: float | None = None

    @property
    def what(self) -> str:
        return f"baseStation {self.base_station}"


class ShellFacts(msgspec.Struct, frozen=True, array_like=True):
    """A shell as others see it; times in Unix seconds."""

    id: str
    base_station: int
    by: str
    opened_at: float
    used_at: float
    sent: int
    received: int


class Reader(msgspec.Struct, frozen=True, array_like=True):
    """Who reads a shell, and which chunk of its output is next."""

    id: str
    chunk: int


class ShellOutput(msgspec.Struct, frozen=True, array_like=True):
    """What a shell has said, how many octets were too many for its reader so far, and why it is over."""

    octets: bytes
    dropped: int
    ended: str | None


def _facts(entry: OpenShell) -> ShellFacts:
    shell = entry.shell
    return ShellFacts(
        entry.id,
        int(entry.base_station),
        entry.by.display_name,
        entry.opened_at,
        entry.used_at,
        0 if shell is None else shell.sent,
        0 if shell is None else shell.received,
    )


class RemoteDesk:
    """What is done on the base stations that are connected to this node."""

    def __init__(self, settings: GatewaySettings, hub: Hub, store: Store, clock: Callable[[], float]) -> None:
        self._settings = settings
        self._hub = hub
        self._store = store
        self._clock = clock
        self._shells: dict[str, OpenShell] = {}
        self._looked_at = 0.0

    # Commands.

    def check_command(self, base_station: BaseStationId, command: str, arguments: list[str]) -> None:
        """Raises `Refusal` where a base station cannot be asked to run it."""
        if not self._settings.basics_station_commands:
            raise Forbidden("commands are off: see basics_station_commands in the settings of base stations")
        if not command.strip():
            raise InvalidField("command must be the name of a program on the base station")
        if len(arguments) > _MOST_ARGUMENTS:
            raise InvalidField("arguments has {most} entries at most", most=_MOST_ARGUMENTS)
        if sum(map(len, [command, *arguments])) > _LONGEST:
            raise InvalidField("command and arguments have {most} characters at most", most=_LONGEST)
        if not all(each.isprintable() for each in (command, *arguments)):
            raise InvalidField("command and arguments have printable characters only")
        self._protocol(base_station)

    def run(self, base_station: BaseStationId, command: str, arguments: list[str]) -> None:
        """Have a base station run a program. Raises `Refusal`."""
        try:
            self._protocol(base_station).run_command(base_station, command, arguments)
        except RemoteRefused as refused:
            raise Conflict(_REFUSALS[refused.reason]) from None

    def _protocol(self, base_station: BaseStationId) -> OperatesRemotely:
        protocol = self._hub.connection(base_station)
        if not isinstance(protocol, OperatesRemotely):
            raise Conflict(_REFUSALS["not_connected"])
        return protocol

    # Shells.

    def check_shell(self, base_station: BaseStationId, terminal: str) -> None:
        """Raises `Refusal` where no shell can be opened."""
        if not self._settings.basics_station_shells:
            raise Forbidden("shells are off: see basics_station_shells in the settings of base stations")
        if not _TERMINAL.fullmatch(terminal):
            raise InvalidField("terminal must be the name of a terminal, such as dumb or xterm")
        if len(self._shells) >= _MOST_SHELLS:
            raise Conflict("{most} shells are open, as many as may be; close one", most=_MOST_SHELLS)
        try:
            self._protocol(base_station).check_shell(base_station)
        except RemoteRefused as refused:
            raise Conflict(_REFUSALS[refused.reason]) from None

    async def open(self, by: OperatorScope, base_station: BaseStationId, terminal: str) -> ShellFacts:
        """Open a shell, and write down who did. Raises `Refusal`."""
        self.check_shell(base_station, terminal)
        now = self._clock()
        entry = OpenShell(secrets.token_hex(8), base_station, by, now, now)
        # Counted before anything waits.
        self._shells[entry.id] = entry
        try:
            await self._note(entry, "baseStation.shellOpened", {"shell": entry.id})
            entry.shell = await self._protocol(base_station).open_shell(base_station, by.username, terminal)
        except RemoteRefused as refused:
            await self._note(entry, "baseStation.shellClosed", {"shell": entry.id, "reason": refused.reason})
            raise Conflict(_REFUSALS[refused.reason]) from None
        finally:
            if entry.shell is None:
                del self._shells[entry.id]
        return _facts(entry)

    def has(self, shell_id: str) -> bool:
        """Whether a shell is one of this node."""
        return shell_id in self._shells

    def listed(self, operator_ref: int, base_station: BaseStationId) -> list[ShellFacts]:
        """The shells on a base station that are not over."""
        return [_facts(entry) for entry in self._open(operator_ref, base_station)]

    def _open(self, operator_ref: int, base_station: BaseStationId) -> list[OpenShell]:
        return [
            entry
            for entry in self._shells.values()
            if entry.base_station == base_station
            and entry.by.operator_ref == operator_ref
            and entry.noted_at is None
        ]

    def own(
        self, by: OperatorScope, base_station: BaseStationId, shell_id: str
    ) -> tuple[OpenShell, RemoteShell]:
        """A shell that the user has opened. Raises `NotFound`."""
        entry = self._shells.get(shell_id)
        if entry is None or entry.shell is None:
            raise NotFound("shell", shell_id)
        if entry.base_station != base_station or (entry.by.operator_ref, entry.by.user_ref) != (
            by.operator_ref,
            by.user_ref,
        ):
            raise NotFound("shell", shell_id)
        return entry, entry.shell

    async def close(self, by: OperatorScope, base_station: BaseStationId, shell_id: str) -> None:
        """Close a shell of whomever at the operator. Raises `NotFound`."""
        for entry in self._open(by.operator_ref, base_station):
            if entry.id == shell_id and entry.shell is not None:
                entry.shell.close("closed")
                await self.check()
                return
        raise NotFound("shell", shell_id)

    async def write(
        self, by: OperatorScope, base_station: BaseStationId, shell_id: str, octets: bytes
    ) -> None:
        """Give input to a shell of one's own. Raises `NotFound`, and `Conflict` once it is over."""
        entry, shell = self.own(by, base_station, shell_id)
        if shell.ended is not None:
            raise Conflict("the shell is closed")
        entry.used_at = self._clock()
        await shell.write(octets)

    def claim(self, by: OperatorScope, base_station: BaseStationId, shell_id: str, reader: str) -> int:
        """Begin to read a shell of one's own, or go on; returns the number of the next chunk. Raises
        `NotFound`, and `Conflict` while somebody else reads it."""
        entry, _shell = self.own(by, base_station, shell_id)
        now = self._clock()
        if entry.reader not in ("", reader) and now - entry.reader_at < _READER_GONE:
            raise Conflict("the output of this shell is being read already")
        entry.reader, entry.reader_at = reader, now
        return entry.chunk

    async def read(
        self, by: OperatorScope, base_station: BaseStationId, shell_id: str, reader: Reader, patience: float
    ) -> ShellOutput:
        """What a shell has said, after so many seconds at the latest; the last chunk once more where its
        reader has not got it. Raises `NotFound` and `Conflict`."""
        self.claim(by, base_station, shell_id, reader.id)
        entry, shell = self.own(by, base_station, shell_id)
        if reader.chunk >= entry.chunk:
            octets = await shell.read(patience)
            entry.chunk, entry.last = entry.chunk + 1, octets
        return ShellOutput(entry.last, shell.dropped, shell.ended)

    def leave(self, shell_id: str, reader: str) -> None:
        """End reading a shell."""
        entry = self._shells.get(shell_id)
        if entry is not None and entry.reader == reader:
            entry.reader = ""

    async def check(self) -> None:
        """Close shells that nobody uses or whose users may no longer, and write down those that are over."""
        now = self._clock()
        if self._shells and now - self._looked_at > _LOOK:
            self._looked_at = now
            await self._check_users()
        for entry in list(self._shells.values()):
            shell = entry.shell
            if shell is None:
                continue
            if now - entry.used_at > IDLE:
                shell.close("idle")
            if shell.ended is not None and entry.noted_at is None:
                entry.noted_at = now
                await self._note_end(entry, shell)
            if entry.noted_at is not None and now - entry.noted_at > _KEPT:
                self._shells.pop(entry.id, None)

    async def _check_users(self) -> None:
        users = {entry.by.user_ref for entry in self._shells.values()}

        def read(connection: Connection) -> set[int]:
            return {user for user in users if accounts.has_station_access(connection, user)}

        allowed = await self._store.read(read)
        for entry in self._shells.values():
            if entry.by.user_ref not in allowed and entry.shell is not None:
                entry.shell.close("withdrawn")

    async def stop(self) -> None:
        """Close all, before the connections are."""
        for entry in self._shells.values():
            if entry.shell is not None:
                entry.shell.close("stopped")
        try:
            await self.check()
        except StoreError as error:
            log.warning("remote_shells_not_noted", error=str(error))

    async def _note_end(self, entry: OpenShell, shell: RemoteShell) -> None:
        seconds = round(self._clock() - entry.opened_at)
        details = {
            "shell": entry.id,
            "reason": shell.ended,
            "seconds": seconds,
            "octetsSent": shell.sent,
            "octetsReceived": shell.received,
        }
        log.info("remote_shell_closed", base_station=str(entry.base_station), reason=shell.ended)
        await self._note(entry, "baseStation.shellClosed", details)

    async def _note(self, entry: OpenShell, action: str, details: Mapping[str, object]) -> None:
        author = audit.Author(entry.by.display_name, operator_ref=entry.by.operator_ref)
        await self._store.write(lambda c: audit.note(c, author, action, entry.what, details))
