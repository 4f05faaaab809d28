"""The client of brokers, at a real one."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from tests.mosquitto import Mosquitto
from veldnet.outgoing.mqtt import MqttClient, MqttMessage, MqttOptions


class _Answering:
    """Sends when it is connected, and answers what comes."""

    def __init__(self) -> None:
        self.client = MqttClient(MqttOptions(filters=("here/#",)), self)
        self.taken: list[str] = []
        self.enough = asyncio.Event()

    def up(self) -> None:
        self.client.send("here/1", b"")

    def message(self, message: MqttMessage) -> None:
        self.taken.append(message.topic)
        if len(self.taken) == 5:
            self.enough.set()
        else:
            self.client.send(f"here/{len(self.taken) + 1}", b"")


async def _talk(port: int) -> list[str]:
    answering = _Answering()
    running = asyncio.create_task(answering.client.run(["127.0.0.1"], port))
    async with asyncio.timeout(20):
        await answering.enough.wait()
    running.cancel()
    await asyncio.wait([running])
    return answering.taken


def test_what_is_told_of_a_message_may_send_one(tmp_path: Path) -> None:
    """A base station says that it will not send, and is given the next window at once."""
    broker = Mosquitto(tmp_path, anonymous=True)
    broker.start()
    found: list[str] = []
    # In a thread: a loop that stands still cannot tell that the time is over.
    talking = threading.Thread(target=lambda: found.extend(asyncio.run(_talk(broker.port))), daemon=True)
    talking.start()
    talking.join(30)
    broker.stop()
    assert found == [f"here/{number}" for number in range(1, 6)]
