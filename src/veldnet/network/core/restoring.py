"""After a restore from backup the network cannot know which counters it used since; it jumps ahead (I2)."""

from __future__ import annotations

from msgspec.structs import replace

from .state import DeviceState, JoinMemory, Session

# More than a device can have been sent between a backup and its restore, less than MAX_FCNT_GAP. Each restore
# since a state was written counts: the same backup restored twice must not lead to the same counters twice.
COUNTER_JUMP = 8192
JOIN_NONCE_JUMP = 1024


def _jump(session: Session | None, restores: int) -> Session | None:
    if session is None:
        return None
    return replace(
        session,
        n_fcnt_down=session.n_fcnt_down + restores * COUNTER_JUMP,
        a_fcnt_down=session.a_fcnt_down + restores * COUNTER_JUMP,
    )


def with_downlinks_used(session: Session, most: int) -> Session:
    """A session whose device was sent at most so many downlinks by somebody else."""
    return replace(
        session,
        n_fcnt_down=session.n_fcnt_down + most,
        a_fcnt_down=session.a_fcnt_down + most if session.version_11 else 0,
    )


def catch_up_state(state: DeviceState, generation: int) -> DeviceState:
    """The state as of this generation of the store: downlink counters ahead, downlinks in flight gone."""
    if state.generation >= generation:
        return state
    restores = generation - state.generation
    return replace(
        state,
        session=_jump(state.session, restores),
        pending_session=_jump(state.pending_session, restores),
        in_flight=(),
        generation=generation,
    )


def catch_up_memory(memory: JoinMemory, generation: int) -> JoinMemory:
    """JoinNonces ahead of those given since the backup, so that devices accept the next one."""
    if memory.generation >= generation:
        return memory
    jump = (generation - memory.generation) * JOIN_NONCE_JUMP
    return replace(memory, join_nonce=memory.join_nonce + jump, generation=generation)
