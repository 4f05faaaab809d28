"""Messages to a queue or topic of AMQP 1.0, as Azure Service Bus, Event Hubs and ActiveMQ Artemis speak it.

A message is delivered when the other side has accepted it. The protocol is Apache Qpid Proton's, without its
own I/O: it reads and writes on the event loop, over the address and the TLS that are checked here.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from veldnet.connections.dotted import dotted
from veldnet.connections.fields import CERTIFICATES, DOWNLINKS, PASSWORD, SUBJECT, USERNAME
from veldnet.connections.kept import LONGEST_DOWNLINK, EndedIdle, KeptConnection
from veldnet.connections.kind import Field, Kind, Preset, Scheme
from veldnet.connections.model import Outcome, Outgoing
from veldnet.outgoing import Address, ConnectionFailed
from veldnet.texts import Text

if TYPE_CHECKING:
    from proton import Delivery, Event, Link, Message

_TARGET = Field(
    "target",
    "TEXT",
    Text("Queue or topic of messages"),
    Text("As the other side addresses it; it must exist, unless that makes queues"),
    default="lorawan-messages",
    most=300,
)
_SOURCE = Field(
    "source",
    "TEXT",
    Text("Queue of downlinks"),
    Text("Each downlink has the DevEUI of its device as property DevEUI, as group or as subject"),
    default="lorawan-downlinks",
    shown="DOWNLINKS",
    most=300,
)
# Octets: RabbitMQ takes longer ones as routing keys, and then fails readers of their queue by AMQP 0.9.1.
_MOST_SUBJECT = 255
# Downlinks that come before earlier ones are in their queues, and octets of them.
_AHEAD = 100
_INCOMING = 8_388_608
# What Azure Service Bus ends links and connections with over which nothing goes, and what it says then.
_IDLE = ("amqp:link:detach-forced", "amqp:connection:forced")
_INACTIVE = re.compile("idle|inactive", re.IGNORECASE)
# Seconds of silence after which the other side is taken for gone.
_SILENCE = 60.0


class Amqp1Connection(KeptConnection):
    """A connection to a broker."""

    @property
    def kind(self) -> Kind:
        return KIND

    _wire: _Wire | None = None

    async def session(self, address: Address, hosts: list[str]) -> None:
        wire: _Wire | None = None
        try:
            async with asyncio.timeout(self.around.connect_timeout):
                wire = await self._open(address, hosts)
                await asyncio.shield(wire.ready)
            self._wire = wire
            self.up()
            await asyncio.shield(wire.ended)
        finally:
            self.down()
            self._wire = None
            if wire is not None:
                wire.close()

    async def _open(self, address: Address, hosts: list[str]) -> _Wire:
        loop = asyncio.get_running_loop()
        failed: Exception = ConnectionFailed(Text("the broker has no address"))
        tls = self.tls(address) if address.scheme in KIND.secure_beginnings else None
        for host in hosts:
            try:
                _transport, wire = await loop.create_connection(
                    lambda: _Wire(self, address),
                    host,
                    address.port,
                    ssl=tls,
                    server_hostname=None if tls is None else address.host,
                )
            except OSError as error:
                failed = error
            else:
                return wire
        raise failed

    def topic_of(self, values: Mapping[str, str]) -> str:
        return dotted(self.topic, values).encode()[:_MOST_SUBJECT].decode(errors="ignore")

    async def send(self, message: Outgoing, topic: str, where: str) -> Outcome:
        assert self._wire is not None
        return await self._wire.send(_message(message, topic), where)

    def take(self, message: Message, done: Any) -> None:
        """A downlink has come."""
        properties = message.properties or {}
        named = (properties.get("DevEUI"), message.group_id, message.subject)
        body = message.body.encode() if isinstance(message.body, str) else message.body
        if isinstance(body, memoryview):
            body = bytes(body)
        key = next((each for each in named if isinstance(each, str) and each), "")
        self.took_for(key, body if isinstance(body, bytes) else b"", done)


def _message(message: Outgoing, topic: str) -> Message:
    from proton import Message, symbol

    dev_eui = message.values.get("DevEUI", "")
    return Message(
        message.body,
        # Octets, as they are.
        inferred=True,
        durable=True,
        id=str(message.id),
        subject=topic,
        content_type="application/json",
        creation_time=(message.time or message.now * 1000) / 1000,
        # Messages of a device stay in order: a session of Service Bus, a partition of Event Hubs.
        group_id=dev_eui,
        annotations={symbol("x-opt-partition-key"): dev_eui},
        properties={"DevEUI": dev_eui, "event": message.event},
    )


class _Wire(asyncio.Protocol):
    """One connection, from its handshake to its end. `ready` once messages may be sent; `ended` has why it is
    over."""

    def __init__(self, owner: Amqp1Connection, address: Address) -> None:
        from proton import Collector, Connection, Transport

        loop = asyncio.get_running_loop()
        self.ready: asyncio.Future[None] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self._owner, self._loop = owner, loop
        self._socket: asyncio.Transport | None = None
        self._reading = True
        self._timer: asyncio.TimerHandle | None = None
        # What waits for credit, and what is sent and not yet settled, by its tag.
        self._waiting: deque[tuple[Message, asyncio.Future[Outcome], str]] = deque()
        self._sent: dict[str, tuple[asyncio.Future[Outcome], str]] = {}
        self._events, self._connection, self._transport = Collector(), Connection(), Transport()
        self._begin(address)

    def _begin(self, address: Address) -> None:
        """Ask for everything at once: the client need not wait for answers."""
        settings, connection = self._owner.connection.settings, self._connection
        connection.collect(self._events)
        connection.container = f"veldnet-{self._owner.connection.ref}"
        connection.hostname = address.host
        mechanism = (
            "PLAIN" if settings.username else "EXTERNAL" if settings.client_certificate else "ANONYMOUS"
        )
        if settings.username:
            mechanism = "PLAIN"
            connection.user, connection.password = settings.username, self._owner.connection.secrets.password
        self._transport.bind(connection)
        sasl = self._transport.sasl()
        sasl.allowed_mechs(mechanism)
        # TLS is not the protocol's here, so it cannot know of it.
        sasl.allow_insecure_mechs = True
        self._transport.idle_timeout = _SILENCE
        connection.open()
        session = connection.session()
        session.incoming_capacity = _INCOMING
        session.open()
        self._sender = session.sender("messages")
        self._sender.target.address = _TARGET.text(settings)
        self._sender.open()
        self._links: list[Link] = [self._sender]
        if settings.downlinks:
            receiver = session.receiver("downlinks")
            receiver.source.address = _SOURCE.text(settings)
            receiver.max_message_size = 2 * LONGEST_DOWNLINK
            receiver.open()
            receiver.flow(_AHEAD)
            self._links.append(receiver)

    # The socket.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._socket = transport
        self._pump()

    def data_received(self, data: bytes) -> None:
        from proton import TransportException

        at = 0
        while at < len(data) and not self.ended.done():
            room = self._transport.capacity()
            if room <= 0:
                # It has ended, and taken what it said of that before.
                self._end(Text("the broker closed the connection"))
                return
            try:
                self._transport.push(data[at : at + room])
            except TransportException as error:
                self._end(Text("the broker says: {said}", said=str(error)[:300]))
                return
            at += room
            self._pump()

    def connection_lost(self, error: Exception | None) -> None:
        if error is not None:
            self._fail(error)
        else:
            self._end(Text("the broker closed the connection"))

    def pause_writing(self) -> None:
        self._reading = False

    def resume_writing(self) -> None:
        self._reading = True
        self._pump()

    def _pump(self) -> None:
        """Read what has happened, write what is to be written, and see to the time."""
        if self._socket is None or self.ended.done():
            return
        self._read_events()
        deadline = self._transport.tick(time.monotonic())
        while self._reading and (pending := self._transport.pending()) > 0:
            self._socket.write(self._transport.peek(pending))
            self._transport.pop(pending)
            self._read_events()
        # A refused password is said once there is nothing to write any more.
        self._read_events()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if deadline and not self.ended.done():
            self._timer = self._loop.call_later(max(deadline - time.monotonic(), 0.05), self._pump)

    def _read_events(self) -> None:
        while (event := self._events.peek()) is not None:
            self._happened(event)
            self._events.pop()

    def _happened(self, event: Event) -> None:
        from proton import Event

        kind = event.type
        if kind == Event.DELIVERY:
            self._delivery(event.delivery)
        elif kind == Event.LINK_FLOW:
            self._send_waiting()
        elif kind == Event.LINK_REMOTE_OPEN:
            self._opened()
        elif kind in (Event.LINK_REMOTE_CLOSE, Event.LINK_REMOTE_DETACH):
            self._fail(_end_of(event.link.remote_condition, _address_of(event.link)))
        elif kind == Event.SESSION_REMOTE_CLOSE:
            self._fail(_end_of(event.session.remote_condition))
        elif kind == Event.CONNECTION_REMOTE_CLOSE:
            self._fail(_end_of(event.connection.remote_condition))
        elif kind == Event.TRANSPORT_ERROR:
            self._end(_closed(event.transport.condition))

    def _opened(self) -> None:
        """A link that is refused is opened without an address first, and then closed with the reason."""
        from proton import Endpoint, Terminus

        if all(
            link.state & Endpoint.REMOTE_ACTIVE
            and (link.remote_target if link.is_sender else link.remote_source).type != Terminus.UNSPECIFIED
            for link in self._links
        ):
            _set(self.ready)

    # Messages.

    async def send(self, message: Message, where: str) -> Outcome:
        ended: asyncio.Future[Outcome] = self._loop.create_future()
        self._waiting.append((message, ended, where))
        self._send_waiting()
        self._pump()
        return await ended

    def _send_waiting(self) -> None:
        while self._waiting and self._sender.credit > 0:
            message, ended, where = self._waiting.popleft()
            if ended.done():
                # Who has stopped waiting sends it again.
                continue
            most = self._sender.remote_max_message_size
            body = message.encode()
            if most and len(body) > most:
                words = Text("the message is longer than the queue takes: {most} octets", most=most)
                ended.set_result(Outcome(False, "Error", words, where, refusal="never"))
                continue
            tag = self._sender.delivery_tag()
            self._sender.delivery(tag)
            self._sender.stream(body)
            self._sender.advance()
            self._sent[tag] = ended, where

    def _delivery(self, delivery: Delivery) -> None:
        if not delivery.link.is_sender:
            self._come(delivery)
        elif delivery.updated and (delivery.remote_state or delivery.settled):
            ended, where = self._sent.pop(delivery.tag, (None, ""))
            if ended is not None and not ended.done():
                ended.set_result(_judged(delivery, where))
            delivery.settle()

    def _come(self, delivery: Delivery) -> None:
        from proton import Delivery as States
        from proton import Message, ProtonException

        link = delivery.link
        if delivery.pending > 2 * LONGEST_DOWNLINK:
            self._settle(delivery, States.REJECTED)
            return
        if not delivery.readable or delivery.partial:
            return
        message = Message()
        try:
            message.recv(link)
        except ProtonException:
            self._settle(delivery, States.REJECTED)
            return
        self._owner.take(message, lambda: self._done(delivery))

    def _done(self, delivery: Delivery) -> None:
        """A downlink is in the queue of its device."""
        from proton import Delivery as States

        if not self.ended.done():
            self._settle(delivery, States.ACCEPTED)
            self._loop.call_soon(self._pump)

    def _settle(self, delivery: Delivery, state: int) -> None:
        link = delivery.link
        delivery.update(state)
        delivery.settle()
        link.flow(1)

    # The end.

    def _end(self, why: str) -> None:
        self._fail(ConnectionFailed(why))

    def _fail(self, error: Exception) -> None:
        if self.ended.done():
            return
        self.ended.set_exception(error)
        # Nobody may be there to hear of it.
        self.ended.exception()
        if not self.ready.done():
            self.ready.set_exception(error)
            self.ready.exception()
        waiting = [ended for _message, ended, _where in self._waiting]
        for ended in (*waiting, *(ended for ended, _where in self._sent.values())):
            if not ended.done():
                ended.set_exception(error)
        self._waiting.clear()
        self._sent.clear()

    def close(self) -> None:
        self._pump_close()
        self._end(Text("the connection was closed"))
        if self._timer is not None:
            self._timer.cancel()
        if self._socket is not None:
            self._socket.close()

    def _pump_close(self) -> None:
        if not self.ended.done():
            self._connection.close()
            self._pump()


def _set(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)


def _address_of(link: Link) -> str:
    return str((link.target if link.is_sender else link.source).address)


def _judged(delivery: Delivery, where: str) -> Outcome:
    from proton import Delivery as States

    state, condition = delivery.remote_state, delivery.remote.condition
    if state == States.ACCEPTED:
        return Outcome(True, "Ok", None, where)
    if state == States.REJECTED:
        words = Text("the broker refused the message: {reason}", reason=_said(condition) or "rejected")
        return Outcome(False, "Error", words, where, refusal="message")
    words = Text("the broker did not keep the message; no queue may be there for its subject")
    return Outcome(False, "Error", words, where, refusal="message")


def _said(condition: Any) -> str:
    if condition is None:
        return ""
    return f"{condition.description or ''} ({condition.name})".strip()[:300]


def _end_of(condition: Any, address: str = "") -> ConnectionFailed:
    """Why the other side has ended a link, a session or the connection."""
    words = _closed(condition, address)
    if condition is not None and condition.name in _IDLE and _INACTIVE.search(condition.description or ""):
        return EndedIdle(words)
    return ConnectionFailed(words)


def _closed(condition: Any, address: str = "") -> str:
    if condition is None:
        return Text("the broker closed the connection")
    if condition.name == "amqp:unauthorized-access" and not address:
        return Text("the broker refused user name or password: {said}", said=_said(condition))
    if condition.name == "amqp:not-found":
        return Text("there is no such queue or topic: {said}", said=_said(condition))
    if address:
        return Text(
            "the broker does not open {address}: {said}", address=address[:100], said=_said(condition)
        )
    if condition.name == "amqp:connection:framing-error":
        return Text("what answers does not speak AMQP 1.0, or wants TLS: {said}", said=_said(condition))
    return Text("the broker says: {said}", said=_said(condition))


KIND = Kind(
    type="AMQP1",
    title="AMQP 1.0 (Azure Service Bus)",
    schemes=(Scheme("amqp", 5672), Scheme("amqps", 5671, tls=True)),
    example="amqps://broker.example.com:5671",
    fields=(
        USERNAME,
        PASSWORD,
        _TARGET,
        SUBJECT,
        DOWNLINKS[0],
        _SOURCE,
        *CERTIFICATES,
    ),
    make=Amqp1Connection,
    library="proton",
    extra="amqp10",
    presets=(
        Preset(
            "azure-service-bus",
            "Azure Service Bus",
            Text(
                "Make a shared access policy with the rights to send and to listen; give its name as user "
                "name and its primary key as password. The queue or topic of messages must exist."
            ),
            "amqps://NAMESPACE.servicebus.windows.net:5671",
            {"username": "veldnet", "target": "lorawan-messages"},
        ),
        Preset(
            "azure-event-hubs-amqp",
            "Azure Event Hubs (AMQP)",
            Text(
                "Make a shared access policy with the right to send; give its name as user name and its "
                "primary key as password. The event hub is the topic of messages."
            ),
            "amqps://NAMESPACE.servicebus.windows.net:5671",
            {"username": "veldnet", "target": "lorawan-messages"},
        ),
    ),
)
