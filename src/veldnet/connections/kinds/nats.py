"""Messages into a stream of NATS JetStream.

A message is delivered when the stream has stored it. Subjects are topics with dots in place of slashes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from veldnet.connections.dotted import dotted, pattern, slashed
from veldnet.connections.fields import CERTIFICATES, CLIENT_ID, DOWNLINKS, PASSWORD, TOPIC, USERNAME
from veldnet.connections.kept import LONGEST_DOWNLINK, TASK, KeptConnection
from veldnet.connections.kind import Kind, Scheme
from veldnet.connections.model import Outcome, Outgoing
from veldnet.outgoing import Address, ConnectionFailed, words_of
from veldnet.texts import Text

if TYPE_CHECKING:
    from nats.aio.client import Client
    from nats.aio.msg import Msg
    from nats.js.client import JetStreamContext

_ENDED = Text("the server ended the connection; it may ask for a client certificate")
# What the client says, by how it begins, in words for people.
_KNOWN = {
    "authorization violation": Text("the server refused user name or password"),
    "user authentication expired": Text("the credentials have expired"),
    "permissions violation for subscription": Text("the user may not subscribe to the topic of downlinks"),
    "notfounderror": Text("no stream takes the subject of downlinks"),
    "serviceunavailableerror": Text("the server has no JetStream"),
    "connection lost": _ENDED,
    "unexpected eof": Text("the server ended the connection; it may expect TLS, as in tls://HOST:4222"),
}
_TOO_LONG = Text("the message is longer than the stream or the server takes")
# "message size exceeds maximum allowed", of the stream.
_OF_SIZE = 10054
_MOST_SUBJECT = 250
_PING_EVERY = 30
# Seconds in which a connection ends. The client has no limit for one whose handshake failed.
_CLOSED_WITHIN = 1.0
# Seconds between two looks whether a connection has ended without a word.
_LOOK_EVERY = 1.0


class NatsConnection(KeptConnection):
    """A connection to a server of NATS."""

    @property
    def kind(self) -> Kind:
        return KIND

    _stream: JetStreamContext | None = None

    async def session(self, address: Address, hosts: list[str]) -> None:
        from nats.aio.client import Client
        from nats.errors import Error

        client = Client()
        try:
            ended = await self._open(client, address, hosts)
            self._stream = client.jetstream(timeout=self.around.total_timeout)
            if self.connection.settings.downlinks:
                await self._subscribe(client, self._stream)
            self.up()
            raise ConnectionFailed(await _end(client, ended))
        except Error as error:
            raise ConnectionFailed(_words(error)) from None
        finally:
            self.down()
            self._stream = None
            await _close(client)

    async def _open(self, client: Client, address: Address, hosts: list[str]) -> asyncio.Future[str]:
        """Connect to one of the addresses that were allowed; the future has why the connection ended."""
        settings, loop = self.connection.settings, asyncio.get_running_loop()
        ended: asyncio.Future[str] = loop.create_future()
        tls = self.tls(address) if address.scheme == "tls" else None
        failures: list[Exception] = []

        async def failed(error: Exception) -> None:
            failures.append(error)

        async def closed() -> None:
            if not ended.done():
                ended.set_result(
                    _words(failures[-1]) if failures else Text("the server closed the connection")
                )

        def password() -> str:
            # It is asked for after the handshake of TLS, where there was one.
            if address.scheme == "tls" and not client._server_info.get("tls_required"):
                raise ConnectionFailed(Text("the server does not offer TLS"))
            return self.connection.secrets.password

        options: dict[str, Any] = {}
        if tls is not None:
            options |= {"tls": tls, "tls_hostname": address.host}
        if settings.username or tls is not None:
            options |= {"user": settings.username, "password": password}
        try:
            async with asyncio.timeout(self.around.connect_timeout):
                await client.connect(
                    [f"nats://{f'[{host}]' if ':' in host else host}:{address.port}" for host in hosts],
                    name=settings.client_id or "veldnet",
                    # Other servers of a cluster, which this one names, are not connected to.
                    allow_reconnect=False,
                    max_reconnect_attempts=1,
                    reconnect_time_wait=0,
                    ping_interval=_PING_EVERY,
                    error_cb=failed,
                    closed_cb=closed,
                    **options,
                )
        except Exception as error:
            # What one address said is more than that there is none left.
            raise ConnectionFailed(_words(failures[0] if failures else error)) from None
        return ended

    async def _subscribe(self, client: Client, stream: JetStreamContext) -> None:
        name = self.connection.settings.client_id
        for number, topic in enumerate(self.downlink_topics):
            subject = pattern(topic, self.connection.known)
            if name:
                # A consumer with a name: the stream keeps what comes while the connection is away.
                durable = f"{name}-replace" if number else name
                await stream.subscribe(subject, durable=durable, cb=self._kept, manual_ack=True)
            else:
                await client.subscribe(subject, cb=self._plain)

    async def _kept(self, message: Msg) -> None:
        def done() -> None:
            self.around.supervisor.start(TASK, self._acknowledge(message))

        self._took(message, done)

    async def _plain(self, message: Msg) -> None:
        self._took(message, lambda: None)

    def _took(self, message: Msg, done: Callable[[], None]) -> None:
        if len(message.data) > LONGEST_DOWNLINK:
            done()
            return
        self.took(slashed(message.subject, self.downlink_topics[0]), message.data, done)

    async def _acknowledge(self, message: Msg) -> None:
        from nats.errors import Error

        try:
            await message.ack()
        except (Error, OSError):
            # It is sent again.
            return

    def topic_of(self, values: Mapping[str, str]) -> str:
        return dotted(self.topic, values)

    async def send(self, message: Outgoing, topic: str, where: str) -> Outcome:
        from nats.errors import Error, MaxPayloadError
        from nats.js.errors import APIError, NoStreamResponseError

        if not all(topic.split(".")) or len(topic) > _MOST_SUBJECT:
            return Outcome(
                False, "Error", Text("the subject has an empty part or is too long"), where, refusal="never"
            )
        assert self._stream is not None
        try:
            stored = await self._stream.publish(topic, message.body)
        except MaxPayloadError:
            return Outcome(False, "Error", _TOO_LONG, where, refusal="never")
        except NoStreamResponseError:
            words = Text("no stream takes the subject {topic}, or the server has no JetStream", topic=topic)
            return Outcome(False, "Error", words, where, refusal="message")
        except APIError as error:
            if error.err_code == _OF_SIZE:
                return Outcome(False, "Error", _TOO_LONG, where, refusal="never")
            words = Text("the stream refused the message: {why}", why=str(error.description)[:200])
            return Outcome(False, "Error", words, where, refusal="message")
        except Error as error:
            raise ConnectionFailed(_words(error)) from None
        return Outcome(True, "Ok", None, where, f"stream {stored.stream}, sequence {stored.seq}")


async def _end(client: Client, ended: asyncio.Future[str]) -> str:
    """Wait until a connection ends; returns why. Where something waits to be sent to one that has gone, the
    client breaks off before it says so."""
    while not ended.done() and not client.is_closed:
        await asyncio.wait([ended], timeout=_LOOK_EVERY)
    return ended.result() if ended.done() else _ENDED


async def _close(client: Client) -> None:
    # A client that broke off as it ended does so again.
    with contextlib.suppress(TimeoutError, OSError, RuntimeError):
        async with asyncio.timeout(_CLOSED_WITHIN):
            await client.close()


def _words(error: BaseException) -> str:
    if isinstance(error, BrokenPipeError | ConnectionResetError):
        return _ENDED
    words = words_of(error)
    if isinstance(words, Text):
        return words
    said = words.removeprefix("nats: ").strip("'")
    for begins, words in _KNOWN.items():
        if said.lower().startswith(begins):
            return words
    return said


KIND = Kind(
    type="NATS",
    title="NATS JetStream",
    schemes=(Scheme("nats", 4222), Scheme("tls", 4222, tls=True)),
    example="tls://nats.example.com:4222",
    fields=(USERNAME, PASSWORD, TOPIC, *DOWNLINKS, CLIENT_ID, *CERTIFICATES),
    make=NatsConnection,
    library="nats",
    extra="connections",
)
