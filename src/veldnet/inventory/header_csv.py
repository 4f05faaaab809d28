"""The simple CSV for devices: a header of the API's member names, one device a row, all of them created.

An optional column `action` may say CREATE or DELETE. Empty cells count as absent.
"""

from __future__ import annotations

from typing import Any, get_args, get_type_hints

import msgspec

from .csv_import import ImportRow, Line
from .errors import BadRequest, InvalidField
from .resources import Device

_ACTION = "action"
# Given by the network, or with an inner structure that a cell cannot hold.
_NOT_TAKEN = frozenset(
    {"ref", "statistics", "commercialDetails", "applicationSessionKeyRules", "alarmThresholds"}
)
_NUMBERS = frozenset(name for name, kind in get_type_hints(Device).items() if float in get_args(kind))
COLUMNS = tuple(name for name in Device.__struct_fields__ if name not in _NOT_TAKEN)
# What an export adds about a device's life; passed over, so that it can be changed and imported again.
_PASSED_OVER = frozenset(
    {
        "healthState",
        "lastUplinkTime",
        "lastDownlinkTime",
        "last24hUplinkCount",
        "averageRSSI",
        "averageSNR",
        "lastSF",
        "lastMeanPER",
        "lastBatteryLevel",
    }
)
_BY_LOWER = {name.lower(): name for name in COLUMNS} | {"deveui": "EUI", "joineui": "applicationEUI"}


def is_header(cells: list[str]) -> bool:
    """Whether a first row is a header: it names the EUI."""
    return any(_BY_LOWER.get(cell.strip().lower()) == "EUI" for cell in cells)


def read(rows: list[list[str]]) -> list[Line]:
    """The lines of a file whose first row is its header. Raises `InvalidField` for unknown columns."""
    names = [_column(cell) for cell in rows[0]]
    twice = {name for name in names if name and names.count(name) > 1}
    if twice:
        raise InvalidField(f"the header names {', '.join(sorted(twice))} more than once")
    return [Line(_shown(names, cells), _line(names, cells)) for cells in rows[1:]]


def _column(cell: str) -> str:
    name = cell.strip()
    if name in _PASSED_OVER or not name:
        return ""
    if name.lower() == _ACTION:
        return _ACTION
    known = _BY_LOWER.get(name.lower())
    if known is None:
        raise InvalidField(f"column {name[:40]!r} is unknown; known are {_ACTION}, {', '.join(COLUMNS)}")
    return known


def _shown(names: list[str], cells: list[str]) -> list[str]:
    """What the answer shows of a row: its action and EUI."""
    given = dict(zip(names, cells, strict=False))
    return [given.get(_ACTION, "").strip() or "CREATE", given.get("EUI", "").strip()]


def _line(names: list[str], cells: list[str]) -> ImportRow | BadRequest | None:
    if cells[0].lstrip().startswith("#"):
        return None
    try:
        if len(cells) > len(names):
            raise InvalidField(f"the row has {len(cells)} cells, the header {len(names)}")
        given = {
            name: cell.strip() for name, cell in zip(names, cells, strict=False) if name and cell.strip()
        }
        action = given.pop(_ACTION, "CREATE").upper()
        if action == "DELETE":
            return ImportRow("delete", Device(EUI=given.get("EUI", "")))
        if action != "CREATE":
            raise InvalidField(f"action is {action[:40]!r} and should be CREATE or DELETE")
        return ImportRow("create", _device(given))
    except BadRequest as error:
        return error


def _device(given: dict[str, str]) -> Device:
    members: dict[str, Any] = dict(given)
    for name in _NUMBERS & given.keys():
        try:
            members[name] = float(given[name])
        except ValueError:
            raise InvalidField(f"{name} is {given[name][:40]!r} and should be a number") from None
    # The address of an OTAA device is the network's; an export shows it.
    if members.get("activationType") != "ABP":
        members.pop("networkAddress", None)
    if "dataflowTags" in given:
        members["dataflowTags"] = [tag for tag in given["dataflowTags"].split(";") if tag]
    try:
        return msgspec.convert(members, Device)
    except msgspec.ValidationError as error:
        text, _dash, path = str(error).rpartition(" - at `")
        raise InvalidField(f"{path.rstrip('`').removeprefix('$.')}: {text}" if text else str(error)) from None
