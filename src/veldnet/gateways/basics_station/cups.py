"""The CUPS of Basics Station: `POST /update-info`, by which stations fetch URIs, credentials and firmware."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from http import HTTPStatus
from typing import Protocol

import httptools
import msgspec
import structlog

from veldnet.gateways.interface import Host, MessageCounts
from veldnet.lorawan import BaseStationId
from veldnet.texts import Text

from .admission import Refused, admit, note_unproven
from .authentication import NotAuthenticated, Proof, StationPort, only
from .cups_messages import Report, Segments, Update, parse_report
from .messages import MessageError
from .tls import StationCertificate

log = structlog.get_logger(__name__)

_PATH = b"/update-info"
# Octets of a request with its header; stations send some hundreds.
_LONGEST = 16_384
# Seconds for TLS, for a request, and for an answer. Firmware goes over mobile networks: Station takes it as
# slowly as it comes, and so each part of it has that time.
_HANDSHAKE, _REQUEST, _ANSWER, _CLOSING = 10.0, 15.0, 600.0, 5.0
_TASK = "CUPS"


class CupsOptions(msgspec.Struct, frozen=True):
    """How stations are served. `required` is whether each must prove that it is the one it says; `most`
    connections are open at once."""

    required: bool
    certificate: StationCertificate | None = None
    most: int = 1_000


class Asked(msgspec.Struct, frozen=True):
    """A station's question: who asks, what it reports, by what it has proven who it is, and the address that
    it has asked."""

    station: BaseStationId
    report: Report
    proof: Proof
    host: str | None


class UpdateDesk(Protocol):
    """Knows what each base station is to have."""

    async def answer(self, asked: Asked) -> Segments:
        """What a station does not have yet."""


class CupsServer(StationPort):
    """Stations behind one TCP port; each connection is one request."""

    name = "cups"

    def __init__(self, host: Host, desk: UpdateDesk, options: CupsOptions) -> None:
        super().__init__(host, options.certificate, required=options.required)
        self._desk = desk
        self._options = options
        self._counts = MessageCounts(Counter(), Counter(), Counter())
        self._server: asyncio.Server | None = None
        self._open = 0

    @property
    def counts(self) -> MessageCounts:
        return self._counts

    def lag(self, now: float) -> float:
        return 0.0

    def problem(self, now: float) -> str | None:
        if self._server is not None and not self._server.is_serving():
            return Text("the port of CUPS is not served")
        return None

    async def start(self, sock: socket.socket | None) -> None:
        if sock is None:
            return
        certificate = self._options.certificate
        secure = None if certificate is None else certificate.context
        self._watch(self._counts.refused, "cups_handshake_failed")
        self._server = await asyncio.start_server(
            self._serve,
            sock=sock,
            ssl=secure,
            limit=_LONGEST,
            ssl_handshake_timeout=_HANDSHAKE if secure else None,
            ssl_shutdown_timeout=_CLOSING if secure else None,
        )

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open += 1
        try:
            status, answer = await self._answered(reader, writer)
            body = answer.encode() if isinstance(answer, Segments) else answer
            update = answer.update if isinstance(answer, Segments) else None
            writer.write(_head(status, len(body) + (0 if update is None else update.size)) + body)
            async with asyncio.timeout(_ANSWER) as patience:
                await writer.drain()
                if update is not None:
                    await _send_update(update, reader, writer, patience)
                    self._counts.received["update_taken"] += 1
        except (OSError, TimeoutError):
            self._counts.irregular["answer_not_read"] += 1
        except Exception as error:
            self._host.caught(_TASK, error)
        finally:
            self._open -= 1
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await writer.wait_closed()

    async def _answered(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> tuple[HTTPStatus, bytes | Segments]:
        address = _address(writer)
        try:
            if self._open > self._options.most:
                raise _NotServed(HTTPStatus.SERVICE_UNAVAILABLE, "overload", "too many connections")
            request = await _read(reader)
            return HTTPStatus.OK, await self._judged(request, writer, address)
        except _NotServed as refused:
            self._counts.refused[refused.code] += 1
            log.info("cups_refused", code=refused.code, address=address, error=str(refused))
            return refused.status, str(refused).encode() + b"\n"
        except (OSError, TimeoutError):
            raise
        except Exception as error:
            self._host.caught(_TASK, error)
            return HTTPStatus.INTERNAL_SERVER_ERROR, b"the server has a fault; it is in its log\n"

    async def _judged(self, request: _Request, writer: asyncio.StreamWriter, address: str) -> Segments:
        """The answer to a station that has proven who it is. Raises `_NotServed`."""
        request.check()
        try:
            known, proof = self._identify(
                request.values(b"authorization"), writer.get_extra_info("ssl_object")
            )
        except NotAuthenticated as error:
            with contextlib.suppress(MessageError):
                note_unproven(self._host, parse_report(bytes(request.body)).gateway, error.words, address)
            raise _NotServed(HTTPStatus.UNAUTHORIZED, "not_authenticated", str(error)) from None
        try:
            report = parse_report(bytes(request.body))
        except MessageError as error:
            if isinstance(known, BaseStationId):
                now = self._host.clock()
                self._host.presence.note_refusal(known, error.code, error.words, now)
            raise _NotServed(HTTPStatus.BAD_REQUEST, error.code, str(error)) from None
        try:
            station = admit(self._host, report.gateway, known, address)
        except Refused as refused:
            raise _NotServed(HTTPStatus.FORBIDDEN, refused.code, str(refused)) from None
        self._counts.received["update_info"] += 1
        return await self._desk.answer(Asked(station, report, proof, only(request.values(b"host"))))


class _NotServed(Exception):
    def __init__(self, status: HTTPStatus, code: str, words: str) -> None:
        super().__init__(words)
        self.status = status
        self.code = code


class _Request:
    """A request as the parser reports it."""

    def __init__(self) -> None:
        self.url = b""
        self.method = b""
        self.headers: dict[bytes, list[bytes]] = {}
        self.body = bytearray()
        self.complete = False
        self.parser = httptools.HttpRequestParser(self)

    def on_url(self, part: bytes) -> None:
        self.url += part

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.setdefault(name.lower(), []).append(value)

    def on_headers_complete(self) -> None:
        self.method = self.parser.get_method()

    def on_body(self, part: bytes) -> None:
        self.body += part

    def on_message_complete(self) -> None:
        self.complete = True

    def values(self, name: bytes) -> list[str]:
        """Those of a header."""
        return [value.decode("latin-1") for value in self.headers.get(name, ())]

    def check(self) -> None:
        if self.url.partition(b"?")[0] != _PATH:
            raise _NotServed(HTTPStatus.NOT_FOUND, "bad_path", f"CUPS is {_PATH.decode()}")
        if self.method != b"POST":
            raise _NotServed(HTTPStatus.METHOD_NOT_ALLOWED, "bad_method", "CUPS takes POST only")


async def _read(reader: asyncio.StreamReader) -> _Request:
    """Raises `_NotServed` for what is no request, too long or too slow."""
    request, total = _Request(), 0
    try:
        async with asyncio.timeout(_REQUEST):
            while not request.complete:
                part = await reader.read(_LONGEST)
                if not part:
                    raise _NotServed(HTTPStatus.BAD_REQUEST, "bad_request", "the request ends too early")
                total += len(part)
                if total > _LONGEST:
                    words = f"a request has {_LONGEST} octets at most"
                    raise _NotServed(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_long", words)
                request.parser.feed_data(part)
    except TimeoutError:
        words = f"the request did not come within {_REQUEST:g} s"
        raise _NotServed(HTTPStatus.REQUEST_TIMEOUT, "too_slow", words) from None
    except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
        raise _NotServed(HTTPStatus.BAD_REQUEST, "bad_request", f"this is not HTTP: {error}") from None
    return request


async def _send_update(
    update: Update, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, patience: asyncio.Timeout
) -> None:
    """Send firmware. Station closes the connection once it has all of it; one that breaks off resets it."""
    loop = asyncio.get_running_loop()
    async for part in update.parts():
        writer.write(part)
        await writer.drain()
        patience.reschedule(loop.time() + _ANSWER)
    while await reader.read(_LONGEST):
        pass
    await update.taken()


def _head(status: HTTPStatus, length: int) -> bytes:
    """Stations insist on the length; they know no chunks."""
    kind = "application/octet-stream" if status is HTTPStatus.OK else "text/plain; charset=utf-8"
    return (
        f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: {kind}\r\n"
        f"Content-Length: {length}\r\nConnection: close\r\n\r\n"
    ).encode()


def _address(writer: asyncio.StreamWriter) -> str:
    remote = writer.get_extra_info("peername")
    return f"{remote[0]}:{remote[1]}" if isinstance(remote, tuple) else "unknown"
