"""Packages of a virtual device: what it answers, and what it has in the end."""

from __future__ import annotations

import random

from veldnet.lorawan import AesKey, DevAddr
from veldnet.lorawan.packages import PackageVersionReq, multicast_keys, serialise
from veldnet.lorawan.packages.firmware import DevRebootCountdownReq, DevUpgradeImageReq, DevVersionReq
from veldnet.lorawan.packages.fragmentation import (
    DataFragment,
    FragSessionDeleteReq,
    FragSessionSetupReq,
    FragSessionSetupReq2,
    FragSessionStatusReq,
    data_block_key,
    data_block_mic,
)
from veldnet.lorawan.packages.multicast_setup import McClassCSessionReq, McGroupDeleteReq, McGroupSetupReq
from veldnet.lorawan.packages.parity import parity_fragment
from veldnet.simulator.update_client import Abilities, UpdateClient

KEY = AesKey(bytes(range(16)))
FILE = b"firmware!" * 11


def client(abilities: Abilities | None = None) -> UpdateClient:
    return UpdateClient(KEY, random.Random(1), abilities)


def setup(size: int = 10, count: int = 10) -> FragSessionSetupReq:
    return FragSessionSetupReq(0, 0, count, size, 0, 0, size * count - len(FILE), b"\x01\x02\x03\x04")


def parts(size: int = 10) -> list[bytes]:
    padded = FILE + bytes(-len(FILE) % size)
    return [padded[at : at + size] for at in range(0, len(padded), size)]


def take(device: UpdateClient, fport: int, *commands: object, gps: float = 1000.0) -> list[bytes]:
    return [each.payload for each in device.take(fport, serialise(commands), gps)]  # type: ignore[arg-type]


def test_a_file_with_two_fragments_lost_is_rebuilt_and_started() -> None:
    device = client()
    assert take(device, 201, setup()) == [bytes((2, 0))]
    for number, part in enumerate(parts(), 1):
        if number not in (3, 7):
            assert take(device, 201, DataFragment(0, number, part)) == []
    [answer] = device.take(201, serialise([FragSessionStatusReq(0, True)]), 0.0)
    assert answer.payload == bytes((1, 8, 0, 2, 0)) and 0 <= answer.after <= 16
    row = 0
    while not device.files:
        row += 1
        take(device, 201, DataFragment(0, 10 + row, parity_fragment(parts(), row)))
    assert device.files == [FILE] and row <= 6
    assert take(device, 201, FragSessionStatusReq(0, False)) == []
    assert take(device, 203, DevUpgradeImageReq()) == [b"\x04\x03\x01\x00\x00\x01"]
    assert take(device, 203, DevRebootCountdownReq(5)) == [b"\x03\x05\x00\x00"]
    assert take(device, 203, DevVersionReq()) == [b"\x01\x01\x00\x00\x01\x01\x00\x00\x00"]
    assert take(device, 203, DevUpgradeImageReq()) == [b"\x04\x00"] and device.reboots == 1


def test_version_2_checks_the_file() -> None:
    device = client(Abilities(version=2))
    mic = data_block_mic(data_block_key(KEY), 8, 0, b"\x01\x02\x03\x04", FILE)
    for session, signed, missing_mic in ((7, bytes(4), True), (8, mic, False)):
        assert take(device, 201, FragSessionSetupReq2(setup(), False, session, signed)) == [bytes((2, 0))]
        for number, part in enumerate(parts(), 1):
            take(device, 201, DataFragment(0, number, part))
        status = take(device, 201, FragSessionStatusReq(0, True))
        assert status == [bytes((1, 2 if missing_mic else 0, 10, 0, 0))]
    assert device.files == [FILE]
    replayed = take(device, 201, FragSessionSetupReq2(setup(), True, 8, mic))
    assert replayed == [bytes((2, 0x10))]
    assert take(device, 201, FragSessionStatusReq(1, True)) == [bytes((1, 4, 0, 0x40, 0))]


def test_what_it_refuses() -> None:
    device = client(Abilities(largest_block=50, without=frozenset({203})))
    assert take(device, 201, setup()) == [bytes((2, 0x02))]
    assert take(device, 201, FragSessionStatusReq(0, True)) == []
    assert take(device, 201, FragSessionDeleteReq(0)) == [bytes((3, 4))]
    assert take(device, 203, DevVersionReq()) == [] and take(device, 9, DevVersionReq()) == []
    assert take(device, 201, PackageVersionReq()) == [bytes((0, 3, 1))]


def test_a_group_has_the_keys_that_were_sent() -> None:
    device = client()
    key, address = AesKey(bytes(16)), DevAddr(0x01020304)
    sent = multicast_keys.encrypt_mc_key(multicast_keys.mc_ke_key(multicast_keys.mc_root_key_10(KEY)), key)
    assert take(device, 200, McGroupSetupReq(0, address, sent, 0, 100)) == [bytes((2, 0))]
    group = device.groups[0]
    assert group.app_s_key == multicast_keys.mc_app_s_key(key, address)
    assert group.nwk_s_key == multicast_keys.mc_nwk_s_key(key, address)
    session = McClassCSessionReq(0, 1010, 4, 869_525_000, 3)
    assert take(device, 200, session) == [bytes((4, 0, 10, 0, 0))]
    assert device.listens(1009) is None and device.listens(1026) is None
    listening = device.listens(1010)
    assert listening is not None and listening.frequency == 869_525_000
    # A start that has passed looks as if there were no group, in version 1.
    assert take(device, 200, session, gps=1011) == [bytes((4, 0x10))]
    assert take(device, 200, McGroupDeleteReq(0), McGroupDeleteReq(0)) == [bytes((3, 0, 3, 4))]
