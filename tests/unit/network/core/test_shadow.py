"""Devices in shadow: another network answers them, here they are listened to."""

from __future__ import annotations

from tests.unit.network.builders import device, receive, session, uplink_frame
from veldnet.domain.devices import SHADOW
from veldnet.lorawan.mac_commands import LinkCheckReq
from veldnet.network.core.events import Device
from veldnet.network.core.records import UplinkRecord
from veldnet.network.core.state import DeviceState


def shadow() -> Device:
    return device(routing_profile_ref=None, processing_strategy=SHADOW)


def test_a_frame_that_asks_for_an_answer_gets_none_and_the_counters_follow() -> None:
    state = DeviceState(session=session(fcnt_up=10, n_fcnt_down=1003))
    octets = uplink_frame(fcnt=15, confirmed=True, commands=(LinkCheckReq(),))
    done = receive(state, octets, target=shadow())
    assert done is not None and done.effects == ()
    record = done.records[0]
    assert isinstance(record, UplinkRecord)
    assert (record.outcome, record.fcnt) == ("accepted", 15)
    assert any("in shadow" in each for each in record.decisions)
    after = done.state.session
    assert after is not None
    # The other network may have answered each of the five frames.
    assert (after.fcnt_up, after.n_fcnt_down) == (15, 1008)


def test_a_repetition_may_have_been_answered_as_well() -> None:
    state = DeviceState(session=session(fcnt_up=10, n_fcnt_down=0))
    octets = uplink_frame(fcnt=11, confirmed=True)
    first = receive(state, octets, target=shadow())
    assert first is not None
    second = receive(first.state, octets, target=shadow())
    assert second is not None and second.effects == () and second.state.session is not None
    assert second.state.session.n_fcnt_down == 2
