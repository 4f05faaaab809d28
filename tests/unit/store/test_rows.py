"""Hourly totals as commits add them."""

from __future__ import annotations

import pytest

from veldnet.store.rows import HOURLY_COUNTERS, HourlyRow


def test_totals_are_added_counter_by_counter() -> None:
    one = HourlyRow(1, 2, 3, uplinks=5, rssi=-800, sf7=5)
    more = HourlyRow(1, 2, 3, uplinks=1, rssi=-1100, joins=1)
    both = one.plus(more)
    assert (both.scope, both.scope_ref, both.hour) == (1, 2, 3)
    assert (both.uplinks, both.rssi, both.sf7, both.joins) == (6, -1900, 5, 1)
    assert one.uplinks == 5, "the sum is another row"


def test_counters_are_in_the_order_of_the_columns() -> None:
    row = HourlyRow(1, 2, 3, *range(len(HOURLY_COUNTERS)))
    assert dict(zip(HOURLY_COUNTERS, row.counters, strict=True)) == {
        name: getattr(row, name) for name in HOURLY_COUNTERS
    }


@pytest.mark.parametrize(
    ("sf", "counter"), [*((sf, f"sf{sf}") for sf in range(7, 13)), (5, "sf_other"), (None, "sf_other")]
)
def test_each_spreading_factor_has_its_counter(sf: int | None, counter: str) -> None:
    row = HourlyRow(1, 2, 3)
    row.count_sf(sf)
    assert [name for name in HOURLY_COUNTERS if getattr(row, name)] == [counter]
