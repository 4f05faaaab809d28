"""ChirpStack's MQTT Forwarder, seen from its side: what it publishes, and how it obeys.

Like the program it keeps a downlink's items for alternatives, tells of each once, and refuses a command that
names another base station.
"""

from __future__ import annotations

import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from veldnet.lorawan.gpstime import gps_to_unix, unix_to_gps
from veldnet.lorawan.modulation import Fsk, Lora, Modulation

from . import gateway_wire as wire
from .base_station import BaseStation, HeardFrame

_NANOS = 1_000_000_000
_MASK = 0xFFFFFFFF
# Commands and statuses that are kept to be looked at.
_KEPT = 1000


class MqttForwarder(ABC):
    """Publishes what its base station hears, and obeys `command/down`; how messages travel is its heirs'
    matter. `clock` is Unix seconds."""

    def __init__(
        self,
        station: BaseStation,
        rng: random.Random,
        clock: Callable[[], float] = time.time,
        *,
        prefix: str = "eu868",
        as_json: bool = False,
    ) -> None:
        self._station = station
        self._rng = rng
        self._clock = clock
        self._json = as_json
        self.name = f"{int(station.eui):016x}"
        self.base = f"{prefix}{'/' if prefix else ''}gateway/{self.name}"
        # Commands as they came, and the status of each item of those for downlinks.
        self.commands: list[tuple[str, dict[str, Any]]] = []
        self.statuses: list[list[str]] = []
        self._received = self._forwarded = 0
        station.link = self

    @abstractmethod
    def publish(self, kind: str, payload: bytes) -> None:
        """Send octets as an event, whatever they are."""

    def state(self, state: str) -> bytes:
        """The message of its connection, ONLINE or OFFLINE, which the broker keeps."""
        return wire.encode(wire.CONN, {"state": state, "gatewayId": self.name}, as_json=self._json)

    # What is heard.

    def frame(self, station: BaseStation, frame: HeardFrame) -> None:
        self._received += 1
        received: dict[str, Any] = {
            "gatewayId": self.name,
            "uplinkId": self._rng.getrandbits(32),
            "rssi": round(frame.heard.rssi),
            "snr": frame.heard.snr,
            "context": frame.timestamp.to_bytes(4, "big"),
            "crcStatus": "CRC_OK",
        }
        if station.gps:
            ago = ((station.timestamp() - frame.timestamp) & _MASK) / 1_000_000
            received["timeSinceGpsEpoch"] = round(unix_to_gps(self._clock() - ago) * 1000) * 1_000_000
        if frame.fine is not None:
            stamp = frame.fine.second * _NANOS + frame.fine.nanosecond
            received |= {"timeSinceGpsEpoch": stamp, "fineTimeSinceGpsEpoch": stamp}
        message = {
            "phyPayload": frame.phy_payload,
            "txInfo": {"frequency": frame.frequency, "modulation": _modulation_of(frame.modulation)},
            "rxInfo": received,
        }
        self.publish("event/up", wire.encode(wire.UPLINK, message, as_json=self._json))

    def tell_statistics(self) -> None:
        """Tell what was received and sent since the last time."""
        stats = {
            "rxPacketsReceived": self._received + self._station.broken,
            "rxPacketsReceivedOk": self._received,
            "txPacketsEmitted": self._forwarded,
            "gatewayId": self.name,
        }
        self._received = self._forwarded = self._station.broken = 0
        self.publish("event/stats", wire.encode(wire.STATS, stats, as_json=self._json))

    # What is sent.

    def command(self, topic: str, payload: bytes) -> None:
        """The broker brings a message."""
        kind = topic.rpartition("/")[2]
        if kind != "down":
            self.commands.append((kind, {}))
            return
        frame = wire.decode(wire.DOWNLINK, payload, as_json=self._json)
        self.commands.append((kind, frame))
        del self.commands[:-_KEPT], self.statuses[:-_KEPT]
        if frame.get("gatewayId") != self.name:
            return
        statuses = []
        for item in frame["items"]:
            error = None if "OK" in statuses else self._transmit(item)
            statuses.append("IGNORED" if "OK" in statuses else error or "OK")
        self.statuses.append(statuses)
        self._forwarded += "OK" in statuses
        ack = {
            "downlinkId": frame["downlinkId"],
            "items": [{"status": status} for status in statuses],
            "gatewayId": self.name,
        }
        self.publish("event/ack", wire.encode(wire.ACK, ack, as_json=self._json))

    def _transmit(self, item: dict[str, Any]) -> str | None:
        info = item["txInfo"]
        modulation = _modulation(info["modulation"])
        timing, timestamp, delay = info["timing"], None, None
        if "delay" in timing:
            ahead = timing["delay"]["delay"] // 1000
            timestamp = (int.from_bytes(info["context"][:4], "big") + ahead) & _MASK
        elif "gpsEpoch" in timing:
            delay = gps_to_unix(timing["gpsEpoch"]["timeSinceGpsEpoch"] / _NANOS) - self._clock()
        power = float(info.get("power", 0))
        frequency = info["frequency"]
        return self._station.transmit(
            item["phyPayload"], frequency, modulation, timestamp, power, delay=delay
        )


def _modulation_of(modulation: Modulation) -> dict[str, Any]:
    if isinstance(modulation, Lora):
        bandwidth = modulation.bandwidth * 1000
        return {"lora": {"bandwidth": bandwidth, "spreadingFactor": modulation.sf, "codeRate": "CR_4_5"}}
    assert isinstance(modulation, Fsk)
    return {"fsk": {"datarate": modulation.bitrate}}


def _modulation(said: dict[str, Any]) -> Modulation:
    if "lora" in said:
        return Lora(said["lora"]["spreadingFactor"], said["lora"]["bandwidth"] // 1000)
    return Fsk(said["fsk"]["datarate"])
