"""`veldnet bench race` against a server that answers in its place: what is counted, and what is refused."""

from __future__ import annotations

import asyncio
import base64
import csv
import json
import os
import socket
from pathlib import Path

import pytest

from veldnet.cli.bench import race
from veldnet.cli.bench.server import ServerFailed
from veldnet.lorawan import DevAddr, frames
from veldnet.lorawan.frames import DataFrame


class _Server(asyncio.DatagramProtocol):
    """Delivers what comes as ChirpStack would, but for the device that it does not know."""

    def __init__(self, unknown: DevAddr, known: dict[DevAddr, str]) -> None:
        self.unknown, self.known = unknown, known
        self.results: asyncio.StreamWriter | None = None

    def datagram_received(self, data: bytes, _addr: tuple[str, int]) -> None:
        if data[3] != 0 or self.results is None:
            return
        for packet in json.loads(data[12:])["rxpk"]:
            frame = frames.parse(base64.b64decode(packet["data"]))
            assert isinstance(frame, DataFrame)
            if frame.dev_addr == self.unknown:
                continue
            info = {"devEui": self.known[frame.dev_addr].lower()}
            body = json.dumps({"deviceInfo": info, "fCnt": frame.fcnt}).encode()
            self.results.write(b"POST /?event=up HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def _free(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


async def test_what_is_delivered_and_what_is_lost_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(race, "_SILENCE", 0.3)
    fleet = race.race_fleet(10)
    server = _Server(fleet[3].dev_addr, {each.dev_addr: str(each.dev_eui) for each in fleet})
    loop = asyncio.get_running_loop()
    transport, _protocol = await loop.create_datagram_endpoint(lambda: server, ("127.0.0.1", 0))
    udp = transport.get_extra_info("sockname")[1]
    listen = _free(socket.SOCK_STREAM)
    where = race.Where(udp=f"127.0.0.1:{udp}", listen=f"127.0.0.1:{listen}")
    course = race.Course(rate=400, until=800, seconds=0.1, devices=10)
    running = asyncio.create_task(race.bench_race("chirpstack", where, course, {"test": os.getpid()}))
    while server.results is None and not running.done():
        await asyncio.sleep(0.02)
        try:
            _reader, server.results = await asyncio.open_connection("127.0.0.1", listen)
        except OSError:
            continue
    result = await running
    transport.close()
    assert server.results is not None
    server.results.close()
    (step,) = result.steps
    assert (step.sent, step.lost, step.held) == (40, 4, False)
    assert step.latency_ms is not None and step.latency_ms.count == 36
    assert result.knee is None and result.next == 50
    assert step.cpu_seconds["test"] >= 0


def test_the_fleet_is_written_for_other_servers(tmp_path: Path) -> None:
    race.write_fleet_table(tmp_path / "fleet.csv", 3)
    with (tmp_path / "fleet.csv").open() as opened:
        rows = list(csv.DictReader(opened))
    devices = [row for row in rows if row["kind"] == "device"]
    assert len(devices) == 3 and len(devices[0]["nwkSKey"]) == 32
    assert len(rows) == 3 + len(race.sites())


def test_bad_addresses_and_processes_are_named() -> None:
    with pytest.raises(ServerFailed, match="NAME=PID"):
        race.processes_named(["4711"])
    with pytest.raises(ServerFailed, match="not running"):
        race.processes_named(["server=999999999"])
    with pytest.raises(ServerFailed, match="HOST:PORT"):
        race.address_of("localhost", "--udp")
    assert list(race.processes_named([f"a b={os.getpid()}"])) == ["a b"]
