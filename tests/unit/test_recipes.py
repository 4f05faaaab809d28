"""The recipes of docs/architecture.md are true: in a copy of the source a thing of each kind is added in the
files that its recipe names and in no others, and does its work (`tests/recipe_story.py`)."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

REPOSITORY = Path(__file__).parents[2]


class Change(NamedTuple):
    """Lines behind a line that is there, or a new file."""

    file: str
    text: str
    behind: str = ""


MAC_COMMAND = (
    Change(
        "lorawan/mac_commands/beep.py",
        """
from typing import ClassVar

import msgspec


class BeepAns(msgspec.Struct, frozen=True, gc=False):
    CID: ClassVar[int] = 0x80
    SIZE: ClassVar[int] = 1
    NAME: ClassVar[str] = "BeepAns"

    volume: int

    def payload(self) -> bytes:
        return bytes((self.volume,))

    @classmethod
    def from_payload(cls, octets: bytes) -> "BeepAns":
        return cls(octets[0])
""",
    ),
    Change("lorawan/mac_commands/__init__.py", "from .beep import BeepAns", "import msgspec"),
    Change("lorawan/mac_commands/__init__.py", "        BeepAns,", "        DeviceModeInd,"),
    Change(
        "network/core/mac_commands/beep.py",
        """
from .behaviour import Behaviour, Reaction


def received(session, command, _request, _context):
    return Reaction(session, note=f"beeped at volume {command.volume}")


BEHAVIOUR = Behaviour(0x80, "beep", received)
""",
    ),
    Change("network/core/mac_commands/registry.py", "    beep,", "    beacon_timing,"),
    Change("network/core/mac_commands/registry.py", "        beep,", "        force_rejoin,"),
)
ALARM_TYPE = (
    Change("monitoring/alarms/types.py", "TOO_CLOSE = 99", "DAY = 86_400_000"),
    Change(
        "monitoring/alarms/types.py",
        '        _state(TOO_CLOSE, "Device too close", Level.WARNING),',
        '        _event(UPLINK_MIC, "Wrong MIC detected in Uplink frame"),',
    ),
    Change(
        "monitoring/alarms/rules.py",
        """

@on(Occasion.ACCEPTED)
def too_close(record: UplinkRecord, _seen: Seen) -> Iterator[Signal]:
    if record.best.rssi is not None and record.best.rssi > -60:
        yield Raised(types.TOO_CLOSE, (f"{record.best.rssi:.0f} dBm",))
""",
        "    return lambda signals: Rule(occasions, signals, reads)",
    ),
    Change(
        "monitoring/alarms/advice.py",
        '    types.TOO_CLOSE: Text("Move the device away from the base station."),',
        "ADVICE: dict[int, Text] = {",
    ),
)
DELIVERY_TRANSPORT = (
    Change(
        "routing/transports/memory.py",
        """
from .interface import Outcome

KEPT = []


class MemoryTransport:
    def __init__(self, settings):
        self.settings = settings

    async def deliver(self, address, attempt, *, keep_answer=False):
        KEPT.append(attempt.message.body)
        return Outcome(True, "Ok", None, address)

    async def close(self):
        KEPT.clear()
""",
    ),
    Change(
        "routing/transports/__init__.py",
        "from .memory import MemoryTransport",
        "from .http import HttpTransport",
    ),
    Change("routing/transports/__init__.py", '    "memory": MemoryTransport,', "TRANSPORTS: Transports = {"),
    Change(
        "inventory/routing_profiles/checks.py",
        """

def _read_shelf(text: str) -> Address:
    return Address("memory", text.partition("://")[2], 1, "/", None, None)


_READERS = {"memory": _read_shelf}
""",
        "_READERS: Mapping[str, Callable[[str], Address]] = {}",
    ),
)
DEVICE_FIELD = (
    Change("domain/resources.py", "    assetNumber: Text = UNSET", "class VeldnetDevice(Device):"),
    Change(
        "inventory/devices/fields.py",
        '    Field("assetNumber", _check_text, updatable=True, exported=True),',
        "FIELDS = (",
    ),
)
CONNECTION_TYPE = (
    Change(
        "connections/kinds/memory.py",
        """
from veldnet.connections.fields import TOPIC
from veldnet.connections.interface import Condition
from veldnet.connections.kind import Field, Kind, Preset, Scheme
from veldnet.connections.model import Outcome

SHELF = Field("shelf", "TEXT", "Shelf", default="top", required=True)
KEPT = []


class MemoryConnection:
    def __init__(self, connection, around):
        self.condition, self.shelf = Condition(around.clock), SHELF.text(connection.settings)

    def start(self):
        self.condition.works()

    async def deliver(self, message):
        KEPT.append((self.shelf, message.body))
        return Outcome(True, "Ok")

    async def close(self):
        KEPT.clear()


KIND = Kind(
    type="MEMORY",
    title="Memory",
    schemes=(Scheme("memory", 1), Scheme("memorys", 2, tls=True)),
    example="memory://cabinet",
    fields=(SHELF, TOPIC),
    make=MemoryConnection,
    presets=(Preset("attic", "Attic", "", "memory://attic", {"shelf": "low"}),),
)
""",
    ),
    Change("connections/kinds/__init__.py", '    "memory",', "_FILES = ("),
)
ADDED = {
    "a MAC command": (MAC_COMMAND, 4),
    "an alarm type": (ALARM_TYPE, 3),
    "a delivery transport": (DELIVERY_TRANSPORT, 3),
    "a device field": (DEVICE_FIELD, 2),
    "a type of connection": (CONNECTION_TYPE, 2),
}


def _named(recipe: str) -> set[str]:
    """The files that a recipe names, as patterns."""
    lines = (REPOSITORY / "docs" / "architecture.md").read_text().splitlines()
    (row,) = [line for line in lines if line.startswith(f"| {recipe} |")]
    return set(re.findall(r"`([\w/<>]+\.py)`", row))


def test_every_file_that_a_recipe_names_is_there() -> None:
    page = (REPOSITORY / "docs" / "architecture.md").read_text()
    sections = re.split(r"^## ", page, flags=re.MULTILINE)
    recipes = [each for each in sections if each.startswith(("How to", "An operation", "A text"))]
    named = {name for each in recipes for name in re.findall(r"`([\w.-]+/[\w./-]*)`", each)}
    assert len(recipes) == 5 and len(named) > 40
    roots = (REPOSITORY, REPOSITORY / "src/veldnet", REPOSITORY / "console/src")
    assert [name for name in sorted(named) if not any((root / name).exists() for root in roots)] == []


@pytest.mark.parametrize("recipe", ADDED)
def test_a_recipe_names_the_files_that_change(recipe: str) -> None:
    changes, count = ADDED[recipe]
    patterns = [re.compile(re.escape(name).replace("<name>", r"\w+")) for name in _named(recipe)]
    changed = {change.file for change in changes}
    assert len(changed) == count
    assert [file for file in changed if not any(pattern.fullmatch(file) for pattern in patterns)] == []


def test_what_is_added_by_the_recipes_works(tmp_path: Path) -> None:
    source = tmp_path / "src" / "veldnet"
    # With what is compiled: it is good where the source has not changed.
    shutil.copytree(REPOSITORY / "src/veldnet", source, ignore=shutil.ignore_patterns("static", "console"))
    for changes, _count in ADDED.values():
        for file, text, behind in changes:
            path = source / file
            if not behind:
                path.write_text(text)
                continue
            before = path.read_text()
            assert before.count(f"\n{behind}\n") == 1, (file, behind)
            path.write_text(before.replace(f"\n{behind}\n", f"\n{behind}\n{text}\n"))
    done = subprocess.run(
        [sys.executable, REPOSITORY / "tests" / "recipe_story.py", tmp_path],
        env={"PYTHONPATH": f"{tmp_path / 'src'}:{REPOSITORY}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
