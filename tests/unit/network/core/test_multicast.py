"""Multicast groups as pure functions: counters, attempts, slots of base stations, and which of them cover."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from veldnet.domain.documents import PlanSettings
from veldnet.domain.groups import GroupRow
from veldnet.lorawan import AesKey, BaseStationId, DevAddr, frames
from veldnet.lorawan.class_b import ping_slot_time
from veldnet.lorawan.counters import MAX_FCNT
from veldnet.lorawan.gpstime import gps_to_unix, unix_to_gps
from veldnet.lorawan.regions import EU868
from veldnet.network.core import DownlinkRequest, MulticastSummaryRecord, NetworkParameters
from veldnet.network.core.multicast import (
    GroupContext,
    GroupKeys,
    GroupState,
    Heard,
    Step,
    begin,
    catch_up,
    cover,
    decode_group_state,
    encode_group_state,
    finish_attempt,
    next_counter,
    octets_of,
    plan_attempt,
    slots,
    submit,
)

NOW = 1_780_000_000.0
PLAN = PlanSettings(downlinkRate=0)
KEYS = GroupKeys(AesKey(bytes(range(16))), AesKey(bytes(range(1, 17))))
ROW = GroupRow(
    ref=7,
    subscriber_ref=1,
    operator_ref=1,
    customer_id="100000001",
    dev_eui="0059AC00AF000001",
    dev_addr=0x01FF0001,
    name="Lights",
    group_class="C",
    ping_period=None,
    frequency=None,
    data_rate=None,
    region="EU868",
    plan_ref=1,
    routing_profile_ref=None,
    hsm_group_ref=None,
    sealed_keys=b"",
    coverage="ALL",
    partition=0,
    state=None,
)
STATIONS = tuple(BaseStationId(number) for number in (1, 2, 3))
NEW = GroupState()
REQUEST = DownlinkRequest(fport=5, payload=b"on")


def context(**changes: object) -> GroupContext:
    made = GroupContext(NetworkParameters(), ROW, PLAN, EU868, KEYS, NOW)
    return replace(made, **changes)


def queued(state: GroupState = NEW, request: DownlinkRequest = REQUEST) -> GroupState:
    after, refusal = submit(context(), state, request, 100, 3)
    assert refusal is None
    return after


def refused(code: int, state: GroupState = NEW, stations: int = 3, **changes: object) -> str:
    request = replace(REQUEST, **changes)
    after, refusal = submit(context(), state, request, 100, stations)
    assert refusal is not None and refusal.code == code
    assert after is state
    return refusal.message


def summary_of(step: Step) -> MulticastSummaryRecord:
    last = step.records[-1]
    assert isinstance(last, MulticastSummaryRecord)
    return last


def causes(**found: str) -> dict[int, str]:
    return {int(name[1:]): cause for name, cause in found.items()}


def test_a_counter_is_spent_when_the_frame_begins_and_stays_with_it() -> None:
    state = begin(context(), queued(), STATIONS).state
    sending = state.sending
    assert sending is not None and (sending.fcnt, state.fcnt_down) == (0, 1)
    first = octets_of(context(), sending)
    frame = frames.parse(first)
    assert isinstance(frame, frames.DataFrame)
    assert (frame.mtype, frame.fctrl, frame.fport) == (frames.MType.UNCONFIRMED_DOWN, 0, 5)
    step = finish_attempt(context(), state, causes(s1="00", s2="A3", s3="00"), (1, 2))
    assert step.state.sending is not None and octets_of(context(), step.state.sending) == first
    again = decode_group_state(encode_group_state(state))
    assert again == state, "a server that was killed sends the same frame again"


def test_base_stations_that_failed_are_tried_again_as_often_as_the_plan_says() -> None:
    state = begin(context(), queued(), STATIONS).state
    step = finish_attempt(context(), state, causes(s1="00", s2="A3", s3="DA"), (1, 2))
    record, summary = step.records[0], summary_of(step)
    assert (record.outcome, summary.outcome) == ("sent", "partial")
    sending = step.state.sending
    assert sending is not None and sending.attempt_at == NOW + 60
    later = context(now=NOW + 60)
    assert [turn.window.base_station for turn in plan_attempt(later, sending, {})] == [2, 3]
    step = finish_attempt(later, step.state, causes(s2="00", s3="DA"), (3, 4))
    step = finish_attempt(later, step.state, causes(s3="DA"), (5, 6))
    summary = summary_of(step)
    assert (summary.outcome, summary.causes, step.state.sending) == ("aborted", {"DA": 1}, None)
    assert [(result.cause, result.attempts) for result in step.results] == [("00", 1), ("00", 2), ("DA", 3)]


def test_ineligible_base_stations_are_left_out_where_that_is_wanted() -> None:
    state = queued(request=replace(REQUEST, retry_ineligible=False))
    state = begin(context(), state, STATIONS).state
    step = finish_attempt(context(), state, causes(s1="00", s2="DD", s3="00"), (1, 2))
    summary = summary_of(step)
    assert (summary.outcome, summary.stations, summary.succeeded) == ("success", 2, 2)
    state = begin(context(), queued(), STATIONS).state
    step = finish_attempt(context(), state, causes(s1="00", s2="DD", s3="00"), (1, 2))
    assert step.records[-1].outcome == "partial", "by default they are tried again"


def test_what_cannot_be_sent_is_refused_with_the_reason() -> None:
    refused(103, confirmed=True)
    refused(104, fport=0)
    refused(112, expires_at=NOW - 1)
    refused(115, stations=0)
    refused(115, stations=201)
    refused(116, payload=bytes(52))
    refused(118, payload=b"")
    assert "Expected=5" in refused(101, GroupState(fcnt_down=5), fcnt=4)
    refused(102, fcnt=20_000)
    refused(102, GroupState(fcnt_down=MAX_FCNT + 1))
    blind = context(keys=GroupKeys(KEYS.nwk_s_key, None))
    _state, refusal = submit(blind, GroupState(), REQUEST, 1, 3)
    assert refusal is not None and (refusal.code, refusal.expected) == (119, 0)


def test_queued_frames_that_expire_or_have_an_old_counter_leave_with_a_record() -> None:
    state = queued(request=replace(REQUEST, expires_at=NOW + 10))
    step = begin(context(now=NOW + 11), state, STATIONS)
    record = summary_of(step)
    assert (record.outcome, record.causes, step.state.fcnt_down) == ("discarded", {"E3": 0}, 0)
    assert next_counter(queued(queued(GroupState(fcnt_down=4)))) == 6


def test_after_a_restore_counters_jump_and_the_frame_under_way_is_gone() -> None:
    state = begin(context(), queued(), STATIONS).state
    restored = catch_up(state, 2)
    assert (restored.sending, restored.fcnt_down) == (None, 1 + 2 * 8192)
    assert catch_up(restored, 2) is restored


def test_class_b_base_stations_send_in_the_same_ping_slot() -> None:
    row = replace(ROW, group_class="B", ping_period=32)
    inside = context(row=row)
    state = begin(inside, queued(), STATIONS).state
    assert state.sending is not None
    turns = plan_attempt(inside, state.sending, {})
    (slot,) = {turn.window.gps_time for turn in turns}
    assert slot is not None and slot > unix_to_gps(NOW)
    beacon = int(slot // 128 * 128)
    assert slot in {ping_slot_time(beacon, DevAddr(ROW.dev_addr), 4, number) for number in range(4)}
    assert {turn.at for turn in turns} == {gps_to_unix(slot) - 1.5}
    assert {turn.window.slot for turn in turns} == {3}
    step = finish_attempt(inside, state, causes(s1="DC", s2="DC", s3="DC"), (1, 2))
    assert step.state.sending is not None and step.state.sending.attempt_at == NOW + 256


@pytest.mark.parametrize("seed", range(5))
def test_neighbours_never_send_at_once(seed: int) -> None:
    rng = random.Random(seed)
    places = {BaseStationId(number): (52 + rng.random() / 4, 5 + rng.random() / 4) for number in range(1, 60)}
    unknown = BaseStationId(99)
    found = slots([*places, unknown], places, 7000)
    metres = 111_195.0
    for one, (north, east) in places.items():
        for other, (up, right) in places.items():
            near = ((north - up) ** 2 + ((east - right) * 0.615) ** 2) ** 0.5 * metres < 6900
            assert one == other or not near or found[one] != found[other]
    assert list(found.values()).count(found[unknown]) == 1, "it may be anybody's neighbour"
    assert len(set(found.values())) < len(found)


def test_few_base_stations_cover_the_members() -> None:
    modulation = EU868.downlink[3].modulation
    good, weak = 30.0, 2.0
    heard = [Heard(member, BaseStationId(1), good) for member in range(1, 9)]
    heard += [Heard(member, BaseStationId(2), good) for member in range(7, 11)]
    heard += [Heard(member, BaseStationId(3), good) for member in range(1, 4)]
    heard += [Heard(11, BaseStationId(4), weak), Heard(11, BaseStationId(5), weak - 1)]
    found = cover(range(1, 13), heard, modulation)
    assert [int(station) for station in found.stations] == [1, 2, 4]
    assert (found.weak, found.unheard) == ((11,), (12,))


@pytest.mark.parametrize("seed", range(4))
def test_every_member_that_is_heard_is_covered(seed: int) -> None:
    rng = random.Random(seed)
    heard = [
        Heard(member, BaseStationId(rng.randrange(1, 41)), rng.uniform(-5, 40))
        for member in range(1000)
        for _copy in range(rng.randrange(4))
    ]
    modulation = EU868.downlink[0].modulation
    found = cover(range(1000), heard, modulation)
    reached = {each.device_ref for each in heard if each.base_station in found.stations}
    assert reached | set(found.unheard) == set(range(1000))
    assert not reached & set(found.unheard)
