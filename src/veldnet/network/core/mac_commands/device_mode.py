"""DeviceMode: a 1.1 device says that it is of class A or class C from now on."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan.mac_commands import DeviceModeConf, DeviceModeInd, MacCommand
from veldnet.lorawan.mac_commands.device_mode import CLASS_A, CLASS_C
from veldnet.network.core.context import UplinkContext
from veldnet.network.core.state import Session

from .behaviour import Behaviour, Reaction

_CLASSES = {CLASS_A: "A", CLASS_C: "C"}


def received(
    session: Session, command: MacCommand, _request: bytes | None, _context: UplinkContext
) -> Reaction:
    assert isinstance(command, DeviceModeInd)
    mode = _CLASSES.get(command.device_class)
    if mode is None:
        return Reaction(session, note=f"DeviceModeInd for unknown class {command.device_class} is ignored")
    answer = DeviceModeConf(command.device_class)
    return Reaction(replace(session, device_mode=mode), answer, f"the device is of class {mode} now")


BEHAVIOUR = Behaviour(DeviceModeInd.CID, "deviceMode", received, device_begins=True, since="1.1")
