"""Settings of base stations."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from .values import Address, OptionalAddress, about


class GatewaySettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """Base stations."""

    udp: Annotated[Address, about("Listen address for Semtech UDP packet forwarders.")] = Address(
        "0.0.0.0:1700"
    )
    basics_station: Annotated[
        OptionalAddress, about("Listen address for LoRa Basics Station (LNS); empty: not served.")
    ] = OptionalAddress("")
    basics_station_certificate: Annotated[
        str,
        about("Certificate file (PEM, with its chain) for Basics Station; empty: that of `tls`, if any."),
    ] = ""
    basics_station_key: Annotated[str, about("Private key file (PEM) of that certificate.")] = ""
    basics_station_client_ca: Annotated[
        str,
        about(
            "File with the authorities (PEM) whose client certificates prove who a base station is; their "
            "common name is its EUI."
        ),
    ] = ""
    basics_station_authentication: Annotated[
        Literal["auto", "required", "none"],
        about(
            "Whether base stations must present a token or a client certificate; auto: yes, but for an "
            "address of this machine without TLS."
        ),
    ] = "auto"
    basics_station_uri: Annotated[
        str,
        about("Public address of the LNS, such as wss://lns.example.org:8887; empty: the one they asked."),
    ] = ""
    basics_station_cups: Annotated[
        OptionalAddress,
        about(
            "Listen address for CUPS of LoRa Basics Station, with the same certificate and proofs; empty: "
            "not served."
        ),
    ] = OptionalAddress("")
    basics_station_trust: Annotated[
        str,
        about(
            "File with the one certificate (PEM) of the authority that signed the certificate for Basics "
            "Station; CUPS hands it out with credentials."
        ),
    ] = ""
