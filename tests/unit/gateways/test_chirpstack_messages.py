"""Messages of ChirpStack's gateways, octet by octet and as JSON."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.gateways.chirpstack import (
    BASE,
    DOWNLINK,
    EU868,
    NAME,
    UPLINK,
    frame,
    uplink,
    window,
)
from veldnet.gateways.chirpstack_mqtt import (
    BadAddress,
    filters,
    is_prefix,
    parse_address,
)
from veldnet.gateways.chirpstack_mqtt import gateway_pb2 as pb
from veldnet.gateways.chirpstack_mqtt.configuration import configuration
from veldnet.gateways.chirpstack_mqtt.messages import (
    Context,
    MessageError,
    decode,
    downlink_frame,
    encode,
    outcome_of,
    unpack_context,
)
from veldnet.gateways.chirpstack_mqtt.topics import Topic, parse_topic
from veldnet.gateways.chirpstack_mqtt.uplinks import Origin, uplink_of
from veldnet.gateways.station_clock import StationClock
from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.lorawan.gpstime import unix_to_gps
from veldnet.lorawan.modulation import Fsk, Lora, LrFhss
from veldnet.lorawan.radio import GatewayDownlink
from veldnet.lorawan.regions import REGIONS, ChannelPlan

STATION, EUI = BaseStationId(0xFF000001), GatewayEui(0x0016C001FF10A235)


def test_an_uplink_octet_by_octet() -> None:
    heard = uplink(decode(pb.UplinkFrame, UPLINK))
    assert heard.phy_payload == b"\x40\x01\x02"
    assert (heard.frequency, heard.modulation, heard.rssi, heard.snr) == (868_100_000, Lora(7, 125), -57, 9.5)
    assert heard.timestamp == 0x10 and heard.base_station == STATION
    assert unpack_context(heard.context) == Context(5, 0x10, 1, 2, bytes.fromhex("00000010"))


def test_a_downlink_octet_by_octet() -> None:
    context = Context(5, 0x10, 1, 2, bytes.fromhex("00000010"))
    sent = GatewayDownlink(1, b"\x60\x01", window(context.packed()))
    assert encode(downlink_frame(sent, NAME, 0xDEADBEEF, context), as_json=False) == DOWNLINK
    written = json.loads(encode(downlink_frame(sent, NAME, 0xDEADBEEF, context), as_json=True))
    assert written == {
        "downlinkId": 0xDEADBEEF,
        "gatewayId": NAME,
        "items": [
            {
                "phyPayload": "YAE=",
                "txInfo": {
                    "frequency": 868_100_000,
                    "power": 14,
                    "modulation": {
                        "lora": {
                            "bandwidth": 125_000,
                            "spreadingFactor": 7,
                            "codeRate": "CR_4_5",
                            "polarizationInversion": True,
                        }
                    },
                    "board": 1,
                    "antenna": 2,
                    "timing": {"delay": {"delay": "1s"}},
                    "context": "AAAAEA==",
                },
            }
        ],
    }


def test_an_uplink_as_json_is_the_same() -> None:
    text = {
        "phyPayload": "QAEC",
        "txInfo": {
            "frequency": 868100000,
            "modulation": {"lora": {"bandwidth": 125000, "spreadingFactor": 7, "codeRate": "CR_4_5"}},
        },
        "rxInfo": {
            "gatewayId": NAME, "uplinkId": 999, "timeSinceGpsEpoch": "1400000000.500s", "rssi": -57,
            "snr": 9.5, "board": 1, "antenna": 2, "context": "AAAAEA==",
            "crcStatus": "CRC_OK", "location": {"latitude": 1},
            "metadata": {"region_common_name": "EU868"},
        },
    }  # fmt: skip
    assert decode(pb.UplinkFrame, json.dumps(text).encode()) == decode(pb.UplinkFrame, UPLINK)


def test_acknowledgements_and_states_octet_by_octet() -> None:
    ack = decode(pb.DownlinkTxAck, bytes.fromhex("10effdb6f50d2a0208022a003210") + NAME.encode())
    assert ack.downlink_id == 0xDEADBEEF and ack.gateway_id == NAME and outcome_of(ack).error == "TOO_LATE"
    state = decode(pb.ConnState, bytes.fromhex("10011a10") + NAME.encode())
    assert state.state == pb.ConnState.ONLINE and state.gateway_id == NAME
    stats = decode(pb.GatewayStats, bytes.fromhex("220176280a30098a0110") + NAME.encode())
    assert (stats.config_version, stats.rx_packets_received, stats.rx_packets_received_ok) == ("v", 10, 9)
    assert stats.gateway_id == NAME


@pytest.mark.parametrize(
    ("statuses", "error"),
    [
        ([1], None),
        ([1, 0], None),
        ([2, 1], None),
        ([7], "TX_POWER"),
        ([6, 8], "TX_FREQ"),
        ([9, 0], "QUEUE_FULL"),
        ([11], "DUTY_CYCLE_OVERFLOW"),
        ([], "INTERNAL_ERROR"),
        ([0], "INTERNAL_ERROR"),
        ([77], "INTERNAL_ERROR"),
    ],
)
def test_what_an_acknowledgement_says(statuses: list[int], error: str | None) -> None:
    items = b"".join(bytes((0x2A, 2, 8, status)) for status in statuses)
    assert outcome_of(decode(pb.DownlinkTxAck, items)) == (error, statuses == [2, 1])


# What base stations write.


@pytest.mark.parametrize(
    ("changes", "modulation"),
    [
        ({"lora__spreading_factor": 5, "lora__bandwidth": 500_000}, Lora(5, 500)),
        ({"fsk__datarate": 50_000}, Fsk(50_000)),
        ({"lr_fhss__operating_channel_width": 137_000, "lr_fhss__code_rate": pb.CR_4_6}, LrFhss(137, "2/3")),
        ({"lr_fhss__operating_channel_width": 136_719, "lr_fhss__code_rate": pb.CR_2_6}, LrFhss(137, "1/3")),
        (
            {"lr_fhss__operating_channel_width": 336_000, "lr_fhss__code_rate_legacy": "4/6"},
            LrFhss(336, "2/3"),
        ),
    ],
)
def test_modulations(changes: dict[str, Any], modulation: Any) -> None:
    made = frame(**{f"tx_info__modulation__{path}": value for path, value in changes.items()})
    heard = uplink(made)
    assert heard.modulation == modulation
    assert heard.snr == (9.5 if isinstance(modulation, Lora) else 0.0)


def test_the_time_that_a_delay_counts_from() -> None:
    wrapping = Context(1, 0xFFFFFFF0, 0, 0, b"\xff\xff\xff\xf0")
    sent = GatewayDownlink(
        1, b"f", window(wrapping.packed(), timestamp=(0xFFFFFFF0 + 5_000_123) & 0xFFFFFFFF)
    )
    delay = downlink_frame(sent, NAME, 1, wrapping).items[0].tx_info.timing.delay.delay
    assert (delay.seconds, delay.nanos) == (5, 123_000)
    # The context of Basics Station, and one of which nothing is known.
    station = uplink(frame(rx_info__context=bytes(8) + (5 << 48 | 7 << 32 | 77).to_bytes(8, "big")))
    assert station.timestamp == 77
    opaque = uplink(frame(rx_info__context=b"whatever"), now=1_800_000_000.25)
    assert opaque.timestamp == int(1_800_000_000.25 * 1e6) & 0xFFFFFFFF and opaque.answerable
    notes: list[str] = []
    assert not uplink(frame(rx_info__context=b""), notes).answerable and notes == ["no_context"]


def test_both_windows_of_a_downlink_carry_the_context() -> None:
    context = Context(5, 0x10, 1, 2, b"ctx!")
    rx2 = window(context.packed(), timestamp=0x10 + 2_000_000, slot=2, frequency=869_525_000)
    first, second = downlink_frame(
        GatewayDownlink(1, b"f", window(context.packed()), rx2), NAME, 1, context
    ).items
    assert first.phy_payload == second.phy_payload == b"f"
    assert first.tx_info.context == second.tx_info.context == b"ctx!"
    assert [each.tx_info.timing.delay.delay.seconds for each in (first, second)] == [1, 2]
    assert second.tx_info.frequency == 869_525_000


def test_downlinks_at_a_gps_time_and_at_once() -> None:
    pinged = GatewayDownlink(1, b"f", window(b"", timestamp=None, gps_time=1_400_000_000.5, power=-3.0))
    info = downlink_frame(pinged, NAME, 1, None).items[0].tx_info
    since = info.timing.gps_epoch.time_since_gps_epoch
    assert (since.seconds, since.nanos, info.power, info.context) == (1_400_000_000, 500_000_000, 0, b"")
    at_once = GatewayDownlink(1, b"f", window(b"", timestamp=None))
    info = downlink_frame(at_once, NAME, 1, None).items[0].tx_info
    assert info.timing.WhichOneof("parameters") == "immediately"
    assert encode(info.timing, as_json=False) == b"\x0a\x00"


def test_gps_time_fine_time_and_frames_that_were_kept() -> None:
    now = 1_800_000_000.0
    gps = int(unix_to_gps(now))
    assert uplink(frame(rx_info__time_since_gps_epoch__seconds=gps), now=now).gps_time == gps + 0.5
    fine = frame(rx_info__time_since_gps_epoch__seconds=gps)
    fine.rx_info.fine_time_since_gps_epoch.seconds = gps
    fine.rx_info.fine_time_since_gps_epoch.nanos = 250_000_123
    assert uplink(fine, now=now).gps_time == pytest.approx(gps + 0.250_000_123)

    # One whose time is right now, then one that waited five minutes while the broker was away.
    origin, notes = Origin(STATION, 5, StationClock(lambda: 0.0)), []
    for ago, late in ((0, False), (300, True), (0, False)):
        made = frame(rx_info__time_since_gps_epoch=None, rx_info__context=b"opaque")
        made.rx_info.gw_time.seconds = int(now) - ago
        heard = uplink_of(made, origin, now, lambda code, _words: notes.append(code))
        assert heard is not None and heard.late is late and heard.received_at == now - ago
        assert heard.gps_time is None and heard.clock_error is None
    for nonsense in (-5, 1 << 62):
        made = frame(rx_info__time_since_gps_epoch__seconds=nonsense)
        made.rx_info.gw_time.seconds = nonsense
        assert uplink(made, notes).gps_time is None
    assert notes == ["bad_time", "bad_time"]


def test_what_is_irregular_and_taken_all_the_same() -> None:
    notes: list[str] = []
    heard = uplink(frame(rx_info__rssi=0, rx_info__snr=float("nan"), tx_info__frequency=868_099_999), notes)
    assert (heard.rssi, heard.snr, heard.frequency) == (None, None, 868_100_000)
    assert notes == ["no_signal", "no_signal"]
    assert (
        uplink_of(
            frame(rx_info__crc_status=pb.BAD_CRC), Origin(STATION, 1, StationClock(lambda: 0.0)), 0, print
        )
        is None
    )


def test_a_bridge_before_version_4_can_be_read_and_not_answered() -> None:
    legacy = bytes.fromhex(
        "0a03400102"
        "120c08a0cff89d031a04087d1007"  # tx_info (2): frequency, lora (3) with 125 kHz, SF7
        "1a1e0a080016c001ff10a23528c7ffffffffffffffff01310000000000002340"  # rx_info (3): id, RSSI, SNR
    )
    notes: list[str] = []
    heard = uplink(decode(pb.UplinkFrame, legacy), notes)
    assert (heard.modulation, heard.rssi, heard.snr) == (Lora(7, 125), -57, 9.5)
    assert not heard.answerable and notes == ["old_bridge"]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"phy_payload": b""}, "bad_size"),
        ({"phy_payload": bytes(256)}, "bad_size"),
        ({"tx_info__frequency": 868}, "bad_frequency"),
        ({"tx_info__frequency": 0xFFFFFFFF}, "bad_frequency"),
        ({"tx_info__modulation": None}, "bad_data_rate"),
        ({"tx_info": None}, "bad_data_rate"),
        ({"tx_info__modulation__lora__spreading_factor": 4}, "bad_data_rate"),
        ({"tx_info__modulation__lora__bandwidth": 125}, "bad_data_rate"),
        ({"tx_info__modulation__fsk__datarate": 1}, "bad_data_rate"),
        ({"tx_info__modulation__lr_fhss__operating_channel_width": 1},
         "bad_data_rate"),
        ({"rx_info": None}, "no_rx_info"),
        ({"rx_info__context": bytes(65)}, "bad_context"),
    ],
)  # fmt: skip
def test_frames_that_are_none(changes: dict[str, Any], code: str) -> None:
    with pytest.raises(MessageError) as error:
        uplink(frame(**changes))
    assert error.value.code == code


# Topics and addresses.


def test_topics() -> None:
    assert parse_topic(f"{BASE}/event/up") == Topic(BASE, EUI, "event/up")
    assert parse_topic(f"gateway/{NAME.upper()}/state/conn") == Topic(
        f"gateway/{NAME.upper()}", EUI, "state/conn"
    )
    assert parse_topic(f"a/b/gateway/{NAME}/event/ack") == Topic(f"a/b/gateway/{NAME}", EUI, "event/ack")
    for wrong in (
        "", f"{BASE}/event/exec", f"{BASE}/command/down", f"/gateway/{NAME}/event/up", f"{BASE}0/event/up",
        f"x{BASE}/event/up/", "eu868/gateway/0016c001ff10a23g/event/up",
        "a/" * 300 + f"gateway/{NAME}/event/up",
        f"eu868/gateway/{NAME}/event/up\n", "eu868/gateway/٠٠١٦c001ff10a235/event/up",
    ):  # fmt: skip
        assert parse_topic(wrong) is None
    assert filters(("eu868",), "")[0] == "eu868/gateway/+/event/up"
    assert filters((), "")[:1] + filters((), "")[4:5] == ["gateway/+/event/up", "+/gateway/+/event/up"]
    assert filters(("eu868",), "us") == [
        "$share/us/eu868/gateway/+/event/up",
        "$share/us/eu868/gateway/+/event/stats",
        "eu868/gateway/+/event/ack",
        "eu868/gateway/+/state/conn",
    ]
    assert [is_prefix(text) for text in ("", "eu868", "a/b", "a/", "+", "a/#", "$share/x", "a b")] == [
        True, True, True, False, False, False, False, False,
    ]  # fmt: skip


def test_addresses_of_brokers() -> None:
    assert parse_address("mqtt://broker") == ("broker", 1883, False)
    assert parse_address("ssl://broker.example.org") == ("broker.example.org", 8883, True)
    assert parse_address("mqtts://[::1]:9000") == ("::1", 9000, True)
    for wrong in (
        "broker:1883",
        "http://broker",
        "mqtt://",
        "mqtt://user:secret@broker",
        "mqtt://b:99999",
        "mqtt://b/x",
    ):
        with pytest.raises(BadAddress) as error:
            parse_address(wrong)
        assert "secret" not in str(error.value)


def test_the_configuration_of_a_channel_plan() -> None:
    made = configuration(EU868, NAME)
    assert [channel.frequency for channel in made.channels][:3] == [868_100_000, 868_300_000, 868_500_000]
    assert len(made.channels) == 8
    assert list(made.channels[0].lora_modulation_config.spreading_factors) == [7, 8, 9, 10, 11, 12]
    assert made.channels[0].lora_modulation_config.bandwidth == 125_000
    assert len(made.version) == 16 and made.version == configuration(EU868, NAME).version
    wide = configuration(ChannelPlan(REGIONS["US915"], ()), NAME)
    assert len(wide.channels) == 9 and wide.channels[8].lora_modulation_config.bandwidth == 500_000
    assert wide.version != made.version


# Base stations.
