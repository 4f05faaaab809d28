"""TLS as base stations speak it, with a certificate and authorities that are loaded again when their files
change."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import structlog

from veldnet.texts import Text

from .trust import Trust

log = structlog.get_logger(__name__)

# Seconds between two looks at the files.
_LOOK_EVERY = 10.0


class TlsFiles(NamedTuple):
    """With a `client_ca`, client certificates are asked for, and verified where one is presented; those in
    its `client_crl` are refused."""

    certificate: str
    key: str
    client_ca: str | None = None
    client_crl: str | None = None


class StationCertificate:
    """The files that base stations are served with. Each new connection gets what was loaded last; files that
    cannot be used leave what was there before. `clock` does not step."""

    def __init__(self, files: TlsFiles, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises `OSError`, among them `ssl.SSLError`, or `ValueError`."""
        self._files = files
        self._clock = clock
        self._looked_at = clock()
        self._stamp = self._read_stamp()
        self._problem: str | None = None
        self.reloads = 0
        # Counts the changes of whom is trusted.
        self.generation = 0
        self._trust = Trust(files.client_ca, files.client_crl, ())
        # Connections begin with this one, and get the other before anything is verified.
        self.context = self._made(self._trust)
        self.context.sni_callback = self._handshake
        self._current = self.context

    def _made(self, trust: Trust) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # The newest that Station 2.0.6 knows.
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # A session that goes on would not be verified again.
        context.options |= ssl.OP_NO_TICKET
        context.load_cert_chain(self._files.certificate, self._files.key)
        if self._files.client_ca is not None:
            context.load_verify_locations(self._files.client_ca)
        for authority in trust.internal:
            context.load_verify_locations(cadata=authority)
        if not trust.empty:
            context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def _read_stamp(self) -> tuple[object, ...]:
        found: list[object] = []
        for name in self._files:
            try:
                status = None if name is None else Path(name).stat()
            except OSError as error:
                found.append(error.errno)
            else:
                found.append(None if status is None else (status.st_ino, status.st_mtime_ns, status.st_size))
        return tuple(found)

    def _handshake(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        self.look()
        connection.context = self._current

    def look(self) -> None:
        """Load the files where they have changed."""
        now = self._clock()
        if now - self._looked_at < _LOOK_EVERY:
            return
        self._looked_at = now
        stamp = self._read_stamp()
        if stamp != self._stamp and self._load(stamp, self._trust.internal):
            self._stamp = stamp

    def _load(self, stamp: tuple[object, ...], internal: Iterable[bytes]) -> bool:
        """Whether that is settled: files that are being replaced are found whole by the next look."""
        certificate = self._files.certificate
        try:
            trust = Trust(self._files.client_ca, self._files.client_crl, internal)
            context = self._made(trust)
            if self._read_stamp() != stamp:
                return False
        except (OSError, ValueError) as error:
            self._problem = Text(
                "the new certificate {certificate} for base stations is not used: {error}",
                certificate=str(certificate),
                error=str(error),
            )
            log.warning("station_certificate_problem", problem=str(self._problem))
        else:
            self._problem = None
            self._use(trust, context)
            self.reloads += 1
            log.info("station_certificate_loaded", file=certificate)
        return True

    def _use(self, trust: Trust, context: ssl.SSLContext) -> None:
        self._trust, self._current = trust, context
        # What a connection verifies at all is decided by the context that it begins with.
        self.context.verify_mode = context.verify_mode
        self.generation += 1

    def trust(self, internal: Iterable[bytes]) -> None:
        """Take client certificates of these internal authorities beside those of the file from now on, and of
        no others; DER."""
        authorities = frozenset(internal)
        if authorities == self._trust.internal:
            return
        trust = Trust(self._files.client_ca, self._files.client_crl, authorities)
        self._use(trust, self._made(trust))

    def refusal(self, certificate: bytes, *, verified: bool) -> Text | None:
        """Why a client certificate (DER) is not taken, in words. It was `verified` just now, by its chain;
        without that it must be of one of the authorities directly."""
        if self._trust.has_revoked(certificate):
            return Text("the client certificate is revoked")
        if not verified and not self._trust.issued(certificate):
            return Text("the authority of the client certificate is not trusted any more")
        return None

    def problem(self, now: float) -> str | None:
        """What somebody must do something about, in words; `now` in Unix seconds."""
        return self._problem or self._trust.problem(now)

    def watch(self, failed: Callable[[str, str], None]) -> None:
        """Have handshakes that fail reported, with a code and the reason: they end before anybody is
        served."""

        class Watched(ssl.SSLObject):
            def do_handshake(self) -> None:
                try:
                    super().do_handshake()
                except ssl.SSLCertVerificationError as error:
                    failed("bad_certificate", error.verify_message)
                    raise
                except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    raise
                except ssl.SSLError as error:
                    failed("bad_handshake", (error.reason or str(error)).lower().replace("_", " "))
                    raise

        self.context.sslobject_class = Watched


def peer_certificate(connection: ssl.SSLObject | None) -> bytes | None:
    """The certificate that a client has presented, DER."""
    return None if connection is None else connection.getpeercert(binary_form=True)
