"""DeviceTime: answered with GPS time at the end of the uplink."""

from __future__ import annotations

from veldnet.lorawan.mac_commands import DeviceTimeAns, DeviceTimeReq, MacCommand
from veldnet.network.core.context import UplinkContext
from veldnet.network.core.state import Session

from .behaviour import Behaviour, Reaction


def received(
    session: Session, _command: MacCommand, _request: bytes | None, context: UplinkContext
) -> Reaction:
    ticks = round(context.event.received.gps_time * 256)
    return Reaction(session, DeviceTimeAns(ticks >> 8, ticks & 0xFF), "device time answered")


BEHAVIOUR = Behaviour(DeviceTimeReq.CID, "deviceTime", received, device_begins=True, since="1.0.3")
