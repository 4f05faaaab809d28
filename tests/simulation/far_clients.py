"""The clients of all types of connection, each over a link to a far side in memory.

A file of a type finds these in place of its library: calls, answers and errors are the library's. Libraries
that are not installed everywhere are modules of this file.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any, NamedTuple

import pytest

from tests.simulation.far_side import Ended, Link, Refused, connect, far_side, over, topic_of
from veldnet.connections import Outcome, sending
from veldnet.connections.kinds import amqp1, mqtt, postgresql
from veldnet.outgoing import Answer, ConnectionFailed, MqttMessage, RequestFailed


def _gone(_why: str) -> Exception:
    return ConnectionFailed("the other side has ended the connection")


class _Mqtt:
    """As `veldnet.outgoing.MqttClient`."""

    def __init__(self, options: Any, listener: Any) -> None:
        self._options, self._listener = options, listener
        self._link: Link | None = None

    async def run(self, _hosts: Sequence[str], _port: int) -> None:
        self._link = link = await connect()
        self._listener.up()
        if self._options.filters:
            link.listen(self._came)
        await link.ended()
        raise _gone("")

    def _came(self, number: int, dev_eui: str, body: bytes) -> None:
        assert self._link is not None
        done = partial(self._link.acknowledge, number)
        self._listener.message(MqttMessage(topic_of(dev_eui), body, False, done))

    async def publish(self, _topic: str, body: bytes, _qos: int, *, retain: bool) -> Any:
        assert self._link is not None and not retain
        try:
            await self._link.take(body)
        except Refused:
            return SimpleNamespace(is_failure=True, value=0x87)
        except Ended:
            raise _gone("") from None
        return None

    def end(self, _failure: ConnectionFailed) -> None:
        assert self._link is not None
        self._link.end()


def _use_mqtt(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(mqtt, "MqttClient", _Mqtt)


class _Http:
    """As `veldnet.outgoing.HttpClient`, for HTTP and InfluxDB: each request has a link of its own."""

    def __init__(self, *_arguments: Any, **_options: Any) -> None:
        self._where = far_side()

    async def post(self, _address: Any, _target: str, _headers: Any, body: bytes, *, whole: bool) -> Answer:
        assert self._where is not None
        far, server = self._where
        # InfluxDB takes all lines of a request or none.
        try:
            async with asyncio.timeout(10.0):
                await Link(far, server).take(body)
        except Refused:
            return Answer(500, None, b"{}" if whole else b"")
        except Ended:
            raise RequestFailed("the server has closed the connection") from None
        except TimeoutError:
            raise RequestFailed("the server does not answer", timed_out=True) from None
        return Answer(204, None, b"")

    async def close(self) -> None:
        """Nothing is open."""


def _use_http(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(sending, "HttpClient", _Http)


class _Nats:
    """As `nats.aio.client.Client`, and the JetStream it gives."""

    _server_info: Mapping[str, Any] = {}
    is_closed = False

    async def connect(self, _servers: Any, *, closed_cb: Any, **_options: Any) -> None:
        self._link = link = await connect()
        self._calls: list[asyncio.Future[None]] = []

        async def watch() -> None:
            await link.ended()
            self.is_closed = True
            await closed_cb()

        self._watch = asyncio.ensure_future(watch())

    def jetstream(self, timeout: float) -> _Nats:
        assert timeout
        return self

    async def subscribe(self, subject: str, *, cb: Any, durable: str, manual_ack: bool) -> None:
        assert manual_ack and durable
        if not subject.endswith(".push"):
            return

        def came(number: int, dev_eui: str, body: bytes) -> None:
            async def ack() -> None:
                self._link.acknowledge(number)

            message = SimpleNamespace(subject=topic_of(dev_eui, "."), data=body, ack=ack)
            self._calls.append(asyncio.ensure_future(cb(message)))

        self._link.listen(came)

    async def publish(self, _subject: str, body: bytes) -> Any:
        from nats.errors import ConnectionClosedError
        from nats.js.errors import APIError

        await over(
            self._link,
            body,
            lambda why: (
                APIError(code=503, description="full") if why == "refused" else ConnectionClosedError()
            ),
        )
        return SimpleNamespace(stream="TOWN", seq=1)

    async def close(self) -> None:
        watch = getattr(self, "_watch", None)
        if watch is not None:
            watch.cancel()
            self._link.end()


def _use_nats(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("nats.aio.client.Client", _Nats)


class _Amqp:
    """A connection of `aiormq` and its channel in one."""

    is_closed = False

    def __init__(self, link: Link) -> None:
        self._link = link
        self._calls: list[asyncio.Future[None]] = []
        self.closing: asyncio.Future[None] = asyncio.ensure_future(link.ended())

    async def channel(self, *, publisher_confirms: bool) -> _Amqp:
        assert publisher_confirms
        return self

    async def exchange_declare(self, _name: str, *, passive: bool) -> None:
        assert passive

    async def queue_declare(self, name: str, *, durable: bool, exclusive: bool, auto_delete: bool) -> Any:
        assert durable and not exclusive and not auto_delete
        return SimpleNamespace(queue=name)

    async def queue_bind(self, _queue: str, _exchange: str, *, routing_key: str) -> None:
        assert "#" not in routing_key

    async def basic_qos(self, *, prefetch_count: int) -> None:
        assert prefetch_count

    async def basic_consume(self, _queue: str, taken: Any) -> None:
        def came(number: int, dev_eui: str, body: bytes) -> None:
            message = SimpleNamespace(routing_key=topic_of(dev_eui, "."), body=body, delivery_tag=number)
            self._calls.append(asyncio.ensure_future(taken(message)))

        self._link.listen(came)

    async def basic_ack(self, number: int) -> None:
        self._link.acknowledge(number)

    async def basic_publish(self, body: bytes, *, mandatory: bool, **_where: Any) -> None:
        from aiormq.exceptions import ConnectionClosed, DeliveryError
        from pamqp.commands import Basic

        assert mandatory
        await over(
            self._link,
            body,
            lambda why: (
                DeliveryError(None, Basic.Nack(1)) if why == "refused" else ConnectionClosed(320, "forced")
            ),
        )

    async def close(self) -> None:
        self._link.end()
        self.closing.cancel()


def _use_amqp(patch: pytest.MonkeyPatch) -> None:
    async def opened(_url: Any, *, context: Any) -> _Amqp:
        assert context is None
        return _Amqp(await connect())

    patch.setattr("aiormq.connect", opened)


class _Amqp1:
    """In place of what speaks AMQP 1.0 with Proton's engine, which keeps the time of the system."""

    def __init__(self, owner: amqp1.Amqp1Connection, link: Link) -> None:
        self._owner, self._link = owner, link
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ready.set_result(None)
        self.ended = asyncio.ensure_future(self._end())
        if owner.connection.settings.downlinks:
            link.listen(self._came)

    async def _end(self) -> None:
        await self._link.ended()
        raise _gone("")

    def _came(self, number: int, dev_eui: str, body: bytes) -> None:
        message = SimpleNamespace(properties={"DevEUI": dev_eui}, group_id=None, subject=None, body=body)
        self._owner.take(message, partial(self._link.acknowledge, number))

    async def send(self, message: Any, where: str) -> Outcome:
        try:
            await self._link.take(message.body)
        except Refused:
            return Outcome(False, "Error", "the broker refused the message", where, refusal="message")
        except Ended:
            raise _gone("") from None
        return Outcome(True, "Ok", None, where)

    def close(self) -> None:
        self._link.end()
        self.ended.cancel()


class _Message:
    def __init__(self, body: bytes, **_members: Any) -> None:
        self.body = body


def _use_amqp1(patch: pytest.MonkeyPatch) -> None:
    async def opened(self: amqp1.Amqp1Connection, _address: Any, _hosts: Any) -> _Amqp1:
        return _Amqp1(self, await connect())

    proton: Any = ModuleType("proton")
    proton.Message, proton.symbol = _Message, str
    patch.setitem(sys.modules, "proton", proton)
    patch.setattr(amqp1.Amqp1Connection, "_open", opened)


class _KafkaError(Exception):
    """As all of the library."""


class _Partition(NamedTuple):
    topic: str
    partition: int


class _Cluster:
    def brokers(self) -> list[Any]:
        return []

    def broker_metadata(self, _number: Any) -> None:
        return None


class _Producer:
    def __init__(self, **_options: Any) -> None:
        self.client = SimpleNamespace(cluster=_Cluster(), fetch_all_metadata=self._ask, close=self._nothing)

    async def start(self) -> None:
        try:
            self._link = await connect()
        except ConnectionRefusedError:
            raise _errors.KafkaConnectionError("refused") from None

    async def _ask(self) -> None:
        if self._link.gone:
            raise _errors.KafkaConnectionError("gone")

    async def send_and_wait(self, _topic: str, body: bytes, *, key: bytes, **_options: Any) -> Any:
        assert len(key) == 16
        await over(
            self._link,
            body,
            lambda why: (
                _errors.NotEnoughReplicasError() if why == "refused" else _errors.KafkaConnectionError("gone")
            ),
        )
        return SimpleNamespace(partition=0, offset=1)

    async def stop(self) -> None:
        if hasattr(self, "_link"):
            self._link.end()

    async def _nothing(self) -> None:
        """Nothing is open."""


class _Consumer:
    """Offsets of one partition: what comes has the next one, what is committed needs not come again."""

    def __init__(self, topic: str, **options: Any) -> None:
        assert not options["enable_auto_commit"]
        self._client = SimpleNamespace(cluster=_Cluster())
        self._partition = _Partition(topic, 0)
        self._came: deque[tuple[int, str, bytes]] = deque()
        self._numbers: dict[int, int] = {}
        self._there = asyncio.Event()
        self._offset = 0

    async def start(self) -> None:
        self._link = await connect()
        self._link.listen(self._take)

    def assignment(self) -> set[_Partition]:
        return {self._partition}

    async def committed(self, _partition: _Partition) -> int:
        return 0

    def _take(self, number: int, dev_eui: str, body: bytes) -> None:
        self._came.append((number, dev_eui, body))
        self._there.set()

    def __aiter__(self) -> _Consumer:
        return self

    async def __anext__(self) -> Any:
        while not self._came:
            self._there.clear()
            await self._there.wait()
        number, dev_eui, body = self._came.popleft()
        self._offset += 1
        self._numbers[self._offset] = number
        topic, partition = self._partition
        return SimpleNamespace(
            topic=topic, partition=partition, offset=self._offset - 1, key=dev_eui.encode(), value=body
        )

    async def commit(self, offsets: Mapping[_Partition, int]) -> None:
        for end in offsets.values():
            for offset in [each for each in self._numbers if each <= end]:
                self._link.acknowledge(self._numbers.pop(offset))
        if self._link.gone:
            raise _errors.KafkaConnectionError("gone")

    async def stop(self) -> None:
        if hasattr(self, "_link"):
            self._link.end()


def _module(name: str, **members: Any) -> Any:
    made: Any = ModuleType(name)
    vars(made).update(members)
    return made


_errors = _module(
    "aiokafka.errors",
    KafkaError=_KafkaError,
    **{
        name: type(name, (_KafkaError,), {})
        for name in (
            "KafkaConnectionError",
            "MessageSizeTooLargeError",
            "InvalidMessageError",
            "TopicAuthorizationFailedError",
            "InvalidTopicError",
            "UnknownTopicOrPartitionError",
            "NotEnoughReplicasError",
            "NotEnoughReplicasAfterAppendError",
        )
    },
)


def _use_kafka(patch: pytest.MonkeyPatch) -> None:
    library = _module(
        "aiokafka",
        AIOKafkaProducer=_Producer,
        AIOKafkaConsumer=_Consumer,
        TopicPartition=_Partition,
        errors=_errors,
    )
    patch.setitem(sys.modules, "aiokafka", library)
    patch.setitem(sys.modules, "aiokafka.errors", _errors)


class _Rows:
    def __init__(self, rows: Sequence[Sequence[Any]]) -> None:
        self._rows = rows

    async def fetchall(self) -> Sequence[Sequence[Any]]:
        return self._rows

    async def fetchone(self) -> Sequence[Any]:
        return self._rows[0]


class _Database:
    """As `psycopg.AsyncConnection`, with the one table."""

    def __init__(self, link: Link) -> None:
        self._link = link

    async def execute(self, statement: str | bytes, values: Sequence[Any] = ()) -> _Rows:
        from psycopg import OperationalError
        from psycopg.errors import DataError

        text = statement.decode() if isinstance(statement, bytes) else statement
        if self._link.gone:
            raise OperationalError("server closed the connection unexpectedly")
        if not text.startswith("INSERT"):
            if "format_type" in text:
                return _Rows(list(postgresql._COLUMNS.items()))
            return _Rows([(True,)])
        documents = values[list(postgresql._COLUMNS).index("document")]
        # All rows are committed, or none.
        joined = "\n".join(documents).encode()
        await over(
            self._link,
            joined,
            lambda why: (
                DataError("invalid input") if why == "refused" else OperationalError("connection lost")
            ),
        )
        return _Rows([])

    async def close(self) -> None:
        self._link.end()


def _use_postgresql(patch: pytest.MonkeyPatch) -> None:
    from psycopg import AsyncConnection, OperationalError

    async def opened(**_options: Any) -> _Database:
        try:
            return _Database(await connect())
        except ConnectionRefusedError as error:
            raise OperationalError(str(error)) from None

    patch.setattr(AsyncConnection, "connect", opened)


# For each type of connection; a type without one cannot be simulated, and fails its test.
CLIENTS: Mapping[str, Callable[[pytest.MonkeyPatch], None]] = {
    "MQTT": _use_mqtt,
    "HTTP": _use_http,
    "NATS": _use_nats,
    "AMQP": _use_amqp,
    "AMQP1": _use_amqp1,
    "KAFKA": _use_kafka,
    "POSTGRESQL": _use_postgresql,
    "INFLUXDB": _use_http,
}
