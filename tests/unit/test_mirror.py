"""The unit tests lie as the rooms do that they test."""

from __future__ import annotations

from pathlib import Path

REPOSITORY = Path(__file__).parents[2]


def _rooms(folder: Path) -> set[str]:
    return {path.parent.relative_to(folder).as_posix() for path in folder.glob("*/__init__.py")}


def test_every_room_has_a_folder_of_unit_tests() -> None:
    assert _rooms(REPOSITORY / "tests" / "unit") == _rooms(REPOSITORY / "src" / "veldnet")
