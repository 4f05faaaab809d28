"""Reads the answer to a request as tolerantly as it can be read, without I/O and within bounds.

The status line decides. What follows is read so that the connection can be used again; where it is odd or
too long it is left, and the connection with it.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from veldnet.texts import Text

# Octets of headers and of a body that are read.
MAX_HEADERS = 262_144
MAX_BODY = 65_536
# Octets of the body that are kept for those who want to read it.
KEPT = 2_000
_MAX_CHUNK_LINE = 4_096

_STATUS = re.compile(rb"HTTP/\d(?:\.\d)? +(\d{3})(?=[ \t\r\n]|\Z)")
# A status line can be recognised with so many octets at the least.
_SHORTEST = len(b"HTTP/1.1 200") + 1
_END_OF_HEADERS = re.compile(rb"\r?\n\r?\n")
_LINE = re.compile(rb"\r?\n")
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;.*)?")


class NotHttp(Exception):
    """What came is no answer of HTTP."""


class _Part(Enum):
    STATUS = auto()
    HEADERS = auto()
    BODY = auto()
    UNTIL_CLOSE = auto()
    CHUNK_SIZE = auto()
    CHUNK = auto()
    TRAILERS = auto()
    OVER = auto()


class AnswerReader:
    """`status` is there as soon as it is known. When nothing more has to be read `done` is set, and
    `reusable` if the connection can carry another request. The first `kept` octets of the body are kept, and
    `cut` tells that it was longer than is read."""

    def __init__(self, kept: int = KEPT) -> None:
        self.cut = False
        self._kept = kept
        self.done = False
        self.reusable = False
        self.retry_after: str | None = None
        self._status = 0
        self._part = _Part.STATUS
        self._buffer = bytearray()
        self._body = bytearray()
        self._read = 0
        self._left = 0
        self._keep_alive = True

    @property
    def status(self) -> int | None:
        """The status of the answer; informational ones before it do not count."""
        informational = 100 <= self._status < 200 and self._status != 101
        return None if not self._status or informational else self._status

    @property
    def body(self) -> bytes:
        """The beginning of the body."""
        return bytes(self._body)

    def feed(self, octets: bytes) -> None:
        """Take what has come. Raises `NotHttp` where it does not begin with a status line."""
        if self._part is _Part.OVER:
            # More than the answer has come: who knows what the next request would be answered with.
            self.reusable = False
            return
        self._buffer += octets
        while self._step():
            pass

    def end(self) -> None:
        """The server has closed its side. Raises `NotHttp` if that was all."""
        if self._part is _Part.STATUS:
            self._status_line(ended=True)
        self._finish(reusable=False)
        if self.status is None:
            raise NotHttp(Text("the answer ends behind an informational status"))

    def _step(self) -> bool:
        """Read one part; False when more must come first."""
        part = self._part
        if part is _Part.STATUS:
            return self._status_line()
        if part is _Part.HEADERS:
            return self._headers()
        if part is _Part.BODY or part is _Part.CHUNK:
            return self._body_part()
        if part is _Part.CHUNK_SIZE:
            return self._chunk_size()
        if part is _Part.TRAILERS:
            return self._trailers()
        if part is _Part.UNTIL_CLOSE:
            self._keep(len(self._buffer))
        return False

    def _status_line(self, *, ended: bool = False) -> bool:
        # Some servers end the body before with an empty line that does not belong to it.
        line = bytes(self._buffer[: _SHORTEST + 64]).lstrip(b"\r\n")
        if not ended and len(line) < _SHORTEST and line.startswith(b"HTTP/"[: len(line)]):
            return False
        found = _STATUS.match(line)
        if found is None:
            begin = line[:40].decode("ascii", "replace")
            raise NotHttp(Text("the answer is not HTTP: {begin!r}", begin=begin))
        self._status = int(found[1])
        # The line itself is read with the headers.
        del self._buffer[: len(self._buffer) - len(self._buffer.lstrip(b"\r\n"))]
        self._part = _Part.HEADERS
        return True

    def _headers(self) -> bool:
        end = _END_OF_HEADERS.search(self._buffer, 0, MAX_HEADERS)
        if end is None:
            if len(self._buffer) >= MAX_HEADERS:
                self._finish(reusable=False)
            return False
        lines = _LINE.split(bytes(self._buffer[: end.start()]))
        del self._buffer[: end.end()]
        if self.status is None:
            # Informational; the answer is still to come.
            self._status = 0
            self._part = _Part.STATUS
            return True
        self._begin_body(lines)
        return self._part is not _Part.OVER

    def _begin_body(self, lines: list[bytes]) -> None:
        lengths: set[bytes] = set()
        chunked = coded = False
        for line in lines[1:]:
            name, _colon, value = line.partition(b":")
            name, value = name.strip().lower(), value.strip()
            if name == b"content-length":
                lengths.update(part.strip() for part in value.split(b","))
            elif name == b"transfer-encoding":
                coded = True
                chunked = value.lower().split(b",")[-1].strip() == b"chunked"
            elif name == b"connection":
                self._keep_alive &= b"close" not in value.lower()
            elif name == b"retry-after":
                self.retry_after = value.decode("latin-1")
        self._keep_alive &= lines[0].startswith(b"HTTP/1.1") and not (coded and lengths)
        if self.status in (204, 304, 101):
            # No body is allowed here. Where one was announced it may follow, and would be taken for the
            # next answer.
            self._finish(reusable=self._keep_alive and not coded and lengths <= {b"0"} and self.status != 101)
        elif chunked:
            self._part = _Part.CHUNK_SIZE
        elif coded or not lengths:
            self._part = _Part.UNTIL_CLOSE
        else:
            length = lengths.pop()
            if lengths or not length.isdigit() or len(length) > 9:
                self._part = _Part.UNTIL_CLOSE
            else:
                self._left = int(length)
                self._part = _Part.BODY
                if self._left > MAX_BODY:
                    self._keep_alive = False

    def _body_part(self) -> bool:
        taken = min(self._left, len(self._buffer))
        self._left -= taken
        self._keep(taken)
        if self._part is _Part.OVER or self._left:
            return False
        if self._part is _Part.BODY:
            self._finish(reusable=self._keep_alive)
            return False
        # The end of a chunk.
        end = _LINE.match(self._buffer)
        if end is None:
            if len(self._buffer) >= 2:
                self._finish(reusable=False)
            return False
        del self._buffer[: end.end()]
        self._part = _Part.CHUNK_SIZE
        return True

    def _chunk_size(self) -> bool:
        end = _LINE.search(self._buffer, 0, _MAX_CHUNK_LINE)
        if end is None:
            if len(self._buffer) >= _MAX_CHUNK_LINE:
                self._finish(reusable=False)
            return False
        size = _CHUNK_SIZE.fullmatch(bytes(self._buffer[: end.start()]))
        if size is None:
            self._finish(reusable=False)
            return False
        del self._buffer[: end.end()]
        self._left = int(size[1], 16)
        self._part = _Part.CHUNK if self._left else _Part.TRAILERS
        return True

    def _trailers(self) -> bool:
        end = _LINE.search(self._buffer, 0, MAX_BODY)
        if end is None:
            if len(self._buffer) >= MAX_BODY:
                self._finish(reusable=False)
            return False
        last = end.start() == 0
        del self._buffer[: end.end()]
        if last:
            self._finish(reusable=self._keep_alive)
        return not last

    def _keep(self, count: int) -> None:
        """Take octets of the body off the buffer."""
        if len(self._body) < self._kept:
            self._body += self._buffer[: min(count, self._kept - len(self._body))]
        del self._buffer[:count]
        self._read += count
        if self._read > MAX_BODY:
            self.cut = True
            self._finish(reusable=False)

    def _finish(self, *, reusable: bool) -> None:
        self.reusable = reusable and not self._buffer
        self.done = True
        self._part = _Part.OVER
        self._buffer.clear()
