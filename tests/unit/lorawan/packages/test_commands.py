"""Wire forms of package commands: recorded frames, byte layouts as ChirpStack and LoRaMac-node read them, and
what is cut, unknown or beyond the bits of a field."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veldnet.lorawan import AesKey, DevAddr
from veldnet.lorawan.packages import (
    CLOCK_SYNC,
    FIRMWARE,
    FRAGMENTATION,
    MULTICAST_SETUP,
    Package,
    PackageCommand,
    parse,
    serialise,
)
from veldnet.lorawan.packages.clock_sync import (
    AppTimeAns,
    AppTimeReq,
    DeviceAppTimePeriodicityAns,
    DeviceAppTimePeriodicityReq,
    ForceDeviceResyncReq,
    correction,
)
from veldnet.lorawan.packages.command import PackageVersionAns, PackageVersionReq
from veldnet.lorawan.packages.firmware import (
    DevDeleteImageAns,
    DevRebootCountdownReq,
    DevRebootTimeReq,
    DevUpgradeImageAns,
    DevVersionAns,
)
from veldnet.lorawan.packages.fragmentation import (
    DataFragment,
    FragSessionDeleteAns,
    FragSessionSetupAns,
    FragSessionSetupReq,
    FragSessionSetupReq2,
    FragSessionStatusAns,
    FragSessionStatusAns2,
    FragSessionStatusReq,
    data_block_key,
    data_block_mic,
)
from veldnet.lorawan.packages.multicast_setup import (
    GroupAddress,
    McClassBSessionReq,
    McClassCSessionAns,
    McClassCSessionReq,
    McGroupDeleteAns,
    McGroupSetupAns,
    McGroupSetupReq,
    McGroupStatusAns,
)

GROUP = DevAddr.parse("01FF0001")
SETUP = FragSessionSetupReq(1, 0b0001, 10, 40, 2, 0, 0, b"\x01\x02\x03\x04")
PACKAGES = [CLOCK_SYNC, FIRMWARE, *FRAGMENTATION.values(), *MULTICAST_SETUP.values()]


@pytest.mark.parametrize(
    ("package", "up", "octets", "command"),
    [
        (CLOCK_SYNC, False, "00", PackageVersionReq()),
        (CLOCK_SYNC, True, "000101", PackageVersionAns(1, 1)),
        (CLOCK_SYNC, True, "01785634121f", AppTimeReq(0x12345678, 15, True)),
        (CLOCK_SYNC, False, "01f6ffffff0f", AppTimeAns(-10, 15)),
        (CLOCK_SYNC, False, "0205", DeviceAppTimePeriodicityReq(5)),
        (CLOCK_SYNC, True, "020178563412", DeviceAppTimePeriodicityAns(True, 0x12345678)),
        (CLOCK_SYNC, False, "0303", ForceDeviceResyncReq(3)),
        # F4, recorded with LoRaMac-node.
        (
            MULTICAST_SETUP[1],
            False,
            "02000100ff01502ab62682ce6b4aafebdddc488116b100000000e8030000",
            McGroupSetupReq(0, GROUP, bytes.fromhex("502ab62682ce6b4aafebdddc488116b1"), 0, 1000),
        ),
        (MULTICAST_SETUP[1], True, "0200", McGroupSetupAns(0, refused=False)),
        (MULTICAST_SETUP[1], True, "0306", McGroupDeleteAns(2, refused=True)),
        (
            MULTICAST_SETUP[1],
            True,
            "0125000100ff01020100ff01",
            McGroupStatusAns(2, 0b0101, (GroupAddress(0, GROUP), GroupAddress(2, GROUP))),
        ),
        (
            MULTICAST_SETUP[2],
            False,
            "0401785634120ad2ad8405",
            McClassCSessionReq(1, 0x12345678, 10, 869_525_000 // 100 * 100, 5),
        ),
        (
            MULTICAST_SETUP[2],
            False,
            "0501800000001ad2ad8403",
            McClassBSessionReq(1, 128, 1, 10, 869_525_000, 3),
        ),
        (MULTICAST_SETUP[1], True, "04010a0000", McClassCSessionAns(1, time_to_start=10)),
        (MULTICAST_SETUP[1], True, "041d", McClassCSessionAns(1, True, True, True)),
        (MULTICAST_SETUP[2], True, "0421", McClassCSessionAns(1, start_missed=True)),
        (FRAGMENTATION[1], False, "02110a00280200" + "01020304", SETUP),
        (
            FRAGMENTATION[2],
            False,
            "02110a00284200" + "01020304" + "0900" + "aabbccdd",
            FragSessionSetupReq2(SETUP, True, 9, b"\xaa\xbb\xcc\xdd"),
        ),
        (FRAGMENTATION[1], True, "0240", FragSessionSetupAns(1)),
        (FRAGMENTATION[2], True, "0252", FragSessionSetupAns(1, no_memory=True, session_replayed=True)),
        (FRAGMENTATION[1], False, "0103", FragSessionStatusReq(1, everybody=True)),
        (FRAGMENTATION[1], True, "0108400201", FragSessionStatusAns(1, 8, 2, no_memory=True)),
        (FRAGMENTATION[2], True, "0102084002", FragSessionStatusAns2(1, 8, 2, wrong_mic=True)),
        (FRAGMENTATION[1], True, "0305", FragSessionDeleteAns(1, no_session=True)),
        (FRAGMENTATION[1], False, "080340aabb", DataFragment(1, 3, b"\xaa\xbb")),
        (FIRMWARE, True, "01010000000200" + "0000", DevVersionAns(1, 2)),
        (FIRMWARE, False, "02ffffffff", DevRebootTimeReq(0xFFFFFFFF)),
        (FIRMWARE, False, "033c0000", DevRebootCountdownReq(60)),
        (FIRMWARE, True, "0401", DevUpgradeImageAns(1)),
        (FIRMWARE, True, "040305000000", DevUpgradeImageAns(3, 5)),
        (FIRMWARE, True, "0502", DevDeleteImageAns(no_image=False, wrong_version=True)),
    ],
)
def test_wire_forms(package: Package, up: bool, octets: str, command: PackageCommand) -> None:
    wire = bytes.fromhex(octets)
    stream = parse(wire, package.uplink if up else package.downlink)
    assert stream.commands == (command,) and stream.rest == b""
    assert serialise((command,)) == wire


def test_several_commands_share_a_frame_and_an_unknown_one_ends_the_reading() -> None:
    commands = (PackageVersionAns(1, 1), AppTimeReq(7, 1, False))
    stream = parse(serialise(commands) + b"\x77\x01", CLOCK_SYNC.uplink)
    assert stream.commands == commands and stream.rest == b"\x77\x01"


def kinds() -> Iterator[tuple[Package, type[PackageCommand], bool]]:
    for package in PACKAGES:
        for up, registry in ((True, package.uplink), (False, package.downlink)):
            for kind in registry.values():
                yield package, kind, up


@given(one=st.sampled_from(list(kinds())), octets=st.binary(min_size=29, max_size=40))
def test_what_was_read_is_written_the_same(
    one: tuple[Package, type[PackageCommand], bool], octets: bytes
) -> None:
    package, kind, up = one
    read = kind.from_payload(octets[: kind.size(octets)])
    written = read.payload()
    assert kind.from_payload(written) == read
    stream = parse(serialise((read,)), package.uplink if up else package.downlink)
    assert stream.commands == (read,) and stream.rest == b""
    # Cut anywhere, it is left unread; where it may be shorter, as much is read as is there.
    cut = parse(bytes((kind.CID,)) + written[:-1], package.uplink if up else package.downlink)
    assert cut.rest or serialise(cut.commands) == bytes((kind.CID,)) + written[:-1]


@pytest.mark.parametrize(
    ("device", "network", "expected"),
    [(100, 107.4, 7), (107, 100.0, -7), (0, 4e9, 2**31 - 1), (2**32 - 1, 0.0, -(2**31))],
)
def test_corrections_end_where_the_answer_does(device: int, network: float, expected: int) -> None:
    found = correction(device, network)
    assert found == expected
    assert AppTimeAns.from_payload(AppTimeAns(found, 3).payload()).correction == expected


def test_the_mic_of_a_data_block_covers_every_part() -> None:
    key = data_block_key(AesKey(bytes(range(16))))
    mic = data_block_mic(key, 1, 2, b"abcd", b"block")
    others = {
        data_block_mic(key, 2, 2, b"abcd", b"block"),
        data_block_mic(key, 1, 3, b"abcd", b"block"),
        data_block_mic(key, 1, 2, b"abce", b"block"),
        data_block_mic(key, 1, 2, b"abcd", b"blocks"),
        data_block_mic(data_block_key(AesKey(bytes(16))), 1, 2, b"abcd", b"block"),
    }
    assert len(mic) == 4 and len(others) == 5 and mic not in others
