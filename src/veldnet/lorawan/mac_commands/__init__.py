"""MAC commands: one module each for the wire form, a registry, and the stream of commands in a frame."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from .adr_param_setup import ADRParamSetupAns, ADRParamSetupReq
from .beacon_freq import BeaconFreqAns, BeaconFreqReq
from .beacon_timing import BeaconTimingAns, BeaconTimingReq
from .command import MacCommand
from .dev_status import DevStatusAns, DevStatusReq
from .device_mode import DeviceModeConf, DeviceModeInd
from .device_time import DeviceTimeAns, DeviceTimeReq
from .dl_channel import DlChannelAns, DlChannelReq
from .duty_cycle import DutyCycleAns, DutyCycleReq
from .force_rejoin import ForceRejoinReq
from .link_adr import LinkADRAns, LinkADRReq
from .link_check import LinkCheckAns, LinkCheckReq
from .new_channel import NewChannelAns, NewChannelReq
from .ping_slot_channel import PingSlotChannelAns, PingSlotChannelReq
from .ping_slot_info import PingSlotInfoAns, PingSlotInfoReq
from .rejoin_param_setup import RejoinParamSetupAns, RejoinParamSetupReq
from .rekey import RekeyConf, RekeyInd
from .reset import ResetConf, ResetInd
from .rx_param_setup import RXParamSetupAns, RXParamSetupReq
from .rx_timing_setup import RXTimingSetupAns, RXTimingSetupReq
from .tx_param_setup import TxParamSetupAns, TxParamSetupReq

UPLINK_COMMANDS: dict[int, type[MacCommand]] = {
    command.CID: command
    for command in (
        ResetInd,
        LinkCheckReq,
        LinkADRAns,
        DutyCycleAns,
        RXParamSetupAns,
        DevStatusAns,
        NewChannelAns,
        RXTimingSetupAns,
        TxParamSetupAns,
        DlChannelAns,
        RekeyInd,
        ADRParamSetupAns,
        DeviceTimeReq,
        RejoinParamSetupAns,
        PingSlotInfoReq,
        PingSlotChannelAns,
        BeaconTimingReq,
        BeaconFreqAns,
        DeviceModeInd,
    )
}

DOWNLINK_COMMANDS: dict[int, type[MacCommand]] = {
    command.CID: command
    for command in (
        ResetConf,
        LinkCheckAns,
        LinkADRReq,
        DutyCycleReq,
        RXParamSetupReq,
        DevStatusReq,
        NewChannelReq,
        RXTimingSetupReq,
        TxParamSetupReq,
        DlChannelReq,
        RekeyConf,
        ADRParamSetupReq,
        DeviceTimeAns,
        ForceRejoinReq,
        RejoinParamSetupReq,
        PingSlotInfoAns,
        PingSlotChannelReq,
        BeaconTimingAns,
        BeaconFreqReq,
        DeviceModeConf,
    )
}

# Commands that are known by name and not read: their CIDs end the reading like unknown ones.
_UNREAD = {
    0x40: "RelayConf",
    0x41: "EndDeviceConf",
    0x42: "FilterList",
    0x43: "UpdateUplinkList",
    0x44: "CtrlUplinkList",
    0x45: "ConfigureFwdLimit",
    0x46: "NotifyNewEndDevice",
}


class MacStream(msgspec.Struct, frozen=True):
    """The commands of one frame, in order; `rest` is what an unknown or cut command left unread."""

    commands: tuple[MacCommand, ...]
    rest: bytes = b""

    @property
    def problem(self) -> str | None:
        """Why reading stopped early, in words, or None."""
        if not self.rest:
            return None
        cid = self.rest[0]
        if cid in _UNREAD:
            return f"relay command {_UNREAD[cid]} (0x{cid:02X}) is not supported and ends the reading"
        if cid >= 0x80:
            return f"proprietary MAC command 0x{cid:02X} ends the reading"
        return f"MAC command 0x{cid:02X} is unknown or incomplete and ends the reading"


def parse(octets: bytes, registry: dict[int, type[MacCommand]]) -> MacStream:
    """Read MAC commands; an unknown CID ends the reading, for its length is not known."""
    commands: list[MacCommand] = []
    position = 0
    while position < len(octets):
        kind = registry.get(octets[position])
        if kind is None or position + 1 + kind.SIZE > len(octets):
            return MacStream(tuple(commands), octets[position:])
        commands.append(kind.from_payload(octets[position + 1 : position + 1 + kind.SIZE]))
        position += 1 + kind.SIZE
    return MacStream(tuple(commands))


def serialise(commands: Iterable[MacCommand]) -> bytes:
    """CID and payload of each command, in order."""
    return b"".join(bytes((command.CID,)) + command.payload() for command in commands)


__all__ = [
    "DOWNLINK_COMMANDS",
    "UPLINK_COMMANDS",
    "ADRParamSetupAns",
    "ADRParamSetupReq",
    "BeaconFreqAns",
    "BeaconFreqReq",
    "BeaconTimingAns",
    "BeaconTimingReq",
    "DevStatusAns",
    "DevStatusReq",
    "DeviceModeConf",
    "DeviceModeInd",
    "DeviceTimeAns",
    "DeviceTimeReq",
    "DlChannelAns",
    "DlChannelReq",
    "DutyCycleAns",
    "DutyCycleReq",
    "ForceRejoinReq",
    "LinkADRAns",
    "LinkADRReq",
    "LinkCheckAns",
    "LinkCheckReq",
    "MacCommand",
    "MacStream",
    "NewChannelAns",
    "NewChannelReq",
    "PingSlotChannelAns",
    "PingSlotChannelReq",
    "PingSlotInfoAns",
    "PingSlotInfoReq",
    "RXParamSetupAns",
    "RXParamSetupReq",
    "RXTimingSetupAns",
    "RXTimingSetupReq",
    "RejoinParamSetupAns",
    "RejoinParamSetupReq",
    "RekeyConf",
    "RekeyInd",
    "ResetConf",
    "ResetInd",
    "TxParamSetupAns",
    "TxParamSetupReq",
    "device_mode",
    "parse",
    "serialise",
]
