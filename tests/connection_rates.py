"""What a connection of each type holds with its real server: `python -m tests.connection_rates [TYPE ...]`.

A process of its own delivers messages of about 800 octets over the transport of a connection, twenty under
way at once, without a ledger. Its processor time is divided by their number. In turn with that the rate is
taken while another connection of the type does not answer, with as many messages under way over that.
"""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import median
from typing import Any, Protocol

import msgspec
from msgspec.structs import replace

from tests.brokers import Amqp1Application, AmqpApplication, NatsApplication, PostgresApplication
from tests.contract.test_connections import HttpApplication
from tests.contract.test_connections_to_tables import connected
from tests.influx_server import InfluxApplication
from tests.mosquitto import Broker, free_port
from veldnet.connections import Outgoing
from veldnet.domain.flows import ConnectionSettings

_MESSAGES, _AT_ONCE, _ROUNDS = 1000, 20, 3
_DOCUMENT = {
    "DevEUI_uplink": {
        "Time": "2027-01-15T08:00:00.120+00:00", "DevEUI": "0059AC0000000001", "FPort": 3, "FCntUp": 17,
        "payload_hex": "0a0b0c0d0e0f", "payload": {"temperature": 21.5, "humidity": 48},
        "Lrrs": {
            "Lrr": [{"Lrrid": f"{number:08x}", "LrrRSSI": "-101.0", "LrrSNR": "8.25"} for number in range(9)]
        },
    }
}  # fmt: skip


def _message(number: int) -> Outgoing:
    values = {"DevEUI": "0059AC0000000001", "FPort": "3", "deviceName": "Cellar"}
    now = time.time()
    return Outgoing("uplink", values, json.dumps(_DOCUMENT).encode(), now, number, round(now * 1000))


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


async def _rate(deliver: Callable[[Outgoing], Awaitable[Any]], messages: int) -> tuple[float, float]:
    """Messages a second, and microseconds of processor time for each."""
    numbers = iter(range(messages))

    async def work() -> None:
        for number in numbers:
            outcome = await deliver(_message(number))
            assert outcome.delivered, outcome

    begun, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(_AT_ONCE)))
    return messages / (time.perf_counter() - begun), (time.process_time() - cpu) / messages * 1e6


async def _measure(settings: ConnectionSettings) -> None:
    alone, beside, cpu = [], [], []
    async with connected(settings, within=10.0) as transport:
        assert (await transport.deliver(_message(0))).delivered
        for _ in range(_ROUNDS):
            rate, used = await _rate(transport.deliver, _MESSAGES)
            alone.append(rate)
            cpu.append(used)
            async with _unanswered(settings):
                beside.append((await _rate(transport.deliver, _MESSAGES))[0])
    one, two = median(alone), median(beside)
    print(f"{one:8,.0f} messages/s, {two:,.0f} beside one that is dead; {median(cpu):.0f} us CPU a message")


@asynccontextmanager
async def _unanswered(settings: ConnectionSettings) -> AsyncIterator[None]:
    """Messages under way over another connection, to a server that says nothing."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(100)
        here = settings.address.split("://")[1].split("/")[0]
        there = f"127.0.0.1:{silent.getsockname()[1]}"
        dead = replace(settings, address=settings.address.replace(here, there))
        async with connected(dead, within=10.0) as other:
            waiting = [asyncio.ensure_future(other.deliver(_message(number))) for number in range(_AT_ONCE)]
            yield
            for each in waiting:
                each.cancel()


async def _run(name: str, made: _Server) -> None:
    await made.start()
    settings = msgspec.json.encode(made.settings).decode()
    command = [sys.executable, "-m", "tests.connection_rates", "--settings", settings]
    child = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    said, _none = await child.communicate()
    print(f"{name:12} {said.decode().strip().splitlines()[-1]}", flush=True)
    await made.close()


async def main() -> None:
    if "--settings" in sys.argv:
        await _measure(msgspec.json.decode(sys.argv[-1], type=ConnectionSettings))
        return
    with tempfile.TemporaryDirectory() as folder:
        at = Path(folder)
        makers: dict[str, Callable[[], _Server]] = {
            "HTTP": HttpApplication,
            "MQTT": lambda: _Mosquitto(at / "mqtt", "mqtt"),
            "MQTT-WS": lambda: _Mosquitto(at / "ws", "ws"),
            "NATS": lambda: NatsApplication(at / "nats"),
            "AMQP": lambda: AmqpApplication(at / "amqp"),
            "AMQP1": lambda: Amqp1Application(at / "amqp1"),
            "KAFKA": lambda: _kafka(at / "kafka"),
            "POSTGRESQL": PostgresApplication,
            "INFLUXDB": lambda: InfluxApplication(at / "influx"),
        }
        for name in sys.argv[1:] or makers:
            await _run(name, makers[name]())


def _kafka(folder: Path) -> _Server:
    from tests.kafka_server import KafkaApplication

    return KafkaApplication(folder)


if __name__ == "__main__":
    asyncio.run(main())
