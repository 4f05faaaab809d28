"""A Kafka of one node for tests (KRaft), and an application behind it, from jars that Maven has fetched."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from tests.certificates import Pair
from tests.mosquitto import free_port
from veldnet.domain.flows import ConnectionSettings

JARS = Path(__file__).parent.parent / "build/kafka/lib"
USER, PASSWORD = "veldnet", "secret"
_JAAS = "org.apache.kafka.common.security"


def _sasl(listener: str) -> dict[str, str]:
    plain = f'{_JAAS}.plain.PlainLoginModule required user_{USER}="{PASSWORD}";'
    scram = f"{_JAAS}.scram.ScramLoginModule required;"
    prefix = f"listener.name.{listener.lower()}"
    return {
        "listener.security.protocol.map": f"PLAINTEXT:PLAINTEXT,{listener}:{listener},CONTROLLER:PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256,SCRAM-SHA-512",
        f"{prefix}.plain.sasl.jaas.config": plain,
        f"{prefix}.scram-sha-256.sasl.jaas.config": scram,
        f"{prefix}.scram-sha-512.sasl.jaas.config": scram,
    }


class Tls(NamedTuple):
    """The certificate of a broker, and the authority of those that clients need."""

    own: Pair
    authority: Pair


class KafkaServer:
    """Listens without authentication at `port`, and with SCRAM and PLAIN at `sasl_port`: over TLS where there
    is `tls`, and then clients need a certificate, too. `first` is the broker whose cluster it joins."""

    def __init__(self, folder: Path, tls: Tls | None = None, first: KafkaServer | None = None) -> None:
        assert JARS.exists(), "there is no Kafka: make test-connections fetches it"
        folder.mkdir(exist_ok=True)
        self.port, self.sasl_port = free_port(), free_port()
        self.controller: int = free_port() if first is None else first.controller
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        listener = "SASL_PLAINTEXT" if tls is None else "SASL_SSL"
        settings = self._settings(listener, alone=first is None) | _sasl(listener)
        if tls is not None:
            settings |= self._tls(tls)
        self._file = folder / "server.properties"
        self._file.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
        users = [f"{each}=[name={USER},password={PASSWORD}]" for each in ("SCRAM-SHA-256", "SCRAM-SHA-512")]
        given = [part for user in users for part in ("--add-scram", user)] if first is None else []
        self._java("kafka.tools.StorageTool", "format", "-t", "MkU3OEVBNTcwNTJENDM2Qg", "-c", str(self._file),
            *given).wait(60)  # fmt: skip

    def _settings(self, listener: str, *, alone: bool) -> dict[str, str]:
        here = f"PLAINTEXT://127.0.0.1:{self.port},{listener}://127.0.0.1:{self.sasl_port}"
        return {
            "process.roles": "broker,controller" if alone else "broker",
            "node.id": "1" if alone else "2",
            "controller.quorum.voters": f"1@127.0.0.1:{self.controller}",
            "listeners": f"{here},CONTROLLER://127.0.0.1:{self.controller}" if alone else here,
            "controller.listener.names": "CONTROLLER",
            "inter.broker.listener.name": "PLAINTEXT",
            "log.dirs": str(self._folder / "data"),
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "num.partitions": "3",
            "message.max.bytes": "20000",
        }

    def _tls(self, tls: Tls) -> dict[str, str]:
        keys = self._folder / "keys.pem"
        keys.write_text(tls.own.key.read_text() + tls.own.certificate.read_text())
        prefix = "listener.name.sasl_ssl.ssl"
        return {
            f"{prefix}.keystore.type": "PEM",
            f"{prefix}.keystore.location": str(keys),
            f"{prefix}.truststore.type": "PEM",
            f"{prefix}.truststore.location": str(tls.authority.certificate),
            f"{prefix}.client.auth": "required",
        }

    def _java(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            ["java", "-Xmx256m", "-XX:TieredStopAtLevel=1", "-cp", f"{JARS}/*", program, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"HOME": str(self._folder)},
        )

    def start(self) -> None:
        self._process = self._java("kafka.Kafka", str(self._file))
        end = time.monotonic() + 60
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert time.monotonic() < end and self._process.poll() is None, "Kafka does not start"
                time.sleep(0.1)

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(20)


class KafkaApplication:
    """A topic, and a consumer that comes back whenever the broker does."""

    def __init__(self, folder: Path) -> None:
        self.server = KafkaServer(folder)
        self.settings = ConnectionSettings(
            type="KAFKA", address=f"kafka://127.0.0.1:{self.server.port}", options={"messageTopic": "things"}
        )
        self.bodies: list[Any] = []
        self.topics: list[str] = []
        self._task: asyncio.Task[None] | None = None
        self._reads = asyncio.Event()

    async def start(self) -> None:
        await self.come_back()
        self._task = asyncio.create_task(self._consume())
        await asyncio.wait_for(self._reads.wait(), 60)

    async def _consume(self) -> None:
        at: dict[Any, int] = {}
        while True:
            options: dict[str, Any] = {
                "bootstrap_servers": f"127.0.0.1:{self.server.port}",
                "request_timeout_ms": 2000,
            }
            # The topic is made when it is asked for, and known a moment later.
            options["metadata_max_age_ms"] = 100
            consumer = AIOKafkaConsumer("things", auto_offset_reset="earliest", **options)
            try:
                await consumer.start()
                while not consumer.assignment():
                    await asyncio.sleep(0.05)
                for partition, offset in at.items():
                    consumer.seek(partition, offset)
                self._reads.set()
                async for record in consumer:
                    at[TopicPartition(record.topic, record.partition)] = record.offset + 1
                    self.topics.append(record.topic)
                    self.bodies.append(json.loads(record.value))
            except (OSError, KafkaError):
                await asyncio.sleep(0.1)
            finally:
                await consumer.stop()

    async def send(self, topic: str, body: bytes, key: bytes = b"0000000000000001") -> None:
        """Submit a downlink, for the device that the topic names in other brokers."""
        producer = AIOKafkaProducer(bootstrap_servers=f"127.0.0.1:{self.server.port}")
        await producer.start()
        await producer.send_and_wait("lorawan-downlinks", body, key=key)
        await producer.stop()

    async def committed(self, group: str, end: int) -> None:
        """Wait until a group has come to an offset in the partition of its device."""
        from aiokafka.admin import AIOKafkaAdminClient

        admin = AIOKafkaAdminClient(bootstrap_servers=f"127.0.0.1:{self.server.port}")
        await admin.start()
        while max(each.offset for each in (await admin.list_consumer_group_offsets(group)).values()) < end:
            await asyncio.sleep(0.02)
        await admin.close()

    async def come_back(self) -> None:
        await asyncio.to_thread(self.server.start)

    async def go_away(self) -> None:
        await asyncio.to_thread(self.server.stop)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self.go_away()
