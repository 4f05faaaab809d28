"""Several real servers on one PostgreSQL and one NATS, and base stations that are connected to different
ones."""

from __future__ import annotations

import os
import shutil
import signal
import time
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
from veldnet.cli.bench.uplinks import create_sites
from veldnet.cli.sandbox import make_sandbox
from veldnet.lorawan import GatewayEui
from veldnet.settings import Settings, load_settings
from veldnet.simulator.customer import Account

T = TypeVar("T")

FIRST_EUI = 0x0059ACBE00000000


class Cluster:
    """`names` are those of the nodes. Each has a data directory with the same master key."""

    def __init__(self, folder: Path, names: Sequence[str] = ("a", "b", "c")) -> None:
        self._folder = folder
        self._database = postgresql.server().create()
        self.url = postgresql.server().url(self._database)
        self.nats = NatsServer()
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
        postgresql.server().drop(self._database)

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
