"""A base station and devices without air: they speak as the protocol says, and wait for the server alone."""

from __future__ import annotations

import base64
import itertools
import json
import random
import socket
import time

from veldnet.lorawan import AesKey, DevAddr, DevEui, GatewayEui, JoinEui
from veldnet.lorawan.gpstime import FineTime
from veldnet.lorawan.join import SessionKeys10
from veldnet.lorawan.regions import REGIONS
from veldnet.simulator.base_station import HeardFrame
from veldnet.simulator.device import Identity, Transmission, VirtualDevice
from veldnet.simulator.propagation import Heard
from veldnet.simulator.security import Security10
from veldnet.simulator.udp_link import push_data

_PULL_DATA, _PULL_RESP, _TX_ACK = 2, 3, 5
JOIN_EUI = JoinEui.parse("0059AC0000000001")


class Antenna:
    """A Semtech UDP packet forwarder."""

    def __init__(self, gateway_eui: str) -> None:
        self._eui = int(GatewayEui.parse(gateway_eui)).to_bytes(8, "big")
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._tokens = itertools.count(1)
        self._clock = itertools.count(1_000_000, 10_000_000)

    def connect(self, address: tuple[str, int]) -> None:
        """Where the server listens, also after it was restarted."""
        self._socket.connect(address)
        self.keep_alive()

    def keep_alive(self) -> None:
        self._keep_alive()

    def _keep_alive(self) -> None:
        self._socket.send(b"\x02" + self._token() + bytes((_PULL_DATA,)) + self._eui)

    def _token(self) -> bytes:
        return (next(self._tokens) & 0xFFFF).to_bytes(2, "big")

    def hear(self, sent: Transmission, snr: float = 8.0, fine: FineTime | None = None) -> None:
        """Forward a frame, with a fine time stamp where there is one. Keep-alives go on meanwhile, however
        long the frames are apart."""
        self._keep_alive()
        datagram = push_data(
            self._eui,
            self._token(),
            HeardFrame(
                sent.phy_payload,
                sent.frequency,
                sent.modulation,
                Heard(-70, snr),
                next(self._clock) & 0xFFFFFFFF,
                fine,
            ),
        )
        self._socket.send(datagram)

    def downlink(self, seconds: float, error: str = "") -> bytes | None:
        """The next frame that the server wants sent; None when there is none. With `error`, a reason of the
        protocol's, it is not sent."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._socket.settimeout(left)
            try:
                data = self._socket.recv(65_535)
            except TimeoutError:
                return None
            if data[3] == _PULL_RESP:
                told = json.dumps({"txpk_ack": {"error": error}}).encode() if error else b""
                self._socket.send(b"\x02" + data[1:3] + bytes((_TX_ACK,)) + self._eui + told)
                return base64.b64decode(json.loads(data[4:])["txpk"]["data"])
        return None


def device(dev_eui: str, app_key: str, nwk_key: str | None = None) -> VirtualDevice:
    """A device that has not joined."""
    identity = Identity(
        DevEui.parse(dev_eui),
        JOIN_EUI,
        AesKey.parse(app_key),
        None if nwk_key is None else AesKey.parse(nwk_key),
    )
    return VirtualDevice(identity, REGIONS["EU868"], random.SystemRandom(), data_rate=5)


def join(antenna: Antenna, virtual: VirtualDevice, *, attempts: int = 10, timeout: float = 3.0) -> None:
    """Join as a device does: again and again, each time with another nonce."""
    for _ in range(attempts):
        antenna.keep_alive()
        antenna.hear(virtual.join_request())
        accept = antenna.downlink(timeout)
        if accept is not None and virtual.receive(accept) is not None and virtual.joined:
            return
    raise AssertionError(f"{virtual.identity.dev_eui} does not join")


def personalised(dev_eui: str, dev_addr: str, nwk_s_key: str, app_s_key: str) -> VirtualDevice:
    """An ABP device, fresh from its maker."""
    virtual = device(dev_eui, "00" * 16)
    virtual.dev_addr = DevAddr.parse(dev_addr)
    virtual.security = Security10(SessionKeys10(AesKey.parse(nwk_s_key), AesKey.parse(app_s_key)))
    return virtual
