"""Payload decoders: Cayenne LPP by its published examples, and the process in which JavaScript runs."""

from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veldnet.decoders import DecoderPool, Limits, decode_cayenne
from veldnet.decoders.cayenne import TYPES, CayenneError


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
    ],
)  # fmt: skip
def test_cayenne_reads_its_own_examples(payload: str, values: dict[str, object]) -> None:
    assert decode_cayenne(bytes.fromhex(payload)) == values


@pytest.mark.parametrize(
    ("payload", "place"), [("03", "octet 0"), ("03FF00", "type 255"), ("036701", "2 octets, 1 are left")]
)
def test_cayenne_says_where_it_stopped(payload: str, place: str) -> None:
    with pytest.raises(CayenneError, match=place):
        decode_cayenne(bytes.fromhex(payload))


@given(st.binary(max_size=60))
def test_cayenne_takes_any_octets(payload: bytes) -> None:
    try:
        values = decode_cayenne(payload)
    except CayenneError:
        return
    json.dumps(values)
    assert len(values) <= len(payload) // 3
    assert all(name.rpartition("_")[0] in {kind[0] for kind in TYPES.values()} for name in values)


async def test_a_worker_is_shared_and_replaced() -> None:
    pool = DecoderPool(Limits(0.05, 8_000_000))
    fine = "function decodeUplink(i) { return {data: {sum: i.bytes[0] + i.fPort}}; }"
    stuck = "function decodeUplink(i) { for (;;) {} }"
    inputs = [{"bytes": [number], "fPort": 1} for number in range(50)]
    try:
        answers = await asyncio.gather(
            pool.run(fine, "decodeUplink", inputs),
            pool.run(stuck, "decodeUplink", inputs[:3]),
            pool.run(fine, "decodeUplink", inputs[:1]),
        )
        assert [json.loads(a.value or "")["data"]["sum"] for a in answers[0]] == list(range(1, 51))
        assert {a.error for a in answers[1]} == {"the decoder ran longer than it may"}
        assert answers[2][0].value == '{"data":{"sum":1}}'
        # Killed from outside, another takes its place.
        assert pool._process is not None
        pool._process.kill()
        await pool._process.wait()
        assert (await pool.run(fine, "decodeUplink", inputs[:1]))[0].value is not None
        # Who stops waiting leaves no answer behind for the next.
        waiting = asyncio.create_task(pool.run(stuck, "decodeUplink", inputs))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert (await pool.run(fine, "decodeUplink", inputs[:2]))[1].value == '{"data":{"sum":2}}'
    finally:
        await pool.close()


async def test_one_decoder_sees_nothing_of_another() -> None:
    pool = DecoderPool(Limits())
    try:
        leave = "globalThis.left = 7; function decodeUplink() { return {data: 1}; }"
        look = "function decodeUplink() { return {data: typeof left}; }"
        await pool.run(leave, "decodeUplink", [{"bytes": [], "fPort": 1}])
        (answer,) = await pool.run(look, "decodeUplink", [{"bytes": [], "fPort": 1}])
        assert answer.value == '{"data":"undefined"}'
    finally:
        await pool.close()
