"""One attempt to deliver a message: the signed HTTP requests, and what the application server says."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Protocol

import msgspec

from veldnet.outgoing import (
    Address,
    AddressRefused,
    Answer,
    HttpClient,
    RequestFailed,
    Resolver,
    masked,
    parse_address,
)
from veldnet.routing.ledger import StoredMessage, addresses_of
from veldnet.routing.messages import time_text
from veldnet.routing.table import Profile, Route
from veldnet.routing.tokens import uplink_token

_CONTENT_TYPES = {"JSON": "application/json", "XML": "text/xml; charset=utf-8"}
# Application servers have been seen to look for this name.
_HEADERS = {"User-Agent": "ACTILITY-LRCLRN-DEVICE-AGENT/1.0 (Veldnet)", "Accept": "*/*"}
# Answers of the 400s that speak of the moment, not of the message.
_NOT_NOW = (408, 425, 429)
# Seconds after which the first address of a SEQUENTIAL route is tried again.
_REMEMBERED = 300.0


class Outcome(msgspec.Struct, frozen=True):
    """How an attempt ended; `status` in ThingPark's words: Ok, Error, Timeout.

    `refusal` tells what a failure means for the message: `never` (it will not be taken), `message` (the
    server has answered, but not with success), `busy` (the server asks for patience), or None: there was no
    answer. `retry_after` is in seconds, as the server asked for.
    """

    delivered: bool
    status: str
    error: str | None = None
    url: str | None = None
    # What the server answered, where somebody wants to read it.
    answer: str | None = None
    refusal: str | None = None
    retry_after: float | None = None
    # Why the message is set aside, where not for the answer itself.
    reason: str | None = None


class Sender(Protocol):
    """Carries a message to the addresses of a route."""

    async def send(
        self, message: StoredMessage, profile: Profile, route: Route, delivery_id: int, now: float
    ) -> Outcome: ...

    async def close(self) -> None: ...


def signed_query(message: StoredMessage, profile: Profile, route: Route, delivery_id: int, now: float) -> str:
    """The query of a delivery, percent-encoded. The token covers the decoded values."""
    plain = (
        f"LrnDevEui={message.lrn_dev_eui}&LrnFPort={message.lrn_fport}&LrnInfos=TWA_{profile.customer_id}"
        f".{profile.ref}.AS-{route.index}-{delivery_id % 1_000_000_000}"
    )
    if route.as_id is None or route.as_key is None:
        return plain
    plain += f"&AS_ID={route.as_id}&Time={time_text(now)}"
    token = uplink_token(message.elements, plain, route.as_key)
    # Only the time holds characters that a query must escape: AS ids are checked when they are set.
    return f"{plain.replace(':', '%3A').replace('+', '%2B')}&Token={token}"


class _Preferred(msgspec.Struct, frozen=True):
    """The address of a SEQUENTIAL route that answered when those before it did not."""

    address: str
    until: float


class HttpSender:
    """Posts messages over keep-alive connections. `clock` is monotonic, in seconds."""

    def __init__(
        self,
        *,
        allow_private: bool,
        connect_timeout: float = 5.0,
        total_timeout: float = 10.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._client = HttpClient(
            Resolver(allow_private=allow_private),
            connect_timeout=connect_timeout,
            total_timeout=total_timeout,
        )
        self._clock = clock
        self._preferred: dict[tuple[int, int], _Preferred] = {}

    async def send(
        self, message: StoredMessage, profile: Profile, route: Route, delivery_id: int, now: float
    ) -> Outcome:
        addresses = addresses_of(message, route)
        if not addresses:
            return Outcome(
                False,
                "Error",
                "the address was removed from the route",
                masked(message.addresses[message.position or 0]),
                refusal="never",
                reason="noRoute",
            )
        query = signed_query(message, profile, route, delivery_id, now)
        if len(addresses) == 1:
            return await self._post(addresses[0], query, message)
        if route.blast:
            return await self._to_all(addresses, query, message)
        return await self._to_first(addresses, query, message, (profile.ref, route.index))

    async def _to_first(
        self, addresses: tuple[str, ...], query: str, message: StoredMessage, route: tuple[int, int]
    ) -> Outcome:
        """The addresses one after the other until one takes the message, that which did last first."""
        preferred = self._preferred.get(route)
        order = addresses
        if preferred is not None and preferred.until > self._clock() and preferred.address in addresses:
            order = (preferred.address, *(other for other in addresses if other != preferred.address))
        failed = []
        for address in order:
            outcome = await self._post(address, query, message)
            if not outcome.delivered:
                failed.append(outcome)
                continue
            if failed and address != addresses[0]:
                self._preferred[route] = _Preferred(address, self._clock() + _REMEMBERED)
            elif failed:
                self._preferred.pop(route, None)
            return outcome
        # Not for ever, if one of the servers may still take it.
        return next((outcome for outcome in failed if outcome.refusal != "never"), failed[0])

    async def _to_all(self, addresses: tuple[str, ...], query: str, message: StoredMessage) -> Outcome:
        """A message made while the route was SEQUENTIAL, or before each address had its own: one address is
        enough."""
        outcomes = [await self._post(address, query, message) for address in addresses]
        return next((outcome for outcome in outcomes if outcome.delivered), outcomes[-1])

    async def try_out(
        self, message: StoredMessage, profile: Profile, route: Route, delivery_id: int, now: float
    ) -> list[Outcome]:
        """Send a message to every address of a route, whatever its strategy, and keep what each answers."""
        query = signed_query(message, profile, route, delivery_id, now)
        return [await self._post(address, query, message, keep_answer=True) for address in route.addresses]

    async def _post(
        self, text: str, query: str, message: StoredMessage, *, keep_answer: bool = False
    ) -> Outcome:
        url = masked(text)
        try:
            address = parse_address(text, stored=True)
            answer = await self._answer(address, query, message, whole=keep_answer)
        except AddressRefused as error:
            return _address_refused(f"the address {error}", url)
        except RequestFailed as error:
            if error.refused:
                return _address_refused(str(error), url)
            return Outcome(False, "Timeout" if error.timed_out else "Error", str(error), url)
        shown = None
        if keep_answer:
            shown = f"HTTP {answer.status}\n{answer.body.decode(errors='replace')}"
        if 200 <= answer.status < 300:
            return Outcome(True, "Ok", None, url, shown)
        return Outcome(
            False,
            "Error",
            _in_words(answer),
            url,
            shown,
            _refusal(answer.status),
            _seconds(answer.retry_after),
        )

    async def _answer(self, address: Address, query: str, message: StoredMessage, *, whole: bool) -> Answer:
        headers = _HEADERS | {"Content-Type": _CONTENT_TYPES[message.content_type]}
        return await self._client.post(address, address.with_query(query), headers, message.body, whole=whole)

    async def close(self) -> None:
        await self._client.close()


def _address_refused(words: str, url: str) -> Outcome:
    return Outcome(False, "Error", words, url, refusal="never", reason="addressRefused")


def _in_words(answer: Answer) -> str:
    words = f"HTTP status {answer.status}"
    return f"{words} (a redirect, which is not followed)" if 300 <= answer.status < 400 else words


def _refusal(status: int) -> str:
    if status in _NOT_NOW:
        return "busy"
    return "never" if 400 <= status < 500 else "message"


def _seconds(retry_after: str | None) -> float | None:
    """What `Retry-After` asks for: seconds, or a date."""
    if retry_after is None:
        return None
    if retry_after.isascii() and retry_after.isdigit():
        return float(retry_after[:9])
    try:
        moment = parsedate_to_datetime(retry_after)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(moment.timestamp() - time.time(), 0.0)
