"""Downlink submissions: every refusal that the network server gives, and what it accepts."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from tests.unit.network.builders import NETWORK, NOW, device, radio, session
from veldnet.domain.documents import PlanSettings
from veldnet.network.core.context import context_of
from veldnet.network.core.events import Answer, Device, DownlinkSubmitted, SubmissionRefusal, Transition
from veldnet.network.core.records import DownlinkRecord
from veldnet.network.core.state import DeviceState, QueuedDownlink
from veldnet.network.core.submission import submit_downlink

HSM = DeviceState(session=session(app_s_key=None, n_fcnt_down=5))
CLEAR = DeviceState(session=session())


def submission(**changes: object) -> DownlinkSubmitted:
    base = DownlinkSubmitted(77, 78, 2, b"\x01\x02", None, False, False, None, None)
    return replace(base, **changes)


def submit(state: DeviceState, event: DownlinkSubmitted, target: Device | None = None) -> Transition:
    return submit_downlink(context_of(NETWORK, target or device(), event, NOW), state)


def refusal_of(transition: Transition) -> SubmissionRefusal | None:
    effect = transition.effects[0]
    assert isinstance(effect, Answer)
    return effect.refusal


@pytest.mark.parametrize(
    ("state", "event", "target", "code"),
    [
        (CLEAR, submission(), device(plan=PlanSettings(downlinkTransmission=False)), 114),
        (CLEAR, submission(), device(plan_ref=None), 114),
        (CLEAR, submission(confirmed=True), device(plan=PlanSettings(ackedDownlinkFrame=False)), 103),
        (CLEAR, submission(payload=None), device(), 118),
        (CLEAR, submission(fport=0), device(), 104),
        (CLEAR, submission(fport=225), device(), 104),
        (CLEAR, submission(payload=b"x" * 251), device(), 113),
        (CLEAR, submission(payload=b"x" * 243), device(), 116),
        (CLEAR, submission(expires_at=NOW - 1), device(), 112),
        (DeviceState(), submission(), device(), 115),
        (HSM, submission(), device(), 119),
        (HSM, submission(fcnt=4), device(), 101),
        (HSM, submission(fcnt=5 + 16385), device(), 102),
    ],
)
def test_refusals(state: DeviceState, event: DownlinkSubmitted, target: Device, code: int) -> None:
    transition = submit(state, event, target)
    refusal = refusal_of(transition)
    assert refusal is not None and refusal.code == code
    assert transition.state == state and transition.records == ()


def test_the_expected_counter_counts_what_is_queued() -> None:
    transition = submit(HSM, submission(fcnt=5))
    assert refusal_of(transition) is None
    refusal = refusal_of(submit(transition.state, submission(fcnt=5)))
    assert refusal is not None and (refusal.code, refusal.expected) == (101, 6)
    assert refusal.message == "Downlink counter value already used. Expected=6"
    assert refusal_of(submit(transition.state, submission(fcnt=6))) is None


def test_size_follows_the_data_rate_in_use() -> None:
    slow = DeviceState(session=session(radio=radio(data_rate=0)))
    refusal = refusal_of(submit(slow, submission(payload=b"x" * 52)))
    assert refusal is not None and (refusal.code, refusal.max_size, refusal.rx2_dr) == (116, 51, 0)
    assert refusal_of(submit(slow, submission(payload=b"x" * 51))) is None


def test_a_flush_empties_the_queue_with_and_without_a_payload() -> None:
    item = QueuedDownlink(1, 2, b"old", None, False, None, None, NOW)
    full = replace(CLEAR, queue=(item, replace(item, id=2)))
    assert submit(full, submission(payload=None, fport=None, flush=True)).state.queue == ()
    replaced = submit(full, submission(flush=True)).state.queue
    assert [queued.payload for queued in replaced] == [b"\x01\x02"]
    refused = submit(full, submission(flush=True, fport=0))
    assert refused.state == full, "a refused submission does not flush either"


def test_a_full_queue_discards_with_cause_e1() -> None:
    item = QueuedDownlink(1, 2, b"old", None, False, None, None, NOW)
    full = replace(CLEAR, queue=(item,) * NETWORK.queue_limit)
    transition = submit(full, submission())
    (record,) = transition.records
    assert isinstance(record, DownlinkRecord) and record.cause_rx1 == "E1" and not record.delivered
    assert refusal_of(transition) is None and len(transition.state.queue) == NETWORK.queue_limit


def test_after_a_join_submissions_are_for_the_new_session() -> None:
    state = replace(HSM, pending_session=session(app_s_key=None))
    refusal = refusal_of(submit(state, submission(fcnt=5)))
    assert refusal is None
    accepted = submit(state, submission(fcnt=0))
    assert accepted.state.queue[0].for_pending_session
