"""The arguments of `veldnet serve`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from .plain_arguments import read_plain


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
    found = read_plain(arguments, VALUES, FLAGS)
    return None if found is None else ServeArguments(**found)  # type: ignore[arg-type]
