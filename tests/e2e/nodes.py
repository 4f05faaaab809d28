"""Several real servers on one PostgreSQL and one NATS, and base stations that are connected to different
ones."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import psycopg

from tests import postgresql
from tests.e2e.running import Client, RunningServer
from tests.nats_server import NatsServer
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.network_settings import network_parameters
from veldnet.assembly.vaults.opening import master_key_of
from veldnet.cli.bench.fleet import Fleet, create_fleet
from veldnet.cli.bench.load import Spread
from veldnet.cli.bench.sink import Sink
from veldnet.cli.bench.uplinks import create_sites
from veldnet.cli.sandbox import make_sandbox
from veldnet.lorawan import GatewayEui, frames
from veldnet.settings import Settings, load_settings
from veldnet.simulator.customer import Account

T = TypeVar("T")

FIRST_EUI = 0x0059ACBE00000000
# Looks at the database, in a row, that find nothing new.
_LOOKS = 6


class Cluster:
    """`names` are those of the nodes. Each has a data directory with the same master key. `url` is an empty
    database; one of the server of this process where there is none. `nats` is configuration of NATS."""

    def __init__(
        self, folder: Path, names: Sequence[str] = ("a", "b", "c"), url: str | None = None, nats: str = ""
    ) -> None:
        self._folder = folder
        self.database = postgresql.server().create() if url is None else None
        self.url = url or postgresql.server().url(str(self.database))
        self.nats = NatsServer(nats)
        self.names = tuple(names)
        self.nodes: dict[str, RunningServer] = {}
        self.account: Account
        self.gateways: list[GatewayEui] = []

    # Building.

    def _settings(self, name: str) -> Settings:
        flags = {"data": str(self._folder / name), "store.url": self.url, "keys.process": False}
        return load_settings(flags, environment={})

    async def build(self) -> None:
        """An installation with base stations, and its master key at every node."""
        first = self._settings(self.names[0])
        opened = await DataDirectory.open(first, create=True)
        made = await make_sandbox(opened)
        self.account = msgspec.convert(msgspec.structs.asdict(made), Account)
        self.gateways = await create_sites(opened, GatewayEui.parse(self.account.base_station_eui))
        await opened.close()
        for name in self.names[1:]:
            key = master_key_of(self._settings(name))
            key.parent.mkdir(mode=0o700, parents=True)
            shutil.copy2(master_key_of(first), key)

    async def create_devices(self, count: int, routing_profile: int | None = None) -> None:
        """Devices with sessions."""
        settings = self._settings(self.names[0])
        opened = await DataDirectory.open(settings)
        parameters = network_parameters(settings.network)
        await create_fleet(opened, parameters, Fleet(count, joined=True, routing_profile_ref=routing_profile))
        await opened.close()

    def start(self, name: str, **environment: str) -> RunningServer:
        """Start a node, or start it again at its port."""
        before = self.nodes.get(name)
        if before is not None:
            before.start(udp="{}:{}".format(*before.udp), http=before.http.removeprefix("http://"))
            return before
        node = self.nodes[name] = RunningServer(
            self._folder / name,
            **{
                "VELDNET_STORE__URL": self.url,
                "VELDNET_CLUSTER__NATS": self.nats.url,
                "VELDNET_CLUSTER__NODE": name,
                "VELDNET_KEYS__PROCESS": "false",
                "VELDNET_ROUTING__FIRST_RETRY": "200ms",
            }
            | environment,
        )
        return node

    def start_all(self) -> None:
        for name in self.names:
            self.start(name)
        self.until_served()

    def client(self, name: str) -> Client:
        client = Client(self.nodes[name], self.account)
        client.activate()
        return client

    def close(self) -> None:
        for node in self.nodes.values():
            if node.runs:
                node.process.send_signal(signal.SIGCONT)
                node.kill()
        self.nats.close()
        if self.database is not None:
            postgresql.server().drop(self.database)

    # Looking.

    def query(self, statement: str, *values: Any) -> list[Any]:
        with psycopg.connect(self.url, autocommit=True) as connection:
            return connection.execute(statement.encode(), values).fetchall()

    def owners(self) -> dict[int, str]:
        """Partitions by the living node that has them."""
        now = "extract(epoch FROM clock_timestamp()) * 1000"
        living = f"SELECT name FROM nodes WHERE expires_at > {now}"
        return dict(self.query(f"SELECT partition, owner FROM leases WHERE owner IN ({living})"))

    def until_served(self, *names: str, seconds: float = 20.0) -> float:
        """Wait until all partitions are served, by all these nodes; returns how long that took."""
        begun, wanted = time.monotonic(), set(names or self.names)
        return until(
            lambda: (
                len(owners := self.owners()) == 64
                and set(owners.values()) == wanted
                and time.monotonic() - begun
            ),
            seconds,
        )


def until(what: Callable[[], T], seconds: float) -> T:
    """Wait for something that comes about in other processes."""
    end = time.monotonic() + seconds
    while not (found := what()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)
    return found


def pause(node: RunningServer) -> None:
    os.kill(node.process.pid, signal.SIGSTOP)


def resume(node: RunningServer) -> None:
    os.kill(node.process.pid, signal.SIGCONT)


def route(client: Client, address: str) -> int:
    """A routing profile to an application server; returns its ref."""
    target = {
        "addresses": [address],
        "contentType": "JSON",
        "asId": "as",
        "asKey": "46ab678cd45df4a4e4b3758acd096acc",
    }
    made = client.call("POST", "/routingProfiles", {"name": "sink", "routes": [target]})
    return int(made["id"].rpartition(".")[2])


async def settle(cluster: Cluster) -> None:
    """Wait until no frame comes any more, and everything is delivered. A node that stood still has what came
    meanwhile before it."""
    looks = "SELECT (SELECT count(*) FROM frames), (SELECT count(*) FROM deliveries WHERE state = 0)"
    seen: list[tuple[int, int]] = []
    async with asyncio.timeout(60):
        while len(seen) < _LOOKS or seen[-1][1] or len(set(seen[-_LOOKS:])) > 1:
            await asyncio.sleep(0.3)
            seen += cluster.query(looks)


def check_downlinks(radio: Spread) -> int:
    """No counter carried two payloads; returns how many join-accepts there were."""
    sent: dict[tuple[int, int], bytes] = {}
    accepts = 0
    for _when, phy, _timestamp in radio.downlinks:
        if phy[0] == 0x20:
            accepts += 1
            continue
        frame = frames.parse(phy)
        assert isinstance(frame, frames.DataFrame)
        assert sent.setdefault((frame.dev_addr, frame.fcnt), phy) == phy, "I2: a counter carried two payloads"
    assert len(sent) > 100
    return accepts


def check_uplinks(cluster: Cluster, sink: Sink, least: float) -> None:
    """No uplink was accepted twice, and each that was is delivered; there were so many at least."""
    rows = cluster.query("SELECT device_ref, fcnt FROM frames WHERE kind = 0 AND outcome = 'accepted'")
    accepted = Counter(rows)
    assert max(accepted.values()) == 1, "I1: an uplink was accepted twice"
    missing = [
        (device, fcnt)
        for device, fcnt in accepted
        if (f"{FIRST_EUI + device - 1:016X}".encode(), fcnt) not in sink.arrived
    ]
    assert not missing, f"I4: {len(missing)} of {len(accepted)} accepted uplinks were not delivered"
    # Each failure loses what its node had not written, and what it was sent until it was known to be gone.
    assert len(accepted) > least, f"{len(accepted)} frames were accepted"
