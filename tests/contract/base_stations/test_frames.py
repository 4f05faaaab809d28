"""What every base station protocol does with frames: uplinks, and downlinks in each kind of window."""

from __future__ import annotations

from time import perf_counter

import pytest

from veldnet.lorawan.gpstime import unix_to_gps
from veldnet.lorawan.modulation import Lora

from .field import EUI_HERE, EUI_THERE, EUI_UNKNOWN, FRAME, HERE, JOIN_REQUEST, Adapter, Field, in_field
from .protocols import those_with


@pytest.mark.parametrize("frame", [FRAME, JOIN_REQUEST, b"\xe0proprietary", FRAME[:8] + bytes(237) + b"mic!"])
def test_a_frame_arrives_as_it_was_heard(adapter: Adapter, frame: bytes) -> None:
    async def story(field: Field) -> None:
        await field.connect()
        uplink = await field.hear(frame, modulation=Lora(12, 125), frequency=868_500_000)
        assert (uplink.base_station, uplink.phy_payload) == (HERE, frame)
        assert (uplink.frequency, uplink.modulation) == (868_500_000, Lora(12, 125))
        assert (uplink.rssi, uplink.snr) == (-71, 8.5)
        assert uplink.answerable and not uplink.late and uplink.gps_time is None
        assert abs(uplink.received_at - field.clock()) < 0.1
        assert field.hub.connection(HERE) is field.protocol
        assert field.hub.presence.stations[HERE].frame_at is not None

    in_field(adapter, story)


def test_a_base_station_with_gps_says_when_it_heard_a_frame(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        await field.connect(gps=True)
        uplink = await field.hear()
        assert uplink.gps_time == pytest.approx(unix_to_gps(field.clock()), abs=0.1)
        assert field.hub.presence.stations[HERE].gps_at is not None

    in_field(adapter, story)


@pytest.mark.parametrize(("slot", "after", "frequency"), [(1, 1.0, 868_100_000), (2, 2.0, 869_525_000)])
def test_an_answer_is_on_air_at_the_moment_of_its_window(
    adapter: Adapter, slot: int, after: float, frequency: int
) -> None:
    async def story(field: Field) -> None:
        await field.connect()
        heard_at = field.clock()
        uplink = await field.hear()
        token = field.transmit(field.window(uplink, after, slot=slot, frequency=frequency))
        assert await field.outcome(token) is None
        await field.until(lambda: bool(field.on_air[EUI_HERE]))
        (sent,) = field.on_air[EUI_HERE]
        assert (sent.phy_payload, sent.frequency, sent.modulation) == (b"downlink", frequency, Lora(9, 125))
        assert sent.at == pytest.approx(heard_at + after, abs=0.00001)
        assert len(field.errors(token)) == 1

    in_field(adapter, story)


def test_a_downlink_is_with_the_socket_before_the_next_turn_of_the_loop(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        await field.connect()
        uplink = await field.hear()
        field.transmit(field.window(uplink), decided=perf_counter())
        (times,) = field.hub.handovers.values()
        assert times.cumulative()[-1] == ("+Inf", 1)

    in_field(adapter, story)


def test_an_answer_five_seconds_later_does_not_depend_on_where_the_counter_wraps(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        await field.connect()
        # The counter has 32 bits of microseconds, and stands just before their end.
        field.stations[EUI_HERE]._boot = -((1 << 32) / 1e6 - 2) * 1.0
        heard_at = field.clock()
        uplink = await field.hear(JOIN_REQUEST)
        window = field.window(uplink, 5.0)
        assert uplink.timestamp is not None and window.timestamp is not None
        assert window.timestamp < uplink.timestamp
        assert await field.outcome(field.transmit(window)) is None
        await field.until(lambda: bool(field.on_air[EUI_HERE]))
        assert field.on_air[EUI_HERE][0].at == pytest.approx(heard_at + 5, abs=0.00001)

    in_field(adapter, story)


def test_a_downlink_of_class_b_is_on_air_at_its_gps_time(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        await field.connect(gps=True)
        await field.hear()
        at = field.clock() + 2.5
        window = field.window(None, slot=3, gps_time=unix_to_gps(at), frequency=869_525_000)
        assert await field.outcome(field.transmit(window)) is None
        await field.until(lambda: bool(field.on_air[EUI_HERE]))
        (sent,) = field.on_air[EUI_HERE]
        assert sent.at == pytest.approx(at, abs=0.0015) and sent.frequency == 869_525_000

    in_field(adapter, story)


def test_a_downlink_of_class_c_is_on_air_at_once(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        await field.connect()
        begin = field.clock()
        assert await field.outcome(field.transmit(field.window(None, slot=2, frequency=869_525_000))) is None
        await field.until(lambda: bool(field.on_air[EUI_HERE]))
        assert field.on_air[EUI_HERE][0].at - begin < 0.3

    in_field(adapter, story)


def test_what_two_base_stations_heard_is_answered_by_the_one_that_is_asked(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        await field.connect()
        await field.connect(EUI_THERE)
        await field.hear()
        uplink = await field.hear(eui=EUI_THERE)
        assert await field.outcome(field.transmit(field.window(uplink))) is None
        await field.until(lambda: bool(field.on_air[EUI_THERE]))
        assert not field.on_air[EUI_HERE]

    in_field(adapter, story)


def test_a_frame_that_arrives_twice_is_handed_on_twice(adapter: Adapter) -> None:
    """Copies are told apart where those of all base stations come together."""

    async def story(field: Field) -> None:
        await field.connect()
        first, second = await field.hear(), await field.hear()
        assert first.phy_payload == second.phy_payload and first.base_station == second.base_station

    in_field(adapter, story)


def test_of_a_base_station_that_is_not_registered_nothing_is_taken(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        await field.connect()
        try:
            await field.connect(EUI_UNKNOWN)
        except Exception as error:
            assert "not registered" in str(error) or isinstance(error, TimeoutError)
        await field.until(lambda: EUI_UNKNOWN in field.hub.presence.unknown)
        assert field.refused > 0 and not field.network.uplinks
        assert field.hub.presence.unknown[EUI_UNKNOWN].address

    in_field(adapter, story)


@those_with(lambda traits: traits.plans_both)
@pytest.mark.parametrize(
    ("taken", "slot", "error"), [((), 1, None), ((1.0,), 2, None), ((1.0, 2.0), None, "refused")]
)
def test_of_two_windows_in_one_the_base_station_takes_the_first_that_it_can(
    adapter: Adapter, taken: tuple[float, ...], slot: int | None, error: str | None
) -> None:
    async def story(field: Field) -> None:
        await field.connect()
        uplink = await field.hear()
        rx1 = field.window(uplink, 3.0)
        rx2 = field.window(uplink, 4.0, slot=2, frequency=869_525_000)
        for after in taken:
            field.transmit(field.window(uplink, after + 2.0, frequency=868_500_000), b"other")
        token = field.transmit(rx1, second=rx2)
        await field.until(lambda: bool(field.errors(token)))
        (report,) = (report for report in field.network.reports if report.token == token)
        why = None if error is None else "COLLISION_PACKET" if adapter.traits.refuses else "NOT_SENT"
        assert (report.error, report.second) == (why, slot == 2)
        assert field.reported_at < uplink.received_at + (5.0 if error else 4.5)
        await field.until(lambda: field.clock() > uplink.received_at + 5)
        sent = [each for each in field.on_air[EUI_HERE] if each.phy_payload == b"downlink"]
        assert [each.frequency for each in sent] == (
            [] if slot is None else [868_100_000 if slot == 1 else 869_525_000]
        )

    in_field(adapter, story)
