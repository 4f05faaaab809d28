"""Messages into a topic of Kafka, with the DevEUI as key, so that those of a device stay in order.

A message is delivered when all replicas that are in sync have it. Downlinks come by a topic and a consumer
group; their offsets are committed once they are in the queues of their devices.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections import defaultdict, deque
from collections.abc import Mapping
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from veldnet.connections.fields import CERTIFICATES, CLIENT_ID, DOWNLINKS, PASSWORD, USERNAME
from veldnet.connections.interface import Surroundings
from veldnet.connections.kept import TASK, KeptConnection
from veldnet.connections.kind import Field, Kind, Preset, Scheme
from veldnet.connections.model import Connection, Outcome, Outgoing
from veldnet.domain.errors import InvalidField
from veldnet.domain.flows import NAMES, ConnectionSecrets, ConnectionSettings, fill, names_in
from veldnet.outgoing import (
    Address,
    AddressRefused,
    ConnectionFailed,
    NamedContext,
    NameNotFound,
    words_of,
)
from veldnet.texts import Text

if TYPE_CHECKING:
    from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

_TOPIC = Field(
    "messageTopic",
    "TEXT",
    Text("Topic of messages"),
    Text("It must exist, unless the cluster makes topics; may name {event}"),
    default="lorawan-messages",
    most=200,
)
_DOWNLINKS = Field(
    "downlinkTopicName",
    "TEXT",
    Text("Topic of downlinks"),
    Text("Each downlink has the DevEUI of its device as key"),
    default="lorawan-downlinks",
    shown="DOWNLINKS",
    most=200,
)
_MECHANISM = Field(
    "mechanism",
    "CHOICE",
    Text("Authentication"),
    Text("Where there is a user name"),
    default="PLAIN",
    choices=("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"),
)
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_MOST_TOPIC = 249
# Downlinks that are taken before earlier ones are in their queues.
_AHEAD = 100
# Seconds after which it is asked whether the cluster is still there.
_ASK_EVERY = 15.0
_AGAIN_MS = 100
_LOOK_EVERY_MS = 30_000


class _Said(logging.Handler):
    """Keeps why the client could not connect, which it tells to its log only."""

    of_session: ContextVar[list[BaseException]] = ContextVar("said")

    def emit(self, record: logging.LogRecord) -> None:
        said = self.of_session.get([])
        said += [each for each in record.args or () if isinstance(each, BaseException)]


_client_log = logging.getLogger("aiokafka")
_client_log.addHandler(_Said())
_client_log.propagate = False


class _Brokers:
    """The brokers that a cluster names, each by an IP address that was allowed, as the first one was."""

    def __init__(self, around: Surroundings, address: Address, tls: NamedContext | None) -> None:
        self._around, self._address, self._tls = around, address, tls
        self._known: dict[tuple[str, int], str] = {}
        self._asked: set[tuple[str, int]] = set()
        self.refused: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def guard(self, cluster: Any) -> None:
        """Have a client connect to allowed addresses only. One that is being looked up is not known yet."""
        found = cluster.broker_metadata

        def broker_metadata(number: Any) -> Any:
            broker = found(number)
            if broker is None:
                return None
            ip = self._known.get((broker.host, broker.port))
            if ip is None:
                self._ask(broker.host, broker.port)
                return None
            return broker._replace(host=ip)

        cluster.broker_metadata = broker_metadata

    async def look_up(self, cluster: Any) -> None:
        """Look up those that a cluster names now. Raises `ConnectionFailed`."""
        for broker in cluster.brokers():
            await self._look_up(broker.host, broker.port)
        if self.refused.done():
            await self.refused

    def _ask(self, host: str, port: int) -> None:
        if (host, port) not in self._asked:
            self._asked.add((host, port))
            self._around.supervisor.start(TASK, self._look_up(host, port))

    async def _look_up(self, host: str, port: int) -> None:
        shown = f"[{host}]" if ":" in host else host
        try:
            address = KIND.parse(f"{self._address.scheme}://{shown}:{port}")
            ip = (await self._around.resolver.addresses(address))[0]
        except (AddressRefused, NameNotFound) as error:
            if not self.refused.done():
                text = Text("the cluster names a broker, {host}: {why}", host=host[:80], why=words_of(error))
                self.refused.set_exception(ConnectionFailed(text))
            return
        self._known[host, port] = ip
        if self._tls is not None:
            self._tls.names[ip] = address.host


class KafkaConnection(KeptConnection):
    """A connection to a cluster."""

    _producer: AIOKafkaProducer | None = None

    def __init__(self, connection: Connection, around: Surroundings) -> None:
        super().__init__(connection, around)
        self._failed: asyncio.Future[None] | None = None

    @property
    def kind(self) -> Kind:
        return KIND

    async def session(self, address: Address, hosts: list[str]) -> None:
        from aiokafka import AIOKafkaProducer
        from aiokafka.errors import KafkaError

        said: list[BaseException] = []
        _Said.of_session.set(said)
        tls = self.tls(address) if address.scheme in KIND.secure_beginnings else None
        brokers = _Brokers(self.around, address, tls)
        options = self._options(address, hosts, tls)
        producer = AIOKafkaProducer(acks="all", **options)
        brokers.guard(producer.client.cluster)
        self._failed = asyncio.get_running_loop().create_future()
        work: list[asyncio.Future[Any]] = [brokers.refused, self._failed]
        try:
            async with asyncio.timeout(self.around.connect_timeout):
                await producer.start()
                await brokers.look_up(producer.client.cluster)
            if self.connection.settings.downlinks:
                consumer = _Downlinks(self, brokers, options)
                await consumer.start()
                work.append(asyncio.ensure_future(consumer.run()))
            work.append(asyncio.ensure_future(_asking(producer)))
            self._producer = producer
            self.up()
            done, _rest = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for each in done:
                await each
        except (KafkaError, TimeoutError) as error:
            raise ConnectionFailed(_words(said[-1] if said else error)) from None
        finally:
            self.down()
            self._producer = None
            await _end(work)
            await _stop(producer)

    def _options(self, address: Address, hosts: list[str], tls: NamedContext | None) -> dict[str, Any]:
        settings = self.connection.settings
        named = "SASL_" if settings.username else ""
        options: dict[str, Any] = {
            "bootstrap_servers": [f"{f'[{host}]' if ':' in host else host}:{address.port}" for host in hosts],
            "client_id": settings.client_id or "veldnet",
            "request_timeout_ms": round(self.around.total_timeout * 900),
            "retry_backoff_ms": _AGAIN_MS,
            "security_protocol": f"{named}{'PLAINTEXT' if tls is None else 'SSL'}",
            "ssl_context": tls,
        }
        if settings.username:
            options |= {
                "sasl_mechanism": _MECHANISM.text(settings),
                "sasl_plain_username": settings.username,
                "sasl_plain_password": self.connection.secrets.password,
            }
        return options

    def topic_of(self, values: Mapping[str, str]) -> str:
        return _UNSAFE.sub("_", fill(_TOPIC.text(self.connection.settings), values))[:_MOST_TOPIC]

    async def send(self, message: Outgoing, topic: str, where: str) -> Outcome:
        from aiokafka import errors

        assert self._producer is not None
        key = message.values.get("DevEUI", "").encode()
        headers = [("event", message.event.encode())]
        try:
            stored = await self._producer.send_and_wait(
                topic, message.body, key=key, headers=headers, timestamp_ms=message.time or None
            )
        except (errors.MessageSizeTooLargeError, errors.InvalidMessageError) as error:
            return Outcome(False, "Error", _words(error), where, refusal="never")
        except (
            errors.TopicAuthorizationFailedError,
            errors.InvalidTopicError,
            errors.UnknownTopicOrPartitionError,
            errors.NotEnoughReplicasError,
            errors.NotEnoughReplicasAfterAppendError,
        ) as error:
            return Outcome(False, "Error", _words(error), where, refusal="message")
        except errors.KafkaError as error:
            failed = ConnectionFailed(_words(error))
            self.fail(failed)
            raise failed from None
        return Outcome(True, "Ok", None, where, f"partition {stored.partition}, offset {stored.offset}")

    def fail(self, why: ConnectionFailed) -> None:
        """End the session: a client goes on by itself, but says nothing of how it is."""
        if self._failed is not None and not self._failed.done():
            self._failed.set_exception(why)


class _Taken:
    """A downlink, where its offset ends, and whether it is in the queue of its device."""

    def __init__(self, end: int) -> None:
        self.end, self.done = end, False


class _Downlinks:
    """What comes by the topic of downlinks, in order."""

    def __init__(self, owner: KafkaConnection, brokers: _Brokers, options: dict[str, Any]) -> None:
        from aiokafka import AIOKafkaConsumer

        settings = owner.connection.settings
        self._owner = owner
        self._consumer: AIOKafkaConsumer = AIOKafkaConsumer(
            _DOWNLINKS.text(settings),
            group_id=settings.client_id or f"veldnet-{owner.connection.ref}",
            enable_auto_commit=False,
            auto_offset_reset="latest",
            # A topic that is made later is found within this time.
            metadata_max_age_ms=_LOOK_EVERY_MS,
            **options,
        )
        brokers.guard(self._consumer._client.cluster)
        self._room = asyncio.Semaphore(_AHEAD)
        # Of each partition what is taken, in order, and where those that are in their queues end.
        self._taken: defaultdict[Any, deque[_Taken]] = defaultdict(deque)
        self._done: dict[Any, int] = {}
        self._committing = False

    async def start(self) -> None:
        """Join the group; where it has come to is known from its first time on."""
        await self._consumer.start()
        for partition in self._consumer.assignment():
            if await self._consumer.committed(partition) is None:
                await self._consumer.commit({partition: await self._consumer.position(partition)})

    async def run(self) -> None:
        try:
            async for record in self._consumer:
                await self._room.acquire()
                self._take(record)
        finally:
            with contextlib.suppress(Exception):
                await self._consumer.stop()

    def _take(self, record: Any) -> None:
        from aiokafka import TopicPartition

        partition, taken = TopicPartition(record.topic, record.partition), _Taken(record.offset + 1)
        self._taken[partition].append(taken)

        def done() -> None:
            taken.done = True
            self._room.release()
            self._advance(partition)

        self._owner.took_for((record.key or b"").decode("ascii", "replace"), record.value or b"", done)

    def _advance(self, partition: Any) -> None:
        """Have committed what is in its queue, up to the first one that is not."""
        waiting = self._taken[partition]
        while waiting and waiting[0].done:
            self._done[partition] = waiting.popleft().end
        if self._done and not self._committing:
            self._committing = True
            self._owner.around.supervisor.start(TASK, self._commit())

    async def _commit(self) -> None:
        from aiokafka.errors import KafkaError

        try:
            while self._done:
                done, self._done = self._done, {}
                await self._consumer.commit(done)
        except KafkaError as error:
            # They come again.
            self._owner.fail(ConnectionFailed(_words(error)))
        finally:
            self._committing = False


async def _asking(producer: AIOKafkaProducer) -> None:
    """Ends where the cluster does not answer any more."""
    while True:
        await asyncio.sleep(_ASK_EVERY)
        await producer.client.fetch_all_metadata()


async def _end(work: list[asyncio.Future[Any]]) -> None:
    for each in work:
        each.cancel()
    await asyncio.gather(*work, return_exceptions=True)


async def _stop(producer: AIOKafkaProducer) -> None:
    """What is not sent yet ends within the time of a request."""
    try:
        await producer.stop()
    finally:
        await producer.client.close()


_KNOWN = {
    "KafkaConnectionError": Text("the cluster does not answer"),
    "KafkaTimeoutError": Text("the cluster does not acknowledge the message"),
    "RequestTimedOutError": Text("the cluster does not acknowledge the message"),
    "AuthenticationFailedError": Text("the cluster refused user name or password"),
    "SaslAuthenticationFailed": Text("the cluster refused user name or password"),
    "UnsupportedSaslMechanismError": Text("the cluster does not know this way of authentication"),
    "UnknownTopicOrPartitionError": Text("the topic is not there, and the cluster does not make topics"),
    "TopicAuthorizationFailedError": Text("the user may not use the topic"),
    "GroupAuthorizationFailedError": Text("the user may not use the consumer group"),
    "MessageSizeTooLargeError": Text("the message is longer than the cluster takes"),
}


def _words(error: BaseException) -> str:
    if isinstance(error, OSError):
        return words_of(error)
    known = _KNOWN.get(type(error).__name__)
    return known if known is not None else Text("the cluster says: {said}", said=str(error)[:300])


def _check(settings: ConnectionSettings, _secrets: ConnectionSecrets) -> None:
    for field, allowed in ((_TOPIC, NAMES), (_DOWNLINKS, ())):
        template = field.text(settings)
        if not set(names_in(template)) <= set(allowed):
            raise InvalidField("{what} names what is not known", what=field.name)
        if _UNSAFE.search(re.sub(r"\{[^{}]*\}", "x", template)):
            raise InvalidField(
                "{what} must have letters, digits, dots, hyphens or underscores", what=field.name
            )


KIND = Kind(
    type="KAFKA",
    title="Kafka",
    schemes=(Scheme("kafka", 9092), Scheme("kafkas", 9093, tls=True)),
    example="kafkas://broker.example.com:9093",
    fields=(
        USERNAME,
        PASSWORD,
        _MECHANISM,
        CLIENT_ID,
        _TOPIC,
        DOWNLINKS[0],
        _DOWNLINKS,
        *CERTIFICATES,
    ),
    make=KafkaConnection,
    library="aiokafka",
    extra="kafka",
    check=_check,
    presets=(
        Preset(
            "azure-event-hubs",
            "Azure Event Hubs (Kafka)",
            Text("Give a connection string with the right to send as password; the topic is an event hub."),
            "kafkas://NAMESPACE.servicebus.windows.net:9093",
            {"username": "$ConnectionString", "mechanism": "PLAIN", "messageTopic": "lorawan-messages"},
        ),
        Preset(
            "confluent-cloud",
            "Confluent Cloud",
            Text("Make an API key of the cluster; give the key as user name and its secret as password."),
            "kafkas://CLUSTER.REGION.PROVIDER.confluent.cloud:9092",
            {"mechanism": "PLAIN", "messageTopic": "lorawan-messages"},
        ),
    ),
)
