"""Calls over the deaths of vault processes, with vaults served by this process in place of others."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import threading
from typing import cast

import pytest

from veldnet.keys import SoftwareVault, VaultError
from veldnet.keys.process import RemoteVault, send_failure, serve_vault
from veldnet.keys.process.wire import UNASKED, Answer, Call, framed, read_call


class Processes:
    """Starts vaults that serve within this process: the next `no_room` starts fail, the next `explains` of
    them cannot open their vault."""

    def __init__(self) -> None:
        self.started: list[FakeProcess] = []
        self.no_room = 0
        self.explains = 0

    def __call__(self, theirs: socket.socket) -> subprocess.Popen[bytes]:
        if self.no_room:
            self.no_room -= 1
            raise OSError("no process to be had")
        process = FakeProcess(theirs.dup(), explains=self.explains > 0)
        self.explains = max(self.explains - 1, 0)
        self.started.append(process)
        return cast("subprocess.Popen[bytes]", process)


class FakeProcess:
    """What a `Popen` shows of a process."""

    def __init__(self, connection: socket.socket, *, explains: bool) -> None:
        self.pid = 4711
        connection.setblocking(False)
        work = _explain(connection) if explains else serve_vault(SoftwareVault(bytes(32)), connection)
        self._task = asyncio.get_running_loop().create_task(work)

    def kill(self) -> None:
        self._task.cancel()

    def wait(self, timeout: float | None = None) -> int:
        return 0


async def _explain(connection: socket.socket) -> None:
    reader, writer = await asyncio.open_connection(sock=connection)
    await read_call(reader)
    writer.write(framed(Answer(UNASKED, code="wrong_pin", text="the PIN is wrong")))
    writer.close()


async def _serve(processes: Processes, hold: bool = True) -> RemoteVault:
    vault = RemoteVault(processes, name="m", hold=hold)
    await vault.begin()
    return vault


async def test_a_call_under_way_when_the_process_dies_is_asked_of_the_next() -> None:
    processes = Processes()
    vault = await _serve(processes)
    assert await vault.settled()
    asked = asyncio.ensure_future(vault.seal("a", b"secret"))
    processes.started[0].kill()
    processes.no_room = 1
    sealed = await asked
    assert await vault.unseal("a", sealed) == b"secret"
    assert vault.restarts == 2 and vault.problem is None
    await vault.close()


async def test_without_hold_a_call_under_way_fails_at_once_and_so_do_those_before_the_next_process() -> None:
    processes = Processes()
    vault = await _serve(processes, hold=False)
    assert await vault.settled()
    asked = asyncio.ensure_future(vault.seal("a", b"secret"))
    await asyncio.sleep(0)
    processes.started[0].kill()
    for call in (asked, vault.seal("a", b"secret")):
        with pytest.raises(VaultError) as caught:
            await call
        assert caught.value.code == "vault_gone"
    assert "restarted" in str(vault.problem)
    await vault.close()


async def test_a_process_that_explains_itself_is_tried_again_and_works() -> None:
    processes = Processes()
    processes.explains = 1
    vault = await _serve(processes)
    assert not await vault.settled() and "the PIN is wrong" in str(vault.problem)
    assert len(await vault.seal("a", b"secret")) > 6 and vault.problem is None
    await vault.close()


async def test_calls_are_refused_until_a_vault_that_was_away_returns_and_held_from_then_on() -> None:
    processes = Processes()
    processes.explains = 1
    vault = await _serve(processes)
    assert not await vault.settled() and not vault.away
    vault.refuse_until_ready()
    with pytest.raises(VaultError, match="the PIN is wrong") as caught:
        await vault.seal("a", b"secret")
    assert caught.value.code == "vault_gone"
    async with asyncio.timeout(30):
        while vault.problem is not None:
            await asyncio.sleep(0.02)
    asked = asyncio.ensure_future(vault.seal("a", b"secret"))
    processes.started[-1].kill()
    assert len(await asked) > 6
    await vault.close()


async def test_closing_fails_what_waits() -> None:
    processes = Processes()
    processes.explains = 1
    vault = await _serve(processes)
    await vault.settled()
    asked = asyncio.ensure_future(vault.seal("a", b"secret"))
    await asyncio.sleep(0)
    await vault.close()
    for call in (asked, vault.seal("a", b"secret")):
        with pytest.raises(VaultError) as caught:
            await call
        assert caught.value.code == "no_vault"
    assert len(processes.started) == 1


def test_why_there_is_no_vault_is_heard_where_calls_were_left_unread() -> None:
    """A process that ends with unread calls would reset the connection."""
    ours, theirs = socket.socketpair()

    def fail() -> None:
        with theirs:
            send_failure(theirs, "no_master_key", "it is not there")

    with ours:
        ours.sendall(framed(Call(1, "ping")))
        process = threading.Thread(target=fail)
        process.start()
        told = framed(Answer(UNASKED, code="no_master_key", text="it is not there"))
        assert ours.recv(4096) == told
        assert ours.recv(4096) == b"", "an end, and no reset"
        ours.shutdown(socket.SHUT_WR)
        process.join(1)
        assert not process.is_alive(), "it ends with its server"
