"""Accidents under a server: a full disk, clocks that step, `kill -9` and a restore."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.e2e import radio
from tests.e2e.radio import Antenna
from tests.e2e.running import Client, RunningServer, sandbox, veldnet
from tests.e2e.test_data_directory import ANYWHERE, refused
from veldnet.cli.exits import Exit
from veldnet.simulator.device import VirtualDevice

EUI, KEY = "0059AC0000000007", "00112233445566778899AABBCCDDEEFF"

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 200 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    may = [] if os.geteuid() == 0 else ["sudo", "-n"]
    owner = f"size=200m,uid={os.geteuid()}"
    mounted = subprocess.run([*may, "mount", "-t", "tmpfs", "-o", owner, "none", str(place)], check=False)
    if mounted.returncode:
        pytest.fail("this test mounts a small disk: run it as root, or allow sudo without a password")
    yield place
    subprocess.run([*may, "umount", "-l", str(place)], check=True)


def fill(disk: Path) -> Path:
    """Take all the room there is, also what has come back since the last time."""
    filler = disk / "filler"
    with filler.open("ab", buffering=0) as file:
        size = shutil.disk_usage(disk).free
        while size:
            try:
                file.write(bytes(size))
            except OSError:
                size //= 2
            else:
                size = min(size, shutil.disk_usage(disk).free)
    return filler


def confirmed(antenna: Antenna, device: VirtualDevice) -> bool:
    """Whether the next confirmed uplink of a device is acknowledged: it is, once it is on the disk."""
    while antenna.downlink(0.05) is not None:
        pass
    antenna.keep_alive()
    antenna.hear(device.uplink(1, b"reading", confirmed=True))
    answer = antenna.downlink(1.5)
    return answer is not None and device.receive(answer) is not None


def until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 40
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def test_b8_a_full_disk_while_a_server_runs_and_when_one_starts(disk: Path) -> None:
    data = disk / "data"
    account = sandbox(data)
    server = RunningServer(data)
    client = Client(server, account)
    client.activate()
    client.call("POST", "/devices", client.device_body(7))
    antenna, device = Antenna(account.base_station_eui), radio.device(EUI, KEY)
    antenna.connect(server.udp)
    radio.join(antenna, device)
    assert confirmed(antenna, device)
    filler = fill(disk)

    def refused_once_full() -> bool:
        # Free pages of the database, and a write-ahead log that begins again, have room for some more frames.
        for _ in range(30):
            antenna.hear(device.uplink(1, bytes(200)))
        fill(disk)
        return not confirmed(antenna, device)

    until(refused_once_full)
    until(lambda: client.request("POST", "/devices", client.device_body(1)).status_code == 500)
    answer = client.request("POST", "/devices", client.device_body(2))
    assert answer.json()["errorId"] == "LDM-500" and "nothing was changed" in answer.json()["message"]
    assert httpx.get(f"{server.http}/readyz").status_code == 503
    filler.unlink()
    # By itself: no frame comes.
    until(lambda: httpx.get(f"{server.http}/readyz").status_code == 200)
    until(lambda: confirmed(antenna, device))
    client.call("POST", "/devices", client.device_body(2))
    assert server.stop() == 0
    fill(disk)
    refused("serve", "--data", str(data), *ANYWHERE, code=Exit.STORAGE, words="full")
    refused("admin", "user", "list", "--data", str(data), code=Exit.STORAGE, words="full")


@pytest.mark.parametrize("step", ["-1h", "+10y"])
def test_b1_b6_the_clock_may_step_between_two_servers(tmp_path: Path, step: str) -> None:
    """A lock and a lease that ask no clock, and identifiers that rise."""
    assert FAKETIME is not None, "this test needs Debian's package faketime: make tools installs it"
    data = tmp_path / "data"
    account = sandbox(data)
    server = RunningServer(data)
    server.kill()
    stepped = RunningServer(data, LD_PRELOAD=str(FAKETIME), FAKETIME=step, FAKETIME_DONT_FAKE_MONOTONIC="1")
    client = Client(stepped, account)
    client.activate()
    client.call("POST", "/devices", client.device_body(1))
    refused("serve", "--data", str(data), *ANYWHERE, code=Exit.IN_USE, words="--take-over")
    assert httpx.get(f"{stepped.http}/readyz").status_code == 200
    stepped.kill()
    again = RunningServer(data)
    client = Client(again, account)
    client.activate()
    assert len(client.call("GET", "/devices")) == 1
    assert again.stop() == 0


def test_b4_a_restore_after_kill_loses_nothing_of_what_it_replaces(tmp_path: Path) -> None:
    data, backup = tmp_path / "data", tmp_path / "backup.db"
    account = sandbox(data)
    server = RunningServer(data)
    client = Client(server, account)
    client.activate()
    veldnet("admin", "backup", str(backup), "--data", str(data))
    for number in range(1, 17):
        client.call("POST", "/devices", client.device_body(number))
    server.kill()
    veldnet("admin", "restore", str(backup), "--data", str(data))
    (kept,) = data.glob("veldnet.before-restore-*")
    with closing(sqlite3.connect(kept)) as opened:
        assert opened.execute("SELECT COUNT(*) FROM devices").fetchone() == (16,)
    server.start()
    assert httpx.get(f"{server.http}/readyz").status_code == 200
    assert server.stop() == 0
