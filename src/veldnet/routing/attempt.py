"""One attempt to deliver a message: the signed HTTP requests, and what the application server says."""

from __future__ import annotations

import asyncio
from typing import Protocol

import aiohttp
import msgspec
from yarl import URL

from .destinations import DestinationRefused, PublicResolver, check_literal
from .ledger import StoredMessage
from .messages import time_text
from .table import Profile, Route
from .tokens import uplink_token

_CONTENT_TYPES = {"JSON": "application/json", "XML": "text/xml; charset=utf-8"}
# Application servers have been seen to look for this name.
_HEADERS = {"User-Agent": "ACTILITY-LRCLRN-DEVICE-AGENT/1.0 (Veldnet)", "Accept": "*/*"}


class Outcome(msgspec.Struct, frozen=True):
    """How an attempt ended; `status` in ThingPark's words: Ok, Error, Timeout."""

    delivered: bool
    status: str
    error: str | None = None
    url: str | None = None
    # What the server answered, where somebody wants to read it.
    answer: str | None = None


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


class HttpSender:
    """Posts messages over keep-alive connections, a limited number for each destination."""

    def __init__(
        self,
        *,
        allow_private: bool,
        connections_per_host: int = 32,
        connect_timeout: float = 5.0,
        total_timeout: float = 10.0,
    ) -> None:
        self._allow_private = allow_private
        self._per_host = connections_per_host
        self._timeout = aiohttp.ClientTimeout(total=total_timeout, sock_connect=connect_timeout)
        self._session: aiohttp.ClientSession | None = None

    def _client(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(
                limit=0,
                limit_per_host=self._per_host,
                resolver=None if self._allow_private else PublicResolver(),
                keepalive_timeout=60,
            )
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=self._timeout,
                headers=_HEADERS,
                cookie_jar=aiohttp.DummyCookieJar(),
                auto_decompress=False,
            )
        return self._session

    async def send(
        self, message: StoredMessage, profile: Profile, route: Route, delivery_id: int, now: float
    ) -> Outcome:
        query = signed_query(message, profile, route, delivery_id, now)
        outcomes = []
        for address in route.addresses:
            outcome = await self._post(address, query, message)
            if outcome.delivered and not route.blast:
                return outcome
            outcomes.append(outcome)
        failed = [outcome for outcome in outcomes if not outcome.delivered]
        return (failed or outcomes)[-1]

    async def try_out(
        self, message: StoredMessage, profile: Profile, route: Route, delivery_id: int, now: float
    ) -> list[Outcome]:
        """Send a message to every address of a route, whatever its strategy, and keep what each answers."""
        query = signed_query(message, profile, route, delivery_id, now)
        return [await self._post(address, query, message, keep_answer=True) for address in route.addresses]

    async def _post(
        self, address: str, query: str, message: StoredMessage, *, keep_answer: bool = False
    ) -> Outcome:
        if not self._allow_private:
            try:
                check_literal(address)
            except DestinationRefused as error:
                return Outcome(False, "Error", str(error), address)
        url = URL(f"{address}{'&' if '?' in address else '?'}{query}", encoded=True)
        headers = {"Content-Type": _CONTENT_TYPES[message.content_type]}
        try:
            async with self._client().post(
                url, data=message.body, headers=headers, allow_redirects=False
            ) as response:
                # The body is of no interest, but must be read for the connection to be used again.
                body = await response.content.read(65_536)
                answer = (
                    f"HTTP {response.status}\n{body[:2000].decode(errors='replace')}" if keep_answer else None
                )
                if 200 <= response.status < 300:
                    return Outcome(True, "Ok", None, address, answer)
                return Outcome(False, "Error", f"HTTP status {response.status}", address, answer)
        except TimeoutError:
            return Outcome(False, "Timeout", "no answer in time", address)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            return Outcome(False, "Error", f"{type(error).__name__}: {error}"[:300], address)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            # Let the transports close.
            await asyncio.sleep(0)
            self._session = None
