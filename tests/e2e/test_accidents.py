"""Accidents under a server: a full disk, clocks that step, `kill -9` and a restore."""

from __future__ import annotations

import sqlite3
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
from tests.small_disk import fill, make_room, small_disk
from veldnet.cli.exits import Exit
from veldnet.simulator.customer import Account

EUI, KEY = "0059AC0000000007", "00112233445566778899AABBCCDDEEFF"

FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk") as place:
        yield place


def until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 40
    while not met():
        assert time.monotonic() < deadline
        time.sleep(0.2)


class Story:
    """A customer and a device at a server, and what it has promised them: it must be on the disk.

    A full disk does not refuse everything. A commit needs no room of the disk that fits into free space of
    the write-ahead log, which begins again once all of it is in the database; so a small frame is written
    where a large batch before it was not. What counts is that nothing is lost which was acknowledged.
    """

    def __init__(self, server: RunningServer, account: Account) -> None:
        self.client = Client(server, account)
        self.client.activate()
        self.client.call("POST", "/devices", self.client.device_body(7))
        self.antenna, self.device = Antenna(account.base_station_eui), radio.device(EUI, KEY)
        self.antenna.connect(server.udp)
        radio.join(self.antenna, self.device)
        self.fcnt = 0
        self.acknowledged: set[int] = set()
        self.created = {EUI}

    def uplink(self) -> bool:
        """A confirmed uplink; whether it was acknowledged."""
        while self.antenna.downlink(0.05) is not None:
            pass
        self.antenna.keep_alive()
        fcnt, self.fcnt = self.fcnt, self.fcnt + 1
        self.antenna.hear(self.device.uplink(1, bytes(200), confirmed=True))
        answer = self.antenna.downlink(1.5)
        if answer is None or self.device.receive(answer) is None:
            return False
        self.acknowledged.add(fcnt)
        return True

    def create(self) -> bool:
        """One more device; whether it was made, else the answer says that nothing was changed."""
        body = self.client.device_body(100 + len(self.created))
        answer = self.client.request("POST", "/devices", body)
        if answer.status_code == 500:
            assert answer.json()["errorId"] == "LDM-500" and "nothing was changed" in answer.json()["message"]
            return False
        assert answer.status_code == 201, answer.text
        self.created.add(body["EUI"])
        return True

    def check(self, data: Path) -> None:
        """All that was promised is stored, and of the devices nothing else."""
        with closing(sqlite3.connect(data / "veldnet.db")) as opened:
            stored = {eui for (eui,) in opened.execute("SELECT dev_eui FROM devices")}
            counted = opened.execute("SELECT fcnt FROM frames WHERE outcome = 'accepted' AND kind = 0")
            assert self.acknowledged <= {fcnt for (fcnt,) in counted}
        assert stored == self.created


def test_b8_a_full_disk_while_a_server_runs_and_when_one_starts(disk: Path) -> None:
    data = disk / "data"
    account = sandbox(data)
    server = RunningServer(data)
    story = Story(server, account)
    assert story.uplink() and httpx.get(f"{server.http}/readyz").status_code == 200

    def refused_once_full(ask: Callable[[], bool]) -> bool:
        """Each answer takes room, so that there is an end to it: the log has some hundred pages."""
        for _ in range(150):
            fill(disk)
            if not ask():
                return True
        return False

    fill(disk)
    assert httpx.get(f"{server.http}/readyz").status_code == 503
    assert refused_once_full(story.uplink)
    assert refused_once_full(story.create)
    make_room(disk)
    # By itself: no frame comes.
    until(lambda: httpx.get(f"{server.http}/readyz").status_code == 200)
    until(story.uplink)
    assert story.create()
    assert refused_once_full(story.uplink)
    server.kill()
    fill(disk)
    refused("serve", "--data", str(data), *ANYWHERE, code=Exit.STORAGE, words="full")
    make_room(disk)
    story.check(data)
    fill(disk)
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
