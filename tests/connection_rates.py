"""What a connection of each type holds with its real server: `python -m tests.connection_rates [TYPE ...]`.

Starts the servers of the tests, and measures each as `veldnet bench connections` does.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import msgspec

from tests.brokers import Amqp1Application, AmqpApplication, NatsApplication, PostgresApplication
from tests.influx_server import InfluxApplication
from tests.mosquitto import Broker, free_port
from veldnet.cli.bench.connections import bench_transports
from veldnet.domain.flows import ConnectionSecrets, ConnectionSettings

_MESSAGES = 1000


class _Server(Protocol):
    settings: ConnectionSettings

    async def start(self) -> None: ...

    async def close(self) -> None: ...


class _Mosquitto:
    """One that keeps nothing: the broker of the tests writes to its disk for each message."""

    def __init__(self, folder: Path, scheme: str) -> None:
        folder.mkdir()
        port, protocol = free_port(), "websockets" if scheme == "ws" else "mqtt"
        # It does not start where it has WebSockets alone.
        lines = ["log_dest none", "allow_anonymous true", f"listener {free_port()} 127.0.0.1"]
        lines += [f"listener {port} 127.0.0.1", f"protocol {protocol}"]
        self._broker = Broker(folder, "\n".join(lines), port)
        self.settings = ConnectionSettings(type="MQTT", address=f"{scheme}://127.0.0.1:{port}")

    async def start(self) -> None:
        self._broker.start()

    async def close(self) -> None:
        self._broker.stop()


async def _run(name: str, made: _Server) -> None:
    await made.start()
    _http, found = await bench_transports(_MESSAGES, made.settings, ConnectionSecrets())
    print(f"{name:12} {msgspec.json.encode(found).decode()}", flush=True)
    await made.close()


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        makers: dict[str, Callable[[], _Server]] = {
            "MQTT": lambda: _Mosquitto(at / "mqtt", "mqtt"),
            "MQTT-WS": lambda: _Mosquitto(at / "ws", "ws"),
            "NATS": lambda: NatsApplication(at / "nats"),
            "AMQP": lambda: AmqpApplication(at / "amqp"),
            "AMQP1": lambda: Amqp1Application(at / "amqp1"),
            "ARTEMIS": lambda: _artemis(at / "artemis"),
            "KAFKA": lambda: _kafka(at / "kafka"),
            "POSTGRESQL": PostgresApplication,
            "INFLUXDB": lambda: InfluxApplication(at / "influx"),
        }
        for name in sys.argv[1:] or makers:
            await _run(name, makers[name]())


def _artemis(folder: Path) -> _Server:
    from tests.artemis_server import ArtemisApplication

    return ArtemisApplication(folder)


def _kafka(folder: Path) -> _Server:
    from tests.kafka_server import KafkaApplication

    return KafkaApplication(folder)


if __name__ == "__main__":
    asyncio.run(main())
