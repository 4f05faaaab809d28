"""Virtual devices: what they keep between runs, and how they tell the time on a busy machine."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from veldnet.lorawan import AesKey, DevEui, GatewayEui, JoinEui, frames
from veldnet.lorawan.airtime import time_on_air
from veldnet.lorawan.regions import EU868
from veldnet.simulator.air import Air
from veldnet.simulator.base_station import BaseStation, HeardFrame
from veldnet.simulator.device import Identity, NoncesUsedUp, Transmission, VirtualDevice
from veldnet.simulator.permanent_memory import MemoryProblem, PermanentMemory, default_path
from veldnet.simulator.propagation import Place, Propagation
from veldnet.simulator.virtual_time import VirtualTimeLoop

EUI = DevEui.parse("0059AC0000170311")
IDENTITY = Identity(EUI, JoinEui(1), AesKey(bytes(16)))


def nonces(device: VirtualDevice, count: int) -> list[int]:
    found = []
    for _ in range(count):
        frame = frames.parse(device.join_request().phy_payload)
        assert isinstance(frame, frames.JoinRequest)
        found.append(frame.dev_nonce)
    return found


def test_c13_the_devnonce_goes_on_in_the_next_run(tmp_path: Path) -> None:
    path, used = tmp_path / "a" / "b" / "device.json", []
    for _run in range(3):
        memory = PermanentMemory(path, EUI)
        device = VirtualDevice(IDENTITY, EU868, random.Random(1), dev_nonce=memory.dev_nonce)
        for nonce in nonces(device, 2):
            memory.keep(nonce)
            used.append(nonce)
    assert used == [1, 2, 3, 4, 5, 6]
    assert [each.name for each in path.parent.iterdir()] == ["device.json"]


def test_c13_a_device_without_nonces_says_so() -> None:
    device = VirtualDevice(IDENTITY, EU868, random.Random(1), dev_nonce=0xFFFE)
    assert nonces(device, 1) == [0xFFFF]
    with pytest.raises(NoncesUsedUp, match=str(EUI)):
        device.join_request()


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{}", b"7", b"\xff\xfe", b'{"devEui":"0059AC0000170311","devNonce":"1"}', b"[" * 100_000,
        b'{"devEui":"0059AC0000170311","devNonce":65536}', b'{"devEui":"0059AC0000170311","devNonce":-1}',
        b'{"devEui":"0059AC0000170312","devNonce":1}',
    ],
)  # fmt: skip
def test_c13_a_file_that_is_something_else_is_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(content)
    with pytest.raises(MemoryProblem) as caught:
        PermanentMemory(path, EUI)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)
    assert path.read_bytes() == content


def test_c13_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    memory = PermanentMemory(tmp_path / "folder" / "device.json", EUI)
    (tmp_path / "folder").write_text("")
    with pytest.raises(MemoryProblem, match="--state"):
        memory.keep(1)
    with pytest.raises(MemoryProblem):
        PermanentMemory(tmp_path / "folder" / "device.json", EUI)


def test_c13_the_default_is_the_users_state_or_temporary(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    assert default_path(EUI) == tmp_path / "state" / "veldnet" / "devices" / f"{EUI}.json"
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    assert default_path(EUI).parent.name == "veldnet-devices"


class Server:
    """Answers each frame in RX1, or RX2, by the base station's counter."""

    def __init__(self, station: BaseStation, sent: Transmission, window: int, shift: float) -> None:
        self.station, self.sent, self.window, self.shift = station, sent, window, shift
        self.error: str | None = "never asked"
        station.link = self

    def frame(self, station: BaseStation, frame: HeardFrame) -> None:
        window = self.sent.windows[self.window]
        due = (frame.timestamp + round((window.delay + self.shift) * 1_000_000)) & 0xFFFFFFFF
        self.error = station.transmit(b"d" * 12, window.frequency, window.modulation, due, 16)


def heard_when_busy(stalls: list[tuple[float, float]], window: int = 0, shift: float = 0.0) -> bool:
    """Whether a device hears the answer although the machine stands still for a while; each stall begins at a
    time after the end of the uplink."""
    loop = VirtualTimeLoop()

    async def story() -> bool:
        air = Air(Propagation(random.Random(1), shadowing=0.0))
        station = BaseStation(GatewayEui(1), Place(0.0, 0.0))
        air.add(station)
        sent = VirtualDevice(IDENTITY, EU868, random.Random(1)).join_request()
        server = Server(station, sent, window, shift)
        airtime = time_on_air(sent.modulation, len(sent.phy_payload), crc=True) / 1000

        def stall(seconds: float) -> None:
            loop._virtual.now += seconds

        for begins, seconds in stalls:
            loop.call_later(airtime + begins, stall, seconds)
        heard = await air.uplink(Place(0.2, 0.0), sent, lambda phy, _snr: phy == b"d" * 12)
        assert server.error is None
        return heard

    try:
        return loop.run_until_complete(story())
    finally:
        loop.close()


@pytest.mark.parametrize("window", [0, 1])
@pytest.mark.parametrize("seconds", [0.0, 0.03, 0.2, 2.0])
@pytest.mark.parametrize("early", [-0.0001, 0.01, 0.03])
def test_c13_what_is_planned_counts_on_a_busy_machine(window: int, seconds: float, early: float) -> None:
    at = 5.0 + window - early
    assert heard_when_busy([(at, seconds)], window), "the timer of the base station fires late"


def test_c13_an_uplink_ends_when_it_was_to_end() -> None:
    assert heard_when_busy([(-0.001, 0.5)]), "the sleep of the device ends late"
    assert heard_when_busy([(-0.001, 0.5), (4.99, 0.5), (5.2, 0.3)])


@pytest.mark.parametrize(("delta", "heard"), [(-0.021, False), (-0.019, True), (0.019, True), (0.021, False)])
def test_c13_a_frame_beside_the_window_is_not_heard(delta: float, heard: bool) -> None:
    assert heard_when_busy([(3.0, 0.1)], shift=delta) is heard
