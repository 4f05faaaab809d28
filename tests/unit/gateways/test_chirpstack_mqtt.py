"""ChirpStack's MQTT protocol: messages on the wire, topics, and base stations behind a made-up broker."""

from __future__ import annotations

import asyncio
import base64
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veldnet.gateways.chirpstack_mqtt import (
    BadAddress,
    ChirpStackMqtt,
    MqttOptions,
    filters,
    is_prefix,
    parse_address,
)
from veldnet.gateways.chirpstack_mqtt import gateway_pb2 as pb
from veldnet.gateways.chirpstack_mqtt.configuration import configuration
from veldnet.gateways.chirpstack_mqtt.messages import (
    LONGEST_MESSAGE,
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
from veldnet.gateways.presence import Presence
from veldnet.gateways.station_clock import StationClock
from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.lorawan.gpstime import unix_to_gps
from veldnet.lorawan.modulation import Fsk, Lora, LrFhss
from veldnet.lorawan.radio import GatewayDownlink, GatewayUplink, TransmitReport, TransmitWindow
from veldnet.lorawan.regions import REGIONS, Channel, ChannelPlan
from veldnet.simulator.virtual_time import run_virtually

STATION, EUI = BaseStationId(0xFF000001), GatewayEui(0x0016C001FF10A235)
NAME = "0016c001ff10a235"
BASE = f"eu868/gateway/{NAME}"
EU868 = ChannelPlan(REGIONS["EU868"], tuple(Channel(867_100_000 + 200_000 * n, 0, 5) for n in range(5)))

# Field by field, from the numbers of the protocol.
UPLINK = bytes.fromhex(
    "0a03400102"  # phy_payload (1)
    "2212"  # tx_info (4)
    "08a0cff89d03"  # frequency (1) 868,100,000
    "120a"  # modulation (2)
    "1a08"  # lora (3)
    "08c8d007"  # bandwidth (1) 125,000
    "1007"  # spreading factor (2) 7
    "2801"  # code rate (5) 4/5
    "2a40"  # rx_info (5)
    "0a10" + NAME.encode().hex() + "10e707"  # gateway_id (1), uplink_id (2) 999
    "220c08809cc99b051080cab5ee01"  # time_since_gps_epoch (4) 1,400,000,000.5 s
    "30c7ffffffffffffffff01"  # rssi (6) -57
    "3d00001841"  # snr (7) 9.5
    "5001"  # board (10) 1
    "5802"  # antenna (11) 2
    "6a0400000010"  # context (13)
    "800102"  # crc_status (16) ok
)
DOWNLINK = bytes.fromhex(
    "18effdb6f50d"  # downlink_id (3) 0xDEADBEEF
    "2a2e"  # items (5)
    "0a026001"  # phy_payload (1)
    "1a28"  # tx_info (3)
    "08a0cff89d03"  # frequency (1)
    "100e"  # power (2) 14
    "1a0c1a0a08c8d007100720012801"  # modulation (3): lora (3) with polarization_inversion (4)
    "2001"  # board (4)
    "2802"  # antenna (5)
    "320612040a020801"  # timing (6): delay (2) of delay (1) 1 s
    "3a0400000010"  # context (7)
    "3a10" + NAME.encode().hex()  # gateway_id (7)
)


class Platform:
    """What the protocol finds: it takes what comes."""

    def __init__(self) -> None:
        self.presence = Presence()
        self.gate = None
        self.uplinks: list[GatewayUplink] = []
        self.reports: list[TransmitReport] = []
        self.connections: list[tuple[str, BaseStationId]] = []
        self.faults: list[BaseException] = []
        self.directory = self
        self.waiting = 0.0
        self.registered = True

    def find(self, gateway: GatewayEui) -> BaseStationId | None:
        return STATION if gateway == EUI and self.registered else None

    def lag(self) -> float:
        return self.waiting

    def clock(self) -> float:
        return asyncio.get_running_loop().time() + 1_800_000_000

    def uplink(self, uplink: GatewayUplink) -> None:
        self.uplinks.append(uplink)

    def report(self, report: TransmitReport) -> None:
        self.reports.append(report)

    def caught(self, _task: str, error: BaseException) -> None:
        self.faults.append(error)

    def connected(self, _protocol: object, station: BaseStationId) -> None:
        if self.connections[-1:] != [("connected", station)]:
            self.connections.append(("connected", station))

    def disconnected(self, _protocol: object, station: BaseStationId) -> None:
        self.connections.append(("disconnected", station))


class Outlet:
    """A broker that keeps what it is given."""

    def __init__(self, name: str = "mqtt://here:1883") -> None:
        self.name, self.connected, self.full = name, True, False
        self.published: list[tuple[str, bytes]] = []

    def publish(self, topic: str, payload: bytes) -> bool:
        if not self.full:
            self.published.append((topic, payload))
        return not self.full

    def frames(self) -> list[pb.DownlinkFrame]:
        return [decode(pb.DownlinkFrame, payload) for _topic, payload in self.published]


def protocol_of(platform: Platform, *, configure: bool = False) -> ChirpStackMqtt:
    options = MqttOptions((), configure=configure)
    return ChirpStackMqtt(platform, EU868, options, random.Random(1))  # type: ignore[arg-type]


def frame(**changes: Any) -> pb.UplinkFrame:
    """The uplink above, changed by `field__field=value`."""
    made = decode(pb.UplinkFrame, UPLINK)
    for path, value in changes.items():
        *parents, last = path.split("__")
        target: Any = made
        for parent in parents:
            target = getattr(target, parent)
        if value is None:
            target.ClearField(last)
        else:
            setattr(target, last, value)
    return made


def uplink(made: pb.UplinkFrame, notes: list[str] | None = None, now: float = 1_800_000_000) -> GatewayUplink:
    told = [] if notes is None else notes
    origin = Origin(STATION, 5, StationClock())
    heard = uplink_of(made, origin, now, lambda code, _words: told.append(code))
    assert heard is not None
    return heard


def window(context: bytes, **changes: Any) -> TransmitWindow:
    values: dict[str, Any] = {"opens_at": 1_800_000_001.0, "power": 14.0, "timestamp": 0x10 + 1_000_000}
    values |= {"slot": 1, "frequency": 868_100_000} | changes
    return TransmitWindow(STATION, modulation=Lora(7, 125), context=context, **values)


# On the wire.


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
    origin, notes = Origin(STATION, 5, StationClock()), []
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
        uplink_of(frame(rx_info__crc_status=pb.BAD_CRC), Origin(STATION, 1, StationClock()), 0, print) is None
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


def test_a_frame_and_its_answer() -> None:
    async def story() -> None:
        platform, outlet = Platform(), Outlet()
        protocol = protocol_of(platform)
        protocol.received(outlet, f"{BASE}/event/up", UPLINK, False)
        (heard,) = platform.uplinks
        assert platform.connections == [("connected", STATION)]
        for token in (7, 8):
            protocol.transmit(GatewayDownlink(token, b"frame", window(heard.context)))
        first, second = outlet.frames()
        assert [topic for topic, _payload in outlet.published] == [f"{BASE}/command/down"] * 2
        assert first.items[0].tx_info.context == bytes.fromhex("00000010") and first.gateway_id == NAME
        # Forwarders tell downlinks apart by the low 16 bits.
        assert first.downlink_id & 0xFFFF != second.downlink_id & 0xFFFF
        for sent, status in ((second, "0807"), (first, "0801")):
            ack = pb.DownlinkTxAck(downlink_id=sent.downlink_id, gateway_id=NAME)
            payload = encode(ack, as_json=False) + bytes.fromhex(f"2a02{status}")
            protocol.received(outlet, f"{BASE}/event/ack", payload, False)
            protocol.received(outlet, f"{BASE}/event/ack", payload, False)
        assert platform.reports == [TransmitReport(8, STATION, "TX_POWER"), TransmitReport(7, STATION, None)]
        # Each again: nobody waits for it.
        assert protocol.counts.refused == {"unknown_downlink": 2} and protocol.counts.received["ack"] == 4
        assert "another server" in str(platform.presence.stations[STATION].refused.last)

    run_virtually(story())


def test_who_writes_json_is_answered_in_json() -> None:
    async def story() -> None:
        platform, outlet = Platform(), Outlet()
        protocol = protocol_of(platform)
        protocol.received(outlet, f"gateway/{NAME}/event/up", encode(frame(), as_json=True), False)
        (heard,) = platform.uplinks
        protocol.transmit(GatewayDownlink(7, b"frame", window(heard.context)))
        ((topic, payload),) = outlet.published
        assert topic == f"gateway/{NAME}/command/down"
        assert json.loads(payload)["items"][0]["phyPayload"] == base64.b64encode(b"frame").decode()

    run_virtually(story())


def test_what_was_open_ends_with_the_session() -> None:
    async def story() -> None:
        platform, outlet = Platform(), Outlet()
        protocol = protocol_of(platform)

        def state(online: bool, *, retained: bool = False) -> None:
            message = pb.ConnState(
                gateway_id=NAME, state=pb.ConnState.ONLINE if online else pb.ConnState.OFFLINE
            )
            protocol.received(outlet, f"{BASE}/state/conn", encode(message, as_json=False), retained)

        def give(token: int, context: bytes, **changes: Any) -> None:
            protocol.transmit(GatewayDownlink(token, b"frame", window(context, **changes)))

        give(1, b"")
        state(True)
        protocol.received(outlet, f"{BASE}/event/up", UPLINK, False)
        context = platform.uplinks[0].context
        give(2, context)
        state(False)
        give(3, context)
        state(True)
        # The uplink came before the base station left.
        give(4, context)
        give(5, b"", timestamp=None)
        outlet.connected = False
        give(6, b"", timestamp=None)
        await asyncio.sleep(0)
        assert {each.token: each.error for each in platform.reports} == {
            1: "NO_ADDRESS", 2: "SESSION_ENDED", 3: "NO_ADDRESS", 4: "SESSION_ENDED", 6: "NO_ADDRESS",
        }  # fmt: skip
        assert [name for name, _station in platform.connections] == ["connected", "disconnected", "connected"]

    run_virtually(story())


def test_what_a_broker_has_kept_of_a_base_station_counts_for_a_minute() -> None:
    async def story() -> None:
        platform, outlet = Platform(), Outlet()
        protocol = protocol_of(platform)
        online = encode(pb.ConnState(gateway_id=NAME, state=pb.ConnState.ONLINE), as_json=False)
        protocol.received(outlet, f"{BASE}/state/conn", online, True)
        assert list(protocol.stations()) == [STATION] and STATION not in platform.presence.last_seen
        protocol.expire(platform.clock() + 59)
        assert protocol.stations()
        protocol.expire(platform.clock() + 61)
        assert not protocol.stations()
        # One that is heard stays, as long as it is registered.
        protocol.received(outlet, f"{BASE}/event/up", UPLINK, False)
        protocol.received(outlet, f"{BASE}/state/conn", online, True)
        protocol.expire(platform.clock() + 1000)
        assert protocol.stations()
        platform.registered = False
        protocol.expire(platform.clock())
        assert not protocol.stations() and platform.connections[-1] == ("disconnected", STATION)

    run_virtually(story())


def test_a_base_station_keeps_its_path_while_that_is_alive() -> None:
    async def story() -> None:
        platform, outlet, other = Platform(), Outlet(), Outlet("mqtt://elsewhere:1883")
        protocol = protocol_of(platform)
        stats = encode(
            pb.GatewayStats(gateway_id=NAME, rx_packets_received=10, rx_packets_received_ok=9), as_json=False
        )
        protocol.received(outlet, f"{BASE}/event/stats", stats, False)
        for place, base in ((other, BASE), (outlet, f"us915/gateway/{NAME}")):
            protocol.received(place, f"{base}/event/stats", stats, False)
            assert protocol.stations()[STATION].base == BASE and protocol.stations()[STATION].outlet is outlet
        assert protocol.counts.refused == {"second_path": 2}
        seen = platform.presence.stations[STATION]
        assert (
            seen.refused.last is not None
            and "elsewhere" not in seen.refused.last
            and BASE in seen.refused.last
        )
        assert seen.packets() == (10, 1)
        await asyncio.sleep(61)
        protocol.received(other, f"{BASE}/event/stats", stats, False)
        assert protocol.stations()[STATION].outlet is other

    run_virtually(story())


def test_base_stations_are_configured_where_that_is_wanted() -> None:
    async def story() -> None:
        platform, outlet = Platform(), Outlet()
        protocol = protocol_of(platform, configure=True)
        for version in ("", "", configuration(EU868, NAME).version):
            stats = encode(pb.GatewayStats(gateway_id=NAME, config_version=version), as_json=False)
            protocol.received(outlet, f"{BASE}/event/stats", stats, False)
            await asyncio.sleep(30)
        ((topic, payload),) = outlet.published
        assert topic == f"{BASE}/command/config"
        assert decode(pb.GatewayConfiguration, payload) == configuration(EU868, NAME)

    run_virtually(story())


def test_no_more_downlinks_than_are_remembered_or_a_broker_takes() -> None:
    async def story() -> None:
        platform, outlet = Platform(), Outlet()
        protocol = protocol_of(platform)
        protocol.received(outlet, f"{BASE}/event/up", UPLINK, False)
        context = platform.uplinks[0].context
        for token in range(257):
            protocol.transmit(GatewayDownlink(token, b"frame", window(context)))
        await asyncio.sleep(0)
        assert platform.reports == [TransmitReport(256, STATION, "QUEUE_FULL")]
        # What was never answered is forgotten.
        await asyncio.sleep(120)
        later = platform.clock() + 1
        protocol.transmit(GatewayDownlink(300, b"frame", window(context, opens_at=later)))
        outlet.full = True
        protocol.transmit(GatewayDownlink(301, b"frame", window(context, opens_at=later)))
        protocol.transmit(GatewayDownlink(302, b"frame", window(context)))
        await asyncio.sleep(0)
        assert [(each.token, each.error) for each in platform.reports[1:]] == [
            (301, "QUEUE_FULL"),
            (302, "TOO_LATE"),
        ]

    run_virtually(story())


OTHER = "0016c001ff10a236"


@pytest.mark.parametrize(
    ("topic", "payload", "retained", "code"),
    [
        (f"{BASE}/event/up", UPLINK, True, "retained"),
        (f"{BASE}/event/up", UPLINK.replace(NAME.encode(), OTHER.encode()), False, "wrong_gateway"),
        (f"eu868/gateway/{OTHER}/event/up", b"", False, "unknown_base_station"),
        (f"{BASE}/event/nothing", UPLINK, False, "bad_topic"),
        (f"{BASE}/event/up", b"", False, "wrong_gateway"),
        (f"{BASE}/event/up", bytes(LONGEST_MESSAGE + 1), False, "too_long"),
        (f"{BASE}/event/up", UPLINK[:-1], False, "bad_protobuf"),
        (f"{BASE}/event/up", b"\x0a\xff\xff\xff\xff\x0f", False, "bad_protobuf"),
        (f"{BASE}/event/up", b"\x0b" * 1000, False, "bad_protobuf"),
        (f"{BASE}/event/up", b"{", False, "bad_json"),
        (f"{BASE}/event/up", b'{"a":' + b"[" * 30_000, False, "bad_json"),
        (f"{BASE}/event/up", b'{"rxInfo":' * 3000, False, "bad_json"),
        (f"{BASE}/event/up", b'{"rxInfo": 5}', False, "bad_json"),
        (f"{BASE}/event/up", b'{"phyPayload": ["x"]}', False, "bad_json"),
        (f"{BASE}/event/up", b'{"phyPayload": 7}', False, "bad_json"),
        (f"{BASE}/event/up", b'{"rxInfo": {"rssi": 1e400}}', False, "bad_json"),
        (f"{BASE}/event/up", b'{"rxInfo": {"timeSinceGpsEpoch": "a long time"}}', False, "bad_json"),
        (f"{BASE}/event/up", b'{"rxInfo": {"gwTime": {}}}', False, "bad_json"),
        (f"{BASE}/event/up", b'{"rxInfo": {"gatewayId": "\xff"}}', False, "bad_json"),
        (f"{BASE}/event/ack", b"\x10\x01\x32\x10" + NAME.encode(), False, "unknown_downlink"),
        (f"{BASE}/event/stats", b"", False, "wrong_gateway"),
        (f"{BASE}/state/conn", b"\x08", True, "bad_protobuf"),
    ],
)  # fmt: skip
def test_what_is_refused_and_why(topic: str, payload: bytes, retained: bool, code: str) -> None:
    async def story() -> None:
        platform = Platform()
        protocol = protocol_of(platform)
        protocol.received(Outlet(), topic, payload, retained)
        assert protocol.counts.refused == {code: 1} and not platform.faults and not platform.uplinks
        if code == "unknown_base_station":
            (unknown,) = platform.presence.unknown.values()
            assert unknown.address == f"eu868/gateway/{OTHER} at mqtt://here:1883"
        elif topic.startswith(f"{BASE}/event/") and code not in ("bad_topic", "retained"):
            assert str(platform.presence.stations[STATION].refused.last).startswith(f"{code}: ")
        assert not protocol.stations()

    run_virtually(story())


def test_what_comes_again_or_too_late_is_dropped() -> None:
    async def story() -> None:
        platform, outlet = Platform(), Outlet()
        protocol = protocol_of(platform)
        protocol.received(outlet, f"{BASE}/event/up", UPLINK, False)
        protocol.received(outlet, f"{BASE}/event/up", UPLINK, False)
        # A device that repeats itself is heard at another time of the base station.
        again = encode(frame(rx_info__context=b"\0\0\1\0"), as_json=False)
        protocol.received(outlet, f"{BASE}/event/up", again, False)
        platform.waiting = 0.6
        protocol.received(
            outlet, f"{BASE}/event/up", encode(frame(rx_info__context=b"\0\0\2\0"), as_json=False), False
        )
        assert len(platform.uplinks) == 2
        assert protocol.counts.refused == {"duplicate": 1, "overload": 1}

    run_virtually(story())


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["phyPayload", "txInfo", "rxInfo", "modulation", "lora", "gwTime", "items", "context", "x"]
            ),
            inner,
            max_size=3,
        )
    ),
)


@given(
    st.sampled_from(["event/up", "event/stats", "event/ack", "state/conn"]),
    st.binary(max_size=200)
    | st.dictionaries(
        st.sampled_from(["rxInfo", "txInfo", "gatewayId", "items", "state"]), JSON, max_size=3
    ).map(lambda value: json.dumps(value).encode())
    | st.tuples(st.integers(0, len(UPLINK) - 1), st.integers(0, 255)).map(
        lambda change: UPLINK[: change[0]] + bytes((change[1],)) + UPLINK[change[0] + 1 :]
    ),
)
def test_any_octets_are_a_message_or_refused(kind: str, payload: bytes) -> None:
    async def story() -> None:
        platform = Platform()
        protocol = protocol_of(platform)
        protocol.received(Outlet(), f"{BASE}/{kind}", payload, False)
        assert not platform.faults and "defect" not in protocol.counts.refused

    run_virtually(story())
