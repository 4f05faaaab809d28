"""A checksum at the end of a copy of a database, behind its last page, where SQLite looks for nothing.

It is a line of text: `head -c -80 FILE | sha256sum` makes what stands in `tail -c 80 FILE`. The head of
the file says that it follows (SQLite's `application_id`), so that a copy that has lost its end is not taken
for one of an earlier version.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from .database import Damaged

_MARK = b"veldnet-sha256:"
# Where SQLite's header keeps the number of the program that a file belongs to, and ours.
_PROGRAM_AT = 68
_SUMMED, _NOBODYS = b"Vldn", bytes(4)
_LENGTH = len(_MARK) + 64 + 1
_BLOCK = 1 << 20


def add_checksum(file: Path) -> None:
    """Write the checksum of a whole database that no process has open behind it. Raises `OSError`."""
    _write_program(file, _SUMMED)
    digest = _digest(file, file.stat().st_size)
    with file.open("ab") as opened:
        opened.write(_MARK + digest + b"\n")
        opened.flush()
        os.fsync(opened.fileno())


def expect_no_checksum(file: Path) -> None:
    """Have a copy of such a copy be a database like any other. Raises `OSError`."""
    _write_program(file, _NOBODYS)


def has_checksum(file: Path) -> bool:
    """Whether there is one, right or wrong. Raises `OSError`."""
    with file.open("rb") as opened:
        head, size = opened.read(18), file.stat().st_size
    # 1 stands for what two octets cannot hold.
    page = int.from_bytes(head[16:18], "big")
    return size % (65_536 if page == 1 else max(page, 1)) != 0


def check_checksum(file: Path) -> bool:
    """Compare the checksum of a copy; False where it has none. Raises `Damaged` and `OSError`."""
    summed = has_checksum(file)
    size = file.stat().st_size
    with file.open("rb") as opened:
        if not summed:
            opened.seek(_PROGRAM_AT)
            if opened.read(len(_SUMMED)) == _SUMMED:
                raise Damaged("is damaged: it has lost the checksum at its end; more of it may be missing")
            return False
        opened.seek(max(size - _LENGTH, 0))
        end = opened.read()
    if not (end.startswith(_MARK) and end.endswith(b"\n") and len(end) == _LENGTH):
        raise Damaged("is damaged: it does not end with a whole page or checksum; part of it may be missing")
    if _digest(file, size - _LENGTH) != end[len(_MARK) : -1]:
        raise Damaged("is damaged: its content does not match its checksum")
    return True


def _write_program(file: Path, number: bytes) -> None:
    with file.open("r+b") as opened:
        opened.seek(_PROGRAM_AT)
        opened.write(number)


def _digest(file: Path, size: int) -> bytes:
    found = hashlib.sha256()
    with file.open("rb") as opened:
        while size and (octets := opened.read(min(size, _BLOCK))):
            found.update(octets)
            size -= len(octets)
    return found.hexdigest().encode()
