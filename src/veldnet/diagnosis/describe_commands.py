"""Describes the commands in a frame: MAC commands, and those of application packages in its payload."""

from __future__ import annotations

import msgspec

from veldnet.lorawan import packages
from veldnet.lorawan.mac_commands import DOWNLINK_COMMANDS, UPLINK_COMMANDS, MacCommand, parse
from veldnet.network.core.records import DownlinkRecord, Record, UplinkRecord

# Each in the versions that differ.
_PACKAGES = {
    packages.CLOCK_SYNC.port: (packages.CLOCK_SYNC,),
    packages.MULTICAST_SETUP[1].port: (packages.MULTICAST_SETUP[2],),
    packages.FRAGMENTATION[1].port: tuple(packages.FRAGMENTATION.values()),
    packages.FIRMWARE.port: (packages.FIRMWARE,),
}


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


def describe_package_commands(record: Record) -> list[str]:
    """What a payload in clear on the port of a package says, if all of it can be read as that package's
    commands. Where the versions of a package read it differently, each reading is named."""
    if not isinstance(record, UplinkRecord | DownlinkRecord) or record.fport not in _PACKAGES:
        return []
    if not record.payload or (isinstance(record, UplinkRecord) and record.encrypted):
        return []
    readings = {}
    for package in _PACKAGES[record.fport]:
        uplink = isinstance(record, UplinkRecord)
        stream = packages.parse(record.payload, package.uplink if uplink else package.downlink)
        if not stream.rest:
            readings[package.version] = [_words(command) for command in stream.commands]
    different = list(readings.values())
    if all(reading == different[0] for reading in different):
        return different[0] if different else []
    return [f"version {version}: {line}" for version, lines in readings.items() for line in lines]


def _words(command: MacCommand | packages.PackageCommand) -> str:
    members = msgspec.structs.asdict(command) if isinstance(command, msgspec.Struct) else {}
    return " ".join((command.NAME, *(f"{name}={_value(value)}" for name, value in members.items())))


def _value(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
