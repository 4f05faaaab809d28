"""A refusal by a base station changes what is tried next: power, frequency, base station."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from veldnet.lorawan import BaseStationId
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.radio import TransmitWindow
from veldnet.lorawan.regions import EU868, REGIONS
from veldnet.network.core.air_schedule import AirSchedule
from veldnet.network.core.base_station_radios import (
    POWER_STEPS,
    BaseStationRadios,
    RadioSettings,
    Refusal,
    conducted_power,
)
from veldnet.network.core.events import Transmit
from veldnet.network.core.transmission import Done, Handed, Held, Step, begin, report, resume, silence

HERE, THERE = BaseStationId(1), BaseStationId(2)
NOW, LEAD = 1_000.0, 0.1
RX1 = TransmitWindow(HERE, 1, 868_100_000, Lora(7, 125), NOW + 1, 16, timestamp=1_000_000, margin=20.0)
RX2 = TransmitWindow(HERE, 2, 869_525_000, Lora(12, 125), NOW + 2, 29.15, timestamp=2_000_000, margin=30.0)
AT_ONCE = TransmitWindow(HERE, 2, 869_525_000, Lora(9, 125), NOW, 29.15, margin=30.0)
PING = TransmitWindow(HERE, 3, 869_525_000, Lora(9, 125), NOW + 5, 29.15, gps_time=5000.0)
CLASS_C = Transmit(1, b"frame", (AT_ONCE,), deadline=NOW + 60)


class Station:
    """Base stations that answer `error_of(window)`; None means that they send the frame."""

    def __init__(
        self, error_of: Callable[[TransmitWindow], str | None], air: AirSchedule | None = None
    ) -> None:
        self.error_of = error_of
        self.air = air or AirSchedule([EU868])
        self.offered: list[TransmitWindow] = []
        self.now = NOW

    @property
    def powers(self) -> list[int]:
        return [conducted_power(window) for window in self.offered]

    def run(self, transmit: Transmit) -> Done:
        """Follow a transmission to its end."""
        step: Step = begin(transmit, self.now, LEAD, self.air)
        for _ in range(200):
            if isinstance(step, Done):
                return step
            if isinstance(step, Held):
                assert step.until > self.now
                self.now = step.until
                step = resume(step.attempt, self.now, LEAD, self.air)
                continue
            window = step.attempt.current
            assert window is not None
            self.offered.append(window)
            error = self.error_of(window)
            if error is not None:
                self.air.radios.learn(window, error, self.now)
            step = report(step.attempt, error, self.now, LEAD, self.air)
        raise AssertionError("the transmission does not end")


def above(limit: int) -> Callable[[TransmitWindow], str | None]:
    return lambda window: "TX_POWER" if conducted_power(window) > limit else None


@pytest.mark.parametrize("limit", [26, 25, 23, 22, 20, 16, 14, 10, 0, -6])
@pytest.mark.parametrize("transmit", [CLASS_C, Transmit(1, b"f", (RX2,)), Transmit(1, b"f", (PING,))])
def test_c11_a_refused_power_is_followed_by_the_next_lower_step(transmit: Transmit, limit: int) -> None:
    station = Station(above(limit))
    done = station.run(transmit)
    assert done.delivered and done.window is not None
    taken = next(step for step in POWER_STEPS if step <= limit)
    assert station.powers == [*(step for step in POWER_STEPS if step > limit), taken]
    assert station.now == NOW, "no time is lost on the way down"
    assert "TX_POWER (27 dBm)" in done.decision or limit >= 27 or len(station.powers) > 8


def test_c11_what_was_learnt_holds_for_the_next_frame_and_is_tried_again_after_an_hour() -> None:
    station = Station(above(20))
    station.run(CLASS_C)
    station.offered.clear()
    assert station.run(Transmit(2, b"next", (RX1, RX2))).delivered
    assert station.powers == [14], "what the base station takes is not lowered"
    assert station.run(Transmit(3, b"rx2", (RX2,))).delivered and station.powers == [14, 20]
    assert station.air.radios.highest_power(HERE, NOW) == 20
    fitted = station.air.fitted(RX2, NOW + 3601)
    assert isinstance(fitted, TransmitWindow) and conducted_power(fitted) == 27
    assert station.air.radios.highest_power(HERE, NOW + 3601) is None


def test_c11_a_table_with_gaps() -> None:
    station = Station(lambda window: None if conducted_power(window) in (26, 20, 12) else "TX_POWER")
    assert station.run(CLASS_C).delivered and station.powers == [27, 26]
    station.offered.clear()
    assert station.run(Transmit(2, b"next", (RX1, RX2))).delivered and station.powers == [14, 13, 12]
    station.offered.clear()
    assert station.run(Transmit(3, b"rx2", (RX2,))).delivered and station.powers == [26]


def test_c11_a_join_accept_is_offered_in_rx1_again_with_less_power() -> None:
    accept = Transmit(1, b"accept", (replace(RX1, opens_at=NOW + 5), replace(RX2, opens_at=NOW + 6)))
    station = Station(above(10))
    done = station.run(accept)
    assert done.delivered and done.window is not None and done.window.slot == 1
    assert station.powers == [14, 13, 12, 11, 10]


def test_c11_who_refuses_every_power_fails_with_that_and_not_with_time() -> None:
    station = Station(lambda window: "TX_POWER")
    done = station.run(CLASS_C)
    assert not done.delivered and done.cause_rx2 == "A5" and "TX_POWER" in done.decision
    assert station.powers == list(POWER_STEPS), "nothing is offered twice"
    assert station.now == NOW
    assert isinstance(station.air.fitted(RX2, NOW + 601), TransmitWindow), "somebody may have mended it"


def test_c11_another_base_station_goes_on_where_one_cannot() -> None:
    elsewhere = replace(AT_ONCE, base_station=THERE)
    station = Station(lambda window: "TX_FREQ" if window.base_station == HERE else None)
    done = station.run(Transmit(1, b"f", (AT_ONCE, elsewhere), deadline=NOW + 60))
    assert done.delivered and done.window is not None and done.window.base_station == THERE
    station.offered.clear()
    assert station.run(Transmit(2, b"f", (AT_ONCE, elsewhere), deadline=NOW + 60)).delivered
    assert [window.base_station for window in station.offered] == [THERE]


@pytest.mark.parametrize(
    ("error", "transmit", "cause"),
    [
        ("TX_FREQ", CLASS_C, "A5"),
        ("TX_FREQ", Transmit(1, b"f", (RX2,)), "A5"),
        ("GPS_UNLOCKED", Transmit(1, b"f", (PING, replace(PING, gps_time=5010.0, opens_at=NOW + 15))), "DC"),
    ],
)
def test_c11_what_a_base_station_cannot_do_is_offered_once(
    error: str, transmit: Transmit, cause: str
) -> None:
    station = Station(lambda window: error)
    done = station.run(transmit)
    assert not done.delivered and cause in (done.cause_rx2, done.cause_ping) and error in done.decision
    assert len(station.offered) == 1 and station.now == NOW
    radios = station.air.radios
    assert radios.refuses_gps_time(HERE, NOW) is (error == "GPS_UNLOCKED")


@pytest.mark.parametrize("error", ["COLLISION_PACKET", "TOO_LATE", "NO_ADDRESS", "SOMETHING_NEW"])
def test_c11_other_refusals_are_tried_again_ever_later_and_named_at_the_end(error: str) -> None:
    station = Station(lambda window: error)
    done = station.run(CLASS_C)
    assert not done.delivered and done.cause_rx2 != "E0" and error in done.decision
    assert NOW + 50 < station.now <= NOW + 60 and len(station.offered) < 13
    busy_then_free = Station(lambda window: error if len(busy_then_free.offered) < 3 else None)
    assert busy_then_free.run(CLASS_C).delivered and busy_then_free.now < NOW + 8


def test_c11_a_setting_spares_the_first_refusal() -> None:
    radios = BaseStationRadios(lambda _station: RadioSettings(max_power=20, antenna_gain=5.0))
    station = Station(above(20), AirSchedule([EU868], radios=radios))
    assert station.run(Transmit(1, b"f", (RX2,))).delivered and station.powers == [20]
    assert station.run(Transmit(2, b"f", (RX1,))).delivered and station.powers == [20, 11]
    assert radios.highest_power(HERE, NOW) == 20


def test_c11_a_weaker_base_station_comes_after_one_that_reaches_further() -> None:
    air = AirSchedule([EU868], radios=BaseStationRadios(
        lambda station: RadioSettings(max_power=10 if station == HERE else None)
    ))  # fmt: skip
    here, there = replace(RX2, margin=18.0), replace(RX2, base_station=THERE, margin=12.0)
    ordered = air.in_order((here, there), NOW)
    assert [window.base_station for window in ordered] == [THERE, HERE]
    assert ordered[1].margin == pytest.approx(18.0 - 17.15)


def test_c11_after_silence_a_frame_of_class_c_goes_through_another_base_station() -> None:
    elsewhere = replace(AT_ONCE, base_station=THERE)
    air = AirSchedule([EU868])
    step = begin(Transmit(1, b"f", (AT_ONCE, elsewhere), deadline=NOW + 60), NOW, LEAD, air)
    assert isinstance(step, Handed)
    second = silence(step.attempt, NOW + 3, LEAD, air)
    assert isinstance(second, Handed) and second.attempt.current is not None
    assert second.attempt.current.base_station == THERE
    over = silence(second.attempt, NOW + 6, LEAD, air)
    assert isinstance(over, Done) and not over.delivered and "did not confirm" in over.decision


def test_a_power_that_needs_no_change_is_not_touched() -> None:
    radios = BaseStationRadios()
    assert radios.fitted(RX2, NOW) is RX2
    radios.learn(RX2, "TX_FREQ", NOW)
    assert isinstance(radios.fitted(RX2, NOW), Refusal) and radios.fitted(RX1, NOW) is RX1


def _by(settings: RadioSettings) -> BaseStationRadios:
    return BaseStationRadios(lambda _station: settings)


def test_the_power_keeps_below_the_highest_eirp_with_the_antenna() -> None:
    fitted = _by(RadioSettings(antenna_gain=5.5, max_eirp=20)).fitted(AT_ONCE, NOW)
    assert isinstance(fitted, TransmitWindow)
    # 14.5 dBm would be allowed, and radios take whole ones.
    assert conducted_power(fitted) == 14 and fitted.power == 19.5
    assert fitted.margin == AT_ONCE.margin - (AT_ONCE.power - 19.5)
    # What the region allows stays the limit.
    low = _by(RadioSettings(antenna_gain=5.5, max_eirp=36)).fitted(RX1, NOW)
    assert isinstance(low, TransmitWindow) and conducted_power(low) == round(16 - 5.5)


def test_a_ping_slot_needs_a_base_station_with_gps() -> None:
    assert isinstance(_by(RadioSettings(class_b=True)).fitted(PING, NOW), TransmitWindow)
    refusal = _by(RadioSettings(class_b=False)).fitted(PING, NOW)
    assert isinstance(refusal, Refusal) and refusal.cause == "DC"
    assert isinstance(_by(RadioSettings(class_b=False)).fitted(RX1, NOW), TransmitWindow)


@pytest.mark.parametrize(("region", "takes"), [("EU868", True), ("US915", False), ("IN865", False)])
def test_nothing_is_sent_outside_the_region_of_a_base_station(region: str, takes: bool) -> None:
    fitted = _by(RadioSettings(region=REGIONS[region])).fitted(RX1, NOW)
    assert isinstance(fitted, TransmitWindow) is takes
    if isinstance(fitted, Refusal):
        assert fitted.cause == "A5"
