"""The small catalogue that comes with the package: generic devices by version, class and region."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from .reading import Maker, Reader
from .sources import read_files

_FOLDER = Path(__file__).parent / "generic"


@cache
def builtin_makers() -> tuple[Maker, ...]:
    """Its makers. Their files are read once."""
    return tuple(Reader(read_files(_FOLDER)).makers())
