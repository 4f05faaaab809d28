"""Settings as the sample file and the documentation show them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

from .loading import PREFIX
from .tree import Settings
from .values import Duration


class Setting(msgspec.Struct, frozen=True):
    """One setting as the documentation shows it."""

    section: str
    name: str
    default: str
    help: str

    @property
    def environment(self) -> str:
        section = f"{self.section.upper()}__" if self.section else ""
        return f"{PREFIX}{section}{self.name.upper()}"


def describe() -> Iterator[Setting]:
    """Every setting in order, for the sample file and the documentation."""
    defaults = Settings()
    for name, kind in get_type_hints(Settings, include_extras=True).items():
        value = getattr(defaults, name)
        if isinstance(value, msgspec.Struct):
            hints = get_type_hints(type(value), include_extras=True)
            for inner, inner_kind in hints.items():
                yield Setting(name, inner, _toml(getattr(value, inner)), _description(inner_kind))
        else:
            yield Setting("", name, _toml(value), _description(kind))


def _description(kind: Any) -> str:
    assert get_origin(kind) is Annotated
    meta = get_args(kind)[1]
    assert isinstance(meta, Meta) and meta.description is not None
    return meta.description


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Duration):
        for unit, seconds in (("d", 86_400.0), ("h", 3600.0), ("s", 1.0)):
            if value >= seconds and value % seconds == 0:
                return f'"{value / seconds:g}{unit}"'
        return f'"{value * 1000:g}ms"'
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, dict):
        return "{}"
    if isinstance(value, tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def sample_file() -> str:
    """`veldnet.toml` with every setting at its default, each with its help."""
    lines = ["# Settings of Veldnet. Every line shows the default; remove the # to change it."]
    section = ""
    for setting in describe():
        if setting.section != section:
            section = setting.section
            lines += ["", f"[{section}]"]
        lines += [f"# {setting.help} ({setting.environment})", f"# {setting.name} = {setting.default}"]
    return "\n".join(lines) + "\n"
