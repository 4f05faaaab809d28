"""A disk that a test can fill."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    """A disk of 200 MB at a new folder."""
    place.mkdir()
    may = [] if os.geteuid() == 0 else ["sudo", "-n"]
    owner = f"size=200m,uid={os.geteuid()}"
    mounted = subprocess.run([*may, "mount", "-t", "tmpfs", "-o", owner, "none", str(place)], check=False)
    if mounted.returncode:
        pytest.fail("this test mounts a small disk: run it as root, or allow sudo without a password")
    try:
        yield place
    finally:
        subprocess.run([*may, "umount", "-l", str(place)], check=True)


def fill(disk: Path) -> None:
    """Take all the room there is, also what has come back since the last time."""
    with (disk / "filler").open("ab", buffering=0) as file:
        size = shutil.disk_usage(disk).free
        while size:
            try:
                file.write(bytes(size))
            except OSError:
                size //= 2
            else:
                size = min(size, shutil.disk_usage(disk).free)


def make_room(disk: Path) -> None:
    """Take back what `fill` has taken."""
    (disk / "filler").unlink()
