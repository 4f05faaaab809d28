"""A client for POST and GET requests over keep-alive connections, to addresses that were checked before.

It does what delivery needs and no more: no redirects, no cookies, no proxies, no content codings. An answer
counts from its status line on; the rest is read for the sake of the connection.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import Callable, Mapping
from typing import cast

import msgspec

from veldnet.texts import Text

from .addresses import Address, AddressRefused
from .answers import KEPT, MAX_BODY, AnswerReader, NotHttp
from .failures import said_by_system, said_of_certificate, text_of
from .resolver import NameNotFound, Resolver

_IDLE = 60.0
# Seconds after which a connection is reopened, so that changes of the DNS are followed.
_OLDEST = 600.0
_SWEEP = 15.0
# Seconds for what follows a status line.
_DRAIN = 2.0

Origin = tuple[str, str, int]


class Answer(msgspec.Struct, frozen=True):
    """What a server said; `body` is its beginning, as far as it was waited for. `complete` tells that the
    answer was read to its end."""

    status: int
    retry_after: str | None
    body: bytes
    complete: bool = False


class RequestFailed(Exception):
    """There was no answer; the text says why. `timed_out` tells that time ran out; `refused` that the address
    itself must not be used."""

    def __init__(self, words: str, *, timed_out: bool = False, refused: bool = False) -> None:
        super().__init__(words)
        self.timed_out = timed_out
        self.refused = refused


class _Ended(RequestFailed):
    """The server has closed the connection before it answered."""


class _Connection(asyncio.Protocol):
    """One request at a time. `idle` is called when another one can follow."""

    def __init__(self, loop: asyncio.AbstractEventLoop, idle: Callable[[_Connection], None]) -> None:
        self._loop = loop
        self._idle = idle
        self._transport: asyncio.Transport | None = None
        self._reader: AnswerReader | None = None
        self._answer: asyncio.Future[Answer] | None = None
        self._whole = False
        self._complete = False
        self._timer: asyncio.TimerHandle | None = None
        self._draining = False
        self.origin: Origin = ("", "", 0)
        self.opened_at = loop.time()
        self.idle_since = 0.0

    @property
    def usable(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._transport is not None:
            self._transport.abort()

    async def request(self, octets: bytes, deadline: float, *, whole: bool, kept: int = KEPT) -> Answer:
        """Send a request and wait for its status, or with `whole` for the body as well."""
        assert self._transport is not None
        self._reader = AnswerReader(kept)
        self._whole = whole
        self._complete = False
        self._draining = False
        self._answer = self._loop.create_future()
        self._timer = self._loop.call_at(deadline, self._time_is_up)
        self._transport.write(octets)
        try:
            return await self._answer
        except asyncio.CancelledError:
            self.close()
            raise

    # What the transport calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Transports of uvloop are no subclass of this.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        reader = self._reader
        if reader is None:
            # Nothing was asked: the end of an answer before, or of the connection.
            self.close()
            return
        try:
            reader.feed(data)
        except NotHttp as error:
            self._fail(_Ended(text_of(error)))
            self.close()
            return
        if reader.done:
            self._finish(reader)
        elif reader.status is not None and not self._draining:
            self._draining = True
            if self._timer is not None:
                self._timer.cancel()
            self._timer = self._loop.call_later(_DRAIN, self._time_is_up)
            if 200 <= reader.status < 300 and not self._whole:
                self._succeed(reader)

    def connection_lost(self, exc: Exception | None) -> None:
        reader, self._reader = self._reader, None
        self._transport = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if reader is None:
            return
        try:
            reader.end()
        except NotHttp:
            text = Text("the server closed the connection without an answer")
            self._fail(_Ended(text if exc is None else Text("{text} ({why})", text=text, why=_words(exc))))
        else:
            self._complete = exc is None
            self._succeed(reader)

    def _finish(self, reader: AnswerReader) -> None:
        self._reader = None
        self._complete = not reader.cut
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if reader.reusable and self.usable:
            self._idle(self)
        else:
            self.close()
        self._succeed(reader)

    def _time_is_up(self) -> None:
        self._timer = None
        reader, self._reader = self._reader, None
        if reader is not None:
            try:
                reader.end()
            except NotHttp:
                self._fail(RequestFailed(Text("no answer in time"), timed_out=True))
            else:
                self._succeed(reader)
        self.close()

    def _succeed(self, reader: AnswerReader) -> None:
        if self._answer is not None and not self._answer.done():
            assert reader.status is not None
            self._answer.set_result(Answer(reader.status, reader.retry_after, reader.body, self._complete))

    def _fail(self, error: RequestFailed) -> None:
        self._reader = None
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(error)


class HttpClient:
    """Keeps connections to each server. `resolver` decides which IP addresses may be connected to, `tls`
    whose certificates are trusted: those that the system trusts, unless told."""

    def __init__(
        self,
        resolver: Resolver,
        *,
        connect_timeout: float = 5.0,
        total_timeout: float = 10.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._resolver = resolver
        self._connect_timeout = connect_timeout
        self._total_timeout = total_timeout
        self._free: dict[Origin, list[_Connection]] = {}
        self._sweeper: asyncio.TimerHandle | None = None
        self._tls = tls
        # Which of several IP addresses answered last.
        self._worked: dict[str, str] = {}
        self._closed = False

    async def post(
        self,
        address: Address,
        target: str,
        headers: Mapping[str, str],
        body: bytes,
        *,
        whole: bool = False,
    ) -> Answer:
        """Post a body to a target of a server. Raises `RequestFailed`."""
        return await self._send(address, _request("POST", address, target, headers, body), whole=whole)

    async def fetch(
        self,
        address: Address,
        headers: Mapping[str, str],
        form: bytes | None = None,
    ) -> Answer:
        """Get a document of 64 KiB at most, or the answer to a posted form. Raises `RequestFailed`."""
        octets = _request("GET" if form is None else "POST", address, address.target, headers, form or b"")
        return await self._send(address, octets, whole=True, kept=MAX_BODY)

    async def _send(
        self, address: Address, octets: bytes, *, whole: bool = False, kept: int = KEPT
    ) -> Answer:
        deadline = asyncio.get_running_loop().time() + self._total_timeout
        connection = self._take(address.origin)
        if connection is not None:
            try:
                return await connection.request(octets, deadline, whole=whole, kept=kept)
            except _Ended:
                # Servers close connections that were idle at the very moment they are used again.
                pass
        connection = await self._connect(address)
        return await connection.request(octets, deadline, whole=whole, kept=kept)

    def _take(self, origin: Origin) -> _Connection | None:
        now = asyncio.get_running_loop().time()
        free = self._free.get(origin)
        while free:
            connection = free.pop()
            if connection.usable and _fresh(connection, now):
                return connection
            connection.close()
        return None

    def _give_back(self, connection: _Connection) -> None:
        if self._closed:
            connection.close()
            return
        loop = asyncio.get_running_loop()
        connection.idle_since = loop.time()
        self._free.setdefault(connection.origin, []).append(connection)
        if self._sweeper is None:
            self._sweeper = loop.call_later(_SWEEP, self._sweep)

    def _sweep(self) -> None:
        """Close what nobody has used for a while."""
        loop = asyncio.get_running_loop()
        now = loop.time()
        for origin, free in list(self._free.items()):
            kept = [connection for connection in free if connection.usable and _fresh(connection, now)]
            for connection in free:
                if connection not in kept:
                    connection.close()
            if kept:
                self._free[origin] = kept
            else:
                del self._free[origin]
        self._sweeper = loop.call_later(_SWEEP, self._sweep) if self._free else None

    async def _connect(self, address: Address) -> _Connection:
        try:
            async with asyncio.timeout(self._connect_timeout):
                found = await self._resolver.addresses(address)
                worked = self._worked.get(address.host)
                if worked in found:
                    found = [worked, *(ip for ip in found if ip != worked)]
                return await self._connect_to_one(address, found)
        except TimeoutError:
            text = Text("no connection within {seconds:g} s", seconds=self._connect_timeout)
            raise RequestFailed(text, timed_out=True) from None
        except AddressRefused as error:
            raise RequestFailed(Text("the address {why}", why=text_of(error)), refused=True) from None
        except NameNotFound as error:
            raise RequestFailed(text_of(error)) from None
        except (OSError, ValueError) as error:
            raise RequestFailed(Text("no connection: {why}", why=_words(error))) from None

    async def _connect_to_one(self, address: Address, found: list[str]) -> _Connection:
        """Connect to the first of several IP addresses that answers; each has its share of the time."""
        for ip in found[:-1]:
            try:
                async with asyncio.timeout(self._connect_timeout / len(found)):
                    return await self._connect_to(address, ip)
            except (OSError, TimeoutError):
                continue
        return await self._connect_to(address, found[-1])

    async def _connect_to(self, address: Address, ip: str) -> _Connection:
        loop = asyncio.get_running_loop()
        secure = address.scheme == "https"
        if secure and self._tls is None:
            self._tls = ssl.create_default_context()
        # The address is numeric: no name is looked up again between the check and the connection.
        _transport, connection = await loop.create_connection(
            lambda: _Connection(loop, self._give_back),
            ip,
            address.port,
            ssl=self._tls if secure else None,
            server_hostname=address.host if secure else None,
        )
        connection.origin = address.origin
        if len(self._worked) > 10_000:
            self._worked.clear()
        self._worked[address.host] = ip
        return connection

    async def close(self) -> None:
        self._closed = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            self._sweeper = None
        for free in self._free.values():
            for connection in free:
                connection.close()
        self._free.clear()
        self._resolver.close()
        # Let the transports close.
        await asyncio.sleep(0)


def _fresh(connection: _Connection, now: float) -> bool:
    return now - connection.idle_since < _IDLE and now - connection.opened_at < _OLDEST


def _request(method: str, address: Address, target: str, headers: Mapping[str, str], body: bytes) -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: {address.authority}"]
    if address.credentials is not None:
        lines.append(f"Authorization: Basic {base64.b64encode(address.credentials.encode()).decode()}")
    lines += [f"{name}: {value}" for name, value in headers.items()]
    lines.append(f"Content-Length: {len(body)}\r\n\r\n")
    return "\r\n".join(lines).encode("ascii") + body


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return Text("TLS: {why}", why=said_of_certificate(error))
    if isinstance(error, OSError) and error.strerror and not isinstance(error, ssl.SSLError):
        return said_by_system(error)
    return f"{type(error).__name__}: {error}"[:300]
