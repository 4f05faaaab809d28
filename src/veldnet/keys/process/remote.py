"""The network server's side: a `Vault` that asks another process, and starts it anew when it dies."""

from __future__ import annotations

import asyncio
import itertools
import socket
import subprocess
from collections.abc import Awaitable, Callable, Sequence
from time import monotonic
from typing import Any

import structlog

from veldnet.domain.joins import JoinKeys, JoinOrder, JoinRefusal
from veldnet.keys.interface import ExchangeKey, GeneratedAsKey, Health, Sealed, Transported, VaultError
from veldnet.lorawan import AesKey, DevEui

from .wire import UNASKED, Answer, Call, framed, order_to_wire, read_answer, served_from_wire

log = structlog.get_logger(__name__)

# Starts a vault process that has the socket as its own end.
Starter = Callable[[socket.socket], subprocess.Popen[bytes]]
# Checks a vault before it is used. Raises `VaultError`.
Proof = Callable[["RemoteVault"], Awaitable[None]]

_START_WITHIN = 30.0
_FIRST_WAIT, _LONGEST_WAIT = 0.2, 10.0
# A call is asked again of so many processes; one that kills each of them must not do so for ever.
_MOST_ATTEMPTS = 5
# Numbers of calls begin behind it.
_HELLO = 1
_PATIENCE = 60.0
# A process that owes answers and gives none for so long hangs with its module.
_SILENCE = 10.0


class _Waiting:
    """A call that has no answer yet. `urgent` ones are asked before the process is ready."""

    __slots__ = ("asked_at", "attempts", "call", "done", "urgent")

    def __init__(self, call: Call, done: asyncio.Future[Answer], urgent: bool) -> None:
        self.call = call
        self.done = done
        self.attempts = 0
        self.asked_at = monotonic()
        self.urgent = urgent


class RemoteVault:
    """All calls mean the same when they are made twice, so those under way when the process dies are asked of
    the next one. Without `hold` they fail at once instead, with the code vault_gone, for another vault to do.

    `name` is that of the module. `proof` is asked of each new process before it is used.
    """

    def __init__(
        self,
        start: Starter,
        *,
        name: str = "vault",
        hold: bool = True,
        proof: Proof | None = None,
        silence: float = _SILENCE,
    ) -> None:
        self._start = start
        self._name = name
        self._hold = hold
        self._proof = proof
        self._silence = silence
        self._ids = itertools.count(_HELLO + 1)
        self._waiting: dict[int, _Waiting] = {}
        self._writer: asyncio.StreamWriter | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._task: asyncio.Task[None] | None = None
        self._adopting: asyncio.Task[None] | None = None
        self._closing = False
        # Whether the process has answered and stood the proof: what it is asked before waits, so that no call
        # is blamed for its end.
        self._ready = False
        self._became_ready = asyncio.Event()
        # Code and words of a process that could not open its vault, or whose module has failed.
        self._reason: tuple[str, str] | None = None
        # How often the process had to be started anew.
        self.restarts = 0

    @classmethod
    async def open(cls, start: Starter, *, name: str = "vault", proof: Proof | None = None) -> RemoteVault:
        """Start the process and wait until it answers. Raises `VaultError` with what it said."""
        vault = cls(start, name=name, proof=proof)
        await vault.begin()
        if not await vault.settled():
            reason = vault._reason
            await vault.close()
            raise VaultError(
                *(reason or ("no_vault", "the vault process does not work: it did not answer in time"))
            )
        return vault

    async def begin(self) -> None:
        """Start the process, and go on with that until it works."""
        reader = await self._begin()
        self._task = asyncio.get_running_loop().create_task(self._keep(reader))

    async def settled(self) -> bool:
        """Wait until the process can be used, or has said why not; returns which."""
        assert self._task is not None
        ready = asyncio.ensure_future(self._became_ready.wait())
        try:
            async with asyncio.timeout(_START_WITHIN):
                while not self._ready and self._reason is None:
                    await asyncio.wait({ready}, timeout=0.05)
        except TimeoutError:
            return False
        finally:
            ready.cancel()
        return self._ready

    @property
    def problem(self) -> str | None:
        if self._reason is not None and not self._ready:
            return f"the vault cannot be opened: {self._reason[1]}"
        return None if self._ready else "the vault process has died and is being started anew"

    @property
    def health(self) -> list[Health]:
        return [Health(self._name, self.problem)]

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
        wait = _FIRST_WAIT
        while True:
            try:
                while True:
                    answer = await self._next(reader)
                    self._take(answer)
                    if answer.id == _HELLO:
                        self._adopting = asyncio.get_running_loop().create_task(self._adopt())
            except Exception as error:
                # Whatever has broken the conversation: it begins again with another process.
                if self._ready:
                    wait = _FIRST_WAIT
                self._unready()
                if self._closing:
                    return
                status = await self._end()
                log.error(
                    "vault_process_died",
                    module=self._name,
                    status=status,
                    error=f"{type(error).__name__}: {error}",
                    waiting=len(self._waiting),
                )
                if self._reason is None and not self._became_ready.is_set():
                    self._reason = ("no_vault", "the vault process ended as it began")
            reader, wait = await self._begin_anew(wait)

    async def _next(self, reader: asyncio.StreamReader) -> Answer:
        """The next answer. Raises `ValueError` when the process owes some and gives none."""
        reading = asyncio.ensure_future(read_answer(reader))
        try:
            while True:
                since = monotonic()
                done, _pending = await asyncio.wait({reading}, timeout=self._silence)
                if done:
                    return reading.result()
                if any(waiting.attempts and waiting.asked_at <= since for waiting in self._waiting.values()):
                    raise ValueError(f"it has not answered for {self._silence:g} s")
        finally:
            reading.cancel()

    async def _adopt(self) -> None:
        """Use a process that has come up, if it stands the proof."""
        try:
            if self._proof is not None:
                await self._proof(self)
        except Exception as error:
            code = error.code if isinstance(error, VaultError) else "vault_failed"
            self._reason = (code, str(error))
            log.error("vault_refused", module=self._name, code=code, error=str(error))
            if self._process is not None:
                self._process.kill()
            return
        self._ready, self._reason = True, None
        self._became_ready.set()
        self._ask_again()

    def _unready(self) -> None:
        self._ready = False
        if self._adopting is not None:
            self._adopting.cancel()
            self._adopting = None
        for waiting in list(self._waiting.values()):
            if waiting.urgent or not self._hold:
                self._take(
                    Answer(waiting.call.id, code="vault_gone", text=f"{self._name} does not answer any more")
                )

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
            if waiting.attempts >= _MOST_ATTEMPTS:
                self._take(Answer(waiting.call.id, code="vault_failed", text="the vault died of this call"))
            else:
                self._write(waiting)

    def _write(self, waiting: _Waiting) -> None:
        if self._writer is not None:
            # To a process that has just died it goes nowhere; the next one is asked again.
            self._writer.write(framed(waiting.call))
            waiting.attempts += 1
            waiting.asked_at = monotonic()

    def _give_up(self, words: str) -> None:
        for waiting in list(self._waiting.values()):
            self._take(Answer(waiting.call.id, code="no_vault", text=words))

    async def _ask(self, call: Call, *, urgent: bool = False) -> Answer:
        if self._closing or (self._task is not None and self._task.done()):
            raise VaultError("no_vault", "the vault process is not there")
        if not (self._ready or self._hold or urgent):
            raise VaultError("vault_gone", self.problem or "the vault process is not there")
        done: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        waiting = self._waiting[call.id] = _Waiting(call, done, urgent)
        if self._ready or urgent:
            self._write(waiting)
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

    async def prove(self, label: str, sealed: bytes) -> bytes:
        """`unseal` of a process that is not used yet; for a proof."""
        call = Call(next(self._ids), "unseal", label=label, octets=sealed)
        return (await self._ask(call, urgent=True)).octets

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

    async def create_exchange_key(self) -> ExchangeKey:
        answer = await self._ask(Call(next(self._ids), "exchange_key"))
        return ExchangeKey(answer.text, answer.octets)

    async def create_transport_key(self, rsa_public_key_pem: str) -> GeneratedAsKey:
        answer = await self._ask(Call(next(self._ids), "transport_key", label=rsa_public_key_pem))
        return GeneratedAsKey(answer.octets, answer.text)

    async def receive(self, transported: Transported) -> bytes:
        return await self._octets(
            "receive",
            form=transported.form,
            label=transported.label,
            octets=transported.encrypted,
            sealed=transported.sealed,
        )

    async def refresh(self) -> bytes:
        return await self._octets("refresh")

    async def reseal(self, items: Sequence[Sealed]) -> list[bytes | None]:
        return (await self._ask(Call(next(self._ids), "reseal", items=list(items)))).resealed

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
        tasks = [task for task in (self._task, self._adopting) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._give_up("the vault is closed")
        await self._end()


def _reap(process: subprocess.Popen[bytes]) -> int:
    try:
        return process.wait(timeout=2)
    except subprocess.TimeoutExpired:
        # Its end of the socket is gone, and it is not.
        process.kill()
        return process.wait()
