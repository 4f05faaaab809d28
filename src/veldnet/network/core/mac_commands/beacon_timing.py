"""BeaconTiming: the old way to find the beacon, still answered; DeviceTime has taken its place."""

from __future__ import annotations

from math import floor

from veldnet.lorawan.class_b import BEACON_PERIOD, SLOT
from veldnet.lorawan.mac_commands import BeaconTimingAns, BeaconTimingReq, MacCommand
from veldnet.network.core.context import UplinkContext
from veldnet.network.core.state import Session

from .behaviour import Behaviour, Reaction


def received(
    session: Session, command: MacCommand, _request: bytes | None, context: UplinkContext
) -> Reaction:
    assert isinstance(command, BeaconTimingReq)
    since = context.event.received.gps_time % BEACON_PERIOD
    delay = floor((BEACON_PERIOD - since) / SLOT)
    beacons = len(context.channel_plan.region.class_b.beacon_frequencies)
    channel = int(context.event.received.gps_time // BEACON_PERIOD + 1) % beacons
    return Reaction(session, BeaconTimingAns(delay, channel), "beacon timing answered")


BEHAVIOUR = Behaviour(BeaconTimingReq.CID, "beaconTiming", received, device_begins=True)
