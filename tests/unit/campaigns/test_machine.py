"""Campaigns before virtual devices, without a network: what is sent arrives, or is lost by chance."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from veldnet.campaigns.block import Block
from veldnet.campaigns.machine import (
    FINAL,
    Options,
    Plan,
    Ports,
    Progress,
    Situation,
    Step,
    on_answer,
    on_sent,
    on_time,
)
from veldnet.lorawan import AesKey
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


def test_parity_is_that_of_the_package() -> None:
    block = Block(FILE[:95], 10)
    assert (block.count, block.padding) == (10, 5) and block.fragment(10) == FILE[90:95] + bytes(5)
    from veldnet.lorawan.packages.parity import parity_fragment

    parts = [block.fragment(number) for number in range(1, 11)]
    assert [block.fragment(10 + row) for row in range(1, 300)] == [
        parity_fragment(parts, row) for row in range(1, 300)
    ]
