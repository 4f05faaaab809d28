"""Current class of a device, which changes with sessions, frames and MAC commands."""

from __future__ import annotations

from .events import Device
from .state import DeviceState, Session


def current_class(device: Device, session: Session) -> str:
    """`A`, `B` or `C`.

    Class B needs the plan's leave, the ClassB bit of the last uplink and a known ping-slot periodicity.
    Before 1.1 class C is a matter of the device's description; a 1.1 device announces it (DeviceModeInd).
    """
    if session.fcnt_up is None:
        return "A"
    plan = device.plan
    if session.class_b and session.ping_periodicity is not None and plan is not None and plan.allowClassB:
        return "B"
    if session.version_11:
        return session.device_mode or "A"
    return "C" if device.row.device_class == "C" else "A"


def has_unsolicited_downlinks(device: Device, state: DeviceState) -> bool:
    """Whether a downlink waits that needs no uplink to go out."""
    session = state.session
    if session is None or not any(not item.for_pending_session for item in state.queue):
        return False
    return current_class(device, session) != "A"
