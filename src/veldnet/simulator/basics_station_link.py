"""A virtual base station's connection to a real server: LoRa Basics Station 2.0.6, seen from its side.

As strict as the program: it wants a URI with port and path, a region that it knows before any downlink, and
times of its own session; a downlink that it cannot send it drops without a word.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import time
from collections.abc import Callable
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, ConnectionClosedError, WebSocketException

from veldnet.lorawan.gpstime import gps_to_unix, unix_to_gps
from veldnet.lorawan.modulation import Fsk, Lora, Modulation

from .base_station import BaseStation, HeardFrame

_REGIONS = ("EU868", "EU863", "US915", "US902", "AU915", "AS923-1", "AS923JP", "KR920", "IL915")
_URI = re.compile(r"wss?://[^/:]+:[0-9]+/.+|wss?://\[[^]]+\]:[0-9]+/.+")
_MASK_32 = 0xFFFFFFFF
_MASK_48 = (1 << 48) - 1
# Tries of a frame of class C, and seconds between them.
_TRIES, _BETWEEN = 10, 0.1
# Messages and dropped downlinks that are kept to be looked at.
_KEPT = 1000
# Seconds before it comes back, at first and at most.
_SOONEST, _LATEST = 1.0, 30.0


class StationError(Exception):
    """What Station would log before it gives up."""


class BasicsStationLink:
    """Connects as Station does, turns frames into its messages, and obeys `dnmsg`."""

    def __init__(
        self,
        station: BaseStation,
        rng: random.Random,
        clock: Callable[[], float] = time.time,
        **options: Any,
    ) -> None:
        self._station = station
        self._rng = rng
        self._clock = clock
        # Of `connect`: TLS context and headers. Station knows no proxies.
        self._options = {"proxy": None} | options
        self._connection: ClientConnection | None = None
        self._reading: asyncio.Task[None] | None = None
        self._staying: asyncio.Task[None] | None = None
        self._session = 0
        self._rates: list[list[int]] = []
        self.config: dict[str, Any] = {}
        # Downlinks that were dropped, and why; the server hears nothing of them.
        self.dropped: list[str] = []
        self.received: list[dict[str, Any]] = []
        station.link = self

    # Connection.

    async def connect(self, uri: str) -> None:
        """Ask the way on `/router-info`, go there, and wait for the configuration. Raises `StationError`."""
        async with connect(f"{uri}/router-info", **self._options) as discovery:
            await discovery.send(json.dumps({"router": self._id6()}))
            answer = json.loads(await discovery.recv())
        if "error" in answer:
            raise StationError(answer["error"])
        if _number_of(answer["router"]) != int(self._station.eui) or not _URI.fullmatch(answer["uri"]):
            raise StationError(f"cannot use {answer}")
        self._session = self._rng.randrange(1, 128)
        self._connection = await connect(answer["uri"], compression=None, **self._options)
        await self._send(
            {
                "msgtype": "version",
                "station": "2.0.6(linux/std)",
                "firmware": None,
                "package": None,
                "model": "linux",
                "protocol": 2,
                "features": "rmtsh gps" if self._station.gps else "rmtsh",
            }
        )
        self.config = json.loads(await self._connection.recv())
        if self.config["msgtype"] != "router_config" or self.config["region"] not in _REGIONS:
            raise StationError(f"unknown region in {self.config}")
        if not self.config.get("hwspec") or not self.config.get("sx1301_conf"):
            raise StationError("no radio is configured")
        self._rates = self.config["DRs"]
        self._reading = asyncio.get_running_loop().create_task(self._read(self._connection))

    async def stay(self, uri: str) -> None:
        """Connect, and connect again whenever the connection has ended, until `close`."""
        await self.connect(uri)
        self._staying = asyncio.get_running_loop().create_task(self._come_back(uri))

    async def _come_back(self, uri: str) -> None:
        pause = _SOONEST
        while True:
            if self._reading is not None:
                await asyncio.shield(self._reading)
            await asyncio.sleep(pause * self._rng.uniform(0.8, 1.2))
            try:
                await self.connect(uri)
                pause = _SOONEST
            except (OSError, TimeoutError, WebSocketException, StationError):
                pause = min(pause * 2, _LATEST)

    def _id6(self) -> str:
        eui = int(self._station.eui)
        return ":".join(f"{eui >> shift & 0xFFFF:x}" for shift in (48, 32, 16, 0))

    async def close(self) -> None:
        """Leave, as a station does that restarts."""
        if self._staying is not None:
            self._staying.cancel()
        if self._connection is not None:
            await self._connection.close()
        if self._reading is not None:
            await self._reading

    async def _send(self, message: dict[str, Any]) -> None:
        if self._connection is None:
            raise ConnectionClosedError(None, None)
        await self._connection.send(json.dumps(message))

    def _soon(self, message: dict[str, Any]) -> None:
        asyncio.get_running_loop().create_task(self._unless_closed(message))

    async def _unless_closed(self, message: dict[str, Any]) -> None:
        try:
            await self._send(message)
        except ConnectionClosed:
            self.dropped.append("the connection is closed")

    async def _read(self, connection: ClientConnection) -> None:
        try:
            async for text in connection:
                message = json.loads(text)
                self.received.append(message)
                del self.received[:-_KEPT], self.dropped[:-_KEPT]
                if message["msgtype"] == "dnmsg":
                    self._downlink(message)
        except ConnectionClosed:
            return

    # What is heard.

    def frame(self, station: BaseStation, frame: HeardFrame) -> None:
        if not self._rates:
            # Its radio is set up by the configuration.
            return
        counter = station.counter()
        counter -= (counter - frame.timestamp) & _MASK_32
        ago = (station.counter() - counter) / 1_000_000
        gps = round(unix_to_gps(self._clock() - ago) * 1_000_000) if station.gps else 0
        fine = frame.fine
        if fine is not None:
            gps = fine.second * 1_000_000 + fine.nanosecond // 1000
        radio = {
            "DR": self._rate_of(frame.modulation),
            "Freq": frame.frequency,
            "RefTime": self._clock(),
            "upinfo": {
                "rctx": 0,
                "xtime": self._session << 48 | counter & _MASK_48,
                "gpstime": gps,
                "fts": -1 if fine is None else fine.nanosecond,
                "rssi": round(frame.heard.rssi),
                "snr": frame.heard.snr,
                "rxtime": self._clock() - ago,
            },
        }
        self._soon(message_of(frame.phy_payload) | radio)

    def _rate_of(self, modulation: Modulation) -> int:
        wanted = [modulation.sf, modulation.bandwidth] if isinstance(modulation, Lora) else [0, 0]
        return next(index for index, rate in enumerate(self._rates) if rate[:2] == wanted)

    async def ask_time(self) -> None:
        """Ask for GPS time, as a station with a PPS does."""
        await self._send({"msgtype": "timesync", "txtime": self._station.counter()})

    # What is sent.

    def _downlink(self, message: dict[str, Any]) -> None:
        if message["dC"] == 0:
            self._timed(message)
        elif message["dC"] == 1:
            delay = gps_to_unix(message["gpstime"] / 1_000_000) - self._clock()
            error = self._transmit(message, message["DR"], message["Freq"], delay=delay)
            self._done(message, error, delay)
        else:
            self._at_once(message, 0)

    def _timed(self, message: dict[str, Any]) -> None:
        xtime = message["xtime"]
        if xtime >> 48 != self._session:
            self.dropped.append("xtime of another session")
            return
        error: str | None = "no window"
        for number in (1, 2):
            if f"RX{number}DR" not in message:
                continue
            after = max(message["RxDelay"], 1) + number - 1
            timestamp = (xtime & _MASK_48) + after * 1_000_000 & _MASK_32
            error = self._transmit(
                message, message[f"RX{number}DR"], message[f"RX{number}Freq"], timestamp=timestamp
            )
            if error is None:
                ahead = (timestamp - self._station.timestamp()) & _MASK_32
                on_air = {"DR": message[f"RX{number}DR"], "Freq": message[f"RX{number}Freq"]}
                self._done(message | on_air, None, ahead / 1_000_000)
                return
        self._done(message, error, 0.0)

    def _at_once(self, message: dict[str, Any], tried: int) -> None:
        error = self._transmit(message, message["RX2DR"], message["RX2Freq"])
        if error is not None and tried + 1 < _TRIES:
            asyncio.get_running_loop().call_later(_BETWEEN, self._at_once, message, tried + 1)
            return
        self._done(message, error, 0.0)

    def _transmit(
        self,
        message: dict[str, Any],
        data_rate: int,
        frequency: int,
        *,
        timestamp: int | None = None,
        delay: float | None = None,
    ) -> str | None:
        low, high = self.config["freq_range"]
        if not low <= frequency <= high:
            return "frequency out of range"
        sf, bandwidth, _downlink_only = self._rates[data_rate]
        modulation: Modulation = Lora(sf, bandwidth) if sf else Fsk(50_000)
        payload = bytes.fromhex(message["pdu"])
        power = min(self.config["max_eirp"], 16.0)
        return self._station.transmit(payload, frequency, modulation, timestamp, power, delay=delay)

    def _done(self, message: dict[str, Any], error: str | None, delay: float) -> None:
        if error is not None:
            self.dropped.append(error)
            return
        said = {"msgtype": "dntxed", "diid": message["diid"], "seqno": message["diid"]}
        said |= {name: message[name] for name in ("DR", "Freq") if name in message}
        asyncio.get_running_loop().call_later(delay, self._soon, said | {"DevEui": message["DevEui"]})


def _number_of(id6: str) -> int:
    """The number that an ID6 stands for, where `::` stands for groups of zeros."""
    head, _gap, tail = id6.partition("::")
    before, after = ([int(group, 16) for group in part.split(":") if group] for part in (head, tail))
    groups = [*before, *[0] * (4 - len(before) - len(after)), *after]
    return sum(group << 16 * place for place, group in enumerate(reversed(groups)))


def message_of(phy_payload: bytes) -> dict[str, Any]:
    """A frame as Station takes it apart; what it does not know is sent whole."""
    kind = phy_payload[0] >> 5
    mic = int.from_bytes(phy_payload[-4:], "little", signed=True)
    if kind == 0 and len(phy_payload) == 23:
        return {
            "msgtype": "jreq",
            "MHdr": phy_payload[0],
            "JoinEui": _dashed(phy_payload[1:9]),
            "DevEui": _dashed(phy_payload[9:17]),
            "DevNonce": int.from_bytes(phy_payload[17:19], "little"),
            "MIC": mic,
        }
    if kind in (2, 4) and len(phy_payload) >= 12:
        options = phy_payload[5] & 0x0F
        rest = phy_payload[8 + options : -4]
        return {
            "msgtype": "updf",
            "MHdr": phy_payload[0],
            "DevAddr": int.from_bytes(phy_payload[1:5], "little", signed=True),
            "FCtrl": phy_payload[5],
            "FCnt": int.from_bytes(phy_payload[6:8], "little"),
            "FOpts": phy_payload[8 : 8 + options].hex().upper(),
            "FPort": rest[0] if rest else -1,
            "FRMPayload": rest[1:].hex().upper(),
            "MIC": mic,
        }
    return {"msgtype": "propdf", "FRMPayload": phy_payload.hex().upper()}


def _dashed(wire: bytes) -> str:
    return "-".join(f"{octet:02X}" for octet in reversed(wire))
