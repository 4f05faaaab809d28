"""The remote shells of one station (`rmtsh`): two at most; octets begin with the number of theirs."""

from __future__ import annotations

import asyncio
import enum
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, NamedTuple

from veldnet.gateways.remote import RemoteRefused, RemoteShell

FEATURE = "rmtsh"
# Station has no more, and reads beyond its table for others.
_SHELLS = 2
# Seconds for a station to answer.
_ANSWER = 10.0
# Seconds between two looks at whether a shell is still there: Station has no room for its end after a flood.
_LOOK = 5.0
_ANY = -1


class _State(enum.Enum):
    FREE = enum.auto()
    OPENING = enum.auto()
    OPEN = enum.auto()
    # Told to stop: what still comes is of the shell before.
    CLOSING = enum.auto()


class _Asked(NamedTuple):
    """What a station answers next: it says which shells are open once for each message, in order."""

    number: int
    opened: asyncio.Future[bool] | None


class Shells:
    def __init__(
        self, send: Callable[[dict[str, Any]], None], send_octets: Callable[[bytes], Awaitable[None]]
    ) -> None:
        self._send = send
        self._send_octets = send_octets
        self._states = [_State.FREE] * _SHELLS
        self._shells: list[RemoteShell | None] = [None] * _SHELLS
        self._asked: deque[_Asked] = deque()
        self._looking: asyncio.TimerHandle | None = None

    def begin(self) -> None:
        """End what an earlier connection has left open: Station keeps its shells for the next one."""
        for index in range(_SHELLS):
            self._stop(index)

    def check(self) -> None:
        """Raises `RemoteRefused` where none is free."""
        if _State.FREE not in self._states:
            raise RemoteRefused("no_free_shell")

    async def open(self, user: str, terminal: str) -> RemoteShell:
        """Raises `RemoteRefused`."""
        self.check()
        index = self._states.index(_State.FREE)
        self._states[index] = _State.OPENING
        shell = RemoteShell(partial(self._type, index), partial(self._stop, index))
        self._shells[index] = shell
        opened: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._asked.append(_Asked(index, opened))
        self._send({"msgtype": "rmtsh", "user": user, "term": terminal, "start": index})
        try:
            started = await asyncio.wait_for(opened, _ANSWER)
        except BaseException as error:
            # Nobody waits for it any more, or the station says nothing.
            shell.close("failed")
            if isinstance(error, TimeoutError):
                raise RemoteRefused("not_started") from None
            raise
        if not started:
            raise RemoteRefused("not_started")
        if self._looking is None:
            self._looking = asyncio.get_running_loop().call_later(_LOOK, self._look)
        return shell

    def _look(self) -> None:
        """Ask which shells are open, for as long as there is one here."""
        self._looking = None
        if _State.OPEN in self._states:
            self._asked.append(_Asked(_ANY, None))
            self._send({"msgtype": "rmtsh"})
            self._looking = asyncio.get_running_loop().call_later(_LOOK, self._look)

    async def _type(self, index: int, octets: bytes) -> None:
        await self._send_octets(bytes([index]) + octets)

    def _stop(self, index: int) -> None:
        self._states[index], self._shells[index] = _State.CLOSING, None
        self._asked.append(_Asked(index, None))
        # Station wants no user to stop a shell.
        self._send({"msgtype": "rmtsh", "stop": index})

    def said(self, octets: bytes) -> bool:
        """Octets of a shell; a number alone is its end. Returns whether there is such a shell."""
        index = octets[0] if octets else _SHELLS
        if index >= _SHELLS:
            return False
        state, shell = self._states[index], self._shells[index]
        if state is _State.FREE:
            return False
        if shell is None:
            return True
        if len(octets) > 1:
            shell.said(octets[1:])
        elif state is _State.OPEN:
            self._exited(index)
        return True

    def _exited(self, index: int) -> None:
        shell = self._shells[index]
        self._states[index], self._shells[index] = _State.FREE, None
        if shell is not None:
            shell.end("exited")

    def status(self, started: list[bool]) -> bool:
        """Which shells are open, as the station says; returns whether it was asked."""
        if not self._asked:
            return False
        asked = self._asked.popleft()
        for index, state in enumerate(self._states):
            if state is _State.OPEN and not (index < len(started) and started[index]):
                self._exited(index)
        if asked.number != _ANY:
            self._answered(asked, started)
        return True

    def _answered(self, asked: _Asked, started: list[bool]) -> None:
        state = self._states[asked.number]
        opened = asked.number < len(started) and started[asked.number]
        if asked.opened is None:
            # Another message to the same shell may be under way.
            if state is _State.CLOSING and not any(each.number == asked.number for each in self._asked):
                self._states[asked.number] = _State.FREE
        elif state is _State.OPENING:
            self._opened(asked, opened=opened)

    def _opened(self, asked: _Asked, *, opened: bool) -> None:
        shell = self._shells[asked.number]
        self._states[asked.number] = _State.OPEN if opened else _State.FREE
        if not opened:
            self._shells[asked.number] = None
            if shell is not None:
                shell.end("failed")
        if asked.opened is not None and not asked.opened.done():
            asked.opened.set_result(opened)

    def end(self) -> None:
        """The connection is over."""
        if self._looking is not None:
            self._looking.cancel()
        for shell in self._shells:
            if shell is not None:
                shell.end("disconnected")
        self._shells = [None] * _SHELLS
        self._states = [_State.CLOSING] * _SHELLS
        for asked in self._asked:
            if asked.opened is not None and not asked.opened.done():
                asked.opened.set_result(False)
        self._asked.clear()
