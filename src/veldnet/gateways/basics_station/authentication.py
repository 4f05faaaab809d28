"""Who a base station proves to be when it connects: by a token, or by a client certificate."""

from __future__ import annotations

import ssl
from typing import Any, NamedTuple

from veldnet.gateways.interface import BaseStationDirectory
from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.lorawan.identifiers import InvalidIdentifier

from .router_ids import parse_router_id
from .tls import StationCertificate, peer_certificate

_LONGEST_TOKEN = 512


class NotAuthenticated(Exception):
    """The base station has proven nothing; the text says what is missing or wrong."""


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


def _eui_of_certificate(certificate: Any) -> GatewayEui:
    names = [value for part in certificate.get("subject", ()) for key, value in part if key == "commonName"]
    for name in names:
        try:
            return parse_router_id(name)
        except InvalidIdentifier:
            continue
    raise NotAuthenticated("the common name of the client certificate is no EUI")
