"""A connection that is held: how it is while the other side ends it, and what waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from veldnet.connections import KINDS, Connection, Kind, Outcome, Outgoing, Surroundings, kept
from veldnet.domain.flows import ConnectionSecrets, ConnectionSettings
from veldnet.outgoing import Address, ConnectionFailed, Pauses, Resolver
from veldnet.supervision import Supervisor

IDLE, BROKEN = kept.EndedIdle("idle for ten minutes"), ConnectionFailed("the broker is gone")


class Scripted(kept.KeptConnection):
    """Sessions that begin and end when they are told to."""

    opens: asyncio.Queue[bool]
    ends: asyncio.Queue[ConnectionFailed]

    @property
    def kind(self) -> Kind:
        return KINDS["MQTT"]

    async def session(self, address: Address, hosts: list[str]) -> None:
        await self.opens.get()
        self.up()
        raise await self.ends.get()

    async def send(self, message: Outgoing, topic: str, where: str) -> Outcome:
        return Outcome(True, "Ok")


@pytest.fixture
async def connection() -> AsyncIterator[Scripted]:
    around = Surroundings(
        True,
        Resolver(allow_private=True),
        Supervisor(),
        time.time,
        lambda _incoming: None,
        lambda _ref: None,
        pauses=Pauses(0.001, 0.001),
    )
    settings = ConnectionSettings(type="MQTT", address="mqtt://127.0.0.1")
    made = Scripted(Connection(1, 1, "1", "x", True, settings, ConnectionSecrets()), around)
    made.opens, made.ends = asyncio.Queue(), asyncio.Queue()
    made.start()
    yield made
    await made.close()


async def _open(connection: Scripted) -> None:
    connection.opens.put_nowait(True)
    assert (await connection.deliver(Outgoing("up", {}, b"{}", 0))).delivered


async def _end(connection: Scripted, why: ConnectionFailed) -> None:
    connection.ends.put_nowait(why)
    while connection._up.is_set():
        await asyncio.sleep(0)


async def test_one_that_was_idle_is_made_again_without_a_word(
    connection: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kept, "_WORKED", 0.0)
    await _open(connection)
    await _end(connection, IDLE)
    assert (connection.condition.status, connection.condition.reason) == ("ACTIVE", None)
    # What is sent now waits for the connection.
    await _open(connection)
    await _end(connection, BROKEN)
    assert (connection.condition.status, connection.condition.reason) == ("ERROR", "the broker is gone")


async def test_one_that_is_ended_at_once_has_failed(connection: Scripted) -> None:
    await _open(connection)
    await _end(connection, IDLE)
    assert (connection.condition.status, connection.condition.reason) == ("ERROR", "idle for ten minutes")
    outcome = await connection.deliver(Outgoing("up", {}, b"{}", 0))
    assert (outcome.delivered, outcome.error) == (False, "idle for ten minutes")
