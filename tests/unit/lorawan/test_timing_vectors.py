"""Time on air, class B, GPS time, addressing and identifiers against published vectors."""

import pytest

from veldnet.lorawan import (
    AesKey,
    BaseStationId,
    DevAddr,
    DevEui,
    InvalidIdentifier,
    InvalidKey,
    NetId,
    airtime,
    class_b,
    gpstime,
)
from veldnet.lorawan.identifiers import address_prefix, address_type_and_nwk_id
from veldnet.lorawan.modulation import Fsk, Lora


@pytest.mark.parametrize(
    ("sf", "expected"),
    [(7, 41.216), (8, 72.192), (9, 144.384), (10, 288.768), (11, 577.536), (12, 991.232)],
)
def test_time_on_air_t1(sf: int, expected: float) -> None:
    assert airtime.time_on_air(Lora(sf, 125), 10, crc=True) == pytest.approx(expected)


def test_time_on_air_t2_t3_t4() -> None:
    assert airtime.time_on_air(Lora(7, 250), 10, crc=True) == pytest.approx(20.608)
    assert airtime.time_on_air(Lora(7, 500), 10, crc=True) == pytest.approx(10.304)
    for coding_rate, expected in ((2, 45.312), (3, 49.408), (4, 53.504)):
        assert airtime.time_on_air(Lora(7, 125), 10, crc=True, coding_rate=coding_rate) == pytest.approx(
            expected
        )
    assert airtime.time_on_air(Lora(12, 125), 13, crc=True) == pytest.approx(1155.072)


@pytest.mark.parametrize(
    ("size", "crc", "sf7", "sf9", "sf12"),
    [
        (12, False, 41.216, 144.384, 991.232),
        (13, True, 46.336, 164.864, 1155.072),
        (17, False, 46.336, 164.864, 1155.072),
        (23, True, 61.696, 205.824, 1482.752),
        (33, False, 71.936, 246.784, 1810.432),
        (64, True, 118.016, 390.144, 2793.472),
    ],
)
def test_time_on_air_table(size: int, crc: bool, sf7: float, sf9: float, sf12: float) -> None:
    computed = [airtime.time_on_air(Lora(sf, 125), size, crc=crc) for sf in (7, 9, 12)]
    assert computed == pytest.approx([sf7, sf9, sf12])


def test_fsk_time_on_air() -> None:
    assert airtime.time_on_air(Fsk(50_000), 20, crc=True) == pytest.approx(4.96)


@pytest.mark.parametrize(("rssi", "snr", "esp"), [(-113, -6, -119.973), (-67, 9, -67.514969)])
def test_estimated_signal_power(rssi: float, snr: float, esp: float) -> None:
    assert airtime.estimated_signal_power(rssi, snr) == pytest.approx(esp, abs=5e-4)


def test_ping_offset_p1_p2_p4() -> None:
    assert class_b.ping_offset(0, DevAddr(0), 32) == 6
    assert class_b.ping_offset(0xFF42, DevAddr.parse("004200FF"), 4096) == 3994
    assert class_b.ping_offset(1479420800, DevAddr.parse("00112233"), 32) == 31
    assert class_b.ping_slot_time(1479420800, DevAddr.parse("00112233"), 128, 6) == pytest.approx(
        1479420808.810
    )


@pytest.mark.parametrize(
    ("after", "ping_nb", "expected"),
    [(0, 1, 74.300), (120, 1, 185.620), (0, 2, 12.860), (13, 2, 74.300), (124, 128, 124.220)],
)
def test_next_ping_slot_p3(after: float, ping_nb: int, expected: float) -> None:
    assert class_b.next_ping_slot(after, DevAddr(0), ping_nb) == pytest.approx(expected)


def test_beacon_crc_p5_p6() -> None:
    assert class_b.beacon_crc(bytes.fromhex("0000000002cc")) == 0x7EA2
    assert class_b.beacon_crc(bytes.fromhex("00012000008103")) == 0x55DE
    assert class_b.beacon_crc(bytes.fromhex("0001200000810300")) == 0xD450


def test_gps_time_g1() -> None:
    assert gpstime.unix_to_gps(1455287071) == 1139322288
    assert gpstime.unix_to_gps(1700000000) == 1700000000 - 315964800 + 18


@pytest.mark.parametrize(
    ("dev_addr", "kind", "nwk_id"),
    [
        ("5BFFFFFF", 0, 0x2D),
        ("ADFFFFFF", 1, 0x2D),
        ("D6DFFFFF", 2, 0x16D),
        ("EB6FFFFF", 3, 0x5B7),
        ("F5B6FFFF", 4, 0xB6D),
        ("FADB7FFF", 5, 0x16DB),
        ("FD6DB7FF", 6, 0x5B6D),
        ("FEB6DB7F", 7, 0x16DB6),
    ],
)
def test_address_types_a1(dev_addr: str, kind: int, nwk_id: int) -> None:
    assert address_type_and_nwk_id(DevAddr.parse(dev_addr)) == (kind, nwk_id)


def test_address_prefix_a2() -> None:
    assert address_prefix(NetId.parse("000013")) == (DevAddr.parse("26000000"), 7)
    assert address_prefix(NetId.parse("600008")) == (DevAddr.parse("E0100000"), 15)
    with pytest.raises(InvalidIdentifier):
        address_type_and_nwk_id(DevAddr.parse("FFFFFFFF"))


def test_identifiers_on_air_and_in_text() -> None:
    eui = DevEui.parse("00-59-ac-00:00-17-03-11")
    assert eui.to_wire() == bytes.fromhex("1103170000AC5900")
    assert f"{eui}" == str(eui) == "0059AC0000170311"
    assert DevEui.from_wire(eui.to_wire()) == eui
    for text in ("", "0059AC00001703", "0059AC000017031G", "+059AC0000170311", "0059AC_000170311", "٠" * 16):
        with pytest.raises(InvalidIdentifier, match="16 hexadecimal digits"):
            DevEui.parse(text)
    assert repr(BaseStationId.parse("ff000001")) == "BaseStationId(FF000001)"


def test_keys_never_show_themselves() -> None:
    key = AesKey.parse("00112233-445566778899aabbccddeeff")
    for shown in (repr(key), str(key), f"{key}", repr([key])):
        assert "0011" not in shown and "\\x11" not in shown
    for text in ("", "0" * 31, "g" * 32):
        with pytest.raises(InvalidKey):
            AesKey.parse(text)
    with pytest.raises(InvalidKey):
        AesKey(b"short")
