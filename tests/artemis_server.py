"""An ActiveMQ Artemis for tests, from jars that Maven has fetched, and an application behind it."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.brokers import wait_for
from tests.mosquitto import free_port
from veldnet.domain.flows import ConnectionSettings

JARS = Path(__file__).parent.parent / "build/artemis/lib"
MESSAGES, DOWNLINKS = "lorawan-messages", "lorawan-downlinks"
_QUEUE = '<address name="{name}"><anycast><queue name="{name}"/></anycast></address>'
_BROKER = """<configuration xmlns="urn:activemq"><core xmlns="urn:activemq:core">
<security-enabled>false</security-enabled><journal-type>NIO</journal-type>
{folders}
<acceptors><acceptor name="amqp">tcp://127.0.0.1:{port}?protocols=AMQP</acceptor></acceptors>
<addresses>{queues}</addresses>
</core></configuration>
"""


class ArtemisServer:
    """A broker that keeps its queues on disk."""

    def __init__(self, folder: Path) -> None:
        assert JARS.exists(), "there is no Artemis: make test-connections fetches it"
        (folder / "etc").mkdir(parents=True, exist_ok=True)
        self.port, self._folder = free_port(), folder
        self._process: subprocess.Popen[bytes] | None = None
        folders = "".join(
            f"<{name}-directory>{folder}/data/{name}</{name}-directory>"
            for name in ("bindings", "journal", "large-messages", "paging")
        )
        queues = "".join(_QUEUE.format(name=name) for name in (MESSAGES, DOWNLINKS))
        said = _BROKER.format(folders=folders, port=self.port, queues=queues)
        (folder / "etc" / "broker.xml").write_text(said)

    def start(self) -> None:
        main = "org.apache.activemq.artemis.core.server.embedded.Main"
        self._process = subprocess.Popen(
            ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", f"{JARS}/*", main, str(self._folder)],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"HOME": str(self._folder)},
        )
        wait_for(self.port, self._process)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)


class ArtemisApplication:
    """A queue, and a consumer that comes back whenever the broker does."""

    def __init__(self, folder: Path) -> None:
        self.server = ArtemisServer(folder)
        self.settings = ConnectionSettings(type="AMQP1", address=f"amqp://127.0.0.1:{self.server.port}")
        self.bodies: list[Any] = []
        self._ends, self._reads = threading.Event(), threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)

    async def start(self) -> None:
        await self.come_back()
        self._reader.start()
        # The first connection takes a cold one seconds.
        assert await asyncio.to_thread(self._reads.wait, 60)

    def _read(self) -> None:
        from proton import ProtonException, Timeout
        from proton.utils import BlockingConnection

        while not self._ends.is_set():
            with suppress(ProtonException, OSError):
                client = BlockingConnection(
                    f"amqp://127.0.0.1:{self.server.port}", timeout=2, allowed_mechs="ANONYMOUS"
                )
                receiver = client.create_receiver(MESSAGES)
                self._reads.set()
                while not self._ends.is_set():
                    with suppress(Timeout):
                        # The body is part of the message, which must be there as long.
                        message = receiver.receive(timeout=0.2)
                        self.bodies.append(json.loads(bytes(message.body)))
                        receiver.accept()
            time.sleep(0.05)

    def send(self, body: bytes, dev_eui: str) -> None:
        """A downlink."""
        from proton import Message
        from proton.utils import BlockingConnection

        client = BlockingConnection(f"amqp://127.0.0.1:{self.server.port}", allowed_mechs="ANONYMOUS")
        client.create_sender(DOWNLINKS).send(Message(body, inferred=True, subject=dev_eui))
        client.close()

    async def go_away(self) -> None:
        self.server.stop()

    async def come_back(self) -> None:
        await asyncio.to_thread(self.server.start)

    async def close(self) -> None:
        self._ends.set()
        await asyncio.to_thread(self._reader.join, 10)
        self.server.stop()
