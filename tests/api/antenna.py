"""A base station of a server in this process: its datagrams go over a socket, its time is the server's."""

from __future__ import annotations

import json

from tests.api.hosting import HostedServer
from tests.e2e import radio
from veldnet.lorawan.gpstime import FineTime
from veldnet.simulator.device import Transmission

_STEP = 0.1


class Antenna(radio.Antenna):
    def __init__(self, server: HostedServer, gateway_eui: str) -> None:
        super().__init__(gateway_eui)
        self._server = server
        self.connect(server.udp)

    def keep_alive(self) -> None:
        super().keep_alive()
        self._server.pass_time(_STEP)

    def hear(self, sent: Transmission, snr: float = 8.0, fine: FineTime | None = None) -> None:
        super().hear(sent, snr, fine)
        self._server.pass_time(_STEP)

    def hear_at_once(self, sent: Transmission, fine: FineTime | None = None) -> None:
        """Forward a frame that others hear in the same moment: no time passes."""
        super().hear(sent, fine=fine)

    def downlink(self, seconds: float, error: str = "") -> bytes | None:
        end = self._server.clock() + seconds
        while self._server.clock() < end:
            found = super().downlink(0.001, error)
            if found is not None:
                # What the base station said of it is read.
                self._server.pass_time(_STEP)
                return found
            self._server.pass_time(_STEP)
        return None


class Reporting(Antenna):
    """A packet forwarder that sends status reports."""

    def report(self, **fields: float) -> None:
        body = json.dumps({"stat": fields}).encode()
        self._socket.send(b"\x02" + self._token() + b"\x00" + self._eui + body)
        self._server.pass_time(_STEP)
