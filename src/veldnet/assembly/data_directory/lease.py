"""Lease of a server on its database: identity and heartbeat.

The lock (`lock.py`) says at once whether a server lives, where the file system has locks.
The lease fences: every commit and every change of a server checks in its own transaction that nobody has
taken the lease since. And it shows a server that the lock does not show, by its process where that is on
this machine, else by a beat that still rises. No clock is compared with another, so clocks may step."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import socket
from pathlib import Path

import msgspec
from sqlalchemy import Connection

from veldnet.assembly.data_directory.lock import DirectoryInUse
from veldnet.store import (
    DatabaseStore,
    Store,
    StoreError,
    read_cluster,
    read_property,
    write_property,
)

# Seconds between two beats of a server.
BEAT_EVERY = 2.0
# Beats that are waited for before a server somewhere else counts as gone.
_ATTEMPTS = 3

_PROPERTY = "server"


class ServerProcess(msgspec.Struct, frozen=True):
    """A process as others can recognise it. `started` is in ticks since `boot`, so that a process identifier
    that is used again is not taken for it."""

    host: str
    boot: str
    namespace: str
    pid: int
    started: str
    # Of the database, so that a copy of it is nobody's.
    database: tuple[int, int]

    @classmethod
    def of(cls, pid: int, database: tuple[int, int]) -> ServerProcess:
        """A process of this machine, on a database by its identity."""
        return cls(
            host=socket.gethostname(),
            boot=_read("/proc/sys/kernel/random/boot_id"),
            namespace=_namespace(),
            pid=pid,
            started=_started(pid),
            database=database,
        )


class Held(msgspec.Struct, frozen=True):
    """What a server writes of itself into the database."""

    process: ServerProcess
    beat: int


class ServingLease:
    """The lease of this process."""

    def __init__(self, data_store: DatabaseStore, *, pause: float = BEAT_EVERY) -> None:
        self._store = data_store
        self._pause = pause
        self._process: ServerProcess | None = None
        self._beat = 0

    async def claim(self, *, take_over: bool = False) -> None:
        """Become the only server on the database. Raises `DirectoryInUse` where another one lives, unless it
        is to be taken over."""
        mine = ServerProcess.of(os.getpid(), self._store.identity)
        nodes = (await self._store.read(read_cluster)).living
        if nodes:
            names = ", ".join(node.name for node in nodes)
            raise DirectoryInUse(
                f"nodes serve {self._store.name} ({names}): set cluster.nats to join them, or stop them first"
            )
        if not take_over:
            await self.refuse_beside(mine)
        await self._store.take_leases(secrets.token_hex(4))
        self._process = mine
        await self.beat(self._store)

    async def refuse_beside(self, mine: ServerProcess | None = None) -> None:
        """Raises `DirectoryInUse` where a server that serves alone lives."""
        mine = mine or ServerProcess.of(os.getpid(), self._store.identity)
        held = await self._store.read(_read_held)
        if held is not None and await self._lives(held, mine):
            raise DirectoryInUse(
                f"another server (process {held.process.pid} on {held.process.host}) uses {self._store.name}"
            )

    async def beat(self, store: Store) -> None:
        """Show that this server lives, that its lease is its own, and that the database can be written.
        Raises `LeaseLost` and `StoreError`."""
        assert self._process is not None
        self._beat += 1
        held = msgspec.json.encode(Held(self._process, self._beat)).decode()
        await store.write(lambda connection: write_property(connection, _PROPERTY, held))

    async def release(self, store: Store) -> None:
        """Let the next server not wait for a beat. Without it the next one finds out by itself."""
        if self._process is not None:
            with contextlib.suppress(StoreError):
                await store.write(forget_server)

    async def _lives(self, held: Held, mine: ServerProcess) -> bool:
        known = _known_to_live(held.process, mine)
        if known is not None:
            return known
        for _ in range(_ATTEMPTS):
            await asyncio.sleep(self._pause)
            now = await self._store.read(_read_held)
            if now != held:
                return True
        return False


def _read_held(connection: Connection) -> Held | None:
    text = read_property(connection, _PROPERTY)
    if text is None:
        return None
    with contextlib.suppress(msgspec.DecodeError):
        return msgspec.json.decode(text, type=Held)
    # Of another version; it cannot run beside this one, for it has another schema.
    return None


def forget_server(connection: Connection) -> None:
    """Have a database not speak of the server that it was copied from."""
    write_property(connection, _PROPERTY, "")


def _known_to_live(process: ServerProcess, mine: ServerProcess) -> bool | None:
    """Whether a process lives; None where only its beat shows that."""
    if process.database != mine.database or process == mine:
        return False
    if process.boot == mine.boot:
        # Of another container: the lock, which this process holds, has told already that it is gone.
        return process.namespace == mine.namespace and _started(process.pid) == process.started
    # The machine was started again, or it is another one.
    return False if process.host == mine.host else None


def _started(pid: int) -> str:
    """When a process began; empty where there is none."""
    text = _read(f"/proc/{pid}/stat")
    # The name before it may hold blanks and parentheses.
    fields = text.rpartition(")")[2].split()
    # A zombie has ended.
    return fields[19] if len(fields) > 19 and fields[0] not in "ZX" else ""


def _namespace() -> str:
    with contextlib.suppress(OSError):
        return str(Path("/proc/self/ns/pid").readlink())
    return ""


def _read(path: str) -> str:
    with contextlib.suppress(OSError):
        return Path(path).read_text().strip()
    return ""
