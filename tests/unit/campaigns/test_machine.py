"""Campaigns before virtual devices, without a network: what is sent arrives, or is lost by chance."""

from __future__ import annotations

import random
import zlib
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from veldnet.campaigns.block import Block
from veldnet.campaigns.machine import on_answer, on_sent, on_time, on_unsent
from veldnet.campaigns.sessions import Need, due_fragments, plan_session
from veldnet.campaigns.states import (
    FINAL,
    GroupOptions,
    GroupTerms,
    Options,
    Plan,
    Ports,
    Progress,
    Session,
    Situation,
    Step,
    hold,
)
from veldnet.domain.groups import MemberKeys
from veldnet.lorawan import AesKey, DevAddr
from veldnet.lorawan.counters import MAX_FCNT
from veldnet.lorawan.gpstime import unix_to_gps
from veldnet.lorawan.packages import MULTICAST_SETUP, parse, serialise
from veldnet.lorawan.packages.fragmentation import FragSessionStatusAns, data_block_key
from veldnet.lorawan.packages.multicast_keys import encrypt_mc_key, mc_ke_key, mc_root_key_10
from veldnet.lorawan.packages.multicast_setup import McGroupSetupReq
from veldnet.simulator.update_client import Abilities, UpdateClient

PORTS = Ports(201, 203)
FILE = random.Random(3).randbytes(1000)


def plan(options: Options | None = None, content: bytes = FILE) -> Plan:
    options = options or Options()
    return Plan(options, Block(content, options.fragment_size), b"\x01\x02\x03\x04")


class Story:
    """One device of a campaign; time moves on to whatever comes next."""

    def __init__(self, plan: Plan, device: UpdateClient, *, loss: float = 0.0, seed: int = 1) -> None:
        self.plan, self.device, self.loss = plan, device, loss
        self.rng = random.Random(seed)
        self.now = 1_000_000
        self.progress = Progress(due_at=self.now)
        self.sent = self.most_waiting = 0
        self.seen: list[str] = []

    def at(self) -> Situation:
        return Situation(self.plan, PORTS, self.now)

    def run(self, steps: int = 3000) -> Progress:
        """Until the end."""
        queue: list[bytes] = []
        ports: list[int] = []
        answers: list[tuple[int, int, bytes]] = []
        for _ in range(steps):
            if self.progress.state in FINAL:
                return self.progress
            if queue:
                self.now += 5000
                payload, fport = queue.pop(0), ports.pop(0)
                self.sent += 1
                if self.rng.random() >= self.loss:
                    for answer in self.device.take(fport, payload, self.now / 1000):
                        if self.rng.random() >= self.loss:
                            due = self.now + round(answer.after * 1000)
                            answers.append((due, answer.fport, answer.payload))
                step = on_sent(self.at(), self.progress, len(queue))
            elif answers:
                due, fport, payload = answers.pop(0)
                self.now = max(self.now, due)
                step = on_answer(self.at(), self.progress, fport, payload)
            else:
                assert self.progress.due_at is not None
                self.now = max(self.now, self.progress.due_at)
                step = on_time(self.at(), self.progress)
            self._take(step)
            queue += [each.payload for each in step.messages]
            ports += [each.fport for each in step.messages]
            self.most_waiting = max(self.most_waiting, len(queue))
        raise AssertionError(f"it does not come to an end: {self.progress}")

    def _take(self, step: Step) -> None:
        self.progress = step.progress
        if not self.seen or self.seen[-1] != step.progress.state:
            self.seen.append(step.progress.state)


def client(abilities: Abilities | None = None, seed: int = 2) -> UpdateClient:
    return UpdateClient(AesKey(bytes(16)), random.Random(seed), abilities)


def test_a_file_reaches_a_device_and_is_started() -> None:
    story = Story(plan(), client())
    assert story.run().state == "applied"
    assert story.device.files == [FILE] and story.device.reboots == 1
    path = ["settingUp", "receiving", "statusAsked", "imageAsked", "restarting", "applied"]
    assert story.seen == path and story.most_waiting == Options().in_flight
    # 21 fragments, a fifth of them besides, and four questions.
    assert story.sent == 21 + 5 + 4


@given(st.integers(1, 1200), st.integers(0, 1000), st.sampled_from([0.0, 0.1, 0.3]))
def test_whatever_is_lost_it_ends_and_never_with_another_file(size: int, seed: int, loss: float) -> None:
    options = Options(retries=10, rounds=10)
    story = Story(plan(options, FILE[:size] or b"x"), client(Abilities(memory=60)), loss=loss, seed=seed)
    progress = story.run()
    assert progress.state in FINAL and story.most_waiting <= options.in_flight + 1
    if progress.state == "applied":
        assert story.device.files[-1] == (FILE[:size] or b"x")
    assert loss or progress.state == "applied"


def test_ten_percent_are_lost_and_all_get_it() -> None:
    options = Options(retries=8)
    ends = [Story(plan(options), client(), loss=0.1, seed=seed).run().state for seed in range(100)]
    assert ends == ["applied"] * 100


def test_more_lost_than_the_device_can_repair() -> None:
    options = Options(rounds=1, redundancy=100, retries=20)
    story = Story(plan(options), client(Abilities(memory=0)), loss=0.35, seed=5)
    assert (story.run().state, story.progress.reason) == ("incomplete", "repairMemory")
    again = Story(plan(replace(options, rounds=20)), client(Abilities(memory=0)), loss=0.1, seed=5)
    assert again.run().state == "applied" and again.progress.rounds > 0


@pytest.mark.parametrize(
    ("abilities", "state", "reason"),
    [
        (Abilities(largest_block=500), "refused", "memory"),
        (Abilities(without=frozenset({201})), "timedOut", "noAnswer"),
        (Abilities(without=frozenset({203})), "timedOut", "noAnswer"),
    ],
)
def test_a_device_that_cannot(abilities: Abilities, state: str, reason: str) -> None:
    story = Story(plan(), client(abilities))
    assert (story.run().state, story.progress.reason) == (state, reason)


def test_a_configuration_is_not_started() -> None:
    story = Story(plan(Options(apply=False)), client())
    assert story.run().state == "complete" and story.device.reboots == 0


def test_a_device_without_a_port() -> None:
    at = Situation(plan(), Ports(None, 203), 5)
    step = on_time(at, Progress(due_at=0))
    assert (step.progress.state, step.progress.reason, step.messages) == ("refused", "noPort", ())


@given(
    st.sampled_from(["pending", "settingUp", "receiving", "statusAsked", "imageAsked", "restarting"]),
    st.sampled_from([201, 203, 200, 1]),
    st.binary(max_size=40),
)
def test_nonsense_is_left_out(state: str, fport: int, payload: bytes) -> None:
    before = Progress(state=state, sent=3, target=26, due_at=9)  # type: ignore[arg-type]
    step = on_answer(Situation(plan(), PORTS, 5), before, fport, payload)
    if fport in (200, 1):
        assert step == Step(before)
    assert step.progress.state in FINAL or step.progress.due_at is not None


def test_a_fragment_that_no_base_station_sent_is_made_up_for() -> None:
    at = Situation(plan(), PORTS, 5)
    step = on_sent(at, Progress(state="receiving", sent=26, target=26, due_at=9), 0, unsent=2)
    assert (step.progress.sent, step.progress.target, len(step.messages)) == (28, 28, 2)


def test_a_question_that_no_base_station_sent_does_not_count() -> None:
    at = Situation(plan(Options(retries=0)), PORTS, 5)
    asked = on_time(at, Progress(due_at=5)).progress
    unsent = on_unsent(at, asked).progress
    assert (unsent.state, unsent.due_at) == ("settingUp", 60_005)
    # It is asked again although no retries are left, also after it has waited for its turn.
    for waiting in (unsent, hold(asked, 9)):
        again = on_time(at, waiting)
        assert len(again.messages) == 1 and again.progress == replace(asked, due_at=again.progress.due_at)
    assert on_time(at, asked).progress.reason == "noAnswer"
    receiving = Progress(state="receiving", due_at=9)
    assert on_unsent(at, receiving).progress == receiving


def test_fragments_that_wait_for_later_uplinks_are_of_use_for_longer() -> None:
    options = Options(answer_timeout=100, in_flight=3)
    step = on_sent(Situation(plan(options), PORTS, 0), Progress(state="receiving", target=26, due_at=9), 1)
    assert [each.expires_at for each in step.messages] == [
        200_000,
        300_000,
    ] and step.progress.due_at == 300_000


def test_parity_is_that_of_the_package() -> None:
    block = Block(FILE[:95], 10)
    assert (block.count, block.padding) == (10, 5) and block.fragment(10) == FILE[90:95] + bytes(5)
    from veldnet.lorawan.packages.parity import parity_fragment

    parts = [block.fragment(number) for number in range(1, 11)]
    assert [block.fragment(10 + row) for row in range(1, 300)] == [
        parity_fragment(parts, row) for row in range(1, 300)
    ]


GROUP = GroupOptions(lead=600, number=2)
ADDRESS = DevAddr(0x01FF0001)
TERMS = GroupTerms(ADDRESS, 869_525_000, 3, None)
MC_KEY = AesKey(bytes(range(16)))
KE_KEY = mc_ke_key(mc_root_key_10(AesKey(bytes(16))))
KEYS = MemberKeys(encrypt_mc_key(KE_KEY, MC_KEY), bytes(data_block_key(AesKey(bytes(16)))))
IN_GROUP = Ports(201, 203, 200, 202)
NOW = 1_700_000_000_000


def in_group(
    now: int = NOW, session: Session | None = None, version: Literal[1, 2] = 1, **more: Any
) -> Situation:
    made = plan(Options(group=GROUP, package_version=version))
    another = session is None
    return Situation(made, IN_GROUP, now, TERMS, session, another, KEYS, **more)


def session(now: int = NOW) -> Session:
    return plan_session(plan(Options(group=GROUP)), Need(1, True, 0), None, 4000, now)


def payloads(step: Step) -> list[tuple[int, bytes]]:
    return [(each.fport, each.payload) for each in step.messages]


def test_a_device_joins_the_group_listens_and_leaves_it() -> None:
    device, planned, now = client(), session(), NOW
    step = on_time(in_group(), Progress(due_at=0))
    seen = [step.progress.state]
    while step.messages:
        [(fport, payload)] = payloads(step)
        now += 1000
        answers = device.take(fport, payload, unix_to_gps(now / 1000))
        at = in_group(now)
        step = on_answer(at, step.progress, answers[0].fport, answers[0].payload)
        seen.append(step.progress.state)
    assert seen == ["joiningGroup", "settingUp", "waitingSession"]
    assert device.groups[2].address == ADDRESS
    step = on_time(in_group(now, planned), step.progress)
    [answer] = device.take(*payloads(step)[0], unix_to_gps(now / 1000))
    step = on_answer(in_group(now, planned), step.progress, 200, answer.payload)
    assert (step.progress.state, step.progress.due_at) == ("listening", planned.ends_at)
    assert device.listening is not None and device.listening.data_rate == 3
    # While fragments are still to be sent it is not asked.
    step = on_time(in_group(planned.ends_at - 1, planned), step.progress)
    assert step.progress.state == "listening" and not step.messages
    step = on_time(in_group(planned.ends_at, planned), step.progress)
    assert step.progress.state == "statusAsked"
    # Two of 21 are missing: with no further session they are brought to it alone.
    answered = serialise([FragSessionStatusAns(0, 19, 2)])
    over = replace(planned, sent=planned.last)
    repaired = on_answer(in_group(planned.ends_at, over), step.progress, 201, answered)
    assert (repaired.progress.state, repaired.progress.sent - 4, len(repaired.messages)) == (
        "missingFragments",
        over.last,
        4,
    )
    done = serialise([FragSessionStatusAns(0, 21, 0)])
    step = on_answer(in_group(planned.ends_at, over), step.progress, 201, done)
    assert payloads(step) == [(200, bytes((3, 2)))]
    step = on_answer(in_group(NOW, over), step.progress, 200, bytes((3, 2)))
    assert step.progress.state == "imageAsked"


@pytest.mark.parametrize(
    ("state", "fport", "payload", "expected"),
    [
        # What may only say that it was transmitting is asked again.
        ("joiningGroup", 200, bytes((2, 6)), ("joiningGroup", None)),
        ("joiningGroup", 200, bytes((2, 6) * 3), ("refused", "groupNumber")),
        ("sessionAsked", 200, bytes((4, 2 | 0x1C)), ("sessionAsked", None)),
        ("sessionAsked", 200, bytes((4, 2 | 0x1C) * 3), ("waitingSession", None)),
        # Another group, another package, another session, or cut: left out.
        ("joiningGroup", 200, bytes((2, 1)), ("joiningGroup", None)),
        ("joiningGroup", 201, bytes((2, 2)), ("joiningGroup", None)),
        ("sessionAsked", 200, bytes((4, 1, 0, 0, 0)), ("sessionAsked", None)),
        ("sessionAsked", 200, bytes((4, 2, 0)), ("sessionAsked", None)),
        ("sessionAsked", 200, bytes((4, 2 | 4)), ("refused", "dataRate")),
        ("sessionAsked", 200, bytes((4, 2 | 8)), ("refused", "frequency")),
        ("settingUp", 201, bytes((0, 3, 2, 2, 0)), ("refused", "version")),
        ("settingUp", 201, bytes((2, 0x40)), ("settingUp", None)),
        ("statusAsked", 201, bytes((1, 0, 0x40, 0, 0)), ("statusAsked", None)),
    ],
)
def test_what_devices_of_groups_answer(
    state: str, fport: int, payload: bytes, expected: tuple[str, str | None]
) -> None:
    before = Progress(state=state, due_at=NOW)  # type: ignore[arg-type]
    after = on_answer(in_group(session=session()), before, fport, payload).progress
    assert (after.state, after.reason) == expected


@pytest.mark.parametrize(
    ("state", "payload", "expected"),
    [
        # It names what was lost at first although it has repaired it, and the CRC of what it has.
        ("statusAsked", bytes((1, 26, 0, 2, 0)), ("missingFragments", 1)),
        ("statusAsked", bytes((5,)) + zlib.crc32(FILE).to_bytes(4, "little"), ("imageAsked", 0)),
        ("receiving", bytes((5,)) + zlib.crc32(FILE).to_bytes(4, "little"), ("imageAsked", 0)),
        # The CRC of a file of before says nothing, unless the device takes nothing else any more.
        ("receiving", bytes((5, 1, 2, 3, 4)), ("receiving", 0)),
        ("settingUp", bytes((5,)) + zlib.crc32(FILE).to_bytes(4, "little"), ("settingUp", 0)),
        ("statusAsked", bytes((5, 1, 2, 3, 4)), ("settingUp", 1)),
        # Fragments lost at the end are not noticed; too many for its memory, and it is done for good.
        ("statusAsked", bytes((1, 18, 0, 0, 0)), ("missingFragments", 1)),
        ("statusAsked", bytes((1, 26, 0, 6, 1)), ("settingUp", 1)),
    ],
)
def test_what_a_device_with_loramac_node_says(state: str, payload: bytes, expected: tuple[str, int]) -> None:
    before = Progress(state=state, sent=26, target=26, due_at=9)  # type: ignore[arg-type]
    after = on_answer(Situation(plan(), PORTS, 5), before, 201, payload).progress
    assert (after.state, after.rounds) == expected


def test_a_question_that_was_sent_is_answered_soon_or_lost() -> None:
    at = Situation(plan(), PORTS, NOW)
    asked = on_time(at, Progress(due_at=NOW)).progress
    assert asked.due_at == NOW + 7_200_000
    assert on_sent(at, asked, 0).progress.due_at == NOW + 300_000
    # Another payload still waits, none was sent, or there is no attempt but this one.
    for step in (on_sent(at, asked, 1), on_sent(at, asked, 0, unsent=1)):
        assert step == Step(asked)
    last = replace(asked, tries=Options().retries)
    assert on_sent(at, last, 0).progress == last


def test_a_device_with_a_wrong_clock_is_told_to_ask_for_the_time() -> None:
    asked = Progress(state="sessionAsked", due_at=NOW)
    # The session begins in 600 s; the device says 3600.
    wrong = bytes((4, 2)) + (3600).to_bytes(3, "little")
    step = on_answer(in_group(session=session()), asked, 200, wrong)
    assert payloads(step) == [(202, bytes((3, 1)))] and step.progress.state == "sessionAsked"
    assert (
        on_answer(
            in_group(session=session()), asked, 200, bytes((4, 2)) + (590).to_bytes(3, "little")
        ).progress.state
        == "listening"
    )


def test_version_2_reports_by_itself_what_it_has() -> None:
    at = in_group(session=session(), version=2)
    listening = Progress(state="listening", due_at=NOW)
    step = on_answer(at, listening, 201, bytes((4, 0)))
    assert payloads(step) == [(201, bytes((4, 0))), (200, bytes((3, 2)))]
    step = on_answer(at, listening, 201, bytes((4, 4)))
    assert (step.progress.state, step.progress.reason) == ("incomplete", "wrongMic")
    asked = Progress(state="statusAsked", due_at=NOW)
    step = on_answer(at, asked, 201, bytes((1, 2, 21, 0, 0)))
    assert (step.progress.state, step.progress.reason) == ("incomplete", "wrongMic")
    step = on_answer(at, Progress(state="settingUp", due_at=NOW), 201, bytes((2, 0x10)))
    assert (step.progress.state, step.progress.reason) == ("refused", "replayed")


def test_sessions_hold_what_they_can_and_are_paced() -> None:
    first = session()
    assert (first.first, first.last, first.sent) == (1, 26, 0) and first.starts_at == NOW + 600_000
    assert first.ends_at - first.starts_at == 1000 << first.timeout == 256_000
    assert list(due_fragments(first, first.starts_at, 4)) == []
    assert list(due_fragments(first, first.starts_at + 10_000, 4)) == [1]
    assert list(due_fragments(first, first.starts_at + 60_000, 4)) == [1, 2, 3, 4]
    assert list(due_fragments(first, first.ends_at, 4)) == []
    over = replace(first, sent=26)
    again = plan_session(plan(Options(group=GROUP)), Need(5, False, 3), over, 4000, first.ends_at)
    assert (again.number, again.first, again.last) == (2, 27, 32)
    # 2^15 s are the longest.
    slow = plan_session(plan(Options(group=GROUP)), Need(5, True, 0), None, 4_000_000, NOW)
    assert slow.timeout == 15 and (slow.first, slow.last) == (1, 8)
    class_b = Options(group=replace(GROUP, group_class="B"))
    beacon = plan_session(plan(class_b), Need(1, True, 0), None, 4000, NOW)
    assert unix_to_gps(beacon.starts_at / 1000) % 128 == 0 and beacon.timeout == 1


def test_the_set_up_of_a_group_is_that_of_the_reference() -> None:
    """Vector F4: GenAppKey ffee..1100, McKey 00..0f, group 0."""
    ke_key = mc_ke_key(mc_root_key_10(AesKey.parse("ffeeddccbbaa99887766554433221100")))
    keys = MemberKeys(encrypt_mc_key(ke_key, MC_KEY), bytes(16))
    at = replace(in_group(), plan=plan(Options(group=replace(GROUP, number=0))), keys=keys)
    [(fport, payload)] = payloads(on_time(at, Progress(due_at=0)))
    assert fport == 200
    assert payload.hex() == "02000100ff01502ab62682ce6b4aafebdddc488116b100000000fcff0000"


@pytest.mark.parametrize(
    ("next_fcnt", "last"), [(0, 0xFFFC), (70_000, 70_000 + 0xFFFC), (MAX_FCNT - 5, MAX_FCNT)]
)
def test_a_device_takes_the_group_from_its_next_frame_on(next_fcnt: int, last: int) -> None:
    """Frames for all fragments of two sessions, each twice."""
    [(_fport, payload)] = payloads(on_time(in_group(next_fcnt=next_fcnt), Progress(due_at=0)))
    (asked,) = parse(payload, MULTICAST_SETUP[1].downlink).commands
    assert isinstance(asked, McGroupSetupReq)
    assert (asked.first_fcnt, asked.last_fcnt) == (next_fcnt, last)
