"""Who a base station proves to be when it connects: by a token, or by a client certificate."""

from __future__ import annotations

import ssl
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

import structlog

from veldnet.gateways.interface import BaseStationDirectory, Host
from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.lorawan.identifiers import InvalidIdentifier
from veldnet.texts import Text

from .router_ids import parse_router_id
from .tls import StationCertificate, peer_certificate

log = structlog.get_logger(__name__)

_LONGEST_TOKEN = 512


class NotAuthenticated(Exception):
    """The base station has proven nothing; `words` say what is missing or wrong."""

    def __init__(self, words: str) -> None:
        self.words = words if isinstance(words, Text) else Text(words)
        super().__init__(words)


class Proof(NamedTuple):
    """By what a base station has proven who it is: its token, or the number of its certificate in hexadecimal
    digits, which expires at a time in Unix seconds, and that certificate (DER); neither where it needed
    not."""

    token: str | None
    serial: str | None
    expires_at: float = 0.0
    certificate: bytes = b""

    @classmethod
    def of(cls, token: str | None, connection: ssl.SSLObject | None) -> Proof:
        """Of what was presented and found good."""
        certificate: Any = None if connection is None else connection.getpeercert()
        if not certificate:
            return cls(token, None)
        expires_at = ssl.cert_time_to_seconds(certificate["notAfter"])
        octets = peer_certificate(connection) or b""
        return cls(None, str(certificate["serialNumber"]), float(expires_at), octets)


class Identified(NamedTuple):
    """Who a base station has proven to be, None where it needed not, and by what."""

    known: BaseStationId | GatewayEui | None
    proof: Proof


def token_of(authorization: str | None) -> str | None:
    """The token of an `Authorization` header. Stations send the header lines of their key file as they are,
    with the scheme or without."""
    if authorization is None:
        return None
    text = authorization.strip()
    scheme, _blank, rest = text.partition(" ")
    return rest.strip() if scheme.lower() == "bearer" else text


def authenticate(
    token: str | None,
    connection: ssl.SSLObject | None,
    directory: BaseStationDirectory,
    served: StationCertificate | None,
) -> BaseStationId | GatewayEui | None:
    """Who has connected: the base station of the token, or the EUI that the certificate names; None for who
    presents neither. Raises `NotAuthenticated` for a wrong one."""
    certificate: Any = None if connection is None else connection.getpeercert()
    octets = peer_certificate(connection)
    if certificate and octets and connection is not None and served is not None:
        refusal = served.refusal(octets, verified=not connection.session_reused)
        if refusal is not None:
            raise NotAuthenticated(refusal)
        if directory.is_revoked(str(certificate["serialNumber"])):
            raise NotAuthenticated("the client certificate is revoked")
        return _eui_of_certificate(certificate)
    if token is None:
        return None
    station = directory.station_of_token(token) if 0 < len(token) <= _LONGEST_TOKEN else None
    if station is None:
        raise NotAuthenticated("the token is unknown or revoked")
    return station


def only(values: Sequence[str]) -> str | None:
    """The value of a header that comes once."""
    match values:
        case [value]:
            return value
    return None


class StationPort:
    """What the ports of stations have in common: who may connect, and the certificate that they serve.
    `required` is whether each station must prove that it is the one it says."""

    def __init__(self, host: Host, certificate: StationCertificate | None, *, required: bool) -> None:
        self._host = host
        self._certificate = certificate
        self._required = required

    def trust(self, authorities: frozenset[bytes]) -> None:
        """Take client certificates of these internal authorities, too; DER."""
        if self._certificate is not None:
            self._certificate.trust(authorities)

    def certificate_problem(self, now: float) -> str | None:
        """What is wrong with the certificate, its authorities and their revocation lists, in words."""
        return None if self._certificate is None else self._certificate.problem(now)

    def _watch(self, refused: Counter[str], event: str) -> None:
        """Count and log handshakes that fail."""

        def failed(code: str, words: str) -> None:
            refused[code] += 1
            log.info(event, code=code, error=words)

        if self._certificate is not None:
            self._certificate.watch(failed)

    def _identify(self, authorization: Sequence[str], connection: ssl.SSLObject | None) -> Identified:
        """Who has connected, by the values of the `Authorization` header and the client certificate. Raises
        `NotAuthenticated`."""
        token = token_of(only(authorization))
        known = authenticate(token, connection, self._host.directory, self._certificate)
        if known is None and self._required:
            raise NotAuthenticated("a token or a client certificate is needed")
        return Identified(known, Proof.of(token, connection))


def _eui_of_certificate(certificate: Any) -> GatewayEui:
    names = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
    for name in names:
        try:
            return parse_router_id(name)
        except InvalidIdentifier:
            continue
    raise NotAuthenticated("the common name of the client certificate is no EUI")
