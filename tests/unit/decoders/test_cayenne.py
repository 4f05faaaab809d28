"""Cayenne LPP by its published examples, and what of a payload is kept that ends in something else."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veldnet.decoders import CayenneError, decode_cayenne
from veldnet.decoders.cayenne import TYPES


@pytest.mark.parametrize(
    ("payload", "values"),
    [
        # Examples of the format's own description.
        ("03670110 05 67 00FF", {"temperature_3": 27.2, "temperature_5": 25.5}),
        ("0167FFD7 067104D2FB2E0000", {
            "temperature_1": -4.1,
            "accelerometer_6": {"x": 1.234, "y": -1.234, "z": 0.0},
        }),
        ("0188 06765F F2960A 0003E8", {
            "gps_1": {"latitude": 42.3519, "longitude": -87.9094, "altitude": 10.0},
        }),
        ("", {}),
        # A digital input that is off, not padding.
        ("000000", {"digital_input_0": 0}),
        ("03670110 000000", {"temperature_3": 27.2, "digital_input_0": 0}),
        ("000000 03670110", {"temperature_3": 27.2, "digital_input_0": 0}),
    ],
)  # fmt: skip
def test_cayenne_reads_its_own_examples(payload: str, values: dict[str, object]) -> None:
    assert decode_cayenne(bytes.fromhex(payload)) == (values, None)


@pytest.mark.parametrize(
    ("payload", "warning"),
    [
        ("0367011000000000", "octet 4: 4 octets of zeros are padding"),
        ("0367011000", "octet 4: 1 octets of zeros are padding"),
        ("03670110" + "00" * 30, "octet 4: 30 octets of zeros are padding"),
        ("0367011001f008aabbccddeeff00", "octet 5: type 240 is unknown"),
        ("0367011004", "octet 4: a channel without a type"),
        ("03670110046701", "octet 6: temperature needs 2 octets, 1 are left"),
        ("03670110018806765F", "octet 6: gps needs 9 octets, 3 are left"),
    ],
)
def test_dec_05_values_before_the_unreadable_are_kept(payload: str, warning: str) -> None:
    values, found = decode_cayenne(bytes.fromhex(payload))
    assert values == {"temperature_3": 27.2}
    assert found is not None and found.startswith(warning)


@pytest.mark.parametrize(
    ("payload", "place"),
    [
        ("03", "octet 0"),
        ("03FF00", "octet 1: type 255"),
        ("0367", "2 octets, 0 are left"),
        ("036701", "2 octets, 1 are left"),
        ("0000", "octet 2: digital_input needs 1 octets"),
    ],
)
def test_dec_05_without_any_value_it_is_an_error(payload: str, place: str) -> None:
    with pytest.raises(CayenneError, match=place):
        decode_cayenne(bytes.fromhex(payload))


@given(st.binary(max_size=242))
def test_cayenne_takes_any_octets(payload: bytes) -> None:
    try:
        values, warning = decode_cayenne(payload)
    except CayenneError as error:
        assert str(error).startswith("octet ")
        return
    json.dumps(values)
    assert len(values) <= len(payload) // 3
    assert warning is None or (warning.startswith("octet ") and values)
    assert all(name.rpartition("_")[0] in {kind[0] for kind in TYPES.values()} for name in values)


_READING = st.one_of(
    *(
        st.builds(
            lambda channel, value, kind=kind: bytes((channel, kind)) + value,
            st.integers(1, 255),
            st.binary(min_size=size, max_size=size),
        )
        for kind, (_name, size, _read) in TYPES.items()
    )
)


@given(st.lists(_READING, min_size=1, max_size=8), st.binary(max_size=20))
def test_dec_05_what_follows_changes_nothing_of_what_was_read(readings: list[bytes], rest: bytes) -> None:
    whole = decode_cayenne(b"".join(readings)).values
    with_rest = decode_cayenne(b"".join(readings) + b"\x01\xf0" + rest)
    assert with_rest.values == whole
    assert with_rest.warning is not None and "type 240 is unknown" in with_rest.warning
