"""Describes the MAC commands of a frame."""

from __future__ import annotations

import msgspec

from veldnet.lorawan.mac_commands import DOWNLINK_COMMANDS, UPLINK_COMMANDS, MacCommand, parse
from veldnet.network.core.records import DownlinkRecord, Record, UplinkRecord


def describe_mac_commands(record: Record) -> list[str]:
    """Each command with its parameters, as `LinkADRReq data_rate=5 tx_power=1`."""
    if isinstance(record, UplinkRecord):
        stream = parse(record.mac, UPLINK_COMMANDS)
    elif isinstance(record, DownlinkRecord):
        stream = parse(record.mac, DOWNLINK_COMMANDS)
    else:
        return []
    found = [_words(command) for command in stream.commands]
    return found if stream.problem is None else [*found, stream.problem]


def _words(command: MacCommand) -> str:
    members = msgspec.structs.asdict(command) if isinstance(command, msgspec.Struct) else {}
    return " ".join((command.NAME, *(f"{name}={value}" for name, value in members.items())))
