"""Messages as HTTP requests, with headers and an address that the connection gives."""

from __future__ import annotations

from urllib.parse import quote

from msgspec.structs import replace

from veldnet.connections.access_tokens import AccessTokens, Credentials
from veldnet.connections.interface import Condition, Surroundings
from veldnet.connections.kind import Field, Kind, Scheme
from veldnet.connections.model import Connection, Outcome, Outgoing
from veldnet.connections.sending import HttpSender, Request
from veldnet.domain.errors import InvalidField, MissingField
from veldnet.domain.flows import ConnectionSecrets, ConnectionSettings, names_in
from veldnet.outgoing import AddressRefused, masked, parse_address
from veldnet.texts import Text

# Answers that concern each message: the credentials or the path are wrong.
_REFUSED = "HTTP status 401"
_CLOSED = tuple(f"HTTP status {status}" for status in (401, 403, 404, 405, 407, 410))
_TOKEN_URL = Field(
    "tokenUrl",
    "TEXT",
    Text("Address of access tokens"),
    Text("Of OAuth 2.0 by client credentials; empty where there is none"),
)
_CLIENT = Field("oauthClientId", "TEXT", Text("Client ID of OAuth"))
_CLIENT_SECRET = Field("oauthClientSecret", "SECRET", Text("Client secret of OAuth"))
_SCOPE = Field("scope", "TEXT", Text("Scope of OAuth"))
_HEADERS = {"User-Agent": "Veldnet", "Accept": "*/*", "Content-Type": "application/json"}


def url_of(template: str, dialect: str, message: Outgoing) -> str:
    """The URL of a message. Without `{event}` in it, ChirpStack's tools find the event in the query, and
    those of The Things Stack at the end of the path."""
    url = template
    for name in dict.fromkeys(names_in(template)):
        url = url.replace(f"{{{name}}}", quote(message.values.get(name, ""), safe=""))
    if "event" in names_in(template) or dialect == "THINGPARK":
        return url
    if dialect == "CHIRPSTACK":
        return f"{url}{'&' if '?' in url else '?'}event={message.event}"
    path, mark, query = url.partition("?")
    return f"{path.rstrip('/')}/{message.event}{mark}{query}"


class HttpConnection:
    """Posts messages over keep-alive connections."""

    def __init__(self, connection: Connection, around: Surroundings) -> None:
        self.condition = Condition(around.clock)
        self._connection = connection
        self._sender = HttpSender(
            allow_private=around.allow_private,
            connect_timeout=around.connect_timeout,
            total_timeout=around.total_timeout,
        )
        credentials = _credentials(connection.settings, connection.secrets)
        self._tokens = AccessTokens(credentials, self._sender) if credentials.url else None

    def start(self) -> None:
        """It connects when there is something to say."""

    async def deliver(self, message: Outgoing) -> Outcome:
        settings = self._connection.settings
        url = url_of(settings.address, settings.dialect, message)
        headers = _HEADERS | dict(self._connection.secrets.headers)
        outcome = await self._send(Request(url, headers, message.body, message.now))
        # A server that refuses one message, for what it says, works all the same.
        works = outcome.delivered or (
            outcome.refusal == "never" and not outcome.reason and outcome.error not in _CLOSED
        )
        if works:
            self.condition.works()
        else:
            self.condition.fails(outcome.error or outcome.status)
        return outcome

    async def _send(self, request: Request) -> Outcome:
        """With an access token where one is wanted: with another one, once, where it is refused."""
        if self._tokens is None:
            return await self._sender.send(request)
        outcome = Outcome(False, "Error")
        for _again in range(2):
            token = await self._tokens.get(request.now)
            if isinstance(token, Outcome):
                return token
            headers = {**request.headers, "Authorization": f"Bearer {token}"}
            outcome = await self._sender.send(replace(request, headers=headers))
            if outcome.error != _REFUSED:
                break
            self._tokens.forget(token)
        else:
            # It is the connection that is refused, not the message.
            return replace(outcome, refusal=None)
        return outcome

    async def close(self) -> None:
        await self._sender.close()


def _credentials(settings: ConnectionSettings, secrets: ConnectionSecrets) -> Credentials:
    return Credentials(
        _TOKEN_URL.text(settings),
        _CLIENT.text(settings),
        _CLIENT_SECRET.hidden(secrets),
        _SCOPE.text(settings),
    )


def _check(settings: ConnectionSettings, secrets: ConnectionSecrets) -> None:
    given = _credentials(settings, secrets)
    if not given.url:
        return
    if not given.client_id:
        raise MissingField("{name} is mandatory", name=_CLIENT.name)
    try:
        parse_address(given.url)
    except AddressRefused as error:
        raise InvalidField(
            "address: {address!r} {error}", address=masked(given.url)[:80], error=error
        ) from None


KIND = Kind(
    type="HTTP",
    title="HTTP",
    schemes=(Scheme("http", 80, path=True), Scheme("https", 443, tls=True, path=True)),
    example="https://example.com/messages/{devEui}",
    named=True,
    fields=(
        Field(
            "headers", "HEADERS", Text("Headers"), Text("One a line; ***** keeps the value that is stored")
        ),
        _TOKEN_URL,
        _CLIENT,
        _CLIENT_SECRET,
        _SCOPE,
    ),
    make=HttpConnection,
    check=_check,
)
