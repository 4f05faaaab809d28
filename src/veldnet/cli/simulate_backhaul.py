"""Options by which `veldnet simulate` reaches a server, whichever protocol its base stations speak."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, get_args

import msgspec
import typer

from veldnet.settings import Address
from veldnet.simulator.backhaul import PROTOCOLS, Backhaul, Broker, NotConnected, ProtocolName

MIXED = "mixed"

Protocol = Annotated[
    str,
    typer.Option(
        help="What base stations speak: semtech-udp, basics-station, chirpstack-mqtt, or mixed, all by turns."
    ),
]
OneProtocol = Annotated[
    str, typer.Option(help="What the base station speaks: semtech-udp, basics-station or chirpstack-mqtt.")
]
Udp = Annotated[str, typer.Option(metavar="HOST:PORT", help="Address of the network's UDP port.")]
BasicsStation = Annotated[
    str, typer.Option(metavar="URI", help="Address of the LNS: ws://HOST:PORT, or wss:// with TLS.")
]
BrokerAddress = Annotated[
    str | None,
    typer.Option(metavar="URI", help="MQTT broker that the server reads: mqtt://HOST:PORT, or mqtts://."),
]
BrokerUser = Annotated[
    str, typer.Option(help="User at the broker; each base station's EUI where only a password is given.")
]
BrokerPassword = Annotated[
    Path | None, typer.Option("--broker-password-file", help="File with the password at the broker.")
]
TopicPrefix = Annotated[str, typer.Option(help="First word of the topics at the broker.")]
Authority = Annotated[
    Path | None, typer.Option("--ca", help="Authorities (PEM) of the certificates of LNS and broker.")
]


class Reach(msgspec.Struct, frozen=True):
    """The options of a town."""

    protocol: Protocol = "semtech-udp"
    udp: Udp = "127.0.0.1:1700"
    basics_station: BasicsStation = "ws://127.0.0.1:8887"
    broker: BrokerAddress = None
    broker_user: BrokerUser = ""
    broker_password: BrokerPassword = None
    topic_prefix: TopicPrefix = "eu868"
    authority: Authority = None

    def backhaul(self) -> Backhaul:
        """Raises `NotConnected`, `OSError` and `ValueError`, which say what is wrong or missing."""
        broker = None
        if self.broker is not None:
            password = self.broker_password
            broker = msgspec.structs.replace(
                Broker.parse(self.broker),
                prefix=self.topic_prefix,
                username=self.broker_user,
                password="" if password is None else password.read_text().rstrip("\r\n"),
            )
        protocols = protocols_named(self.protocol)
        if "chirpstack-mqtt" in protocols and broker is None:
            raise NotConnected(
                f"--protocol {self.protocol} needs --broker, the MQTT broker that the server reads, too "
                "(gateways.mqtt), such as mqtt://127.0.0.1:1883"
            )
        address = Address.parse(self.udp)
        return Backhaul(
            protocols,
            udp=(address.host, address.port),
            basics_station=self.basics_station,
            broker=broker,
            authority="" if self.authority is None else str(self.authority),
        )


class OneReach(Reach, frozen=True):
    """The options of a single base station."""

    protocol: OneProtocol = "semtech-udp"


def protocols_named(name: str) -> tuple[ProtocolName, ...]:
    """Those of an option; raises `NotConnected` for a name that there is not."""
    if name == MIXED:
        return PROTOCOLS
    if name not in get_args(ProtocolName):
        raise NotConnected(f"protocol {name!r} is none of {', '.join(PROTOCOLS)} and {MIXED}")
    return (name,)  # type: ignore[return-value]
