"""ThingPark's CSV for devices: one a row, its columns by position (Device Manager's import, columns A to X).

AppKeys stand there in clear, wrapped under an AES transport key (column S names its version), or encrypted
with the RSA exchange key (column X).
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator
from xml.etree import ElementTree

import msgspec
from msgspec import UNSET

from veldnet.domain.errors import BadRequest, InvalidField, MissingField
from veldnet.domain.resources import ApplicationSessionKeyRule, Device
from veldnet.texts import Text

from .csv_text import Row
from .lines import ACTIONS, EncryptedKey, ImportRow, Line, action_of, number_of, plain, refuse_number

# A column behind them has the reason in a file of refused rows, and is passed over.
# What stands behind the id of a routing profile in that of its application server.
_AS = ".AS"
COLUMNS = 27
_WRAPPED = 24
# Members of a device in ThingPark's columns.
_LETTERS = {
    "EUI": "B",
    "networkAddress": "C",
    "deviceProfileId": "D",
    "applicationEUI": "E",
    "networkSessionKey": "E",
    "applicationKey": "F",
    "applicationSessionKeyRules": "F",
    "connectivityPlanId": "H",
    "routingProfileId": "I",
    "name": "K",
    "geoLatitude": "L",
    "geoLongitude": "M",
    "administrativeInfo": "N",
    "motionIndicator": "Q",
    "hsmGroupId": "R",
    "nwkKey": "U",
}


def is_first_row(cells: list[str]) -> bool:
    """Whether cells look like a row of ThingPark's form."""
    if len(cells) < 2 or cells[0].upper() not in (*ACTIONS, ""):
        return False
    return re.fullmatch(r"[0-9A-Fa-f]{16}", plain(cells[1])) is not None or cells[0].upper() in ACTIONS


def read(rows: list[Row]) -> list[Line]:
    """The lines of a file in ThingPark's form."""
    return list(read_rows(rows))


def read_rows(rows: Iterable[Row]) -> Iterator[Line]:
    """The same, one by one."""
    return map(_line, rows)


def _line(row: Row) -> Line:
    cells = row.cells
    found: ImportRow | BadRequest
    try:
        if any(cells[COLUMNS + 1 :]):
            raise InvalidField(
                "{count} columns, at most {most} (A to AA) have a meaning",
                count=len(cells),
                most=COLUMNS,
            )
        found = _row(cells[:COLUMNS] + [""] * (COLUMNS - len(cells)))
    except BadRequest as error:
        found = error
    eui = cells[1] if len(cells) > 1 else ""
    return Line(row.line, action_of(cells[0].upper()), eui, cells, _LETTERS, found)


def _row(c: list[str]) -> ImportRow:
    action = c[0].upper()
    if action == "DELETE":
        return ImportRow("delete", Device(EUI=_eui(c[1])))
    if action not in ("CREATE_OTAA", "CREATE_ABP", "CREATE", ""):
        raise InvalidField(
            "column A must be CREATE_OTAA, CREATE_ABP, CREATE or DELETE; a file with a header names its "
            "column of DevEUIs"
        )
    otaa = action == "CREATE_OTAA"
    device = Device(
        EUI=_eui(c[1]),
        activationType="OTAA" if otaa else "ABP",
        deviceProfileId=_given(c[3], "D", "device profile id"),
        connectivityPlanId=c[7] or UNSET,
        routingProfileId=c[8] or UNSET,
        name=c[10] or UNSET,
        geoLatitude=_number(c[11], "L"),
        geoLongitude=_number(c[12], "M"),
        administrativeInfo=c[13] or UNSET,
    )
    if c[16]:
        device = _with_motion(device, c[16])
    if c[19]:
        device.routingProfileId = _application_server(c[19], c[8])
    remarks = tuple(
        Text("column {column} is not taken", column=column)
        for column, value in (("C", otaa and c[2]), ("O", c[14]))
        if value
    )
    if not otaa:
        return ImportRow("create", _personalised(device, c), remarks=remarks)
    device.applicationEUI = plain(_given(c[4], "E", "JoinEUI"))
    device.hsmGroupId = c[17] or UNSET
    app_key = _key(_given(c[5], "F", "AppKey"), c[18], c[23], "F", "S")
    nwk_key = _key(c[20], c[21], c[23], "U", "V") if c[20] else None
    if isinstance(app_key, str):
        device.applicationKey = app_key
        return ImportRow("create", device, None, nwk_key, remarks=remarks)
    return ImportRow("create", device, app_key, nwk_key, remarks=remarks)


def _application_server(identifier: str, routing: str) -> str:
    """The routing profile of an application server. Raises `InvalidField`."""
    found = identifier.removesuffix(_AS)
    if "," in found or routing not in ("", found):
        raise InvalidField(
            "column T (AS ids): a device has one application server; name it there or in column I"
        )
    return found


def _with_motion(device: Device, word: str) -> Device:
    """The word must be a known one."""
    members = msgspec.to_builtins(device) | {"motionIndicator": word}
    try:
        return msgspec.convert(members, Device)
    except msgspec.ValidationError as error:
        raise InvalidField("column Q: {error}", error=error) from None


def _personalised(device: Device, c: list[str]) -> Device:
    device.networkAddress = plain(_given(c[2], "C", "DevAddr"))
    device.networkSessionKey = plain(_given(c[4], "E", "NwkSKey"))
    if c[17]:
        raise InvalidField("column R (HSM group) is for OTAA devices")
    if c[5]:
        device.applicationSessionKeyRules = list(_app_s_keys(c[5]))
    return device


def _app_s_keys(text: str) -> Iterator[ApplicationSessionKeyRule]:
    # Declarations and entities are of no use here, and can be made to swell.
    if "<!" in text or "<?" in text or len(text) > 10_000:
        raise InvalidField("column F must be plain <AppSKeys>, without declarations")
    try:
        root = ElementTree.fromstring(text)  # noqa: S314 - without declarations there are no entities
    except ElementTree.ParseError as error:
        raise InvalidField("column F is no XML: {error}", error=error) from None
    if root.tag != "AppSKeys":
        raise InvalidField('column F must look like <AppSKeys><AppSKey Port="1-2">...</AppSKey></AppSKeys>')
    for entry in root:
        yield ApplicationSessionKeyRule((entry.text or "").strip(), entry.get("Port", "*"))


def _given(text: str, column: str, what: str) -> str:
    if not text:
        raise MissingField("column {column} ({what}) is mandatory", column=column, what=what)
    return text


def _eui(text: str) -> str:
    refuse_number(_given(text, "B", "DevEUI"), "column B")
    return plain(text)


def _number(text: str, column: str) -> float | msgspec.UnsetType:
    return number_of(text, f"column {column}") if text else UNSET


def _key(text: str, aes: str, rsa: str, column: str, aes_column: str) -> EncryptedKey | str:
    """A root key: in clear, or encrypted in the form whose version is given."""
    if aes and rsa:
        raise InvalidField("columns {aes_column} and X exclude each other", aes_column=aes_column)
    if aes:
        text = plain(text)
        octets = bytes.fromhex(text) if re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", text) else b""
        if len(octets) != _WRAPPED:
            raise InvalidField(
                "column {column} must be 48 hexadecimal digits: the key wrapped under the transport key "
                "(RFC 3394)",
                column=column,
            )
        return EncryptedKey("AES", _version(aes, aes_column), octets)
    if rsa:
        try:
            octets = base64.b64decode("".join(text.split()), validate=True)
        except (binascii.Error, ValueError):
            octets = b""
        # As long as an RSA key of 1024 to 8192 bits.
        if not 128 <= len(octets) <= 1024:
            raise InvalidField(
                "column {column} must be base64 of the key under the exchange key, as column X is given",
                column=column,
            )
        return EncryptedKey("RSA", _version(rsa, "X"), octets)
    text = plain(text)
    if not re.fullmatch(r"[0-9A-Fa-f]{32}", text):
        # It may be a key: it is not repeated.
        raise InvalidField(
            "column {column} must be 32 hexadecimal digits, or encrypted with the version of its key "
            "in column {aes_column} or X",
            column=column,
            aes_column=aes_column,
        )
    return text


def _version(text: str, column: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 9):
        raise InvalidField("column {column} should be the version of a key, a whole number", column=column)
    return int(text)
