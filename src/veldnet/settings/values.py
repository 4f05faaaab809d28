"""Types of settings: durations and addresses, and how a setting is described."""

from __future__ import annotations

import re
from typing import Any, ClassVar

from msgspec import Meta


class SettingsError(Exception):
    """A setting is unknown or has a value it must not have."""


class Duration(float):
    """Seconds. Written as a number of seconds, or with a unit: `200ms`, `10s`, `5m`, `24h`, `35d`."""

    _UNITS: ClassVar[dict[str, float]] = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0}
    _FORM: ClassVar[re.Pattern[str]] = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?")

    @classmethod
    def parse(cls, value: object) -> Duration:
        if isinstance(value, int | float) and not isinstance(value, bool):
            return cls(value)
        found = cls._FORM.fullmatch(str(value).strip())
        if found is None:
            raise ValueError(f"{value!r} is not a duration; write for example 200ms, 10s, 5m, 24h or 35d")
        return cls(float(found[1]) * cls._UNITS[found[2] or "s"])


class Address(str):
    """`HOST:PORT`; an IPv6 host stands in brackets. Port 0 takes any free one."""

    @property
    def host(self) -> str:
        return self.rpartition(":")[0].strip("[]")

    @property
    def port(self) -> int:
        return int(self.rpartition(":")[2])

    @classmethod
    def parse(cls, value: object) -> Address:
        text = str(value)
        host, _colon, port = text.rpartition(":")
        if not host or not (port.isascii() and port.isdigit()) or int(port) > 65_535:
            raise ValueError(f"{text!r} is not HOST:PORT")
        return cls(text)


class OptionalAddress(Address):
    """`HOST:PORT`, or nothing where nobody is listened to."""

    @classmethod
    def parse(cls, value: object) -> OptionalAddress:
        return cls("") if value == "" else cls(Address.parse(value))


def about(text: str, **limits: Any) -> Meta:
    return Meta(description=text, **limits)
