"""The vault's side of the socket pair."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Awaitable, Callable

import structlog

from veldnet.keys.interface import Transported, Vault, VaultError
from veldnet.lorawan import AesKey, DevEui

from .wire import UNASKED, Answer, Call, framed, order_from_wire, read_call, refused, served_to_wire

log = structlog.get_logger(__name__)

# Calls under way at once; more wait in the socket, which holds the other side up.
_CONCURRENT = 32
# The module has failed, whatever it is asked.
_FAILED = "module_failed"
# Seconds.
_HANGS_UP_WITHIN = 1.5


def send_failure(connection: socket.socket, code: str, words: str) -> None:
    """Tell the other side why there will be no vault, and wait until it has hung up: where calls were left
    unread, the end of this process would reset the connection, and take away what has been told."""
    connection.sendall(framed(Answer(UNASKED, code=code, text=words)))
    connection.shutdown(socket.SHUT_WR)
    connection.settimeout(_HANGS_UP_WITHIN)
    with contextlib.suppress(OSError):
        while connection.recv(4096):
            pass


async def serve_vault(vault: Vault, connection: socket.socket) -> None:
    """Answer calls until the other side is gone, or the module has failed for good: then the process ends,
    and another one starts over with it. What is not answered is asked of that one."""
    reader, writer = await asyncio.open_connection(sock=connection)
    free = asyncio.Semaphore(_CONCURRENT)
    tasks: set[asyncio.Task[None]] = set()
    failed = asyncio.Event()
    reason = ""

    async def answer(call: Call) -> None:
        nonlocal reason
        try:
            answered = await _answer(vault, call)
        finally:
            free.release()
        words = _failure(answered)
        if words is None:
            # A server that was killed waits for no answer.
            with contextlib.suppress(ConnectionError):
                writer.write(framed(answered))
                await writer.drain()
        else:
            reason = words
            failed.set()

    async def take_calls() -> None:
        while True:
            call = await read_call(reader)
            await free.acquire()
            task = asyncio.get_running_loop().create_task(answer(call))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

    taking = asyncio.get_running_loop().create_task(take_calls())
    failing = asyncio.get_running_loop().create_task(failed.wait())
    try:
        await asyncio.wait({taking, failing}, return_when=asyncio.FIRST_COMPLETED)
        if failed.is_set():
            writer.write(framed(Answer(UNASKED, code=_FAILED, text=reason)))
            await writer.drain()
        else:
            taking.result()
    except EOFError:
        log.info("vault_released")
    finally:
        for pending in (taking, failing, *tasks):
            pending.cancel()
        writer.close()
        await vault.close()


def _failure(answer: Answer) -> str | None:
    """What a module says that can do nothing any more."""
    if answer.code == _FAILED:
        return answer.text
    return next((served.message for served in answer.served if served.code == _FAILED), None)


async def _answer(vault: Vault, call: Call) -> Answer:
    try:
        return await _METHODS[call.method](vault, call)
    except VaultError as error:
        return refused(call.id, error)
    except ValueError as error:
        return Answer(call.id, code="bad_call", text=str(error))
    except Exception as error:
        # The other side must hear of it; what it was stands in the log, without what the call held.
        log.error("vault_call_failed", method=call.method, error=type(error).__name__)
        return Answer(call.id, code="vault_failed", text=f"the vault failed: {type(error).__name__}")


async def _join(vault: Vault, call: Call) -> Answer:
    answers = await vault.join([order_from_wire(order) for order in call.orders])
    return Answer(call.id, served=[served_to_wire(answer) for answer in answers])


async def _app_key(vault: Vault, call: Call) -> Answer:
    return Answer(call.id, octets=await vault.import_app_key(DevEui(call.dev_eui), AesKey(call.octets)))


async def _nwk_key(vault: Vault, call: Call) -> Answer:
    return Answer(call.id, octets=await vault.import_nwk_key(DevEui(call.dev_eui), AesKey(call.octets)))


async def _keys(vault: Vault, call: Call) -> Answer:
    return Answer(call.id, sealed=await vault.import_keys(call.keys))


async def _as_key(vault: Vault, call: Call) -> Answer:
    generated = await vault.generate_as_key(call.label)
    return Answer(call.id, octets=generated.sealed, text=generated.rsa_encrypted)


async def _seal(vault: Vault, call: Call) -> Answer:
    return Answer(call.id, octets=await vault.seal(call.label, call.octets))


async def _unseal(vault: Vault, call: Call) -> Answer:
    return Answer(call.id, octets=await vault.unseal(call.label, call.octets))


async def _exchange_key(vault: Vault, call: Call) -> Answer:
    made = await vault.create_exchange_key()
    return Answer(call.id, octets=made.sealed, text=made.public_key_pem)


async def _transport_key(vault: Vault, call: Call) -> Answer:
    generated = await vault.create_transport_key(call.label)
    return Answer(call.id, octets=generated.sealed, text=generated.rsa_encrypted)


async def _receive(vault: Vault, call: Call) -> Answer:
    transported = Transported(form=call.form, label=call.label, encrypted=call.octets, sealed=call.sealed)
    return Answer(call.id, octets=await vault.receive(transported))


async def _mc_key(vault: Vault, call: Call) -> Answer:
    return Answer(call.id, octets=await vault.seal_mc_key(DevEui(call.dev_eui), call.octets or None))


async def _group_keys(vault: Vault, call: Call) -> Answer:
    if call.group is None:
        raise ValueError("no order")
    return Answer(call.id, group=await vault.group_keys(call.group))


async def _member_keys(vault: Vault, call: Call) -> Answer:
    return Answer(call.id, members=await vault.member_keys(call.members, call.mc_key))


async def _refresh(vault: Vault, call: Call) -> Answer:
    return Answer(call.id, octets=await vault.refresh())


async def _reseal(vault: Vault, call: Call) -> Answer:
    return Answer(call.id, resealed=await vault.reseal(call.items))


async def _ping(_vault: Vault, call: Call) -> Answer:
    return Answer(call.id)


_METHODS: dict[str, Callable[[Vault, Call], Awaitable[Answer]]] = {
    "join": _join,
    "app_key": _app_key,
    "nwk_key": _nwk_key,
    "keys": _keys,
    "as_key": _as_key,
    "exchange_key": _exchange_key,
    "transport_key": _transport_key,
    "receive": _receive,
    "seal": _seal,
    "unseal": _unseal,
    "mc_key": _mc_key,
    "group_keys": _group_keys,
    "member_keys": _member_keys,
    "refresh": _refresh,
    "reseal": _reseal,
    "ping": _ping,
}
