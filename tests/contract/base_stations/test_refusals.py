"""What every base station protocol says of downlinks that are not sent, and when."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import pytest

from veldnet.lorawan.gpstime import unix_to_gps
from veldnet.lorawan.radio import TransmitWindow
from veldnet.network.core.transmission import CAUSE_OF_ERROR

from .field import EUI_HERE, HERE, Adapter, Field, in_field

# Seconds after RX1 by which a downlink is known not to have been sent: RX2 is in time.
SOON = 0.6


class Refused(NamedTuple):
    """A window that a base station does not take, given its last uplink, and the words for it."""

    window: Callable[[Field, float], TransmitWindow]
    words: tuple[str, ...]


CASES = {
    "too late": Refused(
        lambda field, _now: field.window(field.network.uplinks[-1], -0.5), ("TOO_LATE", "TOO_EARLY")
    ),
    "too early": Refused(lambda field, _now: field.window(field.network.uplinks[-1], 900.0), ("TOO_EARLY",)),
    "frequency": Refused(
        lambda field, _now: field.window(field.network.uplinks[-1], frequency=902_300_000), ("TX_FREQ",)
    ),
    "GPS": Refused(
        lambda field, now: field.window(None, slot=3, gps_time=unix_to_gps(now + 2)), ("GPS_UNLOCKED",)
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_downlink_that_a_base_station_cannot_send_is_reported_once(adapter: Adapter, case: str) -> None:
    async def story(field: Field) -> None:
        await field.connect()
        field.stations[EUI_HERE].transmits = (863_000_000, 870_000_000)
        await field.hear()
        given = field.clock()
        error = await field.outcome(field.transmit(CASES[case].window(field, given)))
        # At once, so that another window or base station can be tried.
        assert error in CASES[case].words and error in CAUSE_OF_ERROR
        assert field.reported_at < given + 0.1
        assert not field.on_air[EUI_HERE]

    in_field(adapter, story)


def test_of_two_downlinks_at_one_time_the_second_is_not_sent(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        await field.connect()
        uplink = await field.hear()
        first, second = (field.transmit(field.window(uplink)) for _ in range(2))
        assert await field.outcome(first) is None
        assert await field.outcome(second) == ("COLLISION_PACKET" if adapter.traits.refuses else "NOT_SENT")
        assert field.reported_at < uplink.received_at + 1 + SOON
        await field.until(lambda: field.clock() > uplink.received_at + 3)
        assert len(field.on_air[EUI_HERE]) == 1

    in_field(adapter, story)


def test_a_power_that_is_not_in_its_table_is_refused_or_lowered(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        await field.connect()
        field.stations[EUI_HERE].powers = frozenset({16})
        uplink = await field.hear()
        error = await field.outcome(field.transmit(field.window(uplink, power=27.0)))
        # Where the base station chooses its power itself, it is one of its own.
        assert error == ("TX_POWER" if adapter.traits.refuses else None)

    in_field(adapter, story)


def test_what_cannot_be_reached_is_reported_at_once(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        begin = field.clock()
        assert await field.outcome(field.transmit(field.window(None, slot=2))) == "NO_ADDRESS"
        assert field.reported_at - begin < 0.1 and field.hub.connection(HERE) is None

    in_field(adapter, story)


def test_a_late_answer_and_a_second_one_change_nothing(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        connection = await field.connect()
        uplink = await field.hear()
        connection.hold_answers()
        token = field.transmit(field.window(uplink))
        await field.until(lambda: field.clock() > uplink.received_at + 3)
        assert len(field.on_air[EUI_HERE]) == 1
        # Silence is judged here, or by the network that has waited for an answer.
        silence = field.errors(token)
        assert silence == ([] if adapter.traits.refuses else ["NOT_SENT"])
        refused = field.refused
        await connection.release_answers()
        await field.until(lambda: field.refused > refused)
        assert field.errors(token) == (silence or [None])
        # It goes on as if nothing had been.
        assert await field.outcome(field.transmit(field.window(await field.hear()))) is None

    in_field(adapter, story)
