"""Messages to an exchange of AMQP 0.9.1, as RabbitMQ speaks it.

A message is delivered when the broker has confirmed it, which it does once every queue that the message is
for has it; one that no queue is for is refused. Routing keys are topics with dots in place of slashes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from veldnet.connections.dotted import dotted, pattern, slashed
from veldnet.connections.fields import CERTIFICATES, CLIENT_ID, DOWNLINKS, PASSWORD, TOPIC, USERNAME
from veldnet.connections.kept import LONGEST_DOWNLINK, TASK, KeptConnection
from veldnet.connections.kind import Field, Kind, Scheme
from veldnet.connections.model import Outcome, Outgoing
from veldnet.outgoing import Address, ConnectionFailed, words_of
from veldnet.texts import Text

if TYPE_CHECKING:
    from aiormq.abc import AbstractChannel, AbstractConnection, DeliveredMessage

_MOST_KEY = 255
# Downlinks that a broker sends before earlier ones are acknowledged.
_AHEAD = 100
_EXCHANGE = "amq.topic"


class AmqpConnection(KeptConnection):
    """A connection to a broker."""

    @property
    def kind(self) -> Kind:
        return KIND

    _channel: AbstractChannel | None = None

    async def session(self, address: Address, hosts: list[str]) -> None:
        from aiormq.exceptions import AMQPError

        broker: AbstractConnection | None = None
        try:
            async with asyncio.timeout(self.around.connect_timeout):
                broker = await self._open(address, hosts)
                channel = await broker.channel(publisher_confirms=True)
                await channel.exchange_declare(self._exchange, passive=True)
                if self.connection.settings.downlinks:
                    await self._consume(channel)
            self._channel = channel
            self.up()
            # A channel ends alone where the broker refuses a command.
            await asyncio.wait([channel.closing, broker.closing], return_when=asyncio.FIRST_COMPLETED)
            await channel.closing
            raise ConnectionFailed(Text("the broker closed the connection"))
        except AMQPError as error:
            raise ConnectionFailed(_words(error)) from None
        finally:
            self.down()
            self._channel = None
            if broker is not None:
                await broker.close()

    @property
    def _exchange(self) -> str:
        return self.connection.settings.exchange or _EXCHANGE

    async def _open(self, address: Address, hosts: list[str]) -> AbstractConnection:
        import aiormq
        from yarl import URL

        settings, failed = self.connection.settings, OSError("the broker has no address")
        context = self.tls(address) if address.scheme == "amqps" else None
        for host in hosts:
            url = URL.build(
                scheme=address.scheme,
                host=host,
                port=address.port,
                user=settings.username or "guest",
                password=self.connection.secrets.password or "guest",
                path="/" + unquote(address.target[1:]).replace("/", "%2F"),
                query={"heartbeat": "30", "name": settings.client_id or "veldnet"},
            )
            try:
                return await aiormq.connect(url, context=context)
            except OSError as error:
                failed = error
        raise failed

    async def _consume(self, channel: AbstractChannel) -> None:
        """Downlinks come by a queue: one that stays where the connection has a name."""
        name = self.connection.settings.client_id
        declared = await channel.queue_declare(
            name, durable=bool(name), exclusive=not name, auto_delete=not name
        )
        assert declared.queue is not None
        for topic in self.downlink_topics:
            key = pattern(topic, self.connection.known)
            await channel.queue_bind(declared.queue, self._exchange, routing_key=key)
        await channel.basic_qos(prefetch_count=_AHEAD)

        async def taken(message: DeliveredMessage) -> None:
            self._took(channel, message)

        await channel.basic_consume(declared.queue, taken)

    def _took(self, channel: AbstractChannel, message: DeliveredMessage) -> None:
        def done() -> None:
            self.around.supervisor.start(TASK, _acknowledge(channel, message))

        if len(message.body) > LONGEST_DOWNLINK or message.routing_key is None:
            done()
            return
        self.took(slashed(message.routing_key, self.downlink_topics[0]), message.body, done)

    def topic_of(self, values: Mapping[str, str]) -> str:
        return dotted(self.topic, values)

    async def send(self, message: Outgoing, topic: str, where: str) -> Outcome:
        from aiormq.exceptions import AMQPError, DeliveryError, PublishError
        from pamqp.commands import Basic

        if not topic or len(topic.encode()) > _MOST_KEY:
            return Outcome(
                False, "Error", Text("the routing key is empty or too long"), where, refusal="never"
            )
        assert self._channel is not None
        kept: Any = Basic.Properties(content_type="application/json", delivery_mode=2)
        try:
            await self._channel.basic_publish(
                message.body, exchange=self._exchange, routing_key=topic, properties=kept, mandatory=True
            )
        except PublishError:
            words = Text(
                "no queue takes messages of the exchange {exchange} with this key", exchange=self._exchange
            )
            return Outcome(False, "Error", words, where, refusal="message")
        except DeliveryError:
            return Outcome(False, "Error", Text("the broker refused the message"), where, refusal="message")
        except AMQPError as error:
            raise ConnectionFailed(_words(error)) from None
        return Outcome(True, "Ok", None, where)


async def _acknowledge(channel: AbstractChannel, message: DeliveredMessage) -> None:
    from aiormq.exceptions import AMQPError

    if channel.is_closed or message.delivery_tag is None:
        # It is sent again.
        return
    try:
        await channel.basic_ack(message.delivery_tag)
    except (AMQPError, OSError):
        return


def _words(error: BaseException) -> str:
    if isinstance(error.__cause__, OSError):
        return words_of(error.__cause__)
    said = " ".join(str(each) for each in error.args if isinstance(each, str))
    if "Connection.OpenOk" in said:
        return Text(
            "the broker closed the connection: the virtual host is not there, or the user may not use it"
        )
    return Text("the broker says: {said}", said=said[:300]) if said else words_of(error)


KIND = Kind(
    type="AMQP",
    title="AMQP 0.9.1 (RabbitMQ)",
    schemes=(Scheme("amqp", 5672, path=True), Scheme("amqps", 5671, tls=True, path=True)),
    example="amqps://broker.example.com:5671/vhost",
    fields=(
        USERNAME,
        PASSWORD,
        Field("exchange", "TEXT", "Exchange", Text("amq.topic if empty; it must exist"), most=127),
        TOPIC,
        *DOWNLINKS,
        CLIENT_ID,
        *CERTIFICATES,
    ),
    make=AmqpConnection,
    library="aiormq",
    extra="connections",
)
