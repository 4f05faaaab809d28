"""Messages as points of InfluxDB, by its line protocol over HTTP: version 2 with a token, and version 1.

A message is delivered when the server has taken its point. What waits at the same time is written together;
where the server does not take all of that, each point by itself, which harms none that is there already.
"""

from __future__ import annotations

import asyncio
from base64 import b64encode
from collections.abc import Sequence
from urllib.parse import urlencode

import msgspec
from msgspec.structs import replace

from veldnet.connections.batches import Batches
from veldnet.connections.fields import PASSWORD, USERNAME
from veldnet.connections.interface import Condition, Surroundings
from veldnet.connections.kept import TASK
from veldnet.connections.kind import Field, Kind, Preset, Scheme
from veldnet.connections.line_protocol import (
    DEEPEST,
    MOST_FIELDS,
    TooDeep,
    TooManyFields,
    fields_of,
    line,
)
from veldnet.connections.model import Connection, Outcome, Outgoing
from veldnet.connections.sending import HttpSender, Request
from veldnet.domain.errors import InvalidField
from veldnet.domain.flows import ConnectionSecrets, ConnectionSettings
from veldnet.outgoing import ConnectionFailed, words_of
from veldnet.texts import Text

_VERSION = Field("api", "CHOICE", Text("Version of InfluxDB"), default="2", choices=("2", "1"))
_BUCKET = Field(
    "bucket", "TEXT", Text("Bucket, or database"), Text("It must exist"), default="lorawan", most=200
)
_ORGANIZATION = Field("organization", "TEXT", Text("Organization"), Text("Version 2 only"), most=200)
_POLICY = Field(
    "retentionPolicy", "TEXT", Text("Retention policy"), Text("Version 1 only; that of the database if empty")
)
_MEASUREMENT = Field("measurement", "TEXT", Text("Measurement"), default="lorawan", most=200)
_TOKEN = Field("token", "SECRET", Text("Token"), Text("Version 2, and 3; may write to the bucket"), most=512)
_MOST_POINTS = 500
_IDLE = 3600.0
# Answers that are about a point: of a batch the others may have been written.
_OF_A_POINT = tuple(f"HTTP status {status}" for status in (400, 413, 422))
_NOT_FOUND = "HTTP status 404"
_REFUSED = tuple(f"HTTP status {status}" for status in (401, 403))


class InfluxConnection:
    """Writes points over keep-alive connections, one request at a time."""

    def __init__(self, connection: Connection, around: Surroundings) -> None:
        self.condition = Condition(around.clock)
        self._connection, self._around = connection, around
        self._sender = HttpSender(
            allow_private=around.allow_private,
            connect_timeout=around.connect_timeout,
            total_timeout=around.total_timeout,
        )
        self._batches = Batches(_MOST_POINTS)
        self._task: asyncio.Task[None] | None = None
        self._url, self._headers = _where(connection)

    def start(self) -> None:
        """It connects when there is something to write."""
        if self._task is None:
            self._task = self._around.supervisor.keep(TASK, self._run)

    async def _run(self) -> None:
        await self._batches.run(self._write, _nothing, _IDLE)

    async def deliver(self, message: Outgoing) -> Outcome:
        try:
            async with asyncio.timeout(self._around.total_timeout):
                outcome = await self._batches.send(message)
        except ConnectionFailed as error:
            return Outcome(False, "Error", words_of(error), self._url)
        except TimeoutError:
            outcome = Outcome(False, "Timeout", Text("the server does not answer"), self._url)
        # A server that refuses one point, for what it is, works all the same.
        if outcome.delivered or (outcome.refusal == "never" and not outcome.reason):
            self.condition.works()
        else:
            self.condition.fails(outcome.error or outcome.status)
        return outcome

    async def _write(self, messages: Sequence[Outgoing]) -> Sequence[Outcome]:
        """Write points together; one by one where the server does not take one of them."""
        points = [_point(self._connection.settings, message) for message in messages]
        body = b"".join(point for point in points if isinstance(point, bytes))
        if not body:
            return [self._left(point) for point in points if not isinstance(point, bytes)]
        outcome = await self._send(body, messages[0].now)
        together = sum(isinstance(point, bytes) for point in points)
        if together == 1 or outcome.error not in _OF_A_POINT:
            said = _told(outcome)
            return [said if isinstance(point, bytes) else self._left(point) for point in points]
        return [
            _told(await self._send(point, messages[0].now)) if isinstance(point, bytes) else self._left(point)
            for point in points
        ]

    async def _send(self, body: bytes, now: float) -> Outcome:
        return await self._sender.send(Request(self._url, self._headers, body, now))

    def _left(self, why: str) -> Outcome:
        return Outcome(False, "Error", why, self._url, refusal="never")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        await self._sender.close()


async def _nothing() -> None:
    """There is nothing to ask a server of HTTP."""


def _where(connection: Connection) -> tuple[str, dict[str, str]]:
    """The URL that takes points, and the headers of requests."""
    settings, secrets = connection.settings, connection.secrets
    headers = {"User-Agent": "Veldnet", "Accept": "*/*", "Content-Type": "text/plain; charset=utf-8"}
    bucket = _BUCKET.text(settings)
    if _VERSION.text(settings) == "2":
        query = {"org": _ORGANIZATION.text(settings), "bucket": bucket, "precision": "ns"}
        if token := _TOKEN.hidden(secrets):
            headers["Authorization"] = f"Token {token}"
        path = "/api/v2/write"
    else:
        query = {"db": bucket, "rp": _POLICY.text(settings), "precision": "ns"}
        if settings.username:
            pair = b64encode(f"{settings.username}:{secrets.password}".encode())
            headers["Authorization"] = f"Basic {pair.decode()}"
        path = "/write"
    given = urlencode({name: value for name, value in query.items() if value})
    return f"{settings.address.rstrip('/')}{path}?{given}", headers


def _point(settings: ConnectionSettings, message: Outgoing) -> bytes | Text:
    """A message as a line, or why it cannot be one."""
    try:
        fields = fields_of(msgspec.json.decode(message.body))
    except TooManyFields:
        return Text(
            "the message has more than {most} values; choose some by the transformation of the flow",
            most=MOST_FIELDS,
        )
    except TooDeep:
        return Text(
            "the message has values below {most} levels; choose some by the transformation of the flow",
            most=DEEPEST,
        )
    if not fields:
        return Text("the message has no values")
    values = message.values
    tags = {
        "dev_eui": values.get("DevEUI", ""),
        "device": values.get("deviceName", ""),
        "event": message.event,
        "f_port": values.get("FPort", ""),
    }
    # Two messages of the same moment are two points; the same message is the same one again.
    milliseconds = message.time or round(message.now * 1000)
    nanoseconds = milliseconds * 1_000_000 + message.id % 1_000_000
    return line(_MEASUREMENT.text(settings), tags, fields, nanoseconds)


def _told(outcome: Outcome) -> Outcome:
    """What an answer means: the server says why in a document, and only refuses a point for good."""
    if outcome.delivered or outcome.answer is None:
        return outcome
    try:
        said = msgspec.json.decode(outcome.answer.partition("\n")[2], type=_Said)
    except msgspec.MsgspecError:
        said = _Said()
    why = (said.message or said.error)[:300]
    if outcome.error in _OF_A_POINT:
        return replace(outcome, error=Text("the point is refused: {why}", why=why or outcome.error))
    if outcome.error == _NOT_FOUND:
        words = Text("there is no such bucket, database or organization: {why}", why=why or outcome.error)
        return replace(outcome, error=words, refusal="message")
    if outcome.error in _REFUSED:
        words = Text("the server refused token, user name or password: {why}", why=why or outcome.error)
        return replace(outcome, error=words, refusal="message")
    return replace(outcome, error=Text("the server says: {why}", why=why)) if why else outcome


class _Said(msgspec.Struct):
    """Of version 2, or of version 1."""

    message: str = ""
    error: str = ""


def _check(settings: ConnectionSettings, secrets: ConnectionSecrets) -> None:
    if "?" in settings.address:
        raise InvalidField("address has a query; bucket and organization are options of their own")
    if not _TOKEN.hidden(secrets).isascii():
        raise InvalidField("{name} must be printable ASCII", name=_TOKEN.name)


KIND = Kind(
    type="INFLUXDB",
    title="InfluxDB",
    schemes=(Scheme("http", 80, path=True), Scheme("https", 443, tls=True, path=True)),
    example="https://influx.example.com:8086",
    fields=(_VERSION, _BUCKET, _ORGANIZATION, _TOKEN, USERNAME, PASSWORD, _POLICY, _MEASUREMENT),
    make=InfluxConnection,
    check=_check,
    presets=(
        Preset(
            "influxdb-cloud",
            "InfluxDB Cloud",
            Text(
                "Make a bucket and an API token that may write to it; the organization is its name or its ID."
            ),
            "https://REGION.PROVIDER.cloud2.influxdata.com",
            {"api": "2", "bucket": "lorawan", "measurement": "lorawan"},
        ),
    ),
)
