"""Properties that hold for every input: codecs round-trip, memories remember, tokens fit what they sign."""

from __future__ import annotations

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from veldnet.api.rate_limit import RateLimiter
from veldnet.lorawan import AesKey, DevAddr, DevEui, NetId, frames, mac_commands
from veldnet.lorawan.counters import extend
from veldnet.lorawan.crypto import crypt_payload
from veldnet.lorawan.frames import DataFrame, MType
from veldnet.network.core import adr, nonces
from veldnet.network.core.addressing import AddressSpace
from veldnet.network.core.adr import history as history_of
from veldnet.routing.downlinks import query_parameters
from veldnet.routing.tokens import downlink_token_fits

_DATA_TYPES = st.sampled_from(
    [MType.UNCONFIRMED_UP, MType.UNCONFIRMED_DOWN, MType.CONFIRMED_UP, MType.CONFIRMED_DOWN]
)


@given(
    _DATA_TYPES,
    st.integers(0, 2**32 - 1),
    st.integers(0, 15),
    st.integers(0, 65_535),
    st.binary(max_size=15),
    st.none() | st.integers(1, 255),
    st.binary(max_size=220),
    st.binary(min_size=4, max_size=4),
)
def test_data_frames_round_trip(
    mtype: MType,
    addr: int,
    flags: int,
    fcnt: int,
    fopts: bytes,
    fport: int | None,
    payload: bytes,
    mic: bytes,
) -> None:
    body = payload if fport is not None else b""
    fctrl = flags << 4 | len(fopts)
    frame = DataFrame(mtype, DevAddr(addr), fctrl, fcnt, fopts, fport, body, mic)
    assert frames.parse(frame.to_bytes()) == frame


@given(st.sampled_from(sorted(mac_commands.UPLINK_COMMANDS)), st.binary(min_size=5, max_size=5))
def test_mac_commands_round_trip(cid: int, octets: bytes) -> None:
    for registry in (mac_commands.UPLINK_COMMANDS, mac_commands.DOWNLINK_COMMANDS):
        kind = registry[cid]
        command = kind.from_payload(octets[: kind.SIZE])
        assert kind.from_payload(command.payload()) == command and len(command.payload()) == kind.SIZE


@given(st.none() | st.integers(0, 2**31), st.integers(0, 65_534))
def test_counters_extend_forward(last: int | None, step: int) -> None:
    full = step if last is None else last + step
    assert extend(last, full & 0xFFFF) == full


@given(
    st.binary(min_size=16, max_size=16),
    st.integers(0, 2**32 - 1),
    st.integers(0, 2**32 - 1),
    st.binary(max_size=250),
)
def test_encryption_is_its_own_inverse(key: bytes, addr: int, fcnt: int, payload: bytes) -> None:
    secret = crypt_payload(AesKey(key), 0, DevAddr(addr), fcnt, payload)
    assert crypt_payload(AesKey(key), 0, DevAddr(addr), fcnt, secret) == payload


@given(st.lists(st.integers(0, 65_535), max_size=60), st.integers(0, 65_535))
def test_nonces_are_a_set(used: list[int], probe: int) -> None:
    memory = b""
    for nonce in used:
        memory = nonces.add(memory, nonce)
    assert nonces.contains(memory, probe) == (probe in used)
    assert all(nonces.contains(memory, nonce) for nonce in used)


def test_all_nonces_fit_into_8_kib() -> None:
    memory = b""
    step = 40_503  # visits all values in a scattered order
    for count in range(65_536):
        nonce = count * step & 0xFFFF
        if count % 997 == 0:
            assert not nonces.contains(memory, nonce)
        memory = nonces.add(memory, nonce)
        assert len(memory) <= 8192
    assert all(nonces.contains(memory, nonce) for nonce in range(65_536))


@given(st.integers(0, 2**64 - 1), st.integers(0, 0xFFFFFF), st.randoms())
def test_addresses_name_their_partition_and_network(eui: int, net_id: int, rng: object) -> None:
    import random

    assert isinstance(rng, random.Random)
    space = AddressSpace(NetId(net_id))
    addr = space.allocate(DevEui(eui), rng)
    assert space.contains(addr)
    assert space.partition_of_address(addr) == space.partition_of_device(DevEui(eui)) < space.partitions <= 64


@given(st.lists(st.tuples(st.integers(0, 10), st.floats(-32, 31)), min_size=1, max_size=40))
def test_the_adr_history_keeps_the_last_twenty(steps: list[tuple[int, float]]) -> None:
    history, counter, model = b"", 0, []
    for step, snr in steps:
        counter += step + 1
        history = adr.remember(history, counter, snr)
        model.append((counter, round(snr * 4) / 4))
    model = model[-adr.HISTORY :]
    assert adr.samples(history) == model
    assert history_of.best_snr(history) == max(snr for _fcnt, snr in model)
    span = model[-1][0] - model[0][0] + 1
    assert abs(history_of.loss(history) - (1 - len(model) / span)) < 1e-9


@given(
    st.lists(st.tuples(st.from_regex(r"[A-Za-z]{1,8}", fullmatch=True), st.text(max_size=10)), max_size=6),
    st.text(max_size=5),
)
def test_a_downlink_token_fits_only_what_was_signed(pairs: list[tuple[str, str]], extra: str) -> None:
    from urllib.parse import quote

    key = "46ab678cd45df4a4e4b3758acd096acc"
    pairs = [(name, value) for name, value in pairs if name != "Token"]
    decoded = "&".join(f"{name}={value}" for name, value in pairs)
    raw = "&".join(f"{name}={quote(value, safe='')}" for name, value in pairs)
    token = hashlib.sha256((decoded + key).encode()).hexdigest()
    signed = f"{raw}&Token={token}" if raw else f"Token={token}"
    assert downlink_token_fits(signed, token, key)
    assert query_parameters(signed)["Token"] == token
    if extra:
        assert not downlink_token_fits(f"{signed}&Extra={quote(extra, safe='')}", token, key)


@given(st.lists(st.floats(0, 2), max_size=60), st.integers(1, 20))
def test_a_rate_limiter_is_a_token_bucket(waits: list[float], rate: int) -> None:
    limiter, now, model, last = RateLimiter(rate), 0.0, float(rate), 0.0
    for wait in waits:
        now += wait
        model = min(model + (now - last) * rate, rate)
        last = now
        quota = limiter.take("a", now)
        assert quota is not None
        assert quota.allowed == (model >= 1) or abs(model - 1) < 1e-6
        if quota.allowed:
            model -= 1
