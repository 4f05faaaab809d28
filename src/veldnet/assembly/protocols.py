"""The base station protocols of this program. One more is a folder in `gateways` and an entry here.

This module loads nothing but the standard library and settings: ports are opened before anything else.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from ipaddress import ip_network
from typing import TYPE_CHECKING, NamedTuple, Protocol

from veldnet.settings import Address, GatewaySettings, OptionalAddress, Settings, SettingsError

from .sockets import tcp_socket, udp_socket

if TYPE_CHECKING:
    from veldnet.gateways import BaseStationProtocol, BaseStationService, Host
    from veldnet.gateways.basics_station import StationCertificate, UpdateDesk
    from veldnet.store import Store


class Keeper(Protocol):
    """Keeps in the store what the next process must know of a protocol's connections."""

    async def restore(self) -> None:
        """Go on where the process before this one was."""

    async def write(self) -> None:
        """Write what has changed; called every second."""


class Served(NamedTuple):
    """A protocol, and what keeps its connections."""

    protocol: BaseStationProtocol
    keeper: Keeper | None = None


class Listener(NamedTuple):
    """Something that a server listens for: what in words, and by which scheme and at which address, as
    the settings have it; none where it is not served."""

    name: str
    words: str
    scheme: Callable[[Settings], str]
    address: Callable[[Settings], Address | OptionalAddress]


class ProtocolEntry(NamedTuple):
    """`open_port` opens its socket, None where it is not served; `serve` makes it, None where it is not
    served, and is called once everything can be loaded."""

    name: str
    serve: Callable[[Settings, Host, Store], Served | None]
    open_port: Callable[[Settings], socket.socket | None] = lambda _settings: None


def _semtech_udp(settings: Settings, host: Host, store: Store) -> Served:
    from veldnet.assembly.downlink_paths import DownlinkPathKeeper
    from veldnet.gateways import Backlog, SemtechUdpServer

    networks = tuple(map(ip_network, settings.gateways.udp_networks))
    forward = settings.gateways.udp_forward
    server = SemtechUdpServer(
        host, Backlog(_receive_budget(settings)), networks, (forward.host, forward.port) if forward else None
    )
    return Served(server, DownlinkPathKeeper(store, server))


# Seconds for judging, committing and handing over an answer.
_ANSWER = 0.4


def _receive_budget(settings: Settings) -> float:
    """Seconds that a datagram may wait in its socket for its answer to be in time for RX1: copies are
    collected, the frame is judged and committed, and the base station needs the downlink before."""
    network = settings.network
    left = network.rx1_delay - network.deduplication_window - _ANSWER
    return min(max(left, 0.1), 1.0)


def _basics_station(settings: Settings, host: Host, _store: Store) -> Served:
    from veldnet.assembly.network_settings import network_parameters
    from veldnet.gateways.basics_station import BasicsStationServer, LnsOptions

    gateways, parameters = settings.gateways, network_parameters(settings.network)
    plan = parameters.channel_plans[next(iter(parameters.channel_plans))]
    certificate = _station_certificate(settings)
    required = _must_authenticate(gateways, "basics_station", certificate)
    loaded = _loaded(gateways, certificate) if gateways.basics_station else None
    options = LnsOptions(
        required, loaded, gateways.basics_station_uri or None, shells=gateways.basics_station_shells
    )
    return Served(BasicsStationServer(host, plan, options))


def _station_certificate(settings: Settings) -> tuple[str, str] | None:
    """Files of the certificate and key that base stations are served with; None: without TLS."""
    gateways = settings.gateways
    if gateways.basics_station_certificate:
        return gateways.basics_station_certificate, gateways.basics_station_key
    return (settings.tls.certificate, settings.tls.key) if settings.tls.certificate else None


def _must_authenticate(gateways: GatewaySettings, name: str, certificate: tuple[str, str] | None) -> bool:
    """Whether stations must prove who they are at the address of a setting. They send tokens over TLS alone,
    which may end in a proxy on this machine."""
    address: OptionalAddress = getattr(gateways, name)
    wanted, local = gateways.basics_station_authentication, address.host in _THIS_MACHINE
    if address and certificate is None and wanted != "none" and not local:
        raise SettingsError(
            f"settings: gateways.{name} {address} needs basics_station_certificate: base stations prove who "
            "they are over TLS only; or set basics_station_authentication to none"
        )
    return wanted == "required" or (wanted == "auto" and certificate is not None)


_THIS_MACHINE = ("127.0.0.1", "::1", "localhost", "")


def _loaded(gateways: GatewaySettings, certificate: tuple[str, str] | None) -> StationCertificate | None:
    from veldnet.gateways.basics_station import StationCertificate, TlsFiles

    if certificate is None:
        return None
    authorities, revoked = gateways.basics_station_client_ca, gateways.basics_station_client_crl
    if revoked and not authorities:
        raise SettingsError("settings: gateways.basics_station_client_crl needs basics_station_client_ca")
    try:
        return StationCertificate(TlsFiles(*certificate, authorities or None, revoked or None))
    except (OSError, ValueError) as error:
        raise SettingsError(
            "settings: gateways.basics_station_certificate, _key, _client_ca or _client_crl cannot be used: "
            f"{error}"
        ) from None


def _basics_station_port(settings: Settings) -> socket.socket | None:
    address = settings.gateways.basics_station
    return tcp_socket(address, _BACKLOG) if address else None


def cups_server(settings: Settings, host: Host, desk: UpdateDesk) -> BaseStationService:
    """The CUPS of a server; nobody is served where its address is not set."""
    from veldnet.gateways.basics_station import CupsOptions, CupsServer

    gateways = settings.gateways
    certificate = _station_certificate(settings)
    required = _must_authenticate(gateways, "basics_station_cups", certificate)
    loaded = _loaded(gateways, certificate) if gateways.basics_station_cups else None
    return CupsServer(host, desk, CupsOptions(required, loaded))


def cups_port(settings: Settings) -> socket.socket | None:
    address = settings.gateways.basics_station_cups
    return tcp_socket(address, _BACKLOG) if address else None


def _chirpstack_mqtt(settings: Settings, host: Host, _store: Store) -> Served | None:
    gateways = settings.gateways
    if not gateways.mqtt:
        return None
    from veldnet.assembly.mqtt_brokers import broker_options
    from veldnet.assembly.network_settings import network_parameters
    from veldnet.gateways.chirpstack_mqtt import ChirpStackMqtt, MqttOptions

    parameters = network_parameters(settings.network)
    plan = parameters.channel_plans[next(iter(parameters.channel_plans))]
    configure, listen_only = gateways.mqtt_configure, gateways.listen_only
    options = MqttOptions(
        broker_options(gateways), gateways.mqtt_enforced, configure and not listen_only, listen_only
    )
    return Served(ChirpStackMqtt(host, plan, options))


# Stations that come back at once after an outage.
_BACKLOG = 1024
SEMTECH_UDP = "semtech-udp"
BASICS_STATION = "basics-station"
CUPS = "cups"


CHIRPSTACK_MQTT = "chirpstack-mqtt"

PROTOCOLS: tuple[ProtocolEntry, ...] = (
    ProtocolEntry(SEMTECH_UDP, _semtech_udp, lambda settings: udp_socket(settings.gateways.udp)),
    ProtocolEntry(BASICS_STATION, _basics_station, _basics_station_port),
    ProtocolEntry(CHIRPSTACK_MQTT, _chirpstack_mqtt),
)

HTTP = "http"

# Every port of a server, for those who ask where it is reached. Basics Station and CUPS have one certificate.
LISTENERS: tuple[Listener, ...] = (
    Listener(HTTP, "HTTP API", lambda s: "https" if s.tls.certificate else "http", lambda s: s.api.http),
    Listener(SEMTECH_UDP, "Semtech UDP", lambda _s: "udp", lambda s: s.gateways.udp),
    Listener(
        BASICS_STATION,
        "Basics Station",
        lambda s: "wss" if _station_certificate(s) else "ws",
        lambda s: s.gateways.basics_station,
    ),
    Listener(
        CUPS,
        "CUPS",
        lambda s: "https" if _station_certificate(s) else "http",
        lambda s: s.gateways.basics_station_cups,
    ),
)
