"""What base stations may still send: collisions, duty cycles, and who is the better choice."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan import BaseStationId
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.radio import GatewayDownlink, TransmitWindow
from veldnet.lorawan.regions import EU868, REGIONS
from veldnet.network.core.air_schedule import AirSchedule, airtime_of

NOW = 1_800_000_000.0
HERE, THERE = BaseStationId(1), BaseStationId(2)
RX1 = TransmitWindow(HERE, 1, 868_100_000, Lora(12, 125), NOW + 1, 16, timestamp=1, margin=12.0)
RX2 = replace(RX1, slot=2, frequency=869_525_000, opens_at=NOW + 2)
SIZE = 20


def schedule(*, duty_cycle: bool = True) -> AirSchedule:
    return AirSchedule([EU868], duty_cycle=duty_cycle)


def test_a_base_station_sends_one_frame_at_a_time() -> None:
    air, airtime = schedule(), airtime_of(RX1, SIZE)
    assert air.refusal(RX1, SIZE, NOW) is None
    air.book(RX1, SIZE, 7, NOW)
    overlapping = replace(RX1, frequency=868_300_000, opens_at=NOW + 1 + airtime / 2)
    refusal = air.refusal(overlapping, SIZE, NOW)
    assert refusal is not None and refusal.cause == "A3" and refusal.free_at > NOW + 1 + airtime
    assert air.refusal(replace(overlapping, base_station=THERE), SIZE, NOW) is None
    assert air.refusal(replace(RX1, opens_at=NOW + 1.01 + airtime), SIZE, NOW) is None
    air.cancel(RX1, SIZE, 7)
    assert air.refusal(overlapping, SIZE, NOW) is None
    assert air.duty_cycles(NOW)[HERE]["G1"] == 0


def test_the_duty_cycle_of_a_sub_band_is_kept_over_an_hour() -> None:
    air, airtime = schedule(), airtime_of(RX1, SIZE)
    moment, frames = NOW, 0
    while air.refusal(replace(RX1, opens_at=moment + 1), SIZE, moment) is None and frames < 100:
        air.book(replace(RX1, opens_at=moment + 1), SIZE, frames, moment)
        frames += 1
        moment += 5
    # One percent of an hour in G1.
    assert (frames) * airtime <= 36 < (frames + 1) * airtime
    refusal = air.refusal(replace(RX1, opens_at=moment + 1), SIZE, moment)
    assert refusal is not None and refusal.cause == "DA"
    # The other sub-band, the other base station, and an hour later are free.
    assert air.refusal(replace(RX2, opens_at=moment + 2), SIZE, moment) is None
    assert air.refusal(replace(RX1, base_station=THERE, opens_at=moment + 1), SIZE, moment) is None
    assert NOW + 3500 < refusal.free_at <= NOW + 3700
    assert air.refusal(replace(RX1, opens_at=refusal.free_at), SIZE, refusal.free_at - 1) is None
    assert air.refusal(replace(RX1, opens_at=NOW + 9000), SIZE, NOW + 9000) is None
    unlimited = schedule(duty_cycle=False)
    for number in range(200):
        unlimited.book(replace(RX1, opens_at=NOW + 5 * number), SIZE, number, NOW)
    assert unlimited.refusal(replace(RX1, opens_at=NOW + 2000), SIZE, NOW + 1999) is None


def test_regions_without_duty_cycle_have_no_such_limit() -> None:
    air = AirSchedule([REGIONS["US915"]])
    window = replace(RX1, frequency=923_300_000, modulation=Lora(12, 500))
    for number in range(500):
        air.book(replace(window, opens_at=NOW + number), SIZE, number, NOW)
    assert air.refusal(replace(window, opens_at=NOW + 600), SIZE, NOW + 599) is None


def test_margin_decides_until_load_does() -> None:
    air = schedule()
    near, far = RX1, replace(RX1, base_station=THERE, margin=8.0)
    assert air.in_order((far, near, RX2), NOW) == (near, far, RX2)
    for number in range(8):
        air.book(replace(near, opens_at=NOW + 100 + 4 * number), SIZE, number, NOW)
    assert air.load(HERE, near.frequency, NOW) > 0.8
    assert air.in_order((near, far, RX2), NOW) == (far, near, RX2)
    # More than enough margin is not better than enough.
    ample = replace(near, base_station=BaseStationId(3), margin=60.0)
    enough = replace(near, base_station=BaseStationId(4), margin=25.0)
    assert air.in_order((enough, ample), NOW) == (enough, ample)


def test_e9_a_band_is_that_of_the_region() -> None:
    air = AirSchedule([EU868, REGIONS["IN865"]])
    european = replace(RX1, frequency=865_402_500, region="EU868")
    indian = replace(european, region="IN865", opens_at=NOW + 10)
    airtime = airtime_of(european, SIZE)
    moment, frames = NOW, 0
    while air.refusal(replace(european, opens_at=moment + 1), SIZE, moment) is None:
        air.book(replace(european, opens_at=moment + 1), SIZE, frames, moment)
        frames, moment = frames + 1, moment + airtime + 1
        assert frames < 1000
    assert frames == int(36 / airtime), "1 % of an hour in Europe"
    assert air.refusal(replace(indian, opens_at=moment + 9), SIZE, moment) is None, "no limit in India"
    assert set(air.duty_cycles(moment)[HERE]) == {"EU868 G0"}
    assert air.load(HERE, 865_402_500, moment, "EU868") > 0.9 > air.load(HERE, 865_402_500, moment, "IN865")
    assert air.loads(moment)[HERE] > 0.9


def test_what_was_sent_counts_at_its_channel_and_what_was_not_at_none() -> None:
    air, airtime = schedule(), airtime_of(RX1, SIZE)
    both = GatewayDownlink(1, bytes(SIZE), RX1, RX2)
    air.answered(both, None, second=False)
    air.answered(both, None, second=True)
    air.answered(both, "TOO_LATE", second=False)
    air.unanswered(replace(both, second=None))
    used = air.results.take_channels()[HERE]
    assert {kilohertz: channel.frames for kilohertz, channel in used.items()} == {868_100: 2, 869_525: 1}
    assert used[868_100].seconds == 2 * airtime
    assert air.results.take()[HERE] == {"SENT": 2, "TOO_LATE": 1, "NO_ANSWER": 1}
    assert air.results.take_channels() == {}


def test_frequencies_beyond_those_of_any_plan_count_as_one() -> None:
    air = schedule()
    for number in range(300):
        air.results.used(HERE, 860_000_000 + number * 100_000, 0.5)
    used = air.results.take_channels()[HERE]
    assert len(used) == 97 and used[0].frames == 204
    air.results.counts = lambda _station: False
    air.results.used(HERE, 868_100_000, 0.5)
    assert air.results.take_channels() == {}, "another node counts it"
