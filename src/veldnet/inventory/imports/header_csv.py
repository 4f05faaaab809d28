"""The simple CSV for devices: a header that names columns, one device a row, all of them created.

Columns are the API's members, under their own names or under those that makers of devices use; case,
blanks, dashes and underscores do not matter. An optional column `action` may say CREATE or DELETE. Empty
cells count as absent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, get_args, get_type_hints

import msgspec

from veldnet.domain.errors import BadRequest, InvalidField, MissingField
from veldnet.domain.resources import Device, VeldnetDevice
from veldnet.domain.validation import validation_text
from veldnet.inventory.devices import OBSERVED_COLUMNS
from veldnet.texts import Text

from .csv_text import Row, letter
from .lines import ImportRow, Line, action_of, may_be_key, number_of, plain, refuse_number

_ACTION = "action"
_NWK_KEY = "networkKey"
_GEN_APP_KEY = "genAppKey"
_APP_S_KEY = "applicationSessionKey"
# Given by the network, or with an inner structure that a cell cannot hold.
_NOT_TAKEN = frozenset(
    {"ref", "statistics", "commercialDetails", "applicationSessionKeyRules", "alarmThresholds"}
)
_HINTS = get_type_hints(VeldnetDevice)
_NUMBERS = frozenset(name for name, kind in _HINTS.items() if float in get_args(kind))
_LISTS = frozenset(name for name, kind in _HINTS.items() if list[str] in get_args(kind))
_DIGITS = frozenset(
    {
        "EUI",
        "applicationEUI",
        "applicationKey",
        "networkAddress",
        "networkSessionKey",
        _APP_S_KEY,
        _NWK_KEY,
        _GEN_APP_KEY,
    }
)
COLUMNS = tuple(name for name in VeldnetDevice.__struct_fields__ if name not in _NOT_TAKEN)
# What an export adds is passed over, so that it can be changed and imported again.
_PASSED_OVER = (
    "ref",
    *OBSERVED_COLUMNS,
    # Of a file of refused rows.
    "reason",
)
# The names under which makers, other servers and people have the same thing, the console's in Dutch among
# them.
_ALIASES = {
    "EUI": "deveui deviceeui endeviceeui nodeeui hardwareserial",
    "applicationEUI": "appeui joineui appeuijoineui joineuiappeui applicationidentifier",
    "applicationKey": "appkey otaaappkey otaakey deviceappkey",
    _NWK_KEY: "nwkkey networkkey",
    _GEN_APP_KEY: "genappkey genericappkey",
    "networkAddress": "devaddr deviceaddress deviceaddr",
    "networkSessionKey": "nwkskey fnwksintkey networkskey",
    _APP_S_KEY: "appskey applicationskey applicationsessionkey",
    "name": "devicename label naam apparaatnaam",
    "deviceProfileId": "deviceprofile profile profileid apparaatprofiel",
    "connectivityPlanId": "connectivityplan plan planid connectiviteitsplan",
    "routingProfileId": "routingprofile routing asroutingprofile asroutingprofileid routeringsprofiel",
    "hsmGroupId": "hsmgroup hsm hsmgroep",
    "geoLatitude": "latitude lat breedtegraad",
    "geoLongitude": "longitude lon lng long lengtegraad",
    "administrativeInfo": "info admininfo description comment comments omschrijving opmerking opmerkingen",
    "activationType": "activation activationmode jointype activatie",
    "deviceClass": "class loraclass lorawanclass klasse",
    _ACTION: "operation actie",
}


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


_BY_KEY = {
    **{_key(name): "" for name in _PASSED_OVER},
    **{alias: name for name, aliases in _ALIASES.items() for alias in aliases.split()},
    **{_key(name): name for name in (*COLUMNS, _ACTION)},
}


def is_header(cells: list[str]) -> bool:
    """Whether a first row is a header: it names the EUI."""
    return any(_BY_KEY.get(_key(cell)) == "EUI" for cell in cells)


def read(rows: list[Row]) -> list[Line]:
    """The lines of a file whose first row is its header. Raises `InvalidField` for unknown columns."""
    header, *body = rows
    return list(read_rows(header, body))


def read_rows(header: Row, body: Iterable[Row]) -> Iterator[Line]:
    """The same, one by one."""
    names = [_column(header, position) for position in range(len(header.cells))]
    twice = {name for name in names if name and names.count(name) > 1}
    if twice:
        raise InvalidField(
            "line {line}: the header names {known} more than once",
            line=header.line,
            known=", ".join(sorted(twice)),
        )
    columns = {
        name: f"{letter(position)} ({header.cells[position]})" for position, name in enumerate(names) if name
    }
    for row in body:
        yield _read(names, columns, row, header.cells)


def _column(header: Row, position: int) -> str:
    cell = header.cells[position]
    name = "" if not cell else _BY_KEY.get(_key(cell))
    if name is None:
        known = ", ".join((_ACTION, *COLUMNS))
        shown = Text("the name") if may_be_key(cell) else repr(cell[:40])
        raise InvalidField(
            "line {line}, column {position}: {shown} is unknown; remove the column, or name it one of"
            " {known}",
            line=header.line,
            position=letter(position),
            shown=shown,
            known=known,
        )
    return name


def _read(names: list[str], columns: dict[str, str], row: Row, header: list[str]) -> Line:
    given = {name: cell for name, cell in zip(names, row.cells, strict=False) if name and cell}
    action = given.pop(_ACTION, "").upper()
    shown = action_of(action) or "CREATE"
    found: ImportRow | BadRequest
    try:
        if any(row.cells[len(names) :]):
            raise InvalidField(
                "the row has {cells} cells, the header {names}", cells=len(row.cells), names=len(names)
            )
        if action not in ("", "CREATE", "DELETE"):
            raise InvalidField("action must be CREATE or DELETE")
        if "EUI" not in given:
            raise MissingField("EUI is mandatory: the DevEUI of the device, 16 hexadecimal digits")
        refuse_number(given["EUI"], "EUI")
        given |= {name: plain(given[name]) for name in _DIGITS & given.keys()}
        found = _created(given) if action != "DELETE" else ImportRow("delete", Device(EUI=given["EUI"]))
    except BadRequest as error:
        found = error
    return Line(row.line, shown, given.get("EUI", ""), row.cells, columns, found, header)


def _created(given: dict[str, str]) -> ImportRow:
    members: dict[str, Any] = dict(given)
    for name in _NUMBERS & given.keys():
        members[name] = number_of(given[name], name)
    # The address of an OTAA device is the network's; an export shows it.
    if members.get("activationType") != "ABP":
        members.pop("networkAddress", None)
    for name in _LISTS & given.keys():
        members[name] = [each.strip() for each in re.split(r"[;|,]", given[name]) if each.strip()]
    nwk_key, gen_app_key = members.pop(_NWK_KEY, None), members.pop(_GEN_APP_KEY, None)
    if _APP_S_KEY in members:
        members["applicationSessionKeyRules"] = [
            {"applicationSessionKey": members.pop(_APP_S_KEY), "sourcePorts": "*"}
        ]
    try:
        return ImportRow("create", msgspec.convert(members, VeldnetDevice), None, nwk_key, gen_app_key)
    except msgspec.ValidationError as error:
        raise InvalidField(validation_text(str(error))) from None
