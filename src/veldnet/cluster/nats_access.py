"""Where NATS is and how a node proves itself there."""

from __future__ import annotations

import re
import ssl
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import msgspec

from .bus import NAME, BusError

_SCHEMES = ("nats", "tls")
_PORT = 4222
_CREDENTIALS = "-----BEGIN NATS USER JWT-----"
_SEED = re.compile(r"SU[A-Z2-7]{56}")


class NatsAccess(msgspec.Struct, frozen=True):
    """`urls` are nats://HOST:PORT or tls://HOST:PORT, with USER:PASSWORD@ or TOKEN@ where NATS asks for them,
    separated by commas. `credentials` is a file of credentials or of the seed of an nkey; `ca`, `certificate`
    and `key` are files of TLS. `cluster` is a part of every subject, and so is `database`, which tells those
    of one name apart."""

    urls: str
    cluster: str
    node: str
    credentials: str = ""
    ca: str = ""
    certificate: str = ""
    key: str = ""
    database: str = ""

    def servers(self) -> list[SplitResult]:
        """The servers. Raises `BusError`; its words hold no password."""
        found = [_server(url.strip()) for url in self.urls.split(",") if url.strip()]
        if not found:
            raise BusError("cluster.nats names no server; write for example nats://nats.example.com:4222")
        return found

    def check(self) -> None:
        """Raises `BusError` where something cannot be used."""
        self.servers()
        for setting, name in (("cluster.name", self.cluster), ("cluster.node", self.node)):
            if not NAME.fullmatch(name):
                raise BusError(
                    f"{setting} {name!r} must be of letters, digits, - and _ only, 64 characters at most"
                )
        if bool(self.certificate) != bool(self.key):
            missing = "key" if self.certificate else "certificate"
            raise BusError(f"cluster.{missing} is missing: a client certificate needs its key")

    @property
    def encrypted(self) -> bool:
        """Whether a server without TLS is refused."""
        return bool(self.ca or self.certificate) or any(s.scheme == "tls" for s in self.servers())

    @property
    def proves_itself(self) -> bool:
        """Whether there is anything to be recognised by."""
        return bool(self.credentials or self.certificate) or all(s.username for s in self.servers())

    def open_to_everybody(self) -> list[str]:
        """The servers at public addresses to which this node need not prove who it is."""
        return [] if self.proves_itself else [place(s) for s in self.servers() if _is_public(s.hostname)]

    def options(self) -> dict[str, Any]:
        """How the client is told. Raises `BusError` where a file cannot be read."""
        found: dict[str, Any] = {}
        if self.credentials:
            found |= _credentials(self.credentials)
        if self.encrypted:
            found["tls"] = self._tls()
        return found

    def _tls(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.ca or None)
            if self.certificate:
                context.load_cert_chain(self.certificate, self.key)
        except (OSError, ssl.SSLError) as error:
            reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or error
            raise BusError(f"the TLS files of cluster.ca, certificate and key: {reason}") from None
        return context


def place(server: SplitResult) -> str:
    """A server without what it is opened with."""
    host = server.hostname or ""
    return f"{f'[{host}]' if ':' in host else host}:{server.port or _PORT}"


def _server(url: str) -> SplitResult:
    wanted = "write nats://HOST:PORT or tls://HOST:PORT"
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname, parts.port
    except ValueError:
        raise BusError(f"cluster.nats is no address of a NATS server; {wanted}") from None
    if parts.scheme not in _SCHEMES:
        raise BusError(f"cluster.nats has the scheme {parts.scheme or '(none)'!r}; {wanted}")
    if not host or parts.path.strip("/") or parts.query or parts.fragment:
        raise BusError(f"cluster.nats must end with host and port; {wanted}")
    return parts


def _is_public(host: str | None) -> bool:
    """Whether an address can be reached from anywhere; names are taken as of one's own network."""
    try:
        return ip_address(host or "").is_global
    except ValueError:
        return False


def _credentials(file: str) -> dict[str, str]:
    try:
        text = Path(file).read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not a text file"
        raise BusError(f"cluster.credentials {file}: {reason}") from None
    if _CREDENTIALS in text:
        return {"user_credentials": file}
    seed = _SEED.search(text)
    if seed is None:
        raise BusError(
            f"cluster.credentials {file} holds neither NATS credentials nor the seed of a user's nkey (SU...)"
        )
    return {"nkeys_seed_str": seed[0]}
