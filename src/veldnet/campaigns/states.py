"""How a campaign proceeds, how far a device of it is, and what they have in common."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta
from msgspec.structs import replace

from veldnet.domain.errors import InvalidField
from veldnet.domain.groups import MemberKeys
from veldnet.lorawan import DevAddr

from .block import Block

CampaignState = Literal["scheduled", "running", "paused", "aborted", "complete"]
DeviceState = Literal[
    "pending",
    "joiningGroup",
    "settingUp",
    "waitingSession",
    "sessionAsked",
    "listening",
    "receiving",
    "statusAsked",
    "missingFragments",
    "leavingGroup",
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
# States in which fragments go to a device alone, and those in which it is asked something.
FILLING: frozenset[DeviceState] = frozenset(("receiving", "missingFragments"))
ASKING: frozenset[DeviceState] = frozenset(
    (
        "joiningGroup",
        "settingUp",
        "sessionAsked",
        "statusAsked",
        "leavingGroup",
        "imageAsked",
        "restarting",
    )
)
Reason = Literal[
    "hsm",
    "noPort",
    "noMulticastPort",
    "noRootKey",
    "busy",
    "region",
    "version",
    "groupNumber",
    "dataRate",
    "frequency",
    "replayed",
    "wrongMic",
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
    "shadow",
    "fault",
    "profile",
    "rounds",
    "windowOver",
    "aborted",
]
# Milliseconds that answers to questions about the status may be late besides: 2^(4 + delay) seconds.
BLOCK_ACK_DELAY = 1
_STATUS_DELAY = (1 << BLOCK_ACK_DELAY + 4) * 1000
# Milliseconds before a session within which a device cannot be told of it any more.
NOTICE = 30_000
# Milliseconds from now within which everything that is due comes to its turn, and what a counter can hold.
_LATEST, _MOST = 400 * 86_400_000, (1 << 31) - 1


class GroupOptions(msgspec.Struct, frozen=True, rename="camel"):
    """How the fragments of a campaign go to a multicast group of its own. `number` is what its devices know
    the group by; a session begins `lead` seconds after devices are told of it, which is once all have
    joined the group, or after `gathering` seconds; there are so many `sessions` at most. All devices take
    fragments on `fport`. `set_up` is how many seconds the set-up takes by the air time of base stations, as
    was estimated when the campaign was made."""

    group_class: Literal["B", "C"] = "C"
    number: Annotated[int, Meta(ge=0, le=3)] = 0
    lead: Annotated[int, Meta(ge=60, le=604_800)] = 7200
    gathering: Annotated[int, Meta(ge=60, le=2_592_000)] = 86_400
    sessions: Annotated[int, Meta(ge=1, le=20)] = 2
    fport: Annotated[int, Meta(ge=1, le=223)] = 201
    set_up: Annotated[int, Meta(ge=0)] = 0


class Needs(msgspec.Struct, frozen=True, rename="camel"):
    """What the messages of a campaign to single devices need, as was estimated when it was made: `uplinks` of
    each device of class A, `time` in seconds that the base station with most to do has to take for them, and
    seconds of transmission of all of them; None where none of the devices was ever heard."""

    uplinks: int
    time: int | None
    airtime: int | None
    heard: int
    unheard: int


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
    duty_cycle_share: Annotated[float, Meta(ge=0.01, le=10)] = 1.0
    apply: bool = True
    package_version: Literal[1, 2] = 1
    group: GroupOptions | None = None
    needs: Needs | None = None


def check_options(options: Options) -> None:
    """Raises `InvalidField` where one is out of its bounds."""
    try:
        msgspec.convert(msgspec.to_builtins(options), Options)
    except msgspec.ValidationError as error:
        raise InvalidField("options of a campaign: {problem}", problem=str(error)) from None


class UnreadableOptions(ValueError):
    """The stored options of a campaign cannot be read."""


def read_options(stored: str) -> Options:
    """Options as they were stored; numbers out of bounds are taken as the nearest that is within. Raises
    `UnreadableOptions`."""
    try:
        found = msgspec.json.decode(stored, type=dict[str, Any])
        group = found.get("group")
        if group is not None:
            found["group"] = _bounded(group, GroupOptions)
        return msgspec.convert(_bounded(found, Options), Options)
    except (msgspec.MsgspecError, AttributeError, TypeError, ValueError) as error:
        raise UnreadableOptions(str(error)) from None


def _bounded(found: dict[str, Any], of: type[msgspec.Struct]) -> dict[str, Any]:
    bounds = _bounds(of)
    return {
        name: max(bounds[name][0], min(value, bounds[name][1])) if name in bounds else value
        for name, value in found.items()
    }


@cache
def _bounds(of: type[msgspec.Struct]) -> dict[str, tuple[float, float]]:
    """The least and the most of numbers, by their names in JSON."""
    described = msgspec.inspect.type_info(of)
    assert isinstance(described, msgspec.inspect.StructType)
    return {
        field.encode_name: (kind.ge, kind.le)
        for field in described.fields
        if isinstance(kind := field.type, msgspec.inspect.IntType | msgspec.inspect.FloatType)
        if kind.ge is not None and kind.le is not None
    }


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
    session: int = 0

    @property
    def open(self) -> bool:
        return self.state not in FINAL


class Plan(msgspec.Struct, frozen=True):
    """What all devices of a campaign have in common; `descriptor` names the file to them, `number` is the
    session counter of version 2 of the package."""

    options: Options
    block: Block
    descriptor: bytes
    number: int = 0

    @property
    def group_fport(self) -> int:
        """The port on which the group takes fragments."""
        assert self.options.group is not None
        return self.options.group.fport

    @property
    def first_target(self) -> int:
        """The fragments of the file with those of its redundancy."""
        count = self.block.count
        return min(count + -(-count * self.options.redundancy // 100), self.block.most)


class Ports(msgspec.Struct, frozen=True):
    """Where a device takes what; None where it has not the package."""

    fragmentation: int | None = None
    firmware: int | None = None
    multicast: int | None = None
    clock: int | None = None


class Message(msgspec.Struct, frozen=True):
    """A payload for a device, of no use after `expires_at`."""

    fport: int
    payload: bytes
    expires_at: int


class Step(msgspec.Struct, frozen=True):
    """What is to be kept, and what to be sent."""

    progress: Progress
    messages: tuple[Message, ...] = ()


class GroupTerms(msgspec.Struct, frozen=True):
    """The group of a campaign, as its devices must know it: `frequency` in Hz, `ping_periodicity` of class B:
    slots of 2^n s."""

    address: DevAddr
    frequency: int
    data_rate: int
    ping_periodicity: int | None


class Session(msgspec.Struct, frozen=True):
    """Fragments `first` to `last` go to the group from `starts_at` on, one every `spacing` ms, as far as
    `sent`; devices listen until `ends_at` (Unix milliseconds), for 2^`timeout` s, or beacon periods in class
    B."""

    number: int
    starts_at: int
    ends_at: int
    timeout: int
    first: int
    last: int
    sent: int
    spacing: int

    def over(self, now: int) -> bool:
        """Whether nothing more is sent in it."""
        return self.sent >= self.last or now >= self.ends_at

    def open(self, now: int) -> bool:
        """Whether devices can still be told of it."""
        return now + NOTICE <= self.starts_at


class Situation(msgspec.Struct, frozen=True):
    """A campaign, the ports of a device in it, and the time in Unix milliseconds; of a campaign with a group
    its terms and its newest session, and whether there is `another` one to come. `keys` are those of the
    device, where its next step may need them; `next_fcnt` is the counter of the next frame of the group,
    where the device is about to join it."""

    plan: Plan
    ports: Ports
    now: int
    terms: GroupTerms | None = None
    session: Session | None = None
    another: bool = False
    keys: MemberKeys | None = None
    next_fcnt: int = 0

    def due(self, turns: int = 1, *, status: bool = False) -> int:
        """When an answer is overdue to what goes out after so many uplinks."""
        return self.soon(turns * self.plan.options.answer_timeout * 1000, status=status)

    def soon(self, after: int, *, status: bool) -> int:
        """So many milliseconds from now, later for the status, which devices spread."""
        return self.now + after + (_STATUS_DELAY if status else 0)


def hold(progress: Progress, until: int) -> Progress:
    """Wait for air time."""
    return replace(progress, held=True, due_at=until)


def within(progress: Progress, now: int) -> Progress:
    """What can be stored: absurd times and counts are taken as the nearest that make sense."""
    due, missing = progress.due_at, progress.missing
    return replace(
        progress,
        sent=_count(progress.sent),
        target=_count(progress.target),
        missing=None if missing is None else _count(missing),
        tries=max(-_MOST, min(progress.tries, _MOST)),
        rounds=_count(progress.rounds),
        due_at=None if due is None else max(0, min(due, now + _LATEST)),
    )


def _count(number: int) -> int:
    return max(0, min(number, _MOST))


def end(progress: Progress, state: DeviceState, reason: str | None = None) -> Progress:
    return replace(progress, state=state, reason=reason, held=False, due_at=None)
