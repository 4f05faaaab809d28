"""The arguments of `veldnet sandbox`."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from .plain_arguments import read_plain


class SandboxArguments(msgspec.Struct, frozen=True):
    """What `veldnet sandbox` was called with."""

    data: Path | None = None
    base_station_eui: str | None = None
    serve: bool = False
    virtual_clock: bool = False
    http: str | None = None
    udp: str | None = None
    config: Path | None = None
    as_json: bool = False


VALUES = {
    "--data": "data",
    "--base-station-eui": "base_station_eui",
    "--http": "http",
    "--udp": "udp",
    "--config": "config",
}
FLAGS = {"--serve": "serve", "--virtual-clock": "virtual_clock", "--json": "as_json"}


def parse(arguments: Sequence[str]) -> SandboxArguments | None:
    """The arguments, or None where there is one that the complete parser must explain."""
    found = read_plain(arguments, VALUES, FLAGS)
    return None if found is None else SandboxArguments(**found)  # type: ignore[arg-type]
