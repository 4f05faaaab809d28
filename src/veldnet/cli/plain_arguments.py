"""Arguments of commands that start a server, read without the parser of the other commands: that takes as
long to load as all else before the ports are open."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

_PATHS = ("data", "config")


def read_plain(
    arguments: Sequence[str], values: Mapping[str, str], flags: Mapping[str, str]
) -> dict[str, str | bool | Path] | None:
    """What was given, by the names of `values` and `flags`; None where there is an argument that the complete
    parser must explain."""
    found: dict[str, str | bool | Path] = {}
    left = iter(arguments)
    for argument in left:
        name, equals, value = argument.partition("=")
        if argument in flags:
            found[flags[argument]] = True
        elif name in values:
            given = value if equals else next(left, None)
            if given is None or (not equals and given.startswith("-")):
                return None
            found[values[name]] = Path(given) if values[name] in _PATHS else given
        else:
            return None
    return found
