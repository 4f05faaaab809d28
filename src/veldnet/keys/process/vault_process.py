"""Keeps a vault process alive and takes calls to it: carries out what `machine` decides."""

from __future__ import annotations

import asyncio
import socket
import subprocess
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NamedTuple

import structlog

from veldnet.keys.interface import VaultError
from veldnet.texts import Text

from .calls import PendingCalls
from .machine import STEPS, Action, Event, State
from .silence import SilenceWatch
from .wire import UNASKED, Answer, Call, framed, read_answer, refusal

log = structlog.get_logger(__name__)

# Starts a vault process that has the socket as its own end.
Starter = Callable[[socket.socket], subprocess.Popen[bytes]]

# Number of the first call of a process; those of others begin behind it.
FIRST_CALL = 1
_START_WITHIN = 30.0
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 10.0
_ANSWER_WITHIN = 60.0


class Reason(NamedTuple):
    """Why a process does not work: the code of a `VaultError`, and its text."""

    code: str
    text: str


class VaultProcess:
    """A process that is restarted whenever it dies. Calls wait meanwhile; without `hold` they fail at once
    with the code vault_gone, for another vault to serve them.

    `proof` is awaited for each new process before it is used; it raises `VaultError`. A process that owes
    answers and gives none for `silence` seconds hangs with its module, and is replaced.
    """

    def __init__(
        self,
        start: Starter,
        name: str,
        proof: Callable[[], Awaitable[None]],
        *,
        hold: bool,
        silence: float,
    ) -> None:
        self.name = name
        self.state = State.DOWN
        self.reason: Reason | None = None
        # Number of restarts of the process.
        self.restarts = 0
        self._start = start
        self._proof = proof
        self._hold = hold
        self._refusing = False
        self._silence = silence
        self._wait = _FIRST_WAIT
        self._calls = PendingCalls(self._write)
        self._writer: asyncio.StreamWriter | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._conversation: asyncio.Task[None] | None = None
        self._proving: asyncio.Task[None] | None = None
        self._restart: asyncio.Task[None] | None = None
        self._was_ready = False
        self._changed = asyncio.Event()
        self._actions: dict[Action, Callable[[Reason], None]] = {
            Action.SEND_FIRST_CALL: self._send_first_call,
            Action.BEGIN_PROOF: self._begin_proof,
            Action.FORGET_REASON: self._forget_reason,
            Action.KEEP_REASON: self._keep_reason,
            Action.KEEP_EARLY_END: self._keep_early_end,
            Action.SEND_CALLS: self._send_calls,
            Action.FAIL_CALLS: self._fail_calls,
            Action.FAIL_ALL_CALLS: self._fail_all_calls,
            Action.KILL: self._kill,
            Action.START_LATER: self._start_later,
        }

    @property
    def problem(self) -> str | None:
        if self.state is State.READY:
            return None
        if self.reason is not None:
            return Text("the vault cannot be opened: {reason}", reason=self.reason.text)
        return Text("the vault process has died and is being restarted")

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    async def begin(self) -> None:
        """Start the process, and keep on with that until it works. Raises `OSError`."""
        await self._start_one()

    async def settled(self) -> bool:
        """Wait until the process can be used, or has said why not; returns which."""
        try:
            async with asyncio.timeout(_START_WITHIN):
                while self.state is not State.READY and self.reason is None:
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            return False
        return self.state is State.READY

    async def ask(self, call: Call, *, urgent: bool = False) -> Answer:
        """Raises `VaultError`. What is `urgent` is sent before the process is ready."""
        if self.state is State.CLOSED:
            raise VaultError("no_vault", "the vault process is not there")
        ready = self.state is State.READY
        if not (ready or urgent or (self._hold and not self._refusing)):
            raise VaultError("vault_gone", self.problem or "the vault process is not there")
        with self._calls.waiting(call, urgent=urgent) as pending:
            if ready or urgent:
                self._calls.send(pending)
            try:
                async with asyncio.timeout(_ANSWER_WITHIN):
                    answer = await pending.answer
            except TimeoutError:
                words = Text("the vault did not answer within {seconds:g} s", seconds=_ANSWER_WITHIN)
                raise VaultError("vault_silent", words) from None
        if answer.code:
            raise refusal(answer)
        return answer

    def refuse_until_ready(self) -> None:
        """Let calls fail at once until it works, instead of waiting for a module that may be away long."""
        self._refusing = self.state is not State.READY

    async def close(self) -> None:
        self._handle(Event.CLOSE)
        tasks = [each for each in (self._conversation, self._proving, self._restart) if each is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._release()

    # Events.

    def _handle(self, event: Event, code: str = "", text: str = "") -> None:
        """Take the step of the table; `code` and `text` say why, where the event has a reason."""
        step = STEPS[self.state, event]
        self.state = step.state
        for action in step.actions:
            self._actions[action](Reason(code, text))
        self._changed.set()

    async def _start_one(self) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            self._process = self._start(theirs)
        finally:
            theirs.close()
        reader, self._writer = await asyncio.open_connection(sock=ours)
        self._handle(Event.STARTED)
        self._conversation = _task(self._converse(reader))

    async def _converse(self, reader: asyncio.StreamReader) -> None:
        """Take the answers of a process until the connection breaks, or until it owes some and gives none."""
        silent = ValueError(f"it has not answered for {self._silence:g} s")
        watch = SilenceWatch(
            self._silence, self._calls.unanswered_since, lambda: reader.set_exception(silent)
        )
        try:
            while True:
                self._answered(await read_answer(reader))
                watch.heard()
        except Exception as error:
            # Whatever it was: it begins again with another process.
            self._handle(Event.BROKEN, text=f"{type(error).__name__}: {error}")
        finally:
            watch.close()

    def _answered(self, answer: Answer) -> None:
        if answer.id == UNASKED:
            log.error("vault_not_opened", code=answer.code, error=answer.text)
            self._handle(Event.EXPLAINED, answer.code, answer.text)
        elif answer.id == FIRST_CALL:
            self._handle(Event.ANSWERED)
        else:
            self._calls.answered(answer)

    async def _prove(self) -> None:
        try:
            await self._proof()
        except Exception as error:
            code = error.code if isinstance(error, VaultError) else "vault_failed"
            log.error("vault_refused", module=self.name, code=code, error=str(error))
            self._handle(Event.FAILED_PROOF, code, str(error))
        else:
            self._handle(Event.PROVEN)

    async def _replace(self, text: str) -> None:
        """Let go of the process before, wait, and start another one."""
        status = await self._release()
        if text:
            waiting = len(self._calls)
            log.error("vault_process_died", module=self.name, status=status, error=text, waiting=waiting)
        await asyncio.sleep(self._wait)
        self._wait = min(self._wait * 2, _LONGEST_WAIT)
        self.restarts += 1
        try:
            await self._start_one()
        except Exception as error:
            log.error("vault_process_not_started", error=f"{type(error).__name__}: {error}")
            self._handle(Event.NOT_STARTED)

    async def _release(self) -> int | None:
        """Let go of the process; returns its status."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        process = self._process
        return None if process is None else await asyncio.to_thread(_reap, process)

    # Actions.

    def _send_first_call(self, _reason: Reason) -> None:
        self._write(Call(FIRST_CALL, "ping"))

    def _begin_proof(self, _reason: Reason) -> None:
        self._proving = _task(self._prove())

    def _forget_reason(self, _reason: Reason) -> None:
        self.reason, self._was_ready, self._wait = None, True, _FIRST_WAIT
        self._refusing = False

    def _keep_reason(self, reason: Reason) -> None:
        self.reason = reason

    def _keep_early_end(self, _reason: Reason) -> None:
        if self.reason is None and not self._was_ready:
            self.reason = Reason("no_vault", Text("the vault process ended as it began"))

    def _send_calls(self, _reason: Reason) -> None:
        self._calls.send_all()

    def _fail_calls(self, _reason: Reason) -> None:
        if self._proving is not None:
            self._proving.cancel()
        self._calls.fail(
            "vault_gone", Text("{name} does not answer any more", name=self.name), urgent_only=self._hold
        )

    def _fail_all_calls(self, _reason: Reason) -> None:
        self._calls.fail("no_vault", "the vault is closed")

    def _kill(self, _reason: Reason) -> None:
        if self._process is not None:
            self._process.kill()

    def _start_later(self, reason: Reason) -> None:
        self._restart = _task(self._replace(reason.text))

    def _write(self, call: Call) -> None:
        if self._writer is not None:
            self._writer.write(framed(call))


def _task(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.get_running_loop().create_task(work)


def _reap(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        # Its end of the socket is gone, and it is not.
        process.kill()
        return process.wait()
