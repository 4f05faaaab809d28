"""A virtual base station's connection to a real server: Semtech's UDP protocol, seen from its side."""

from __future__ import annotations

import asyncio
import base64
import json
import random
import struct
import time
from collections.abc import Callable
from itertools import count
from typing import Any, Self, cast

from veldnet.lorawan.gpstime import gps_to_unix, unix_to_gps
from veldnet.lorawan.modulation import Fsk, Lora, Modulation

from .base_station import BaseStation, HeardFrame

_KEEP_ALIVE = 5.0
# Keep-alives between two statistics, which come every half minute.
_STATISTICS_EVERY = 6
# A base station has a port of its own: a server sends nothing to one that comes back from another port until
# that has shown itself for a while, so that the first joins would get no answer.
_FIRST_PORT, _PORTS = 16_384, 16_384


class UdpLink(asyncio.DatagramProtocol):
    """Sends PUSH_DATA and PULL_DATA, takes PULL_RESP, answers TX_ACK. Protocol version 2. `clock` is Unix
    seconds."""

    def __init__(
        self, station: BaseStation, rng: random.Random, clock: Callable[[], float] = time.time
    ) -> None:
        self._station = station
        self._clock = clock
        self._rng = rng
        self._transport: asyncio.DatagramTransport | None = None
        self._task: asyncio.Task[None] | None = None
        self.acknowledged = 0
        # Of this time of statistics: datagrams, those acknowledged, frames heard.
        self._sent = self._confirmed = self._heard = 0
        self.connected = asyncio.Event()
        station.link = self

    @classmethod
    async def connect(
        cls,
        station: BaseStation,
        host: str,
        port: int,
        rng: random.Random,
        clock: Callable[[], float] = time.time,
    ) -> Self:
        """Connect to a server and wait for its first PULL_ACK. Raises `TimeoutError` without one."""
        loop = asyncio.get_running_loop()
        link = cls(station, rng, clock)
        own = ("0.0.0.0", _FIRST_PORT + int(station.eui) % _PORTS)  # noqa: S104 - talks to one server
        try:
            await loop.create_datagram_endpoint(lambda: link, local_addr=own, remote_addr=(host, port))
        except (OSError, ValueError):
            # Another one has it, or the server has an address of another kind.
            await loop.create_datagram_endpoint(lambda: link, remote_addr=(host, port))
        link._task = loop.create_task(link._keep_alive())
        try:
            async with asyncio.timeout(10):
                await link.connected.wait()
        except TimeoutError:
            await link.close()
            raise
        return link

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transport has the methods, not the base class.
        self._transport = cast(asyncio.DatagramTransport, transport)

    def error_received(self, exc: Exception) -> None:
        """The server is not there just now; keep-alives go on."""

    def _token(self) -> bytes:
        return self._rng.randbytes(2)

    async def _keep_alive(self) -> None:
        for number in count(1):
            if number % _STATISTICS_EVERY == 0:
                self._tell_statistics()
            self._send(b"\x02" + self._token() + b"\x02" + self._eui())
            await asyncio.sleep(_KEEP_ALIVE if self.connected.is_set() else 0.5)

    def _tell_statistics(self) -> None:
        acknowledged = 100.0 * self._confirmed / self._sent if self._sent else 0.0
        stat = {
            "time": time.strftime("%Y-%m-%d %H:%M:%S GMT", time.gmtime(self._clock())),
            "rxnb": self._heard + self._station.broken,
            "rxok": self._heard,
            "rxfw": self._heard,
            "ackr": round(acknowledged, 1),
            "dwnb": 0,
            "txnb": 0,
        }
        self._sent = self._confirmed = self._heard = self._station.broken = 0
        self._push(_HEAD.pack(2, self._token(), 0, self._eui()) + json.dumps({"stat": stat}).encode())

    def _push(self, datagram: bytes) -> None:
        self._sent += 1
        self._send(datagram)

    def _eui(self) -> bytes:
        return int(self._station.eui).to_bytes(8, "big")

    def _send(self, datagram: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.sendto(datagram)

    def frame(self, station: BaseStation, frame: HeardFrame) -> None:
        # The frame ended when its counter says, which may be a while ago on a busy machine.
        ago = ((station.timestamp() - frame.timestamp) & 0xFFFFFFFF) / 1_000_000
        gps = unix_to_gps(self._clock() - ago) if station.gps else None
        self._heard += 1
        self._push(push_data(self._eui(), self._token(), frame, gps))

    def datagram_received(self, data: bytes, addr: Any) -> None:
        if len(data) < 4:
            return
        if data[3] == 0x01:
            self.acknowledged += 1
            self._confirmed += 1
        elif data[3] == 0x04:
            self.connected.set()
        elif data[3] == 0x03:
            self._pull_resp(data)

    def _pull_resp(self, data: bytes) -> None:
        packet = json.loads(data[4:])["txpk"]
        payload = base64.b64decode(packet["data"])
        modulation: Modulation
        if packet["modu"] == "LORA":
            sf, bandwidth = packet["datr"][2:].split("BW")
            modulation = Lora(int(sf), int(bandwidth))
        else:
            modulation = Fsk(int(packet["datr"]))
        error = self._station.transmit(
            payload,
            round(packet["freq"] * 1_000_000),
            modulation,
            packet.get("tmst"),
            packet["powe"] + 2,
            delay=gps_to_unix(packet["tmms"] / 1000) - self._clock() if "tmms" in packet else None,
        )
        body = b"" if error is None else json.dumps({"txpk_ack": {"error": error}}).encode()
        self._send(b"\x02" + data[1:3] + b"\x05" + self._eui() + body)

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._transport is not None:
            self._transport.close()


_HEAD = struct.Struct(">B2sB8s")


def push_data(eui: bytes, token: bytes, frame: HeardFrame, gps: float | None = None) -> bytes:
    """A PUSH_DATA with one packet, as the reference forwarder writes it."""
    modulation, heard, phy_payload = frame.modulation, frame.heard, frame.phy_payload
    rate = (
        f'"LORA","datr":"{modulation}","codr":"4/5","lsnr":{heard.snr:.1f}'
        if isinstance(modulation, Lora)
        else f'"FSK","datr":{modulation.bitrate}'
        if isinstance(modulation, Fsk)
        else '"LORA"'
    )
    known = "" if gps is None else f'"tmms":{round(gps * 1000)},'
    if frame.fine is not None:
        second, nanosecond = frame.fine
        known = f'"tmms":{second * 1000 + nanosecond // 1_000_000},"ftime":{nanosecond},'
    body = (
        f'{{"rxpk":[{{"tmst":{frame.timestamp},{known}"chan":0,"rfch":0,'
        f'"freq":{frame.frequency / 1e6:.6f},"stat":1,'
        f'"modu":{rate},"rssi":{heard.rssi:.0f},"size":{len(phy_payload)},'
        f'"data":"{base64.b64encode(phy_payload).decode()}"}}]}}'
    )
    return _HEAD.pack(2, token, 0, eui) + body.encode()
