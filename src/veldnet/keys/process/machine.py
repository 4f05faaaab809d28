"""State machine of a vault process, as a table of states and events.

Pure: `vault_process` carries the actions out. `docs/keys.md` shows it as a diagram.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class State(Enum):
    """Where a vault process is. Calls are sent in READY only, those of its proof in PROVING."""

    DOWN = "down"
    STARTING = "starting"
    PROVING = "proving"
    READY = "ready"
    REJECTED = "rejected"
    CLOSED = "closed"


class Event(Enum):
    """What happens to it. EXPLAINED: it says why its vault does not work. BROKEN: the connection ended, was
    silent for too long, or carried what is no answer."""

    STARTED = "started"
    NOT_STARTED = "not started"
    ANSWERED = "answered its first call"
    PROVEN = "passed its proof"
    FAILED_PROOF = "failed its proof"
    EXPLAINED = "explained itself"
    BROKEN = "connection broken"
    CLOSE = "close"


class Action(Enum):
    """What is done about it, in the order of the step."""

    SEND_FIRST_CALL = "send its first call"
    BEGIN_PROOF = "begin its proof"
    FORGET_REASON = "forget why it did not work"
    KEEP_REASON = "remember why it does not work"
    KEEP_EARLY_END = "remember that it ended before it worked"
    SEND_CALLS = "send the calls that wait"
    FAIL_CALLS = "fail the calls that may not wait"
    FAIL_ALL_CALLS = "fail all calls"
    KILL = "kill it"
    START_LATER = "start another one after a while"


class Step(NamedTuple):
    """The state after an event, and what is done."""

    state: State
    actions: tuple[Action, ...] = ()


_ENDED_EARLY = Step(State.DOWN, (Action.FAIL_CALLS, Action.KEEP_EARLY_END, Action.START_LATER))

# Every pair that means something.
_STEPS: dict[tuple[State, Event], Step] = {
    (State.DOWN, Event.STARTED): Step(State.STARTING, (Action.SEND_FIRST_CALL,)),
    (State.DOWN, Event.NOT_STARTED): Step(State.DOWN, (Action.START_LATER,)),
    (State.STARTING, Event.ANSWERED): Step(State.PROVING, (Action.BEGIN_PROOF,)),
    (State.STARTING, Event.EXPLAINED): Step(State.STARTING, (Action.KEEP_REASON,)),
    (State.STARTING, Event.BROKEN): _ENDED_EARLY,
    (State.PROVING, Event.PROVEN): Step(State.READY, (Action.FORGET_REASON, Action.SEND_CALLS)),
    (State.PROVING, Event.FAILED_PROOF): Step(State.REJECTED, (Action.KEEP_REASON, Action.KILL)),
    (State.PROVING, Event.EXPLAINED): Step(State.PROVING, (Action.KEEP_REASON,)),
    (State.PROVING, Event.BROKEN): _ENDED_EARLY,
    (State.READY, Event.EXPLAINED): Step(State.READY, (Action.KEEP_REASON,)),
    (State.READY, Event.BROKEN): Step(State.DOWN, (Action.FAIL_CALLS, Action.START_LATER)),
    (State.REJECTED, Event.BROKEN): Step(State.DOWN, (Action.FAIL_CALLS, Action.START_LATER)),
    **{
        (state, Event.CLOSE): Step(State.CLOSED, (Action.FAIL_ALL_CALLS,))
        for state in State
        if state is not State.CLOSED
    },
}

# All pairs: what means nothing in a state, such as a late word of a process that is gone, changes nothing.
STEPS: dict[tuple[State, Event], Step] = {
    (state, event): _STEPS.get((state, event), Step(state)) for state in State for event in Event
}
