"""Basics Station: identifiers, messages, configuration, and one station without a connection."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veldnet.gateways.basics_station.messages import (
    Context,
    DataFrame,
    JoinRequest,
    MessageError,
    Proprietary,
    data_rate_of,
    downlink,
    parse,
    unpack_context,
)
from veldnet.gateways.basics_station.router_config import data_rates, router_config
from veldnet.gateways.basics_station.router_ids import dashed, id6, parse_router_id
from veldnet.gateways.basics_station.station import Counts, Station, Wires
from veldnet.gateways.interface import StationProfile
from veldnet.gateways.presence import Presence
from veldnet.gateways.radio_layout import layouts
from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.lorawan.identifiers import InvalidIdentifier
from veldnet.lorawan.modulation import Fsk, Lora
from veldnet.lorawan.radio import GatewayDownlink, GatewayUplink, TransmitReport, TransmitWindow
from veldnet.lorawan.regions import REGIONS, Channel, ChannelPlan
from veldnet.simulator.basics_station_link import message_of
from veldnet.simulator.virtual_time import run_virtually

STATION = BaseStationId(0xFF000001)
EXTRA = tuple(Channel(867_100_000 + 200_000 * n, 0, 5) for n in range(5))
EU868 = ChannelPlan(REGIONS["EU868"], EXTRA)


@pytest.mark.parametrize(
    ("text", "eui"),
    [
        ("b827:ebff:fe12:3456", 0xB827EBFFFE123456),
        ("B827:EBFF:FE12:3456", 0xB827EBFFFE123456),
        ("::1", 1),
        ("0:ff:fe00:1", 0x000000FFFE000001),
        ("1::", 1 << 48),
        ("f:a:0:1", 0x000F000A00000001),
        ("58A0CBFFFE803E21", 0x58A0CBFFFE803E21),
        ("58-a0-cb-ff-fe-80-3e-21", 0x58A0CBFFFE803E21),
        ("58:A0:CB:FF:FE:80:3E:21", 0x58A0CBFFFE803E21),
        ("router-58A0CBFFFE803E21", 0x58A0CBFFFE803E21),
        ("eui-58a0cbfffe803e21", 0x58A0CBFFFE803E21),
        (0x58A0CBFFFE803E21, 0x58A0CBFFFE803E21),
    ],
)
def test_a_router_is_named_in_many_forms(text: object, eui: int) -> None:
    assert parse_router_id(text) == GatewayEui(eui)


@pytest.mark.parametrize(
    "wrong",
    [
        ":::",
        "1::2::3",
        "1:2:3",
        "1:2:3:4:5",
        "12345::",
        "g::1",
        "",
        "x" * 500,
        "1:2::3:4",
        True,
        -1,
        1 << 64,
        None,
    ],
)
def test_what_names_no_router(wrong: object) -> None:
    with pytest.raises(InvalidIdentifier):
        parse_router_id(wrong)


@given(st.integers(0, (1 << 64) - 1))
def test_an_id6_is_read_as_it_was_written(eui: int) -> None:
    assert parse_router_id(id6(GatewayEui(eui))) == eui
    assert parse_router_id(dashed(eui)) == eui


@given(
    st.one_of(
        st.binary(min_size=22, max_size=22).map(lambda rest: b"\x00" + rest),
        st.tuples(st.sampled_from(b"\x40\x80"), st.binary(min_size=4, max_size=4), st.integers(0, 255),
                  st.binary(min_size=22, max_size=240))
        .map(lambda parts: bytes((parts[0],)) + parts[1] + bytes((parts[2],)) + parts[3]),
        st.binary(min_size=1, max_size=255).filter(lambda frame: frame[0] >> 5 not in (0, 2, 4)),
    )
)  # fmt: skip
def test_a_frame_that_station_takes_apart_is_put_together_again(frame: bytes) -> None:
    radio = {"DR": 5, "Freq": 868_100_000, "upinfo": {"xtime": 1}}
    message = parse(json.dumps(message_of(frame) | radio))
    assert isinstance(message, JoinRequest | DataFrame | Proprietary)
    assert message.phy_payload() == frame
    if isinstance(message, DataFrame):
        assert message.head() == frame[:6]


@given(st.text(max_size=200) | st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=12,
).map(json.dumps))  # fmt: skip
def test_any_text_is_a_message_or_refused(text: str) -> None:
    try:
        parse(text)
    except MessageError as error:
        assert error.code in ("bad_json", "unknown_message")


def test_the_configuration_of_eu868() -> None:
    config = router_config(StationProfile(EU868), "2.0.6(linux/std)")
    assert (
        config["region"] == "EU868" and router_config(StationProfile(EU868), "2.0.5(x)")["region"] == "EU863"
    )
    assert config["hwspec"] == "sx1301/1" and config["freq_range"] == [863_000_000, 870_000_000]
    assert config["DRs"][:9] == [
        *([sf, 125, 0] for sf in (12, 11, 10, 9, 8, 7)), [7, 250, 0], [0, 0, 0], [-1, 0, 0],
    ]  # fmt: skip
    assert len(config["DRs"]) == 16
    assert config["bcning"] == {"DR": 3, "layout": [2, 8, 17], "freqs": [869_525_000]}
    assert heard(config["sx1301_conf"][0]) == sorted(channel.frequency for channel in EU868.channels)
    assert config["sx1301_conf"][0]["chan_FSK"]["enable"]


@pytest.mark.parametrize(
    ("region", "sub_bands", "name", "first", "standard", "layout"),
    [
        ("US915", (2,), "US915", 903_900_000, 904_600_000, [5, 11, 23]),
        ("AU915", (2,), "AU915", 916_800_000, 917_500_000, [5, 11, 23]),
        ("KR920", (), "KR920", 922_100_000, None, [2, 8, 17]),
        ("AS923-1", (), "AU915", 923_200_000, None, [2, 8, 17]),
        ("IN865", (), "AU915", 865_062_500, None, [1, 7, 19]),
        ("CN470", (11,), "AU915", 486_300_000, None, [3, 9, 19]),
    ],
)
def test_the_configuration_of_other_regions(
    region: str, sub_bands: tuple[int, ...], name: str, first: int, standard: int | None, layout: list[int]
) -> None:
    plan = ChannelPlan(REGIONS[region], (), sub_bands)
    config = router_config(StationProfile(plan), "2.0.6")
    conf = config["sx1301_conf"][0]
    assert config["region"] == name and config["bcning"]["layout"] == layout
    assert heard(conf)[0] == first and len(heard(conf)) == min(8, bin(plan.mask).count("1"))
    assert frequency_of(conf, conf["chan_Lora_std"]) == standard


_EUROPEAN = [[12, 125], [11, 125], [10, 125], [9, 125], [8, 125], [7, 125]]
# Region: data rates from DR 0 on, the range in Hz that transmissions must lie in, and the beacon's.
RECIPES: dict[str, tuple[list[list[int]], tuple[int, int], tuple[int, list[int], int]]] = {
    "EU868": ([*_EUROPEAN, [7, 250]], (863_000_000, 870_000_000), (3, [2, 8, 17], 869_525_000)),
    "US915": (
        [[10, 125], [9, 125], [8, 125], [7, 125], [8, 500]],
        (902_000_000, 928_000_000),
        (8, [5, 11, 23], 923_300_000),
    ),
    "AU915": ([*_EUROPEAN, [8, 500]], (915_000_000, 928_000_000), (8, [5, 11, 23], 923_300_000)),
    "AS923-1": ([*_EUROPEAN, [7, 250]], (915_000_000, 928_000_000), (3, [2, 8, 17], 923_400_000)),
    "AS923-2": ([*_EUROPEAN, [7, 250]], (915_000_000, 928_000_000), (3, [2, 8, 17], 921_600_000)),
    "AS923-3": ([*_EUROPEAN, [7, 250]], (915_000_000, 928_000_000), (3, [2, 8, 17], 916_800_000)),
    "AS923-4": ([*_EUROPEAN, [7, 250]], (915_000_000, 928_000_000), (3, [2, 8, 17], 917_500_000)),
    "KR920": (_EUROPEAN, (920_900_000, 923_300_000), (3, [2, 8, 17], 923_100_000)),
    "IN865": (_EUROPEAN, (865_000_000, 867_000_000), (4, [1, 7, 19], 866_550_000)),
    "RU864": ([*_EUROPEAN, [7, 250]], (864_000_000, 870_000_000), (3, [2, 8, 17], 869_100_000)),
}


@pytest.mark.parametrize("region", RECIPES)
def test_the_configuration_follows_the_recipe_of_its_region(region: str) -> None:
    rates, (low, high), (beacon_rate, layout, frequency) = RECIPES[region]
    config = router_config(StationProfile(ChannelPlan(REGIONS[region])), "2.0.6")
    assert [rate[:2] for rate in config["DRs"][: len(rates)]] == rates and len(config["DRs"]) == 16
    assert low <= config["freq_range"][0] < config["freq_range"][1] <= high
    assert (config["bcning"]["DR"], config["bcning"]["layout"]) == (beacon_rate, layout)
    assert config["bcning"]["freqs"] == (
        [frequency + 600_000 * n for n in range(8)] if layout[2] == 23 else [frequency]
    )
    # Boards with an SX1302 want the name and layout of the SX1301, too.
    assert config["hwspec"] == "sx1301/1" and len(config["sx1301_conf"]) == 1
    # Every rate of RX1, RX2 and the beacon that its chip knows is in the table.
    rates_given = data_rates(REGIONS[region])
    for rate in REGIONS[region].downlink.values():
        if isinstance(rate.modulation, Lora) and rate.modulation.sf >= 7:
            assert data_rate_of(rates_given, rate.modulation) is not None


@pytest.mark.parametrize("sub_band", range(1, 9))
@pytest.mark.parametrize(("region", "second"), [("US915", 903_900_000), ("AU915", 916_800_000)])
def test_a_sub_band_is_the_second_one_shifted(region: str, second: int, sub_band: int) -> None:
    conf = layouts(ChannelPlan(REGIONS[region], (), (sub_band,)), 1)[0]
    shift = (sub_band - 2) * 1_600_000
    assert heard(conf) == [second + shift + 200_000 * n for n in range(8)]
    assert frequency_of(conf, conf["chan_Lora_std"]) == second + shift + 700_000
    assert (conf["chan_Lora_std"]["bandwidth"], conf["chan_Lora_std"]["spread_factor"]) == (500_000, 8)
    assert abs(conf["chan_Lora_std"]["if"]) <= 300_000 and not conf["chan_FSK"]["enable"]


@pytest.mark.parametrize("region", REGIONS)
def test_no_channel_lies_beyond_its_radio(region: str) -> None:
    conf = layouts(ChannelPlan(REGIONS[region]), 1)[0]
    for name, channel in conf.items():
        if name.startswith("chan_multi") and channel["enable"]:
            assert abs(channel["if"]) <= 400_000 and conf[f"radio_{channel['radio']}"]["enable"]
    assert heard(conf)


def frequency_of(conf: dict[str, Any], channel: dict[str, Any]) -> int | None:
    return conf[f"radio_{channel['radio']}"]["freq"] + channel["if"] if channel["enable"] else None


def heard(conf: dict[str, Any]) -> list[int]:
    found = [frequency_of(conf, channel) for name, channel in conf.items() if name.startswith("chan_multi")]
    return sorted(frequency for frequency in found if frequency is not None)


def window(context: Context | None, **changes: Any) -> TransmitWindow:
    values: dict[str, Any] = {
        "opens_at": 1.0,
        "power": 16.0,
        "timestamp": None if context is None else (context.xtime + 1_000_000) & 0xFFFFFFFF,
    }
    return TransmitWindow(
        STATION, 1, 868_100_000, Lora(7, 125),
        context=b"" if context is None else context.packed(), **(values | changes),
    )  # fmt: skip


def test_the_time_of_a_downlink_goes_on_where_the_counter_of_32_bits_wraps() -> None:
    context = Context(3, 5 << 48 | 7 << 32 | 0xFFFFFFF0, 1)
    sent = GatewayDownlink(1, b"frame", window(context))
    message = downlink(sent, 9, 5, context)
    assert message["xtime"] + message["RxDelay"] * 1_000_000 == context.xtime + 1_000_000
    assert (message["rctx"], message["RX1DR"], message["RX1Freq"]) == (3, 5, 868_100_000)
    assert unpack_context(context.packed()) == context and unpack_context(b"other") is None


def test_downlinks_of_class_b_and_c() -> None:
    pinged = downlink(GatewayDownlink(1, b"f", window(None, gps_time=1_400_000_000.5)), 1, 3, None)
    assert (pinged["dC"], pinged["gpstime"], pinged["DR"]) == (1, 1_400_000_000_500_000, 3)
    at_once = downlink(GatewayDownlink(1, b"f", window(None)), 1, 0, None)
    assert (at_once["dC"], at_once["RX2DR"], "xtime" in at_once) == (2, 0, False)


def test_rates_of_downlinks_are_found_behind_those_of_uplinks() -> None:
    rates = data_rates(REGIONS["US915"])
    assert data_rate_of(rates, Lora(8, 500)) == 12 and data_rate_of(rates, Lora(7, 125)) == 3
    assert data_rate_of(data_rates(REGIONS["EU868"]), Fsk(50_000)) == 7
    assert data_rate_of(rates, Fsk(50_000)) is None


class Platform:
    """What a station finds: it takes what comes."""

    def __init__(self) -> None:
        self.presence = Presence()
        self.gate = None
        self.uplinks: list[GatewayUplink] = []
        self.reports: list[TransmitReport] = []
        self.faults: list[BaseException] = []
        self.handed: list[float | None] = []
        self.directory = self

    def clock(self) -> float:
        return asyncio.get_running_loop().time() + 1_800_000_000

    steady = clock

    def uplink(self, uplink: GatewayUplink) -> None:
        self.uplinks.append(uplink)

    def report(self, report: TransmitReport) -> None:
        self.reports.append(report)

    def caught(self, _task: str, error: BaseException) -> None:
        self.faults.append(error)

    def handed_over(self, _protocol: str, decided: float | None) -> None:
        self.handed.append(decided)


def station_of(platform: Platform, number: int = 1) -> tuple[Station, list[dict[str, Any]]]:
    sent: list[dict[str, Any]] = []
    counts = Counts(Counter(), Counter(), Counter())

    def send(message: dict[str, Any], _decided: float | None = None, /) -> None:
        sent.append(message)

    return Station(platform, STATION, number, StationProfile(EU868), counts, Wires(send)), sent  # type: ignore[arg-type]


def uplink_text(xtime: int = 1 << 48) -> str:
    radio = {"DR": 5, "Freq": 868_100_000, "upinfo": {"xtime": xtime, "rctx": 2, "rssi": -50, "snr": 9}}
    return json.dumps(message_of(bytes.fromhex("40040302018001000102030405060708")) | radio)


def test_a_station_that_stays_silent_has_not_sent() -> None:
    async def story() -> None:
        platform = Platform()
        station, sent = station_of(platform)
        station.received(uplink_text())
        (heard_frame,) = platform.uplinks
        loop = asyncio.get_running_loop()

        def give(token: int) -> None:
            opens = platform.clock() + 1
            at = window(unpack_context(heard_frame.context), opens_at=opens)
            station.transmit(GatewayDownlink(token, b"frame", at))

        give(1)
        began = loop.time()
        while not platform.reports:
            await asyncio.sleep(0.01)
        # In time for RX2, one second after RX1.
        assert platform.reports == [TransmitReport(1, STATION, "NOT_SENT")] and loop.time() - began < 1.5
        give(2)
        station.received(json.dumps({"msgtype": "dntxed", "diid": sent[-1]["diid"]}))
        assert platform.reports[1:] == [TransmitReport(2, STATION, None)]
        give(3)
        station.end()
        await asyncio.sleep(0)
        assert platform.reports[2:] == [TransmitReport(3, STATION, "SESSION_ENDED")]
        await asyncio.sleep(10)
        assert len(platform.reports) == 3 and not platform.faults

    run_virtually(story())


def test_the_times_of_an_earlier_connection_are_not_used() -> None:
    async def story() -> None:
        platform = Platform()
        before, _sent = station_of(platform, 1)
        before.received(uplink_text())
        context = unpack_context(platform.uplinks[0].context)
        after, sent = station_of(platform, 2)
        after.transmit(GatewayDownlink(1, b"frame", window(context)))
        await asyncio.sleep(0)
        assert platform.reports == [TransmitReport(1, STATION, "SESSION_ENDED")] and not sent
        # One to be sent at once needs no time, but not by the old antenna.
        after.transmit(GatewayDownlink(2, b"frame", window(context, timestamp=None)))
        assert sent[0]["dC"] == 2 and "rctx" not in sent[0]
        after.end()

    run_virtually(story())


def test_no_more_downlinks_than_a_station_keeps() -> None:
    async def story() -> None:
        platform = Platform()
        station, sent = station_of(platform)
        for token in range(130):
            station.transmit(GatewayDownlink(token, b"f", window(None)))
        await asyncio.sleep(0)
        assert len(sent) == 128
        assert [report.error for report in platform.reports] == ["QUEUE_FULL", "QUEUE_FULL"]
        station.end()

    run_virtually(story())
