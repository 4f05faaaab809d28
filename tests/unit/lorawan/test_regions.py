"""Every data rate, RX1 offset, channel and limit of every region, against the published tables.

The expected values are written down here a second time, from the Regional Parameters documents named in
each region, in another form than the tables of the product.
"""

from __future__ import annotations

from typing import Any

import pytest

from veldnet.lorawan.airtime import time_on_air
from veldnet.lorawan.modulation import Fsk, Lora, LrFhss, Modulation
from veldnet.lorawan.regions import REGIONS, Channel, ChannelPlan, Region, max_frm_payload, parse_cf_list

EU_RATES = "SF12/125 SF11/125 SF10/125 SF9/125 SF8/125 SF7/125 SF7/250 FSK"
EU_M = "59 59 59 123 250 250 250 250"
EU_RX1 = ["000000", "100000", "210000", "321000", "432100", "543210", "654321", "765432"]
HOPPING_US = [923.3, 923.9, 924.5, 925.1, 925.7, 926.3, 926.9, 927.5]


def modulation(text: str) -> Modulation:
    if text == "FSK":
        return Fsk(50_000)
    kind, width = text.split("/", 1)
    if kind.startswith("FHSS"):
        return LrFhss(int(kind[4:]), width)
    return Lora(int(kind[2:]), int(width))


def rates(first: int, text: str) -> dict[int, Modulation]:
    """Data rates from `first` on; `-` leaves an index out."""
    return {first + n: modulation(word) for n, word in enumerate(text.split()) if word != "-"}


def mhz(*values: float) -> list[int]:
    return [round(value * 1_000_000) for value in values]


def run(first: float, step: float, count: int) -> list[int]:
    return [round((first + step * n) * 1_000_000) for n in range(count)]


def as923(offset: float) -> dict[str, Any]:
    codes = (0, 1, 2, 3, 4, 5, -1, -2)
    return {
        "channels": mhz(923.2 + offset, 923.4 + offset),
        "uplink": rates(0, EU_RATES),
        "downlink": rates(0, EU_RATES),
        "m": "59 59 123 123 250 250 250 250",
        "rx1": {up: [min(7, max(0, up - code)) for code in codes] for up in range(8)},
        "rx2": (923.2 + offset, 2),
        "eirp": (16, 7),
        "beacon": ([923.4 + offset], 3, 17),
        "ping": ([923.4 + offset], 3),
    }


def eu_like(count: int = 8) -> dict[str, Any]:
    words = " ".join(EU_RATES.split()[:count])
    return {
        "uplink": rates(0, words),
        "downlink": rates(0, words),
        "m": " ".join(EU_M.split()[:count]),
        "rx1": {up: [int(c) for c in row] for up, row in enumerate(EU_RX1[:count])},
    }


US_DOWN = rates(8, "SF12/500 SF11/500 SF10/500 SF9/500 SF8/500 SF7/500")
US_DOWN_M = "61 137 250 250 250 250"
US_RX1 = {
    0: [10, 9, 8, 8],
    1: [11, 10, 9, 8],
    2: [12, 11, 10, 9],
    3: [13, 12, 11, 10],
    4: [13, 13, 12, 11],
}
US_RX = {
    "rx1_frequencies": HOPPING_US,
    "rx2": (923.3, 8),
    "beacon": (HOPPING_US, 8, 23),
    "ping": (HOPPING_US, 8),
}

EXPECTED: dict[str, dict[str, Any]] = {
    "EU868": {
        "channels": mhz(868.1, 868.3, 868.5),
        "uplink": rates(
            0,
            EU_RATES + " FHSS137/1/3 FHSS137/2/3 FHSS336/1/3 FHSS336/2/3 SF6/125 SF5/125",
        ),
        "downlink": rates(0, EU_RATES + " - - - - SF6/125 SF5/125"),
        "m": EU_M + " 58 123 58 123 250 250",
        "rx1": {
            **{up: [int(c) for c in row] for up, row in enumerate(EU_RX1)},
            8: [1, 0, 0, 0, 0, 0],
            9: [2, 1, 0, 0, 0, 0],
            10: [1, 0, 0, 0, 0, 0],
            11: [2, 1, 0, 0, 0, 0],
            12: [12, 5, 4, 3, 2, 1],
            13: [13, 12, 5, 4, 3, 2],
        },
        "rx2": (869.525, 0),
        "eirp": (16, 7),
        "beacon": ([869.525], 3, 17),
        "ping": ([869.525], 3),
    },
    "US915": US_RX
    | {
        "channels": run(902.3, 0.2, 64) + run(903.0, 1.6, 8),
        "uplink": rates(0, "SF10/125 SF9/125 SF8/125 SF7/125 SF8/500 FHSS1523/1/3 FHSS1523/2/3"),
        "downlink": US_DOWN,
        "m": "19 61 133 250 250 58 133",
        "down_m": US_DOWN_M,
        "rx1": US_RX1 | {5: [10, 9, 8, 8], 6: [11, 10, 9, 8]},
        "eirp": (30, 14),
    },
    "AU915": {
        "channels": run(915.2, 0.2, 64) + run(915.9, 1.6, 8),
        "uplink": rates(0, "SF12/125 SF11/125 SF10/125 SF9/125 SF8/125 SF7/125 SF8/500 FHSS1523/1/3"),
        "downlink": US_DOWN,
        "m": "59 59 59 123 250 250 250 58",
        "down_m": US_DOWN_M,
        "rx1": {
            0: [8, 8, 8, 8, 8, 8],
            1: [9, 8, 8, 8, 8, 8],
            2: [10, 9, 8, 8, 8, 8],
            3: [11, 10, 9, 8, 8, 8],
            4: [12, 11, 10, 9, 8, 8],
            5: [13, 12, 11, 10, 9, 8],
            6: [13, 13, 12, 11, 10, 9],
            7: [9, 8, 8, 8, 8, 8],
        },
        "rx1_frequencies": HOPPING_US,
        "rx2": (923.3, 8),
        "eirp": (30, 14),
        "beacon": (HOPPING_US, 8, 23),
        "ping": (HOPPING_US, 8),
    },
    "AU915 1.0.2revA": US_RX
    | {
        "channels": run(915.2, 0.2, 64) + run(915.9, 1.6, 8),
        "uplink": rates(0, "SF10/125 SF9/125 SF8/125 SF7/125 SF8/500"),
        "downlink": US_DOWN,
        "m": "19 61 133 250 250",
        "down_m": US_DOWN_M,
        "rx1": US_RX1,
        "eirp": (30, 10),
    },
    "AS923-1": as923(0.0),
    "AS923-2": as923(-1.8),
    "AS923-3": as923(-6.6),
    "AS923-4": as923(-5.9),
    "IN865": {
        "channels": mhz(865.0625, 865.4025, 865.985),
        "uplink": rates(0, EU_RATES.replace("SF7/250", "-")),
        "downlink": rates(0, EU_RATES.replace("SF7/250", "-")),
        "m": "59 59 59 123 250 250 250",
        "rx1": {
            0: [0, 0, 0, 0, 0, 0, 1, 2],
            1: [1, 0, 0, 0, 0, 0, 2, 3],
            2: [2, 1, 0, 0, 0, 0, 3, 4],
            3: [3, 2, 1, 0, 0, 0, 4, 5],
            4: [4, 3, 2, 1, 0, 0, 5, 5],
            5: [5, 4, 3, 2, 1, 0, 5, 5],
            7: [7, 5, 5, 4, 3, 2, 7, 7],
        },
        "rx2": (866.55, 2),
        "eirp": (30, 10),
        "beacon": ([866.55], 4, 19),
        "ping": ([866.55], 4),
    },
    "KR920": eu_like(6)
    | {
        "channels": mhz(922.1, 922.3, 922.5),
        "rx2": (921.9, 0),
        "eirp": (14, 7),
        "beacon": ([923.1], 3, 17),
        "ping": ([923.1], 3),
    },
    "RU864": eu_like()
    | {
        "channels": mhz(868.9, 869.1),
        "rx2": (869.1, 0),
        "eirp": (16, 7),
        "beacon": ([869.1], 3, 17),
        "ping": ([868.9], 3),
    },
    "EU433": eu_like()
    | {
        "channels": mhz(433.175, 433.375, 433.575),
        "rx2": (434.665, 0),
        "eirp": (12.15, 5),
        "beacon": ([434.665], 3, 17),
        "ping": ([434.665], 3),
    },
    "CN779": eu_like()
    | {
        "channels": mhz(779.5, 779.7, 779.9),
        "rx2": (786.0, 0),
        "eirp": (12.15, 5),
        "beacon": ([785.0], 3, 17),
        "ping": ([785.0], 3),
    },
    "CN470": eu_like(6)
    | {
        "channels": run(470.3, 0.2, 96),
        "rx1_frequencies": [500.3 + 0.2 * n for n in range(48)],
        "rx2": (505.3, 0),
        "eirp": (19.15, 7),
        "beacon": ([508.3 + 0.2 * n for n in range(8)], 2, 19),
        "ping": ([508.3 + 0.2 * n for n in range(8)], 2),
    },
    **{
        f"CN470-26{letter}": {
            "channels": run(up, 0.2, 48),
            "uplink": rates(1, "SF11/125 SF10/125 SF9/125 SF8/125 SF7/125 SF7/500 FSK"),
            "downlink": rates(1, "SF11/125 SF10/125 SF9/125 SF8/125 SF7/125 SF7/500 FSK"),
            "m": "31 94 192 250 250 250 250",
            "rx1": {up_rate: [max(1, int(c)) for c in EU_RX1[up_rate]] for up_rate in range(1, 8)},
            "rx1_frequencies": [down + 0.2 * n for n in range(24)],
            "rx2": (rx2, 1),
            "eirp": (19.15, 7),
            "beacon": ([beacon], 2, 19),
            "ping": ([beacon], 2),
        }
        for letter, up, down, rx2, beacon in (
            ("A", 470.3, 490.1, 492.5, 494.9),
            ("B", 480.3, 500.1, 502.5, 504.9),
        )
    },
}


# Each region, and as devices of earlier revisions know it.
TABLES = REGIONS | {
    f"{region.name} {revision}": earlier
    for region in REGIONS.values()
    for revision, earlier in region.earlier.items()
}


@pytest.fixture(params=sorted(EXPECTED))
def case(request: pytest.FixtureRequest) -> tuple[Region, dict[str, Any]]:
    return TABLES[request.param], EXPECTED[request.param]


def test_every_region_is_expected() -> None:
    assert set(TABLES) == set(EXPECTED)


def test_data_rates(case: tuple[Region, dict[str, Any]]) -> None:
    region, expected = case
    uplink, downlink = expected["uplink"], expected["downlink"]
    assert {index: rate.modulation for index, rate in region.uplink.items()} == uplink
    assert {index: rate.modulation for index, rate in region.downlink.items()} == downlink
    for index, rate in region.uplink.items():
        assert region.uplink_data_rate(rate.modulation) == index
    for index, rate in region.downlink.items():
        assert region.downlink_data_rate(rate.modulation) == index
        assert not isinstance(rate.modulation, LrFhss), "LR-FHSS is for uplinks only"
    assert region.uplink_data_rate(Lora(12, 62)) is None


def test_payload_limits(case: tuple[Region, dict[str, Any]]) -> None:
    region, expected = case
    limits = [rate.max_mac_payload for rate in region.uplink.values()]
    assert limits == [int(word) for word in str(expected["m"]).split()]
    down = [rate.max_mac_payload for rate in region.downlink.values()]
    if "down_m" in expected:
        assert down == [int(word) for word in str(expected["down_m"]).split()]
    for rate in (*region.uplink.values(), *region.downlink.values()):
        assert max_frm_payload(rate) == rate.max_mac_payload - 8
        assert max_frm_payload(rate, 15) == max(rate.max_mac_payload - 23, 0)
        assert max_frm_payload(rate, repeater=True) <= 222


def test_rx1(case: tuple[Region, dict[str, Any]]) -> None:
    region, expected = case
    table = expected["rx1"]
    assert set(region.rx1) == set(table) == set(region.uplink)
    for up, down in table.items():
        assert [region.rx1_data_rate(up, offset) for offset in range(len(down))] == down
        assert region.rx1_data_rate(up, 99) == down[-1]
        assert set(down) <= set(region.downlink), "RX1 uses a rate that the region has"
    frequencies = expected.get("rx1_frequencies")
    for index, channel in enumerate(region.channels):
        answer = region.rx1_frequency(channel.frequency, index)
        if frequencies is None:
            assert answer == channel.frequency
        else:
            assert answer == round(frequencies[index % len(frequencies)] * 1_000_000)


def test_channels(case: tuple[Region, dict[str, Any]]) -> None:
    region, expected = case
    assert [channel.frequency for channel in region.channels] == expected["channels"]
    plan = ChannelPlan(region)
    for index, channel in enumerate(region.channels):
        assert plan.uplink_index(channel.frequency, channel.min_dr) == index
        assert set(range(channel.min_dr, channel.max_dr + 1)) <= set(region.uplink)
        assert region.sub_band(channel.frequency) is not None
    assert plan.mask == plan.defined == (1 << len(region.channels)) - 1
    assert plan.index_of(100_000_000) is None


def test_windows_power_and_class_b(case: tuple[Region, dict[str, Any]]) -> None:
    region, expected = case
    frequency, rate = expected["rx2"]
    assert (region.rx2_frequency, region.rx2_data_rate) == (round(frequency * 1_000_000), rate)
    assert (region.max_eirp, region.tx_power_steps) == expected["eirp"]
    assert region.rx2_data_rate in region.downlink
    beacons, beacon_rate, octets = expected["beacon"]
    assert list(region.class_b.beacon_frequencies) == mhz(*beacons)
    assert (region.class_b.beacon_data_rate, region.class_b.beacon_layout[2]) == (beacon_rate, octets)
    before, between, total = region.class_b.beacon_layout
    assert before + 4 + 2 + between + 2 == total
    pings, ping_rate = expected["ping"]
    assert list(region.class_b.ping_frequencies) == mhz(*pings)
    assert region.class_b.ping_data_rate == ping_rate
    assert {beacon_rate, ping_rate} <= set(region.downlink)
    assert region.sub_band(region.rx2_frequency) is not None
    assert (region.rx1_delay, region.join_accept_delay1) == (1, 5)
    for low in region.join_data_rates:
        assert low in region.uplink


def test_dwell_time() -> None:
    off, on = {}, {}
    for name in ("AU915", "AS923-1"):
        rates_up = REGIONS[name].uplink
        off[name] = [max_frm_payload(rate) for rate in rates_up.values()]
        on[name] = [max_frm_payload(rate, dwell=True) for rate in rates_up.values()]
    assert off["AU915"] == [51, 51, 51, 115, 242, 242, 242, 50]
    assert on["AU915"] == [0, 0, 11, 53, 125, 242, 242, 50]
    assert off["AS923-1"] == [51, 51, 115, 115, 242, 242, 242, 242]
    assert on["AS923-1"] == [0, 0, 11, 53, 125, 242, 242, 242]
    assert max_frm_payload(REGIONS["AS923-1"].uplink[2], early=True) == 51
    as923_1 = REGIONS["AS923-1"]
    assert [as923_1.rx1_data_rate(0, offset, dwell=True) for offset in range(8)] == [2] * 8
    assert [as923_1.rx1_data_rate(5, offset, dwell=True) for offset in range(8)] == [5, 4, 3, 2, 2, 2, 6, 7]
    assert {name for name, region in REGIONS.items() if region.tx_param_setup} == {
        "AU915", "AS923-1", "AS923-2", "AS923-3", "AS923-4",
    }  # fmt: skip
    # What dwell time leaves of a data rate fits into 400 ms on the air.
    for name in ("AU915", "AS923-1"):
        for rate in REGIONS[name].uplink.values():
            if rate.dwell and not isinstance(rate.modulation, LrFhss):
                assert time_on_air(rate.modulation, rate.dwell + 5, crc=True) <= 400


def test_repeater_limits_of_us_downlinks() -> None:
    down = REGIONS["US915"].downlink
    assert [max_frm_payload(rate, repeater=True) for rate in down.values()] == [33, 109, 222, 222, 222, 222]


def test_duty_cycles_of_europe() -> None:
    bands = {band.name: (band.duty_cycle, band.max_erp) for band in REGIONS["EU868"].sub_bands}
    one, tenth = (0.01, 14), (0.001, 14)
    assert bands == {"G0": one, "G1": one, "G2": tenth, "G3": (0.1, 27), "G4": one, "K": tenth}
    assert REGIONS["EU868"].downlink_power(869_525_000) == 29
    assert REGIONS["EU868"].downlink_power(868_100_000) == 16


def test_cf_lists() -> None:
    region = REGIONS["EU868"]
    extra = tuple(Channel(f, 0, 5) for f in mhz(867.1, 867.3, 867.5, 867.7, 867.9, 865.1))
    plan = ChannelPlan(region, extra)
    # Vector J11 of the published test vectors.
    assert plan.cf_list.hex() == "184f84e85684b85e84886684586e8400"
    assert parse_cf_list(plan.cf_list) == (tuple(mhz(867.1, 867.3, 867.5, 867.7, 867.9)), None)
    assert ChannelPlan(region).cf_list == b""
    us = ChannelPlan(REGIONS["US915"], sub_bands=(2,))
    assert us.cf_list.hex() == "00ff00000000000002000000" + "000000" + "01"
    assert parse_cf_list(us.cf_list) == ((), us.mask)
    assert parse_cf_list(b"") == ((), None)
    assert parse_cf_list(bytes(15) + b"\x07") == ((), None)
    with pytest.raises(ValueError, match="16 octets"):
        parse_cf_list(bytes(5))


def test_sub_bands() -> None:
    for number in range(1, 9):
        mask = ChannelPlan(REGIONS["AU915"], sub_bands=(number,)).mask
        chosen = [index for index in range(72) if mask >> index & 1]
        assert chosen == [*range(8 * (number - 1), 8 * number), 63 + number]
    assert ChannelPlan(REGIONS["CN470"], sub_bands=(12,)).mask == 0xFF << 88
    for name, sub_bands, extra in (
        ("EU868", (1,), ()),
        ("US915", (9,), ()),
        ("US915", (), (Channel(902_500_000, 0, 3),)),
    ):
        with pytest.raises(ValueError, match=name):
            ChannelPlan(REGIONS[name], extra, sub_bands)


def test_lr_fhss_airtime() -> None:
    # Three headers of 233.472 ms, and 48 coded bits of payload every 102.4 ms at rate 1/3.
    assert time_on_air(LrFhss(137, "1/3"), 20, crc=True) == pytest.approx(3 * 233.472 + 12 * 102.4)
    assert time_on_air(LrFhss(137, "2/3"), 20, crc=True) == pytest.approx(2 * 233.472 + 6 * 102.4)
