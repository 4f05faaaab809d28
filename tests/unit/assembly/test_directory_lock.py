"""One server on a data directory: the lock of the operating system, and the lease in the database."""

from __future__ import annotations

import asyncio
import errno
import fcntl
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from veldnet.assembly.data_directory import lock as directory_lock
from veldnet.assembly.data_directory.lease import Held, ServerProcess, ServingLease
from veldnet.assembly.data_directory.lock import DirectoryInUse, DirectoryLock, alone, sharing
from veldnet.store import LeaseLost, SqliteStore, migrate, read_property, write_property

_HOLD = """
import sys, time
from pathlib import Path
from veldnet.assembly.data_directory.lock import DirectoryLock
lock = DirectoryLock.take(Path(sys.argv[1]), "a test")
print("held", flush=True)
time.sleep(600)
"""


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of `tmp_path`."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def test_b6_a_lock_is_held_by_one_process_and_names_it(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    with pytest.raises(DirectoryInUse, match=f"a test, process {holder.pid}"):
        DirectoryLock.take(tmp_path, "serve")


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_b6_a_lock_ends_with_its_process(
    tmp_path: Path, holder: subprocess.Popen[str], number: signal.Signals
) -> None:
    holder.send_signal(number)
    lock = DirectoryLock.take(tmp_path, "serve", wait=10)
    assert lock.exclusive
    lock.release()
    DirectoryLock.take(tmp_path, "again").release()


def test_b6_a_process_that_hangs_is_replaced_and_its_lock_is_worth_nothing(
    tmp_path: Path, holder: subprocess.Popen[str]
) -> None:
    holder.send_signal(signal.SIGSTOP)
    lock = DirectoryLock.replace(tmp_path, "serve")
    holder.send_signal(signal.SIGCONT)
    with pytest.raises(DirectoryInUse, match="serve"):
        DirectoryLock.take(tmp_path, "third")
    lock.release()


def test_b6_a_file_system_without_locks_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_locks(_descriptor: int, _how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", no_locks)
    lock = directory_lock.DirectoryLock.take(tmp_path, "serve")
    assert not lock.exclusive
    with sharing(tmp_path):
        pass
    lock.release()


def test_b3_the_database_is_replaced_only_where_nobody_uses_it(tmp_path: Path) -> None:
    with sharing(tmp_path), sharing(tmp_path), pytest.raises(DirectoryInUse), alone(tmp_path):
        pass
    with alone(tmp_path), pytest.raises(DirectoryInUse, match="being replaced"), sharing(tmp_path):
        pass


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqliteStore]:
    opened = SqliteStore(tmp_path / "test.db")
    migrate(opened.engine, opened.path)
    yield opened
    await opened.close()


async def _leave(store: SqliteStore, process: ServerProcess, beat: int = 1) -> None:
    """What a server left in the database, or writes there."""
    text = msgspec.json.encode(Held(process, beat)).decode()
    await store.write(lambda c: write_property(c, "server", text))


async def test_b6_a_server_that_lives_on_this_machine_is_seen_without_its_lock(
    store: SqliteStore, holder: subprocess.Popen[str]
) -> None:
    other = ServerProcess.of(holder.pid, store.identity)
    await _leave(store, other)
    with pytest.raises(DirectoryInUse, match=f"process {holder.pid} on"):
        await ServingLease(store).claim()
    await ServingLease(store).claim(take_over=True)
    await _leave(store, other)
    holder.kill()
    holder.wait()
    await ServingLease(store).claim()


@pytest.mark.parametrize(
    "changes",
    [
        {"started": "1"},
        {"database": (1, 2)},
        {"boot": "another"},
        {"namespace": "pid:[1]"},
    ],
    ids=["identifier used again", "copy of the directory", "machine was started again", "container is gone"],
)
async def test_b6_a_server_that_cannot_live_is_not_waited_for(
    store: SqliteStore, holder: subprocess.Popen[str], changes: dict[str, object]
) -> None:
    await _leave(store, msgspec.structs.replace(ServerProcess.of(holder.pid, store.identity), **changes))
    async with asyncio.timeout(1):
        await ServingLease(store).claim()
    written = await store.read(lambda c: read_property(c, "server"))
    assert written is not None
    assert msgspec.json.decode(written, type=Held).process == ServerProcess.of(os.getpid(), store.identity)


async def test_b6_a_server_on_another_machine_is_told_by_its_beat(
    store: SqliteStore, holder: subprocess.Popen[str]
) -> None:
    far = msgspec.structs.replace(
        ServerProcess.of(holder.pid, store.identity), host="far.example.org", boot="another"
    )
    await _leave(store, far)

    stopped = asyncio.Event()

    async def beat() -> None:
        for number in itertools.count(2):
            await _leave(store, far, number)
            if stopped.is_set():
                return
            await asyncio.sleep(0.01)

    beating = asyncio.create_task(beat())
    with pytest.raises(DirectoryInUse, match=r"far\.example\.org"):
        await ServingLease(store, pause=0.1).claim()
    stopped.set()
    await beating
    # Its beat stands still: it is gone.
    await ServingLease(store, pause=0.01).claim()


async def test_b6_whoever_lost_the_lease_writes_nothing(store: SqliteStore) -> None:
    first, second = ServingLease(store), SqliteStore(store.path)
    await first.claim()
    await first.beat(store)
    await ServingLease(second).claim(take_over=True)
    for write in (store.write(lambda c: write_property(c, "x", "y")), store.commit([]), first.beat(store)):
        with pytest.raises(LeaseLost):
            await write
    assert await second.read(lambda c: read_property(c, "x")) is None
    # Commands, which never took it, write beside the server.
    command = SqliteStore(store.path)
    await command.write(lambda c: write_property(c, "x", "z"))
    assert await store.read(lambda c: read_property(c, "x")) == "z"
    await command.close()
    await second.close()


async def test_b6_a_server_that_stops_says_so(store: SqliteStore) -> None:
    lease = ServingLease(store)
    await lease.claim()
    assert await store.read(lambda c: read_property(c, "server")) != ""
    await lease.release(store)
    assert await store.read(lambda c: read_property(c, "server")) == ""
