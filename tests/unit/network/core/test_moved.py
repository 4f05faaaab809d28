"""Sessions of another network on the channels of this one."""

from __future__ import annotations

from tests.unit.network.builders import APP_S_KEY, NWK_S_KEY, PLAN
from veldnet.lorawan import DevAddr
from veldnet.lorawan.regions import Channel
from veldnet.network.core import (
    Arrival,
    MovedRadio,
    MovedSession,
    moved_join_memory,
    moved_state,
    strange_channels,
)
from veldnet.network.core import state as states
from veldnet.network.core.nonces import contains

HERE = Arrival(PLAN, 2, 1000.0, 100)


def test_channels_that_differ_are_not_taken_over() -> None:
    channels = tuple((3 + n, Channel(867_100_000 + 200_000 * n, 0, 5)) for n in range(3))
    odd = (7, Channel(868_850_000, 0, 5))
    radio = MovedRadio(rx1_delay=5, channels=(*channels, odd), enabled=(0, 1, 2, 3, 4, 7))
    session = MovedSession(
        dev_addr=DevAddr(1), f_nwk_s_int_key=NWK_S_KEY, app_s_key=APP_S_KEY, n_fcnt_down=7, radio=radio
    )
    state = states.decode_state(moved_state(HERE, session, None, personalised=False))
    assert state.session is not None and state.generation == 2
    assert (state.session.n_fcnt_down, state.session.a_fcnt_down) == (107, 0)
    assert (state.session.radio.defined_channels, state.session.radio.ch_mask) == (0b111111, 0b011111)
    assert state.session.radio.rx1_delay == 5
    assert strange_channels(PLAN, radio) == [7]
    assert strange_channels(PLAN, MovedRadio(channels=channels)) == []


def test_nonces_that_were_used() -> None:
    memory = states.decode_join_memory(moved_join_memory(9, (500, 3, 500), 2))
    assert (memory.join_nonce, memory.last_dev_nonce, memory.generation) == (9, 500, 2)
    assert contains(memory.dev_nonces, 3) and not contains(memory.dev_nonces, 4)
    many = states.decode_join_memory(moved_join_memory(9, range(0, 60_000, 2), 0))
    assert len(many.dev_nonces) == 8192
    assert contains(many.dev_nonces, 58_000) and not contains(many.dev_nonces, 58_001)
