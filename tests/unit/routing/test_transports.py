"""A transport is entered by its scheme, and takes part in deliveries like HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import msgspec

from tests.unit.outgoing.servers import serving
from tests.unit.routing.network import OK, Network, uplink
from veldnet.connections import Outcome
from veldnet.inventory.routing_profiles import seal_headers, write_headers
from veldnet.keys import SoftwareVault, Vaults
from veldnet.routing import Retry, RoutingTable
from veldnet.routing.transports import TRANSPORTS, Attempt, TransportSettings


class Memory:
    """Keeps messages in memory; `down` addresses do not answer."""

    made: ClassVar[list[Memory]] = []

    def __init__(self, settings: TransportSettings) -> None:
        self.settings = settings
        self.kept: list[tuple[str, bytes]] = []
        self.down = False
        self.closed = False
        Memory.made.append(self)

    async def deliver(self, address: str, attempt: Attempt, *, keep_answer: bool = False) -> Outcome:
        if self.down:
            return Outcome(False, "Timeout", "nobody is there", address)
        self.kept.append((address, attempt.message.body))
        return Outcome(True, "Ok", None, address, "kept" if keep_answer else None)

    async def close(self) -> None:
        self.closed = True


async def test_an_uplink_goes_through_a_transport_that_is_entered_by_its_scheme(tmp_path: Path) -> None:
    network = await Network.open(tmp_path, transports={**TRANSPORTS, "memory": Memory, "mem": Memory})
    transport = Memory.made.pop()
    assert not Memory.made, "a transport of several schemes is made once"
    await network.profile("memory://queue", "mem://other")
    await network.send(uplink(7))
    await network.until(lambda: bool(transport.kept))
    (address, body) = transport.kept[0]
    assert address == "memory://queue"
    assert msgspec.json.decode(body)["DevEUI_uplink"]["FCntUp"] == 7
    assert await network.until_listed(lambda listed: not listed) == []
    (trial,) = await network.deliveries.try_out(1, 1)
    assert [outcome.answer for outcome in trial.outcomes] == ["kept", "kept"]
    await network.close()
    assert transport.closed


async def test_requests_carry_the_headers_of_their_routing_profile(tmp_path: Path) -> None:
    vaults = Vaults(SoftwareVault(bytes(range(32))))
    network = await Network.open(tmp_path)
    network.table = RoutingTable(network.store, vaults)
    network.begin()
    given = {"Authorization": "Basic YTpi", "User-Agent": "mine"}
    sealed = await seal_headers(vaults, given)
    async with serving(lambda _number: [OK]) as server:
        await network.profile(server.address)
        await network.store.write(lambda c: write_headers(c, 1, sealed))
        await network.table.reload(1)
        assert "YTpi" not in repr(network.table.get(1))
        await network.send(uplink(1))
        await network.until(lambda: len(server.requests) == 1)
        head = server.requests[0].partition(b"\r\n\r\n")[0].decode()
        assert "Authorization: Basic YTpi" in head and "application/json" in head
        assert head.count("User-Agent") == 1 and "User-Agent: mine" in head
        await network.close()


async def test_an_address_without_a_transport_is_set_aside_with_a_reason(tmp_path: Path) -> None:
    network = await Network.open(tmp_path)
    await network.profile("gopher://hole")
    await network.send(uplink(1))
    (aside,) = await network.until_listed(lambda listed: len(listed) == 1 and listed[0].state != "pending")
    assert aside.reason == "addressRefused" and "http, https" in (aside.last_error or "")
    await network.close()


async def test_queues_go_on_as_soon_as_their_destination_answers_again(tmp_path: Path) -> None:
    # Waits that no test would sit through.
    network = await Network.open(
        tmp_path, devices=6, transports={"memory": Memory}, retry=Retry(first=600.0, longest=600.0)
    )
    transport = Memory.made.pop()
    await network.profile("memory://queue")
    transport.down = True
    for number in range(1, 6):
        await network.send(uplink(number), device=number)
    await network.until(lambda: network.deliveries.retrying == 5)
    transport.down = False
    await network.send(uplink(6), device=6)
    await network.until(lambda: len(transport.kept) == 6)
    assert network.deliveries.retrying == 0
    await network.close()
