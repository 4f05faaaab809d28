"""The certificate of the server's own HTTPS: loaded, checked, and loaded again when its files change."""

from __future__ import annotations

import datetime
import ssl
import stat
from collections.abc import Callable
from pathlib import Path

import structlog
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from veldnet.settings import SettingsError, TlsSettings
from veldnet.texts import Text

log = structlog.get_logger(__name__)

_DAY = 86_400.0


class CertificateError(SettingsError):
    """The certificate or its key cannot be used."""


class _Loaded:
    """A pair of files as it was read. `stamp` changes with the files."""

    def __init__(self, settings: TlsSettings) -> None:
        certificate, key = Path(settings.certificate), Path(settings.key)
        self.stamp = _stamp(settings)
        chain = _read("certificate", certificate)
        private = _read_key(key)
        leaf = _leaf(certificate, chain)
        _check_pair(certificate, leaf, key, private)
        self.not_before = leaf.not_valid_before_utc.timestamp()
        self.not_after = leaf.not_valid_after_utc.timestamp()
        self.context = _context(certificate, key)
        if _stamp(settings) != self.stamp:
            raise CertificateError(
                Text(
                    "{certificate} and {key} changed while they were read",
                    certificate=str(certificate),
                    key=str(key),
                )
            )


class ServerCertificate:
    """What HTTPS is served with. Connections that exist keep what they began with; each new one gets the pair
    that was loaded last. Files that cannot be used leave the last good pair in use."""

    def __init__(self, settings: TlsSettings, clock: Callable[[], float]) -> None:
        """Raises `CertificateError`."""
        self._settings = settings
        self._clock = clock
        self._loaded = _Loaded(settings)
        self._refused: object = None
        self.reload_problem: str | None = None
        self.reloads = 0
        # Looked up at each handshake, so that all connections need only one listening context.
        self.context = self._loaded.context
        self.context.sni_callback = self._choose
        self._logged: tuple[str | None, float] = (None, 0.0)

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _context: ssl.SSLContext) -> None:
        connection.context = self._loaded.context

    @property
    def not_after(self) -> float:
        """When the certificate expires, Unix seconds."""
        return self._loaded.not_after

    @property
    def problem(self) -> str | None:
        """What an operator must do something about."""
        if self.reload_problem is not None:
            return Text("the new certificate is not used: {problem}", problem=self.reload_problem)
        now, name = self._clock(), self._settings.certificate
        if now < self._loaded.not_before:
            begins = _date(self._loaded.not_before)
            return Text("the certificate {name} is valid from {date} on, not yet", name=name, date=begins)
        left = self._loaded.not_after - now
        ends = _date(self._loaded.not_after)
        if left <= 0:
            return Text("the certificate {name} expired on {date}", name=name, date=ends)
        if left < self._settings.warn_before:
            return Text(
                "the certificate {name} expires on {date}, in {days:.1f} days",
                name=name,
                date=ends,
                days=left / _DAY,
            )
        return None

    def reload(self, *, forced: bool = False) -> None:
        """Load the files where they have changed, or in any case; and log what is wrong, once a day."""
        stamp = _stamp(self._settings)
        if forced or stamp not in (self._loaded.stamp, self._refused):
            try:
                self._loaded = _Loaded(self._settings)
            except CertificateError as error:
                # The two files are seldom replaced in one moment, so the next look may find a pair.
                self._refused, self.reload_problem = stamp, error.args[0]
            else:
                self._refused = self.reload_problem = None
                self.reloads += 1
                log.info("certificate_loaded", file=self._settings.certificate, expires=_date(self.not_after))
        elif stamp == self._loaded.stamp:
            self._refused = self.reload_problem = None
        self.warn()

    def warn(self) -> None:
        """Log the problem there is, when it is new and then once a day."""
        problem, now = self.problem, self._clock()
        before, at = self._logged
        kind = None if problem is None else problem.partition(", in ")[0]
        if kind is not None and (kind != before or now - at >= _DAY):
            log.warning("certificate_problem", problem=problem)
            self._logged = (kind, now)
        elif kind is None:
            self._logged = (None, now)


def _stamp(settings: TlsSettings) -> tuple[object, ...]:
    """Changes with the files, also where a link leads to other ones."""
    found: list[object] = []
    for name in (settings.certificate, settings.key):
        try:
            status = Path(name).stat()
        except OSError as error:
            found.append(error.errno)
        else:
            found.append((status.st_ino, status.st_mtime_ns, status.st_size))
    return tuple(found)


def _read(what: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CertificateError(
            Text("{path} cannot be read: {error}", path=str(path), error=str(error.strerror))
        ) from None


def _read_key(path: Path) -> bytes:
    found = _read("key", path)
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o007:
        raise CertificateError(
            Text(
                "the key {path} is open to every user of this machine (mode {mode:03o}): chmod o= {path}",
                path=str(path),
                mode=mode,
            )
        )
    return found


def _leaf(path: Path, chain: bytes) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificates(chain)[0]
    except ValueError:
        raise CertificateError(
            Text(
                "{path} is not a certificate in PEM form, which begins with -----BEGIN CERTIFICATE-----",
                path=str(path),
            )
        ) from None


def _check_pair(certificate: Path, leaf: x509.Certificate, key: Path, private: bytes) -> None:
    try:
        opened = load_pem_private_key(private, None)
    except TypeError:
        raise CertificateError(
            Text(
                "the key {key} is encrypted; write it without a password: openssl pkey -in {key} -out NEW",
                key=str(key),
            )
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise CertificateError(Text("{key} is not a private key in PEM form", key=str(key))) from None
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if opened.public_key().public_bytes(*form) != leaf.public_key().public_bytes(*form):
        raise CertificateError(
            Text(
                "the key {key} does not belong to the certificate {certificate}, whose subject is "
                "{subject!r}; the server's certificate comes first in the file",
                key=str(key),
                certificate=str(certificate),
                subject=leaf.subject.rfc4514_string(),
            )
        )


def _context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])
    try:
        context.load_cert_chain(certificate, key)
    except ssl.SSLError as error:
        reason = (error.reason or "unknown").lower().replace("_", " ")
        raise CertificateError(
            Text(
                "{certificate} and {key} cannot be used: {reason}",
                certificate=str(certificate),
                key=str(key),
                reason=str(reason),
            )
        ) from None
    except OSError as error:
        raise CertificateError(
            Text(
                "{certificate} or {key} cannot be read: {error}",
                certificate=str(certificate),
                key=str(key),
                error=str(error.strerror),
            )
        ) from None
    return context


def _date(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
