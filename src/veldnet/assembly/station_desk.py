"""Commands and remote shells on base stations, whichever node has their connections.

A shell belongs to the node that has the connection of its base station; other nodes ask that one. Its output
is fetched in chunks with numbers, so that one whose answer is lost is fetched again."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

from veldnet.assembly.remote_operation import Reader, RemoteDesk, ShellFacts, ShellOutput
from veldnet.cluster import Call, NodeAway, NodeCalls, RequestRefused
from veldnet.domain.errors import Conflict, Refusal
from veldnet.domain.scope import OperatorScope
from veldnet.lorawan import BaseStationId

# Seconds for which another node waits for output before it answers that there is none.
_PATIENCE = 5.0
# Output is asked for so often: its answer may be lost.
_ATTEMPTS = 3

# Which node has the connection of a base station; None for this one, or for nobody.
Holder = Callable[[BaseStationId], str | None]


class StationDesk:
    """`local` is that of this node; `calls` are there where it is one of several."""

    def __init__(self, local: RemoteDesk, holder: Holder, calls: NodeCalls | None) -> None:
        self._local = local
        self._holder = holder
        self._calls = calls
        if calls is not None:
            self._offer(calls)

    def _offer(self, calls: NodeCalls) -> None:
        desk = self._local

        async def check(station: int, command: str, arguments: list[str]) -> None:
            desk.check_command(BaseStationId(station), command, arguments)

        async def run(station: int, command: str, arguments: list[str]) -> None:
            desk.run(BaseStationId(station), command, arguments)

        async def listed(operator_ref: int, station: int) -> list[ShellFacts]:
            return desk.listed(operator_ref, BaseStationId(station))

        async def opened(by: OperatorScope, station: int, terminal: str) -> ShellFacts:
            return await desk.open(by, BaseStationId(station), terminal)

        async def close(by: OperatorScope, station: int, shell: str) -> None:
            await desk.close(by, BaseStationId(station), shell)

        async def write(by: OperatorScope, station: int, shell: str, octets: bytes) -> None:
            await desk.write(by, BaseStationId(station), shell, octets)

        async def claim(by: OperatorScope, station: int, shell: str, reader: str) -> int:
            return desk.claim(by, BaseStationId(station), shell, reader)

        async def read(by: OperatorScope, station: int, shell: str, reader: Reader) -> ShellOutput:
            return await desk.read(by, BaseStationId(station), shell, reader, _PATIENCE)

        async def leave(shell: str, reader: str) -> None:
            desk.leave(shell, reader)

        command, one = tuple[int, str, list[str]], tuple[OperatorScope, int, str]
        for name, arguments, answer, function in (
            ("station_check", command, None, check),
            ("station_run", command, None, run),
            ("shells", tuple[int, int], list[ShellFacts], listed),
            ("shell_open", one, ShellFacts, opened),
            ("shell_close", one, None, close),
            ("shell_write", tuple[OperatorScope, int, str, bytes], None, write),
            ("shell_claim", tuple[OperatorScope, int, str, str], int, claim),
            ("shell_read", tuple[OperatorScope, int, str, Reader], ShellOutput, read),
            ("shell_leave", tuple[str, str], None, leave),
        ):
            calls.offer(name, Call(arguments, answer, function))

    async def _at(self, node: str, name: str, *arguments: Any, attempts: int = 1) -> Any:
        assert self._calls is not None
        for _attempt in range(attempts):
            with contextlib.suppress(NodeAway, RequestRefused):
                return await self._calls.ask(node, name, *arguments)
        raise Conflict(
            "node {node}, to which the base station is connected, does not answer just now", node=node
        )

    # Commands.

    async def check_command(self, station: BaseStationId, command: str, arguments: list[str]) -> None:
        """Raises `Refusal` where a base station cannot be asked to run it."""
        node = self._holder(station)
        if node is None:
            self._local.check_command(station, command, arguments)
        else:
            await self._at(node, "station_check", int(station), command, arguments)

    async def run(self, station: BaseStationId, command: str, arguments: list[str]) -> None:
        """Have a base station run a program. Raises `Refusal`."""
        node = self._holder(station)
        if node is None:
            self._local.run(station, command, arguments)
        else:
            await self._at(node, "station_run", int(station), command, arguments)

    # Shells.

    def _node_of(self, station: BaseStationId, shell: str) -> str | None:
        return None if self._local.has(shell) else self._holder(station)

    async def open(self, by: OperatorScope, station: BaseStationId, terminal: str) -> ShellFacts:
        """Open a shell, and write down who did. Raises `Refusal`."""
        node = self._holder(station)
        if node is None:
            return await self._local.open(by, station, terminal)
        opened: ShellFacts = await self._at(node, "shell_open", by, int(station), terminal)
        return opened

    async def listed(self, operator_ref: int, station: BaseStationId) -> list[ShellFacts]:
        """The shells on a base station that are not over."""
        node = self._holder(station)
        if node is None:
            return self._local.listed(operator_ref, station)
        found: list[ShellFacts] = await self._at(node, "shells", operator_ref, int(station))
        return found

    async def close(self, by: OperatorScope, station: BaseStationId, shell: str) -> None:
        """Close a shell of whomever at the operator. Raises `NotFound`."""
        node = self._node_of(station, shell)
        if node is None:
            await self._local.close(by, station, shell)
        else:
            await self._at(node, "shell_close", by, int(station), shell)

    async def write(self, by: OperatorScope, station: BaseStationId, shell: str, octets: bytes) -> None:
        """Give input to a shell of one's own. Raises `Refusal`."""
        node = self._node_of(station, shell)
        if node is None:
            await self._local.write(by, station, shell, octets)
        else:
            await self._at(node, "shell_write", by, int(station), shell, octets)

    async def claim(self, by: OperatorScope, station: BaseStationId, shell: str, reader: str) -> int:
        """Begin to read a shell of one's own; returns the number of the next chunk. Raises `Refusal`."""
        node = self._node_of(station, shell)
        if node is None:
            return self._local.claim(by, station, shell, reader)
        chunk: int = await self._at(node, "shell_claim", by, int(station), shell, reader)
        return chunk

    async def read(
        self, by: OperatorScope, station: BaseStationId, shell: str, reader: Reader, patience: float
    ) -> ShellOutput:
        """What a shell has said, after so many seconds at the latest. Raises `Refusal`."""
        node = self._node_of(station, shell)
        if node is None:
            return await self._local.read(by, station, shell, reader, patience)
        output: ShellOutput = await self._at(
            node, "shell_read", by, int(station), shell, reader, attempts=_ATTEMPTS
        )
        return output

    async def leave(self, station: BaseStationId, shell: str, reader: str) -> None:
        """End reading."""
        node = self._node_of(station, shell)
        if node is None:
            self._local.leave(shell, reader)
        else:
            with contextlib.suppress(Refusal):
                await self._at(node, "shell_leave", shell, reader)
