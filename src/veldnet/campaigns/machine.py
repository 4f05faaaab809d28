"""What comes next for a device of a campaign: a pure function of how far it is and what has happened."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from veldnet.lorawan.packages import FIRMWARE, FRAGMENTATION, PackageCommand, parse, serialise
from veldnet.lorawan.packages.firmware import (
    CORRUPT,
    INCOMPATIBLE,
    VALID,
    DevRebootCountdownAns,
    DevRebootCountdownReq,
    DevUpgradeImageAns,
    DevUpgradeImageReq,
)
from veldnet.lorawan.packages.fragmentation import (
    DataFragment,
    FragSessionSetupAns,
    FragSessionSetupReq,
    FragSessionStatusAns,
    FragSessionStatusReq,
)

from .block import Block

CampaignState = Literal["scheduled", "running", "paused", "aborted", "complete"]
DeviceState = Literal[
    "pending",
    "settingUp",
    "receiving",
    "statusAsked",
    "missingFragments",
    "complete",
    "imageAsked",
    "restarting",
    "applied",
    "refused",
    "incomplete",
    "timedOut",
    "aborted",
]
CAMPAIGN_STATES: tuple[CampaignState, ...] = get_args(CampaignState)
DEVICE_STATES: tuple[DeviceState, ...] = get_args(DeviceState)
FINAL: frozenset[DeviceState] = frozenset(
    ("complete", "applied", "refused", "incomplete", "timedOut", "aborted")
)
Reason = Literal[
    "hsm",
    "noPort",
    "busy",
    "algorithm",
    "memory",
    "index",
    "descriptor",
    "repairMemory",
    "noImage",
    "corruptImage",
    "incompatibleImage",
    "downlink",
    "payloadSize",
    "noAnswer",
    "rounds",
    "windowOver",
    "aborted",
]
# The fragmentation session that campaigns use.
INDEX = 0
# Milliseconds that answers to questions about the status may be late besides: 2^(4 + delay) seconds.
_BLOCK_ACK_DELAY = 1
_STATUS_DELAY = (1 << _BLOCK_ACK_DELAY + 4) * 1000
# A restart comes so many seconds after the command.
_COUNTDOWN = 10


class Options(msgspec.Struct, frozen=True, rename="camel"):
    """How a campaign proceeds. `redundancy` in percent of the fragments; `in_flight` fragments at most wait
    for a device; a device has `answer_timeout` seconds for an answer, and `retries` more attempts; `rounds`
    times missing fragments are repaired; `duty_cycle_share` in percent of the time that a base station
    transmits for campaigns. With `apply` devices are asked to start what they have received."""

    fragment_size: Annotated[int, Meta(ge=8, le=219)] = 48
    redundancy: Annotated[int, Meta(ge=0, le=200)] = 20
    in_flight: Annotated[int, Meta(ge=1, le=8)] = 4
    answer_timeout: Annotated[int, Meta(ge=10, le=172_800)] = 7200
    retries: Annotated[int, Meta(ge=0, le=20)] = 3
    rounds: Annotated[int, Meta(ge=0, le=20)] = 4
    duty_cycle_share: Annotated[float, Meta(gt=0, le=10)] = 1.0
    apply: bool = True


class Progress(msgspec.Struct, frozen=True):
    """How far a device is; times in Unix milliseconds. See `campaign_devices` of the schema."""

    state: DeviceState = "pending"
    reason: str | None = None
    sent: int = 0
    target: int = 0
    missing: int | None = None
    tries: int = 0
    rounds: int = 0
    held: bool = False
    due_at: int | None = 0

    @property
    def open(self) -> bool:
        return self.state not in FINAL


class Plan(msgspec.Struct, frozen=True):
    """What all devices of a campaign have in common; `descriptor` names the file to them."""

    options: Options
    block: Block
    descriptor: bytes

    @property
    def first_target(self) -> int:
        """The fragments of the file with those of its redundancy."""
        count = self.block.count
        return min(count + -(-count * self.options.redundancy // 100), self.block.most)


class Ports(msgspec.Struct, frozen=True):
    """Where a device takes what; None where it has not the package."""

    fragmentation: int | None
    firmware: int | None


class Message(msgspec.Struct, frozen=True):
    """A payload for a device, of no use after `expires_at`."""

    fport: int
    payload: bytes
    expires_at: int


class Step(msgspec.Struct, frozen=True):
    """What is to be kept, and what to be sent."""

    progress: Progress
    messages: tuple[Message, ...] = ()


class Situation(msgspec.Struct, frozen=True):
    """A campaign, the ports of a device in it, and the time in Unix milliseconds."""

    plan: Plan
    ports: Ports
    now: int

    def due(self, *, status: bool = False) -> int:
        """When an answer is overdue."""
        return self.now + self.plan.options.answer_timeout * 1000 + (_STATUS_DELAY if status else 0)


def on_time(at: Situation, progress: Progress) -> Step:
    """Its time has come: the campaign begins, air time is there again, or no answer has come."""
    if progress.state == "pending":
        if at.ports.fragmentation is None:
            return Step(end(progress, "refused", "noPort"))
        return _ask(at, replace(progress, state="settingUp", tries=0))
    if progress.held:
        return _fill(at, replace(progress, held=False), waiting=0)
    if progress.tries >= at.plan.options.retries:
        return Step(end(progress, "timedOut", "noAnswer"))
    again = replace(progress, tries=progress.tries + 1)
    if progress.state in ("receiving", "missingFragments"):
        # What waited has expired unsent.
        back = max(progress.sent - at.plan.options.in_flight, 0)
        return _fill(at, replace(again, sent=back), waiting=0)
    return _ask(at, again)


def on_sent(at: Situation, progress: Progress, waiting: int, unsent: int = 0) -> Step:
    """Something was sent to the device, and so many payloads still wait for it; instead of each that no base
    station could send there is another fragment."""
    if progress.state not in ("receiving", "missingFragments"):
        return Step(progress)
    target = min(progress.target + unsent, at.plan.block.most)
    return _fill(at, replace(progress, tries=0, target=target), waiting)


def on_answer(at: Situation, progress: Progress, fport: int, payload: bytes) -> Step:
    """The device has sent something on the port of a package. What does not answer the last question is left
    out."""
    messages: list[Message] = []
    for command in _commands(at.ports, fport, payload):
        step = _answered(at, progress, command)
        progress = step.progress
        messages += step.messages
    return Step(progress, tuple(messages))


def hold(progress: Progress, until: int) -> Progress:
    """Wait for air time."""
    return replace(progress, held=True, due_at=until)


def end(progress: Progress, state: DeviceState, reason: str | None = None) -> Progress:
    return replace(progress, state=state, reason=reason, held=False, due_at=None)


def _commands(ports: Ports, fport: int, payload: bytes) -> tuple[PackageCommand, ...]:
    if fport == ports.fragmentation:
        return parse(payload, FRAGMENTATION[1].uplink).commands
    return parse(payload, FIRMWARE.uplink).commands if fport == ports.firmware else ()


def _answered(at: Situation, progress: Progress, command: PackageCommand) -> Step:
    state = progress.state
    if isinstance(command, FragSessionSetupAns) and state == "settingUp" and command.index == INDEX:
        return _set_up(at, progress, command)
    if isinstance(command, FragSessionStatusAns) and state == "statusAsked" and command.index == INDEX:
        return _status(at, progress, command)
    if isinstance(command, DevUpgradeImageAns) and state == "imageAsked":
        if command.status == VALID:
            return _ask(at, replace(progress, state="restarting", tries=0))
        # What is no valid image: none at all, or one that is of no use.
        reasons: dict[int, Reason] = {CORRUPT: "corruptImage", INCOMPATIBLE: "incompatibleImage"}
        return Step(end(progress, "refused", reasons.get(command.status, "noImage")))
    if isinstance(command, DevRebootCountdownAns) and state == "restarting":
        return Step(end(progress, "applied"))
    return Step(progress)


def _set_up(at: Situation, progress: Progress, answer: FragSessionSetupAns) -> Step:
    if answer.accepted:
        started = replace(progress, state="receiving", sent=0, target=at.plan.first_target, tries=0)
        return _fill(at, started, waiting=0)
    reason: Reason = "index" if answer.wrong_index else "descriptor"
    if answer.unknown_algorithm:
        reason = "algorithm"
    elif answer.no_memory:
        reason = "memory"
    return Step(end(progress, "refused", reason))


def _status(at: Situation, progress: Progress, answer: FragSessionStatusAns) -> Step:
    known = replace(progress, missing=answer.missing)
    if not answer.missing and not answer.no_memory:
        if at.plan.options.apply and at.ports.firmware is not None:
            return _ask(at, replace(known, state="imageAsked", tries=0))
        return Step(end(known, "complete"))
    if progress.rounds >= at.plan.options.rounds:
        reason: Reason = "repairMemory" if answer.no_memory else "rounds"
        return Step(end(known, "incomplete", reason))
    repaired = replace(known, state="missingFragments", tries=0, rounds=progress.rounds + 1)
    if answer.no_memory:
        # It cannot work with parity: all fragments once more.
        return _fill(at, replace(repaired, sent=0, target=at.plan.block.count), waiting=0)
    more = answer.missing + 2 + -(-answer.missing * at.plan.options.redundancy // 100)
    begun = max(progress.sent, at.plan.block.count)
    if begun + more > at.plan.block.most:
        return Step(end(known, "incomplete", "rounds"))
    return _fill(at, replace(repaired, sent=begun, target=begun + more), waiting=0)


def _fill(at: Situation, progress: Progress, waiting: int) -> Step:
    """Let as many fragments wait as may; once all were sent, ask for the status."""
    assert at.ports.fragmentation is not None
    left = progress.target - progress.sent
    if left <= 0:
        if waiting:
            return Step(replace(progress, due_at=at.due()))
        return _ask(at, replace(progress, state="statusAsked", tries=0))
    number = min(left, at.plan.options.in_flight - waiting)
    if number <= 0:
        return Step(replace(progress, due_at=at.due()))
    due = at.due()
    messages = tuple(
        Message(
            at.ports.fragmentation, serialise([DataFragment(INDEX, each, at.plan.block.fragment(each))]), due
        )
        for each in range(progress.sent + 1, progress.sent + number + 1)
    )
    return Step(replace(progress, sent=progress.sent + number, due_at=due), messages)


def _ask(at: Situation, progress: Progress) -> Step:
    """Ask what the state is named after."""
    block, due = at.plan.block, at.due(status=progress.state == "statusAsked")
    fport, command = at.ports.fragmentation, _status_request()
    if progress.state == "settingUp":
        command = FragSessionSetupReq(
            INDEX, 0, block.count, block.fragment_size, _BLOCK_ACK_DELAY, 0, block.padding, at.plan.descriptor
        )
    elif progress.state in ("imageAsked", "restarting"):
        fport = at.ports.firmware
        image = progress.state == "imageAsked"
        command = DevUpgradeImageReq() if image else DevRebootCountdownReq(_COUNTDOWN)
    assert fport is not None
    return Step(replace(progress, due_at=due), (Message(fport, serialise([command]), due),))


def _status_request() -> PackageCommand:
    return FragSessionStatusReq(INDEX, everybody=True)
