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


class Processes(str):
    """A number of processes, or `auto`."""

    MOST: ClassVar[int] = 64

    @property
    def number(self) -> int:
        """With `auto` one: more were not measured to be better on two cores."""
        return 1 if self == "auto" else int(self)

    @classmethod
    def parse(cls, value: object) -> Processes:
        text = str(value)
        if text != "auto" and not (re.fullmatch(r"[0-9]{1,2}", text) and 1 <= int(text) <= cls.MOST):
            raise ValueError(
                f"{text!r} is not a number of processes; write auto, or a number from 1 to {cls.MOST}"
            )
        return cls(text)


def about(text: str, **limits: Any) -> Meta:
    return Meta(description=text, **limits)
