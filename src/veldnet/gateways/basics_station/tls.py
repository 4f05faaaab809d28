"""TLS as base stations speak it, with a certificate that is loaded again when its files change."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

# Seconds between two looks at the files.
_LOOK_EVERY = 10.0


class StationCertificate:
    """The files that base stations are served with. Each new connection gets what was loaded last; files that
    cannot be used leave what was there before. `clock` does not step."""

    def __init__(
        self,
        certificate: str,
        key: str,
        client_ca: str | None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """With a `client_ca`, client certificates are asked for, and verified where one is presented. Raises
        `OSError` or `ssl.SSLError`."""
        self._files = certificate, key, client_ca
        self._clock = clock
        self._looked_at = clock()
        self._stamp = self._read_stamp()
        self.problem: str | None = None
        self.reloads = 0
        self.context = self._made()
        self.context.sni_callback = self._handshake

    def _made(self) -> ssl.SSLContext:
        certificate, key, client_ca = self._files
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        # The newest that Station 2.0.6 knows.
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(certificate, key)
        if client_ca is not None:
            context.load_verify_locations(client_ca)
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

    def _handshake(self, _connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        self.look()

    def look(self) -> None:
        """Load the files where they have changed."""
        now = self._clock()
        if now - self._looked_at < _LOOK_EVERY:
            return
        self._looked_at = now
        stamp = self._read_stamp()
        if stamp == self._stamp:
            return
        certificate, key, client_ca = self._files
        try:
            # Tried apart: a pair that does not fit would leave the context in use with half of it.
            self._made()
            if self._read_stamp() != stamp:
                # They are being replaced; the next look finds them whole.
                return
            self.context.load_cert_chain(certificate, key)
            if client_ca is not None:
                self.context.load_verify_locations(client_ca)
        except (OSError, ssl.SSLError) as error:
            self.problem = f"the new certificate {certificate} for base stations is not used: {error}"
            log.warning("station_certificate_problem", problem=self.problem)
        else:
            self.problem = None
            self.reloads += 1
            log.info("station_certificate_loaded", file=certificate)
        self._stamp = stamp

    def trust(self, authority: bytes) -> None:
        """Take client certificates of one more authority from now on; its certificate is DER."""
        self.context.load_verify_locations(cadata=authority)
        self.context.verify_mode = ssl.CERT_OPTIONAL

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
