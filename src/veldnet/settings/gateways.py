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
    udp_networks: Annotated[
        tuple[str, ...],
        about(
            "Addresses or networks (10.0.0.0/24) from which Semtech UDP is taken; none: from anywhere. The "
            "protocol has no other proof of who a base station is."
        ),
    ] = ()
    udp_forward: Annotated[
        OptionalAddress,
        about(
            "HOST:PORT of another network's server that all datagrams of Semtech UDP base stations are "
            "passed on to, and whose downlinks are passed back, while devices move from it; empty: none."
        ),
    ] = OptionalAddress("")
    listen_only: Annotated[
        bool,
        about(
            "Whether base stations are listened to only: nothing is ever transmitted, while another network "
            "serves them."
        ),
    ] = False
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
    basics_station_client_crl: Annotated[
        str,
        about(
            "File with revocation lists (CRL, PEM or DER) of those authorities; it is read again when it "
            "changes."
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
    max_firmware: Annotated[
        int,
        about("Largest file of firmware for base stations in bytes.", ge=1024, le=1_073_741_824),
    ] = 67_108_864
    basics_station_commands: Annotated[
        bool,
        about(
            "Whether operators with access to base stations may run programs on Basics Station (runcmd). "
            "They run with the rights of Station, most often those of root."
        ),
    ] = False
    basics_station_shells: Annotated[
        bool,
        about(
            "Whether operators with access to base stations may open remote shells on Basics Station "
            "(rmtsh), with the same rights."
        ),
    ] = False
    mqtt: Annotated[
        tuple[str, ...],
        about(
            "Brokers of base stations that speak ChirpStack's MQTT protocol, such as "
            "mqtts://broker.example.org:8883 (mqtt:// without TLS); empty: not served."
        ),
    ] = ()
    mqtt_username: Annotated[str, about("User name at the brokers; empty for none.")] = ""
    mqtt_password_file: Annotated[str, about("File with the password at the brokers.")] = ""
    mqtt_ca: Annotated[
        str,
        about("File with the authorities (PEM) of the brokers' certificates; empty: those of the system."),
    ] = ""
    mqtt_certificate: Annotated[str, about("Client certificate file (PEM) for the brokers.")] = ""
    mqtt_key: Annotated[str, about("Private key file (PEM) of that certificate.")] = ""
    mqtt_version: Annotated[Literal["5", "3.1.1"], about("MQTT version spoken with the brokers.")] = "5"
    mqtt_client_id: Annotated[
        str, about("Client identifier at the brokers, of one server only; empty: a random one.")
    ] = ""
    mqtt_topic_prefixes: Annotated[
        tuple[str, ...],
        about(
            "Prefixes of topics to read, such as eu868; empty: topics without a prefix, and with any of one "
            "level."
        ),
    ] = ()
    mqtt_share: Annotated[
        str,
        about(
            "Name of a shared subscription: servers with the same share the frames; empty: each gets all.",
            pattern="^[^/+#]*$",
        ),
    ] = ""
    mqtt_enforced: Annotated[
        bool,
        about(
            "Whether the access list of every broker lets a base station publish below its own EUI only. Its "
            "EUI then proves who it is."
        ),
    ] = False
    mqtt_configure: Annotated[
        bool,
        about(
            "Whether base stations are sent the channel plan where their configuration has another version."
        ),
    ] = False
