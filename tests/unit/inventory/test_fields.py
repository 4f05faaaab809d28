"""The table of descriptive fields agrees with the resources that it describes."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from veldnet.domain.resources import Device, VeldnetDevice
from veldnet.inventory.devices.fields import FIELDS, encode_fields, put_fields
from veldnet.inventory.imports.header_csv import COLUMNS

VALUES = {"dataflowTags": ["t"], "tags": ["t"], "homeNsNetID": "000013", "alarmThresholds": []}


def test_every_field_is_a_member_that_is_stored_and_read() -> None:
    given = VeldnetDevice(**{field.name: VALUES.get(field.name, "text") for field in FIELDS})  # type: ignore[arg-type]
    stored = encode_fields(given)
    read = VeldnetDevice()
    put_fields(stored, read)
    for field in FIELDS:
        assert getattr(read, field.name) in (getattr(given, field.name), UNSET)
        field.check(getattr(given, field.name), field.name)
    assert {field.name for field in FIELDS} - {"alarmThresholds"} <= set(COLUMNS)


def test_kpns_device_has_only_its_own() -> None:
    device = Device()
    put_fields(encode_fields(VeldnetDevice(tags=["t"], administrativeInfo="i")), device)
    assert msgspec.to_builtins(device) == {"administrativeInfo": "i"}


def test_what_is_not_given_stays() -> None:
    before = encode_fields(VeldnetDevice(tags=["a"], administrativeInfo="i"))
    assert msgspec.json.decode(encode_fields(VeldnetDevice(tags=[]), before)) == {"administrativeInfo": "i"}
    assert msgspec.json.decode(encode_fields(VeldnetDevice(), before)) == msgspec.json.decode(before)
