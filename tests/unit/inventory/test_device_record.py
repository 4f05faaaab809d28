"""The device row as the inventory reads it."""

from __future__ import annotations

from veldnet.domain.health import HEALTH, Health
from veldnet.inventory.devices.view import DeviceRecord, device_query


def test_the_columns_are_the_fields_and_none_is_a_key() -> None:
    columns = [column.name for column in device_query().selected_columns]
    assert tuple(columns) == DeviceRecord.__struct_fields__
    assert not [name for name in columns if "key" in name or "sealed" in name]


def test_health_is_stored_as_it_is_printed() -> None:
    assert {state.name: state.value for state in Health} == {name: at for at, name in enumerate(HEALTH)}
