"""A line of a file of devices: what it asks for, or what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import msgspec
from msgspec import UNSET, UnsetType

from veldnet.domain.errors import BadRequest, InvalidField
from veldnet.domain.resources import Device
from veldnet.keys import Form
from veldnet.lorawan import DevEui, InvalidIdentifier
from veldnet.texts import Language, Text, in_language

Action = Literal["create", "delete", "ensure"]


class EncryptedKey(msgspec.Struct, frozen=True):
    """A root key as it came: encrypted with the key of a form and version."""

    form: Form
    version: int
    octets: bytes


class ImportRow(msgspec.Struct, frozen=True):
    """A row that can be carried out, as far as that needs no other row. `ensure` creates a device, or brings
    one that is there to what the row says; `routing_profile` is a name, instead of an id in `device`."""

    action: Action
    device: Device
    app_key: EncryptedKey | None = None
    nwk_key: EncryptedKey | str | None = None
    gen_app_key: str | None = None
    routing_profile: str | UnsetType = UNSET
    # What was given and is not taken.
    remarks: tuple[Text, ...] = ()


class Line(msgspec.Struct, frozen=True):
    """A row of the file by its line, and what it says or what is wrong with it. `eui` is as it was given;
    `columns` has the columns of members, as people find them in their spreadsheet."""

    number: int
    action: str
    eui: str
    cells: list[str]
    columns: Mapping[str, str]
    row: ImportRow | BadRequest
    # The cells of the header, where there is one.
    header: list[str] | None = None

    @property
    def shown_eui(self) -> str:
        """The DevEUI, if it is one: anything else may be a key."""
        try:
            return str(DevEui.parse(plain(self.eui)))
        except InvalidIdentifier:
            return ""

    def refusal(self, problem: Text, language: Language = "en") -> tuple[str, str]:
        """What is wrong with the row in words that name line and column, and the column. Whatever the
        message took from a cell that may be a key is left out."""
        text = str(problem)
        named = _MEMBER.match(text)
        column = self.columns.get(named[2], named[2] if named[1] else "") if named else ""
        if not column:
            name = next((name for start, name in _STARTS if text.startswith(start)), "")
            column = self.columns.get(name, "")
        text = in_language(problem, language)
        if named is not None and named[1]:
            text = _COLUMN.sub("", text)
        where = Text("line {line}", line=self.number)
        if column:
            where = Text("line {line}, column {column}", line=self.number, column=column)
        return f"{in_language(where, language)}: {self._without_keys(text)}", column

    def _without_keys(self, text: str) -> str:
        for cell in sorted(self.cells, key=len, reverse=True):
            if may_be_key(cell):
                for length in (len(cell), 200, 80, 40):
                    for form in (cell[:length], repr(cell[:length])[1:-1], plain(cell)[:length]):
                        text = text.replace(form, _HIDDEN)
        return _LONG_DIGITS.sub(_HIDDEN, text)


_HIDDEN = "(not shown)"
_MEMBER = re.compile(r"(column )?([A-Za-z]+)\b")
# A text that begins with its column, in every language.
_COLUMN = re.compile(r"\A(?:column|kolom) [A-Za-z]+\b[ :]*")
_LONG_DIGITS = re.compile(r"[0-9A-Fa-f](?:[-: ]?[0-9A-Fa-f]){19,}")
# Refusals that do not begin with the member at fault.
_STARTS = (
    ("No ConnectivityPlan", "connectivityPlanId"),
    ("no connectivity plan", "connectivityPlanId"),
    ("connectivity plan", "connectivityPlanId"),
    ("an encrypted key needs an HSM group", "hsmGroupId"),
    ("the HSM group", "hsmGroupId"),
)
ACTIONS = ("CREATE_OTAA", "CREATE_ABP", "CREATE", "DELETE")


def may_be_key(cell: str) -> bool:
    """Whether a cell has as many hexadecimal digits as no EUI has."""
    return sum(character in "0123456789abcdefABCDEF" for character in cell) >= 20


def plain(text: str) -> str:
    """Hexadecimal digits without what people put between and before them; other text as it is."""
    digits = re.sub(r"[\s:.\-]", "", text)
    digits = digits[2:] if digits[:2] in ("0x", "0X") else digits
    return digits if re.fullmatch(r"[0-9A-Fa-f]+", digits) else text


def action_of(text: str) -> str:
    """An action for the answer; nothing else of that column is repeated."""
    return text if text in ACTIONS else ""


def number_of(text: str, name: str) -> float:
    """A number with a point, or a comma as in most countries. Raises `InvalidField`."""
    if re.fullmatch(r"[+-]?[0-9]{1,3}(?:[.,][0-9]{1,20})?", text):
        return float(text.replace(",", "."))
    raise InvalidField("{name} should be a number such as 52.0907 or 52,0907", name=name)


def refuse_number(text: str, name: str) -> None:
    """Say what happened to an EUI of decimal digits in a spreadsheet. Raises `InvalidField`."""
    if re.fullmatch(r"[0-9][.,]?[0-9]*[eE]\+[0-9]+", text):
        raise InvalidField(
            "{name} was made a number by the spreadsheet; format the column as text and enter the EUIs again",
            name=name,
        )
