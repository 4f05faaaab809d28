"""Configuration of a base station for this server, by the settings of the server."""

from __future__ import annotations

import math
import re
import ssl
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding

from veldnet.domain.documents import StationProfileSettings
from veldnet.domain.errors import InvalidField
from veldnet.gateways import configuration, layouts
from veldnet.gateways.configuration import Chip, ConfigurationFile, Wanted
from veldnet.inventory import base_stations, certificates
from veldnet.inventory.base_stations import BaseStation
from veldnet.lorawan import GatewayEui
from veldnet.lorawan.regions import ChannelPlan
from veldnet.settings import Settings
from veldnet.store import Connection

__all__ = [
    "PROGRAMS",
    "Chip",
    "Program",
    "StationConfiguration",
    "server_name",
    "station_configuration",
    "station_setup",
]

Program = Literal["packet-forwarder", "basics-station", "gateway-bridge", "mqtt-forwarder", "kerlink"]

_HOST = re.compile(r"[A-Za-z0-9.\-]{1,253}|[0-9A-Fa-f:.]{2,45}")
# Where the server takes any free port, as in tests, the usual one is written.
_UDP_PORT, _LNS_PORT = 1700, 8887
_BROKER_PORT, _BROKER_TLS_PORT = 1883, 8883


class StationConfiguration(msgspec.Struct, frozen=True):
    """Files, and the same as values for base stations that are configured in a form; `served` is whether the
    server listens for that program at all."""

    region: str
    chip: Chip
    server: str
    served: bool
    concentrator: int
    concentrators: int
    files: list[ConfigurationFile]
    values: dict[str, str]


def server_name(settings: Settings, given: str | None, asked: str | None) -> str:
    """The host under which base stations reach the server: as given, else that of its public address, else
    that of the request. Raises `InvalidField`."""
    host = given or urlsplit(settings.sign_in.url).hostname or _host_of(asked or "")
    if not host:
        raise InvalidField("server is needed: the host name under which base stations reach the server")
    if not _HOST.fullmatch(host):
        raise InvalidField(
            "server {host!r} must be a host name or an address, without a port", host=host[:40]
        )
    return host


def _host_of(header: str) -> str:
    try:
        return urlsplit(f"//{header}").hostname or ""
    except ValueError:
        return ""


class StationSetup(msgspec.Struct, frozen=True):
    """A base station and how it is set up. `authorities` are the certificates (DER) of the internal
    certificate authorities, one of which may have issued the server's."""

    gateway_eui: GatewayEui
    plan: ChannelPlan
    profile: StationProfileSettings
    antenna_gain: float
    chip: Chip
    authorities: tuple[bytes, ...] = ()

    @property
    def concentrators(self) -> int:
        """How many have something to hear."""
        return len(layouts(self.plan, self.profile.concentrators))


def station_setup(
    connection: Connection, station: BaseStation, plans: Mapping[str, ChannelPlan], chip: Chip | None
) -> StationSetup:
    """How a base station is set up by its profile, or with another concentrator if `chip` names one."""
    settings = base_stations.profile_settings(connection)
    profile = settings.get(station.profile_ref or 0, StationProfileSettings())
    return StationSetup(
        GatewayEui.parse(station.gateway_eui),
        base_stations.served_plan(profile, plans) or next(iter(plans.values())),
        profile,
        profile.antennaGain if station.antenna_gain is None else station.antenna_gain,
        chip or profile.chip,
        tuple(authority.certificate for authority in certificates.list_authorities(connection)),
    )


def station_configuration(
    settings: Settings, station: StationSetup, program: Program, server: str, concentrator: int = 1
) -> StationConfiguration:
    """The files of a program for a base station; `concentrator` says which one it drives, where it drives one
    of several. Reads the server's certificate where it is served by TLS. Raises `InvalidField`."""
    plan = station.plan
    if not 1 <= concentrator <= station.concentrators:
        raise InvalidField(
            "concentrator {number} has no channels: by the profile {count} of the base station have some",
            number=concentrator,
            count=station.concentrators,
        )
    gateways = settings.gateways
    wanted = Wanted(
        station.gateway_eui,
        plan,
        station.chip,
        server,
        gateways.udp.port or _UDP_PORT,
        _lns_uri(settings, server),
        _broker_uri(settings, server),
        _broker_trust(settings) if program in _BY_MQTT else _trust(settings, station.authorities),
        station.antenna_gain,
        _beacon_power(station) if station.profile.classB and concentrator == 1 else None,
        station.concentrators,
        concentrator,
    )
    files, values = _PROGRAMS[program]
    listens = bool(gateways.basics_station) if program == "basics-station" else True
    served = bool(gateways.mqtt) if program in _BY_MQTT else listens
    return StationConfiguration(
        plan.region.name,
        station.chip,
        server,
        served,
        concentrator,
        station.concentrators,
        files(wanted),
        values(wanted),
    )


def _beacon_power(station: StationSetup) -> int:
    """What a beacon is sent with, in dBm at the connector."""
    region = station.plan.region
    eirp = region.downlink_power(region.class_b.beacon_frequencies[0])
    most = station.profile.maxEirp
    return math.floor((eirp if most is None else min(eirp, most)) - station.antenna_gain)


def _lns_uri(settings: Settings, server: str) -> str:
    gateways = settings.gateways
    if gateways.basics_station_uri:
        return gateways.basics_station_uri
    certificate = gateways.basics_station_certificate or settings.tls.certificate
    port = (gateways.basics_station.port if gateways.basics_station else 0) or _LNS_PORT
    return f"{'wss' if certificate else 'ws'}://{_bracketed(server)}:{port}"


def _broker_uri(settings: Settings, server: str) -> str:
    """The first broker, as these programs write it; one on this machine has the name of the server."""
    brokers = settings.gateways.mqtt
    if not brokers:
        return f"tcp://{_bracketed(server)}:{_BROKER_PORT}"
    broker = urlsplit(brokers[0])
    secure = broker.scheme == "mqtts"
    host = broker.hostname or server
    if host in ("localhost", "127.0.0.1", "::1"):
        host = server
    port = broker.port or (_BROKER_TLS_PORT if secure else _BROKER_PORT)
    return f"{'ssl' if secure else 'tcp'}://{_bracketed(host)}:{port}"


def _broker_trust(settings: Settings) -> str | None:
    path = settings.gateways.mqtt_ca
    try:
        return Path(path).read_text() if path else None
    except (OSError, UnicodeDecodeError):
        return None


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _udp_values(wanted: Wanted) -> dict[str, str]:
    port = str(wanted.udp_port)
    return {
        "gatewayEUI": str(wanted.gateway_eui),
        "serverAddress": wanted.server,
        "portUp": port,
        "portDown": port,
    }


def _station_values(wanted: Wanted) -> dict[str, str]:
    return {"gatewayEUI": str(wanted.gateway_eui), "lnsUri": wanted.lns_uri}


def _mqtt_values(wanted: Wanted) -> dict[str, str]:
    return {
        "gatewayEUI": str(wanted.gateway_eui),
        "broker": wanted.broker_uri,
        "topicPrefix": configuration.topic_prefix(wanted.plan),
    }


_Files = Callable[[Wanted], list[ConfigurationFile]]
_Values = Callable[[Wanted], dict[str, str]]
_PROGRAMS: dict[Program, tuple[_Files, _Values]] = {
    "packet-forwarder": (configuration.packet_forwarder_files, _udp_values),
    "basics-station": (configuration.basics_station_files, _station_values),
    "gateway-bridge": (configuration.gateway_bridge_files, _mqtt_values),
    "mqtt-forwarder": (configuration.mqtt_forwarder_files, _mqtt_values),
    "kerlink": (configuration.kerlink_files, _udp_values),
}
PROGRAMS: tuple[Program, ...] = tuple(_PROGRAMS)
_BY_MQTT: tuple[Program, ...] = ("gateway-bridge", "mqtt-forwarder")


def _trust(settings: Settings, internal: tuple[bytes, ...]) -> str | None:
    """The certificate that stations are to trust: the authority at the end of the server's own chain, or the
    internal authority or one of those that this machine trusts that has issued it. None where it is not
    known: the server's own certificate proves nothing to Station unless it has signed itself."""
    given, own = settings.gateways.basics_station_trust, settings.gateways.basics_station_certificate
    path = given or own or settings.tls.certificate
    if not path:
        return None
    try:
        chain = x509.load_pem_x509_certificates(Path(path).read_bytes())
    except (OSError, ValueError):
        return None
    last = chain[-1]
    if last.issuer == last.subject:
        found: x509.Certificate | None = last
    else:
        found = _issuer(last, internal) or (last if _is_authority(last) else None)
    return None if found is None else found.public_bytes(Encoding.PEM).decode()


def _issuer(certificate: x509.Certificate, internal: tuple[bytes, ...]) -> x509.Certificate | None:
    name = certificate.issuer.public_bytes()
    for octets in (*internal, *ssl.create_default_context().get_ca_certs(binary_form=True)):
        # Only those that may fit are read: a machine trusts some that cannot be read without a warning.
        if name in octets:
            candidate = x509.load_der_x509_certificate(octets)
            try:
                certificate.verify_directly_issued_by(candidate)
            except (ValueError, TypeError, InvalidSignature):
                continue
            return candidate
    return None


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False
