"""Deliveries over a real store to real servers; only the frames and their messages are made up."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
from sqlalchemy import insert, select

from tests.contract.test_store import fleet, open_sqlite
from tests.unit.outgoing.servers import Pieces, RawServer
from veldnet.network.shell import Owned, Runtime
from veldnet.routing import (
    Deliveries,
    Limits,
    Messaging,
    ProcessPlan,
    Retry,
    RouteSender,
    RoutingTable,
    TransportSettings,
    Undelivered,
    UndeliveredQuery,
    Whose,
    list_undelivered,
)
from veldnet.routing.messages import TunnelMessage
from veldnet.routing.transports import TRANSPORTS, Transports
from veldnet.store import IdSource, SqliteStore, StoreError
from veldnet.store.schema import deliveries, routes, routing_profiles
from veldnet.supervision import Supervisor

FAR = 1 << 42
QUICK = Retry(0.01, 0.05, 3)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def status(code: int, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {code} X", *headers, "Content-Length: 0\r\n\r\n"]
    return "\r\n".join(lines).encode()


def uplink(number: int, device: int = 1, **more: Any) -> TunnelMessage:
    fields = {"DevEUI": f"{device:016X}", "FCntUp": number, **more}
    return TunnelMessage("DevEUI_uplink", fields, "", f"{device:016X}", 1)


def join(device: int = 1) -> TunnelMessage:
    fields = {"DevEUI": f"{device:016X}", "rawJoinRequest": "00"}
    return TunnelMessage("DevEUI_uplink", fields, "", f"{device:016X}", 0, json_only=True)


def report(number: int, name: str = "DevEUI_notification") -> TunnelMessage:
    return TunnelMessage(name, {"DevEUI": "0" * 16, "Number": number}, "", "0" * 16, 0)


class _Messages:
    """Stands for the writer of messages: the record is its messages."""

    lrc_id = "00000001"

    def messages(self, record: Any, _device: Any) -> list[TunnelMessage]:
        return list(record.messages)


class Network:
    """Commits at once whatever deliveries want to have written."""

    def __init__(self, store: SqliteStore, clock: Callable[[], float] = time.time) -> None:
        self.store = store
        self.clock = clock
        self.ids = IdSource()
        # Its routes have no keys.
        self.table = RoutingTable(store, None)  # type: ignore[arg-type]
        self.deliveries: Any = None
        self.commits = 0
        self._frame = 0
        self._commit_lock = asyncio.Lock()
        self._committing: set[asyncio.Task[None]] = set()

    @classmethod
    async def open(cls, directory: Path, devices: int = 1, **more: Any) -> Network:
        store = open_sqlite(directory)
        await fleet(store, devices)
        network = cls(store)
        network.begin(**more)
        return network

    def begin(
        self,
        *,
        retry: Retry = QUICK,
        limits: Limits | None = None,
        allow_private: bool = True,
        total_timeout: float = 10.0,
        transports: Transports = TRANSPORTS,
        owned: Owned | None = None,
        processes: ProcessPlan | None = None,
    ) -> None:
        """Start deliveries, as a new process does."""
        sender = RouteSender(
            TransportSettings(allow_private, total_timeout=total_timeout),
            clock=time.monotonic,
            transports=transports,
        )
        self.deliveries = Deliveries(
            Runtime(self.clock, self.ids, random.Random(1), Supervisor(expected=(StoreError,))),
            self.store,
            Messaging(self.table, _Messages(), sender, owned, processes=processes),  # type: ignore[arg-type]
            wake=self._wake,
            retry=retry,
            limits=limits,
        )

    async def profile(
        self,
        *addresses: str,
        strategy: str = "SEQUENTIAL",
        ref: int = 1,
        subscriber: int = 1,
        ports: str = "*",
    ) -> None:
        """A routing profile with one route."""

        def write(connection: Any) -> None:
            connection.execute(routing_profiles.delete().where(routing_profiles.c.ref == ref))
            connection.execute(
                insert(routing_profiles).values(
                    ref=ref, subscriber_ref=subscriber, name="x", is_default=False, is_dummy=False
                )
            )
            connection.execute(
                insert(routes).values(
                    routing_profile_ref=ref,
                    position=0,
                    source_ports="*",
                    strategy=strategy,
                    content_type="JSON",
                    addresses=msgspec.json.encode(addresses).decode(),
                )
            )

        await self.store.write(write)
        await self.table.reload(ref)

    async def send(self, *messages: TunnelMessage, device: int = 1, profile: int = 1, owner: int = 1) -> None:
        """A frame of a device with its messages."""
        self._frame += 1
        row = SimpleNamespace(ref=device, subscriber_ref=owner, routing_profile_ref=profile, partition=0)
        known = SimpleNamespace(row=row, plan=SimpleNamespace(thirdPartyAppServersRouting=True))
        record = SimpleNamespace(id=self._frame, messages=messages)
        await self.commit([(record, known, None)])

    async def commit(self, recorded: Sequence[Any] = ()) -> None:
        async with self._commit_lock:
            rows = self.deliveries.rows(recorded, ())
            if not rows:
                return
            self.commits += 1
            try:
                await self.store.commit(rows)
            except StoreError:
                self.deliveries.failed()
                raise
            self.deliveries.committed()

    def _wake(self) -> None:
        if not self._committing:
            task = asyncio.get_running_loop().create_task(self.commit())
            self._committing.add(task)
            task.add_done_callback(self._committing.discard)

    async def listed(self, subscriber: int = 1) -> list[Undelivered]:
        """Everything that is pending or undelivered."""
        await self.commit()
        wanted = UndeliveredQuery(0, FAR, 1000, pending=True)
        return await self.store.read(lambda c: list_undelivered(c, wanted, Whose(subscriber)))

    async def until(self, met: Callable[[], bool], seconds: float = 30.0) -> None:
        async with asyncio.timeout(seconds):
            while not met():
                await asyncio.sleep(0.005)

    async def until_listed(self, met: Callable[[list[Undelivered]], bool]) -> list[Undelivered]:
        async with asyncio.timeout(30):
            while not met(listed := await self.listed()):
                await asyncio.sleep(0.01)
        return listed

    async def rows_left(self) -> int:
        await self.commit()
        return len(await self.store.read(lambda c: c.execute(select(deliveries.c.id)).all()))

    async def stop(self) -> None:
        await self.deliveries.stop(0.2)
        await asyncio.gather(*self._committing)
        await self.commit()

    async def close(self) -> None:
        await self.stop()
        await self.store.close()


def bodies(server: RawServer) -> list[dict[str, Any]]:
    """What a server was sent, in order."""
    found = [msgspec.json.decode(request.split(b"\r\n\r\n", 1)[1]) for request in server.requests]
    return [next(iter(message.values())) for message in found]


def counters(server: RawServer) -> list[int]:
    """FCntUp of the uplinks that a server was sent."""
    return [body["FCntUp"] for body in bodies(server) if "FCntUp" in body]


Answering = Callable[[dict[str, Any]], bytes]


def answering(server: list[RawServer], answer: Answering) -> Callable[[int], Pieces]:
    """Answers that depend on the message; `server` holds the server once it is there."""
    return lambda _number: [answer(bodies(server[0])[-1])]
