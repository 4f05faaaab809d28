"""What is pending goes with the partitions of its devices."""

from __future__ import annotations

from pathlib import Path

from tests.unit.routing.network import OK, Network, counters, status, uplink
from tests.unit.routing.test_delivery import application_server
from veldnet.lorawan import NetId
from veldnet.network.core.addressing import AddressSpace
from veldnet.network.shell import Owned
from veldnet.routing import Retry

ALL = frozenset(range(64))


def shared(*partitions: int) -> Owned:
    owned = Owned(AddressSpace(NetId(0)), shared=True)
    owned.add(partitions)
    return owned


async def test_another_node_goes_on_in_order_with_what_is_pending(tmp_path: Path) -> None:
    mine, theirs = shared(*ALL), shared()
    one = await Network.open(tmp_path, retry=Retry(60, 60), owned=mine)
    up = False
    async with application_server(lambda _body: OK if up else status(503)) as server:
        await one.profile(server.address)
        for number in range(3):
            await one.send(uplink(number))
        await one.until(lambda: one.deliveries.retrying == 1)
        mine.remove(ALL)
        await one.deliveries.give(ALL)
        assert (one.deliveries.pending, one.deliveries.retrying, await one.rows_left()) == (0, 0, 3)
        # A node that does not serve the device leaves the queue alone.
        one.deliveries.requeue((1, "1:u::"), 0)
        await one.deliveries.start()
        assert not one.deliveries.pending

        up = True
        two = Network(one.store)
        two.begin(owned=theirs)
        await two.table.load()
        await two.deliveries.start()
        assert not two.deliveries.under_way
        theirs.add(ALL)
        await two.deliveries.take(frozenset({0}))
        await two.until(lambda: len(counters(server)) == 4)
        assert counters(server) == [0, 0, 1, 2]
        await two.until(lambda: two.deliveries.pending == 0)
        await two.deliveries.give(ALL)
        assert not await two.rows_left()
        await two.deliveries.stop()
        await one.close()
