"""The arguments of `veldnet serve`, read without the parser of the other commands: that takes as long to load
as all else before the ports are open."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec


class ServeArguments(msgspec.Struct, frozen=True):
    """What `veldnet serve` was called with."""

    data: Path | None = None
    http: str | None = None
    udp: str | None = None
    basics_station: str | None = None
    config: Path | None = None
    take_over: bool = False
    as_json: bool = False
    virtual_clock: bool = False


VALUES = {
    "--data": "data",
    "--http": "http",
    "--udp": "udp",
    "--basics-station": "basics_station",
    "--config": "config",
}
FLAGS = {"--take-over": "take_over", "--json": "as_json", "--virtual-clock": "virtual_clock"}


def parse(arguments: Sequence[str]) -> ServeArguments | None:
    """The arguments, or None where there is one that the complete parser must explain."""
    found: dict[str, str | bool] = {}
    left = iter(arguments)
    for argument in left:
        name, equals, value = argument.partition("=")
        if argument in FLAGS:
            found[FLAGS[argument]] = True
        elif name in VALUES:
            given = value if equals else next(left, None)
            if given is None or (not equals and given.startswith("-")):
                return None
            found[VALUES[name]] = given
        else:
            return None
    for name in ("data", "config"):
        if name in found:
            found[name] = Path(str(found[name]))  # type: ignore[assignment]
    return ServeArguments(**found)  # type: ignore[arg-type]
