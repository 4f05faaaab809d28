"""The network server's side: a `Vault` that asks another process, and starts it anew when it dies."""

from __future__ import annotations

import asyncio
import itertools
import socket
import subprocess
from collections.abc import Callable, Sequence
from typing import Any

import structlog

from veldnet.keys.interface import GeneratedAsKey, JoinKeys, JoinOrder, JoinRefusal, VaultError
from veldnet.lorawan import AesKey, DevEui

from .wire import UNASKED, Answer, Call, framed, order_to_wire, read_answer, served_from_wire

log = structlog.get_logger(__name__)

# Starts a vault process that has the socket as its own end.
Starter = Callable[[socket.socket], subprocess.Popen[bytes]]

_START_WITHIN = 30.0
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 10.0
# A call is asked again of so many processes; one that kills each of them must not do so for ever.
_MOST_ATTEMPTS = 5
# Numbers of calls begin behind it.
_HELLO = 1
_PATIENCE = 60.0


class _Waiting:
    """A call that has no answer yet."""

    __slots__ = ("attempts", "call", "done")

    def __init__(self, call: Call, done: asyncio.Future[Answer]) -> None:
        self.call = call
        self.done = done
        self.attempts = 0


class RemoteVault:
    """All calls mean the same when they are made twice, so those under way when the process dies are asked of
    the next one."""

    def __init__(self, start: Starter) -> None:
        self._start = start
        self._ids = itertools.count(_HELLO + 1)
        self._waiting: dict[int, _Waiting] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        # Whether the process has answered: what it is asked before waits, so that no call is blamed for its
        # end.
        self._ready = False
        # Code and words of a process that could not open its vault.
        self._reason: tuple[str, str] | None = None
        # How often the process had to be started anew.
        self.restarts = 0

    @classmethod
    async def open(cls, start: Starter) -> RemoteVault:
        """Start the process and wait until it answers. Raises `VaultError` with what it said."""
        vault = cls(start)
        reader = await vault._begin()
        vault._task = asyncio.get_running_loop().create_task(vault._keep(reader))
        try:
            async with asyncio.timeout(_START_WITHIN):
                await vault._ask(Call(next(vault._ids), "ping"))
        except (TimeoutError, VaultError) as error:
            await vault.close()
            if vault._reason is not None:
                raise VaultError(*vault._reason) from None
            told = str(error) or f"it did not answer within {_START_WITHIN:g} s"
            raise VaultError("no_vault", f"the vault process does not work: {told}") from None
        return vault

    @property
    def problem(self) -> str | None:
        if self._reason is not None and not self._ready:
            return f"the vault cannot be opened: {self._reason[1]}"
        return None if self._ready else "the vault process has died and is being started anew"

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    async def _begin(self) -> asyncio.StreamReader:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        try:
            self._process = self._start(theirs)
        finally:
            theirs.close()
        reader, self._writer = await asyncio.open_connection(sock=ours)
        self._ready = False
        self._writer.write(framed(Call(_HELLO, "ping")))
        return reader

    async def _keep(self, reader: asyncio.StreamReader) -> None:
        """Take answers, and start the process anew whenever it has died."""
        wait, first = _FIRST_WAIT, True
        while True:
            try:
                while True:
                    answer = await read_answer(reader)
                    self._take(answer)
                    if answer.id == _HELLO:
                        wait, first, self._ready, self._reason = _FIRST_WAIT, False, True, None
                        self._ask_again()
            except (EOFError, ValueError) as error:
                self._ready = False
                if self._closing:
                    return
                status = await self._end()
                log.error("vault_process_died", status=status, error=str(error), waiting=len(self._waiting))
            if first and not self.restarts:
                # It never worked: whoever opens it hears why.
                self._give_up("the process ended")
                return
            reader, wait = await self._begin_anew(wait)

    async def _begin_anew(self, wait: float) -> tuple[asyncio.StreamReader, float]:
        """Start the process after a while, and again if the system has none to give; returns how long to wait
        the next time."""
        while True:
            await asyncio.sleep(wait)
            wait = min(wait * 2, _LONGEST_WAIT)
            self.restarts += 1
            try:
                return await self._begin(), wait
            except OSError as error:
                log.error("vault_process_not_started", error=str(error))

    def _take(self, answer: Answer) -> None:
        if answer.id == UNASKED:
            self._reason = (answer.code, answer.text)
            log.error("vault_not_opened", code=answer.code, error=answer.text)
        waiting = self._waiting.pop(answer.id, None)
        if waiting is not None and not waiting.done.done():
            waiting.done.set_result(answer)

    def _ask_again(self) -> None:
        for waiting in list(self._waiting.values()):
            waiting.attempts += 1
            if waiting.attempts > _MOST_ATTEMPTS:
                self._take(Answer(waiting.call.id, code="vault_failed", text="the vault died of this call"))
            elif self._writer is not None:
                self._writer.write(framed(waiting.call))

    def _give_up(self, words: str) -> None:
        for waiting in list(self._waiting.values()):
            self._take(Answer(waiting.call.id, code="no_vault", text=words))

    async def _ask(self, call: Call) -> Answer:
        if self._closing or (self._task is not None and self._task.done()):
            raise VaultError("no_vault", "the vault process is not there")
        done: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        waiting = self._waiting[call.id] = _Waiting(call, done)
        if self._writer is not None and self._ready:
            # To a process that has just died it goes nowhere; the next one is asked again.
            self._writer.write(framed(call))
            waiting.attempts = 1
        try:
            async with asyncio.timeout(_PATIENCE):
                answer = await done
        except TimeoutError:
            raise VaultError("vault_silent", f"the vault did not answer within {_PATIENCE:g} s") from None
        finally:
            self._waiting.pop(call.id, None)
        if answer.code:
            raise VaultError(answer.code, answer.text)
        return answer

    async def _octets(self, method: Any, **values: Any) -> bytes:
        return (await self._ask(Call(next(self._ids), method, **values))).octets

    async def import_app_key(self, dev_eui: DevEui, app_key: AesKey) -> bytes:
        return await self._octets("app_key", dev_eui=int(dev_eui), octets=bytes(app_key))

    async def import_nwk_key(self, dev_eui: DevEui, nwk_key: AesKey) -> bytes:
        return await self._octets("nwk_key", dev_eui=int(dev_eui), octets=bytes(nwk_key))

    async def join(self, orders: Sequence[JoinOrder]) -> list[JoinKeys | JoinRefusal]:
        wired = [order_to_wire(order) for order in orders]
        answer = await self._ask(Call(next(self._ids), "join", orders=wired))
        return [served_from_wire(served) for served in answer.served]

    async def generate_as_key(self, rsa_public_key_pem: str) -> GeneratedAsKey:
        answer = await self._ask(Call(next(self._ids), "as_key", label=rsa_public_key_pem))
        return GeneratedAsKey(answer.octets, answer.text)

    async def seal(self, label: str, secret: bytes) -> bytes:
        return await self._octets("seal", label=label, octets=secret)

    async def unseal(self, label: str, sealed: bytes) -> bytes:
        return await self._octets("unseal", label=label, octets=sealed)

    async def _end(self) -> int | None:
        """Let go of the process; returns its status."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        process = self._process
        return None if process is None else await asyncio.to_thread(_reap, process)

    async def close(self) -> None:
        self._closing = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._give_up("the vault is closed")
        await self._end()


def _reap(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        # Its end of the socket is gone, and it is not.
        process.kill()
        return process.wait()
