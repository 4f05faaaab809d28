"""Frames of ChirpStack's gateways, and a platform that takes them."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Any

from veldnet.gateways.chirpstack_mqtt import (
    ChirpStackMqtt,
    MqttOptions,
)
from veldnet.gateways.chirpstack_mqtt import gateway_pb2 as pb
from veldnet.gateways.chirpstack_mqtt.messages import (
    decode,
)
from veldnet.gateways.chirpstack_mqtt.uplinks import Origin, uplink_of
from veldnet.gateways.presence import Presence
from veldnet.gateways.station_clock import StationClock
from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.radio import GatewayUplink, TransmitReport, TransmitWindow
from veldnet.lorawan.regions import REGIONS, Channel, ChannelPlan

STATION, EUI = BaseStationId(0xFF000001), GatewayEui(0x0016C001FF10A235)
NAME = "0016c001ff10a235"
BASE = f"eu868/gateway/{NAME}"
EU868 = ChannelPlan(REGIONS["EU868"], tuple(Channel(867_100_000 + 200_000 * n, 0, 5) for n in range(5)))

# Field by field, from the numbers of the protocol.
UPLINK = bytes.fromhex(
    "0a03400102"  # phy_payload (1)
    "2212"  # tx_info (4)
    "08a0cff89d03"  # frequency (1) 868,100,000
    "120a"  # modulation (2)
    "1a08"  # lora (3)
    "08c8d007"  # bandwidth (1) 125,000
    "1007"  # spreading factor (2) 7
    "2801"  # code rate (5) 4/5
    "2a40"  # rx_info (5)
    "0a10" + NAME.encode().hex() + "10e707"  # gateway_id (1), uplink_id (2) 999
    "220c08809cc99b051080cab5ee01"  # time_since_gps_epoch (4) 1,400,000,000.5 s
    "30c7ffffffffffffffff01"  # rssi (6) -57
    "3d00001841"  # snr (7) 9.5
    "5001"  # board (10) 1
    "5802"  # antenna (11) 2
    "6a0400000010"  # context (13)
    "800102"  # crc_status (16) ok
)
DOWNLINK = bytes.fromhex(
    "18effdb6f50d"  # downlink_id (3) 0xDEADBEEF
    "2a2e"  # items (5)
    "0a026001"  # phy_payload (1)
    "1a28"  # tx_info (3)
    "08a0cff89d03"  # frequency (1)
    "100e"  # power (2) 14
    "1a0c1a0a08c8d007100720012801"  # modulation (3): lora (3) with polarization_inversion (4)
    "2001"  # board (4)
    "2802"  # antenna (5)
    "320612040a020801"  # timing (6): delay (2) of delay (1) 1 s
    "3a0400000010"  # context (7)
    "3a10" + NAME.encode().hex()  # gateway_id (7)
)


class Platform:
    """What the protocol finds: it takes what comes."""

    def __init__(self) -> None:
        self.presence = Presence()
        self.gate = None
        self.uplinks: list[GatewayUplink] = []
        self.reports: list[TransmitReport] = []
        self.connections: list[tuple[str, BaseStationId]] = []
        self.faults: list[BaseException] = []
        self.handed: list[float | None] = []
        self.directory = self
        self.waiting = 0.0
        self.registered = True
        # Whether the base station is for this node to serve.
        self.ours = True

    def find(self, gateway: GatewayEui) -> BaseStationId | None:
        return STATION if gateway == EUI and self.registered else None

    def lag(self) -> float:
        return self.waiting

    def serves(self, _gateway: GatewayEui) -> bool:
        return self.ours

    def clock(self) -> float:
        return asyncio.get_running_loop().time() + 1_800_000_000

    steady = clock

    def uplink(self, uplink: GatewayUplink) -> None:
        self.uplinks.append(uplink)

    def report(self, report: TransmitReport) -> None:
        self.reports.append(report)

    def caught(self, _task: str, error: BaseException) -> None:
        self.faults.append(error)

    def on_step(self, tell: Callable[[float], None]) -> None:
        """Its clock never steps."""

    def handed_over(self, _protocol: str, decided: float | None) -> None:
        self.handed.append(decided)

    def connected(self, _protocol: object, station: BaseStationId) -> None:
        if self.connections[-1:] != [("connected", station)]:
            self.connections.append(("connected", station))

    def disconnected(self, _protocol: object, station: BaseStationId) -> None:
        self.connections.append(("disconnected", station))


class Outlet:
    """A broker that keeps what it is given."""

    def __init__(self, name: str = "mqtt://here:1883") -> None:
        self.name, self.connected, self.full = name, True, False
        self.published: list[tuple[str, bytes]] = []

    def publish(self, topic: str, payload: bytes, written: Callable[[], None] | None = None) -> bool:
        if not self.full:
            self.published.append((topic, payload))
            if written is not None:
                written()
        return not self.full

    def frames(self) -> list[pb.DownlinkFrame]:
        return [decode(pb.DownlinkFrame, payload) for _topic, payload in self.published]


def protocol_of(platform: Platform, *, configure: bool = False) -> ChirpStackMqtt:
    options = MqttOptions((), configure=configure)
    return ChirpStackMqtt(platform, EU868, options, random.Random(1))  # type: ignore[arg-type]


def frame(**changes: Any) -> pb.UplinkFrame:
    """The uplink above, changed by `field__field=value`."""
    made = decode(pb.UplinkFrame, UPLINK)
    for path, value in changes.items():
        *parents, last = path.split("__")
        target: Any = made
        for parent in parents:
            target = getattr(target, parent)
        if value is None:
            target.ClearField(last)
        else:
            setattr(target, last, value)
    return made


def uplink(made: pb.UplinkFrame, notes: list[str] | None = None, now: float = 1_800_000_000) -> GatewayUplink:
    told = [] if notes is None else notes
    origin = Origin(STATION, 5, StationClock(lambda: 0.0))
    heard = uplink_of(made, origin, now, lambda code, _words: told.append(code))
    assert heard is not None
    return heard


def window(context: bytes, **changes: Any) -> TransmitWindow:
    values: dict[str, Any] = {"opens_at": 1_800_000_001.0, "power": 14.0, "timestamp": 0x10 + 1_000_000}
    values |= {"slot": 1, "frequency": 868_100_000} | changes
    return TransmitWindow(STATION, modulation=Lora(7, 125), context=context, **values)


# On the wire.
