"""The life of a vault process: every event in every state."""

from __future__ import annotations

from collections import deque

import pytest

from veldnet.keys.process.machine import STEPS, Action, Event, State

# Rows are states, columns events. "." changes nothing; else the state after it.
_TABLE = """
            STARTED    NOT_STARTED  ANSWERED  PROVEN  FAILED_PROOF  EXPLAINED  BROKEN  CLOSE
DOWN        STARTING   DOWN         .         .       .             .          .       CLOSED
STARTING    .          .            PROVING   .       .             STARTING   DOWN    CLOSED
PROVING     .          .            .         READY   REJECTED      PROVING    DOWN    CLOSED
READY       .          .            .         .       .             READY      DOWN    CLOSED
REJECTED    .          .            .         .       .             .          DOWN    CLOSED
CLOSED      .          .            .         .       .             .          .       .
"""


def _expected() -> dict[tuple[State, Event], str]:
    head, *rows = (line.split() for line in _TABLE.strip().splitlines())
    return {
        (State[name], Event[event]): after
        for name, *cells in rows
        for event, after in zip(head, cells, strict=True)
    }


def test_the_table_names_every_state_and_event_once() -> None:
    assert set(_expected()) == set(STEPS) == {(state, event) for state in State for event in Event}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_every_event_in_every_state(state: State, event: Event) -> None:
    step, after = STEPS[state, event], _expected()[state, event]
    if after == ".":
        assert step.state is state and not step.actions
    else:
        assert step.state is State[after] and step.actions


@pytest.mark.parametrize(("state", "event"), STEPS)
def test_calls_are_neither_lost_nor_sent_to_a_process_that_has_not_proven_itself(
    state: State, event: Event
) -> None:
    after, actions = STEPS[state, event]
    assert (Action.SEND_CALLS in actions) is (after is State.READY and state is not State.READY)
    begins_to_be_down = after is State.DOWN and state is not State.DOWN
    assert (Action.FAIL_CALLS in actions) is begins_to_be_down
    assert (Action.FAIL_ALL_CALLS in actions) is (after is State.CLOSED and state is not State.CLOSED)
    assert (Action.KILL in actions) is (after is State.REJECTED and state is not State.REJECTED)
    if begins_to_be_down:
        assert actions[-1] is Action.START_LATER, "whoever fails must not wait for the next process"


def test_it_comes_back_from_everywhere_but_from_its_end() -> None:
    for start in set(State) - {State.CLOSED}:
        reached, left = {start}, deque([start])
        while left:
            here = left.popleft()
            for event in Event:
                after = STEPS[here, event].state
                if after not in reached:
                    reached.add(after)
                    left.append(after)
        assert reached == set(State)


def test_every_action_is_used() -> None:
    assert {action for step in STEPS.values() for action in step.actions} == set(Action)
