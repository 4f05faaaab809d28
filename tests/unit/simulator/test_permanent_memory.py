"""What a virtual device keeps when it is switched off."""

from __future__ import annotations

from pathlib import Path

import pytest

from veldnet.lorawan import DevEui
from veldnet.simulator.permanent_memory import MemoryProblem, PermanentMemory, default_path

DEVICE, OTHER = DevEui(1), DevEui(2)


def test_a_nonce_is_there_again(tmp_path: Path) -> None:
    path = tmp_path / "deeper" / "device.json"
    memory = PermanentMemory(path, DEVICE)
    assert memory.dev_nonce == 0
    memory.keep(17)
    assert memory.dev_nonce == PermanentMemory(path, DEVICE).dev_nonce == 17
    assert [found.name for found in path.parent.iterdir()] == ["device.json"]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"devEui": "x"}', b"\xff", b"[" * 10_000])
def test_a_file_of_something_else_is_refused_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "device.json"
    path.write_bytes(content)
    with pytest.raises(MemoryProblem, match="is not the state of a virtual device"):
        PermanentMemory(path, DEVICE)
    assert path.read_bytes() == content


def test_the_memory_of_another_device_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "device.json"
    PermanentMemory(path, OTHER).keep(1)
    with pytest.raises(MemoryProblem, match=r"is the state of device 0+2, not of 0+1"):
        PermanentMemory(path, DEVICE)


def test_a_nonce_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "device.json"
    PermanentMemory(path, DEVICE).keep(70_000)
    with pytest.raises(MemoryProblem, match="70000 is not from 0 to 65535"):
        PermanentMemory(path, DEVICE)


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    path = tmp_path / "file" / "device.json"
    memory = PermanentMemory(path, DEVICE)
    path.parent.write_text("no folder")
    with pytest.raises(MemoryProblem, match="give another --state"):
        memory.keep(1)


def test_the_usual_place_is_the_users_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert default_path(DEVICE) == tmp_path / "veldnet" / "devices" / f"{DEVICE}.json"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert default_path(DEVICE).parent.name == "veldnet-devices"
