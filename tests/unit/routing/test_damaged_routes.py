"""A route that cannot be read: its messages wait with the reason, go nowhere else, and hold up no others."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import insert, update

from veldnet.keys import SoftwareVault, labels
from veldnet.routing import RoutingTable
from veldnet.routing.downlinks import Refused, check_signature
from veldnet.store.schema import routes, routing_profiles

from .network import OK, Network, counters, uplink
from .test_delivery import served

VAULT = SoftwareVault(bytes(range(32)))


async def _network(folder: Path) -> Network:
    network = await Network.open(folder, 2)
    network.table = RoutingTable(network.store, VAULT)
    network.begin()
    return network


async def _damage(network: Network, table: Any, **values: Any) -> None:
    first = (routes.c.routing_profile_ref == 1) & (routes.c.position == 0)
    chosen = table.c.ref == 1 if table is routing_profiles else first
    await network.store.write(lambda c: c.execute(update(table).where(chosen).values(**values)))


async def _behind(network: Network, address: str) -> None:
    """A second route of the first profile, for all that the first one has not taken."""
    row = {"source_ports": "*", "strategy": "SEQUENTIAL", "content_type": "JSON"}
    addresses = msgspec.json.encode([address]).decode()
    values = row | {"routing_profile_ref": 1, "position": 1, "addresses": addresses}
    await network.store.write(lambda c: c.execute(insert(routes).values(**values)))


@pytest.mark.parametrize(
    ("table", "damage", "words"),
    [
        (routes, {"source_ports": "{"}, "invalid literal"),
        (routes, {"source_ports": "1-9999999999"}, "are no ports"),
        (routes, {"source_ports": "9-1"}, "are no ports"),
        (routes, {"strategy": "ROUND"}, "strategy 'ROUND' is none"),
        (routes, {"content_type": "CSV"}, "contentType 'CSV' is none"),
        (routes, {"addresses": '["http:'}, "truncated"),
        (routes, {"addresses": '["http://a/", 1]'}, "Expected `str`"),
        (routes, {"sealed_as_key": b"damaged"}, "unknown format"),
        (routing_profiles, {"sealed_headers": b"damaged"}, "headers: "),
    ],
    ids=lambda value: next(iter(value.values()), "") if isinstance(value, dict) else "",
)
async def test_its_messages_wait_and_others_go_on(
    table: Any, damage: dict[str, Any], words: str, tmp_path: Path
) -> None:
    network = await _network(tmp_path)
    async with served(OK) as own, served(OK) as elsewhere:
        await network.profile(own.address)
        await network.profile(own.address, ref=2)
        before = await network.store.read(lambda c: c.execute(table.select()).mappings().all()[0])
        if table is routes:
            await _behind(network, elsewhere.address)
        await _damage(network, table, **damage)
        # As at the start of a process.
        await network.table.load()
        await network.send(uplink(1), device=1, profile=1)
        await network.send(uplink(2, device=2), device=2, profile=2)
        await network.until(lambda: counters(own) == [2])
        (waiting,) = await network.until_listed(
            lambda listed: bool(len(listed) == 1 and listed[0].last_error)
        )
        assert waiting.state == "pending"
        assert "route 1 of the routing profile cannot be read: " in str(waiting.last_error)
        assert words in str(waiting.last_error)
        assert elsewhere.requests == []
        # It is mended, and looked at again.
        await _damage(network, table, **{name: before[name] for name in damage})
        await network.table.reload_damaged()
        await network.until(lambda: counters(own) == [2, 1])
        assert elsewhere.requests == []
        await network.close()


async def test_a_key_that_cannot_be_read_opens_no_way_for_unsigned_downlinks(tmp_path: Path) -> None:
    network = await _network(tmp_path)
    await network.profile("http://127.0.0.1:9/")
    sealed = await VAULT.seal(labels.tunnel_key("as"), b"0123456789abcdef0123456789abcdef")
    parameters = {"AS_ID": "as", "Time": "1970-01-01T00:00:00Z", "Token": "0" * 64}
    for octets, unsigned, signed in ((sealed, 105, 111), (sealed[:-1], 105, 108)):
        await _damage(network, routes, as_id="as", sealed_as_key=octets)
        await network.table.reload(1)
        for given, code in (({}, unsigned), (parameters, signed)):
            with pytest.raises(Refused) as refused:
                check_signature(network.table.get(1), given, "", 0.0, required=False)
            assert refused.value.refusal.code == code
    await network.close()
