"""A checksum at the end of a copy of a database, behind its last page, where SQLite looks for nothing.

It is a line of text: `head -c -80 FILE | sha256sum` makes what stands in `tail -c 80 FILE`.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from .database import Damaged

_MARK = b"veldnet-sha256:"
_LENGTH = len(_MARK) + 64 + 1
_BLOCK = 1 << 20


def add_checksum(file: Path) -> None:
    """Write the checksum of a whole database behind it. Raises `OSError`."""
    digest = _digest(file, file.stat().st_size)
    with file.open("ab") as opened:
        opened.write(_MARK + digest + b"\n")
        opened.flush()
        os.fsync(opened.fileno())


def has_checksum(file: Path) -> bool:
    """Whether there is one, right or wrong. Raises `OSError`."""
    with file.open("rb") as opened:
        head, size = opened.read(18), file.stat().st_size
    # 1 stands for what two octets cannot hold.
    page = int.from_bytes(head[16:18], "big")
    return size % (65_536 if page == 1 else max(page, 1)) != 0


def check_checksum(file: Path) -> bool:
    """Compare the checksum of a copy; False where it has none. Raises `Damaged` and `OSError`."""
    if not has_checksum(file):
        return False
    size = file.stat().st_size
    with file.open("rb") as opened:
        opened.seek(max(size - _LENGTH, 0))
        end = opened.read()
    if not (end.startswith(_MARK) and end.endswith(b"\n") and len(end) == _LENGTH):
        raise Damaged("is damaged: it does not end with a whole page or checksum; part of it may be missing")
    if _digest(file, size - _LENGTH) != end[len(_MARK) : -1]:
        raise Damaged("is damaged: its content does not match its checksum")
    return True


def _digest(file: Path, size: int) -> bytes:
    found = hashlib.sha256()
    with file.open("rb") as opened:
        while size and (octets := opened.read(min(size, _BLOCK))):
            found.update(octets)
            size -= len(octets)
    return found.hexdigest().encode()
