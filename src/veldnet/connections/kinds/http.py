"""Messages as HTTP requests, with headers and an address that the connection gives."""

from __future__ import annotations

from urllib.parse import quote

from veldnet.connections.answers import address_refused, described, refusal_of, seconds_of
from veldnet.connections.interface import Condition, Surroundings
from veldnet.connections.kind import Field, Kind, Scheme
from veldnet.connections.model import Connection, Outcome, Outgoing
from veldnet.domain.flows import names_in
from veldnet.outgoing import (
    Address,
    AddressRefused,
    Answer,
    HttpClient,
    RequestFailed,
    Resolver,
    masked,
    parse_address,
    text_of,
)
from veldnet.texts import Text

# Answers that concern each message: the credentials or the path are wrong.
_CLOSED = tuple(f"HTTP status {status}" for status in (401, 403, 404, 405, 407, 410))
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
        self._client = HttpClient(
            Resolver(allow_private=around.allow_private),
            connect_timeout=around.connect_timeout,
            total_timeout=around.total_timeout,
        )

    def start(self) -> None:
        """It connects when there is something to say."""

    async def deliver(self, message: Outgoing) -> Outcome:
        settings = self._connection.settings
        url = url_of(settings.address, settings.dialect, message)
        shown = masked(url)
        try:
            answer = await self._post(parse_address(url, stored=True), message)
        except AddressRefused as error:
            outcome = address_refused(Text("the address {why}", why=text_of(error)), shown)
        except RequestFailed as error:
            if error.refused:
                outcome = address_refused(text_of(error), shown)
            else:
                outcome = Outcome(False, "Timeout" if error.timed_out else "Error", text_of(error), shown)
        else:
            said = f"HTTP {answer.status}\n{answer.body.decode(errors='replace')}"
            if 200 <= answer.status < 300:
                self.condition.works()
                return Outcome(True, "Ok", None, shown, said)
            outcome = Outcome(
                False,
                "Error",
                described(answer),
                shown,
                said,
                refusal_of(answer.status),
                seconds_of(answer.retry_after, message.now),
            )
        # A server that refuses one message, for what it says, works all the same.
        if outcome.refusal != "never" or outcome.reason or outcome.error in _CLOSED:
            self.condition.fails(outcome.error or outcome.status)
        else:
            self.condition.works()
        return outcome

    async def _post(self, address: Address, message: Outgoing) -> Answer:
        headers = _HEADERS | dict(self._connection.secrets.headers)
        return await self._client.post(address, address.target, headers, message.body, whole=True)

    async def close(self) -> None:
        await self._client.close()


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
    ),
    make=HttpConnection,
)
