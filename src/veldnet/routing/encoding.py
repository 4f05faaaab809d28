"""The two forms of a tunnel message. A message is a mapping of member names to values, in order."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import msgspec

NAMESPACE = "http://uri.actility.com/lora"
# Members that XML carries as a JSON text.
_JSON_IN_XML = frozenset({"CustomerData", "DriverCfg"})

_encoder = msgspec.json.Encoder()


def to_json(name: str, fields: Mapping[str, Any]) -> bytes:
    """`{"DevEUI_uplink": {…}}` with numbers as numbers."""
    return _encoder.encode({name: fields})


def to_xml(name: str, fields: Mapping[str, Any]) -> bytes:
    """One child element for each member, in ThingPark's namespace."""
    parts = [f'<?xml version="1.0" encoding="UTF-8"?>\n<{name} xmlns="{NAMESPACE}">']
    for member, value in fields.items():
        _element(parts, member, value)
    parts.append(f"</{name}>")
    return "".join(parts).encode()


def _element(parts: list[str], member: str, value: Any) -> None:
    if member in _JSON_IN_XML:
        parts.append(f"<{member}>{escape(_encoder.encode(value).decode(), quote=False)}</{member}>")
    elif isinstance(value, Mapping):
        parts.append(f"<{member}>")
        for inner, content in value.items():
            _element(parts, inner, content)
        parts.append(f"</{member}>")
    elif isinstance(value, list):
        for content in value:
            _element(parts, member, content)
    elif isinstance(value, float):
        parts.append(f"<{member}>{value:.6f}</{member}>")
    else:
        parts.append(f"<{member}>{escape(_printable(str(value)), quote=False)}</{member}>")


def _printable(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold."""
    if text.isprintable():
        return text
    return "".join(c for c in text if c in "\t\n\r" or ord(c) >= 32)
