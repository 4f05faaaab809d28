"""MAC commands: one module each for the wire form, a registry, and the stream of commands in a frame."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from .beacon_freq import BeaconFreqAns, BeaconFreqReq
from .beacon_timing import BeaconTimingAns, BeaconTimingReq
from .command import MacCommand
from .dev_status import DevStatusAns, DevStatusReq
from .device_time import DeviceTimeAns, DeviceTimeReq
from .dl_channel import DlChannelAns, DlChannelReq
from .duty_cycle import DutyCycleAns, DutyCycleReq
from .link_adr import LinkADRAns, LinkADRReq
from .link_check import LinkCheckAns, LinkCheckReq
from .new_channel import NewChannelAns, NewChannelReq
from .ping_slot_channel import PingSlotChannelAns, PingSlotChannelReq
from .ping_slot_info import PingSlotInfoAns, PingSlotInfoReq
from .rx_param_setup import RXParamSetupAns, RXParamSetupReq
from .rx_timing_setup import RXTimingSetupAns, RXTimingSetupReq
from .tx_param_setup import TxParamSetupAns, TxParamSetupReq

UPLINK_COMMANDS: dict[int, type[MacCommand]] = {
    command.CID: command
    for command in (
        LinkCheckReq,
        LinkADRAns,
        DutyCycleAns,
        RXParamSetupAns,
        DevStatusAns,
        NewChannelAns,
        RXTimingSetupAns,
        TxParamSetupAns,
        DlChannelAns,
        DeviceTimeReq,
        PingSlotInfoReq,
        PingSlotChannelAns,
        BeaconTimingReq,
        BeaconFreqAns,
    )
}

DOWNLINK_COMMANDS: dict[int, type[MacCommand]] = {
    command.CID: command
    for command in (
        LinkCheckAns,
        LinkADRReq,
        DutyCycleReq,
        RXParamSetupReq,
        DevStatusReq,
        NewChannelReq,
        RXTimingSetupReq,
        TxParamSetupReq,
        DlChannelReq,
        DeviceTimeAns,
        PingSlotInfoAns,
        PingSlotChannelReq,
        BeaconTimingAns,
        BeaconFreqReq,
    )
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
        return f"MAC command 0x{self.rest[0]:02X} is unknown or incomplete"


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
    "BeaconFreqAns",
    "BeaconFreqReq",
    "BeaconTimingAns",
    "BeaconTimingReq",
    "DevStatusAns",
    "DevStatusReq",
    "DeviceTimeAns",
    "DeviceTimeReq",
    "DlChannelAns",
    "DlChannelReq",
    "DutyCycleAns",
    "DutyCycleReq",
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
    "TxParamSetupAns",
    "TxParamSetupReq",
    "parse",
    "serialise",
]
