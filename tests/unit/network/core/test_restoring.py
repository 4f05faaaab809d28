"""After a restore counters jump ahead, once."""

from __future__ import annotations

from tests.unit.network.builders import session
from veldnet.network.core.restoring import COUNTER_JUMP, JOIN_NONCE_JUMP, catch_up_memory, catch_up_state
from veldnet.network.core.state import DeviceState, JoinMemory


def test_counters_jump_once_for_each_restore() -> None:
    state = DeviceState(session=session(n_fcnt_down=5, fcnt_up=9), pending_session=session(n_fcnt_down=0))
    assert catch_up_state(state, 0) is state
    jumped = catch_up_state(state, 1)
    assert jumped.session is not None and jumped.pending_session is not None
    assert jumped.session.n_fcnt_down == 5 + COUNTER_JUMP and jumped.session.fcnt_up == 9
    assert jumped.pending_session.n_fcnt_down == COUNTER_JUMP
    assert catch_up_state(jumped, 1) is jumped
    memory = JoinMemory(join_nonce=7, last_dev_nonce=3)
    later = catch_up_memory(memory, 2)
    assert later.join_nonce == 7 + 2 * JOIN_NONCE_JUMP and later.last_dev_nonce == 3
    assert catch_up_memory(later, 2) is later


def test_b5_the_same_backup_restored_again_leads_to_other_counters() -> None:
    state = DeviceState(session=session(n_fcnt_down=5))
    counters = {
        jumped.session.n_fcnt_down
        for generation in (1, 2, 3)
        if (jumped := catch_up_state(state, generation)).session is not None
    }
    assert counters == {5 + COUNTER_JUMP, 5 + 2 * COUNTER_JUMP, 5 + 3 * COUNTER_JUMP}
