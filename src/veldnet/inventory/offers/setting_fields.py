"""Describes the settings of plans and device profiles for forms, from their types."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from veldnet.lorawan.regions import REGIONS

from .settings import Document

Kind = Literal["boolean", "integer", "number", "text", "choice", "list", "object"]
_KINDS: dict[str, Kind] = {
    "boolean": "boolean",
    "integer": "integer",
    "number": "number",
    "array": "list",
    "object": "object",
}
_UNITS = {
    "minRx1Delay": "s",
    "responseTimeout": "s",
    "uplinkProcessing": "ms",
    "marginOffset": "dB",
    "rx2Frequency": "Hz",
    "pingSlotFrequency": "Hz",
    "beaconFrequency": "Hz",
    "dummyPayloadMaxSize": "bytes",
    "uplinkBucketSize": "frames",
    "downlinkBucketSize": "frames",
    "antennaGain": "dBi",
    "maxEirp": "dBm",
}


class SettingField(msgspec.Struct):
    """A setting: its kind, the words it may be, bounds of a number, its unit, and whether it may be null."""

    kind: Kind
    choices: list[str] = []
    least: float | None = None
    most: float | None = None
    pattern: str | None = None
    unit: str | None = None
    optional: bool = False


def setting_fields(kind: type[Document]) -> dict[str, SettingField]:
    """The settings by name."""
    schema = msgspec.json.schema(kind)["$defs"][kind.__name__]["properties"]
    return {name: _field(name, of) for name, of in schema.items()}


def _field(name: str, of: dict[str, Any]) -> SettingField:
    options = of.get("anyOf", [of])
    given = next(option for option in options if option.get("type") != "null")
    words = [word for word in given.get("enum", ()) if word is not None]
    field = SettingField(
        _KINDS.get(given.get("type", ""), "text"),
        least=given.get("minimum", given.get("exclusiveMinimum")),
        most=given.get("maximum"),
        pattern=given.get("pattern"),
        unit=_UNITS.get(name),
        optional=len(options) > 1 or None in given.get("enum", ()),
    )
    if name == "region":
        words = sorted(REGIONS)
    if words and isinstance(words[0], str):
        field.kind, field.choices = "choice", words
    elif words:
        field.kind, field.least, field.most = "integer", min(words), max(words)
    return field
