"""What comes next for a device of a campaign: a pure function of how far it is and what has happened."""

from __future__ import annotations

import zlib
from collections.abc import Mapping

from msgspec.structs import replace

from veldnet.lorawan import AesKey
from veldnet.lorawan.counters import MAX_FCNT
from veldnet.lorawan.packages import (
    FIRMWARE,
    FRAGMENTATION,
    MULTICAST_SETUP,
    PackageCommand,
    PackageVersionAns,
    PackageVersionReq,
    parse,
    serialise,
)
from veldnet.lorawan.packages.clock_sync import ForceDeviceResyncReq
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
    FragDataBlockAuthReq,
    FragDataBlockReceivedAns,
    FragDataBlockReceivedReq,
    FragSessionSetupAns,
    FragSessionSetupReq,
    FragSessionSetupReq2,
    FragSessionStatusAns,
    FragSessionStatusAns2,
    FragSessionStatusReq,
    data_block_mic,
)
from veldnet.lorawan.packages.multicast_setup import (
    McClassBSessionAns,
    McClassCSessionAns,
    McGroupDeleteAns,
    McGroupDeleteReq,
    McGroupSetupAns,
    McGroupSetupReq,
)

from .sessions import ask_to_listen, clock_is_right
from .states import (
    ASKING,
    BLOCK_ACK_DELAY,
    FILLING,
    DeviceState,
    GroupOptions,
    GroupTerms,
    Message,
    Plan,
    Ports,
    Progress,
    Reason,
    Situation,
    Step,
    end,
)

# The fragmentation session that campaigns use.
INDEX = 0
# A restart comes so many seconds after the command.
_COUNTDOWN = 10
# Milliseconds after which a device whose clock was wrong is asked again, and after which a session that is
# late is looked at again.
_RESYNC, _LATE = 120_000, 60_000
# Milliseconds after which a question is asked again that could not be sent.
_UNSENT = 60_000
# Milliseconds for which a device waits for a session to be planned, after which it is looked at again:
# whoever plans it says so before.
_UNTIL_PLANNED = 6 * 3_600_000
# Times that a device is asked again to join a group or to listen when it refuses in a way that may only say
# that it was just transmitting.
_BUSY = 2
# What a status can say.
_MOST_MISSING = 255
# Milliseconds within which a device answers what it was sent; it is asked again after its next uplink if not.
_ANSWERED = 300_000
# Octets of a frame beside the fragment that it brings: command, index and number, MHDR, FHDR, FPort, MIC.
FRAME_OVERHEAD = 3 + 13
# States in which a device may say of itself that it has the whole block.
_TAKING: frozenset[DeviceState] = frozenset(
    ("waitingSession", "sessionAsked", "listening", "receiving", "statusAsked", "missingFragments")
)


def on_time(at: Situation, progress: Progress) -> Step:
    """Its time has come: the campaign begins, air time is there again, or no answer has come."""
    if progress.state == "pending":
        return _begin(at, progress)
    if progress.state == "waitingSession":
        return _to_session(at, progress)
    if progress.state == "listening":
        return _listened(at, progress)
    if progress.held and progress.state in FILLING:
        return _fill(at, replace(progress, held=False), waiting=0)
    if progress.tries >= at.plan.options.retries and not progress.held:
        return _silent(at, progress)
    again = replace(progress, tries=progress.tries + (not progress.held), held=False)
    if progress.state in FILLING:
        # What waited has expired unsent.
        back = max(progress.sent - at.plan.options.in_flight, 0)
        return _fill(at, replace(again, sent=back), waiting=0)
    if progress.state == "sessionAsked" and (at.session is None or not at.session.open(at.now)):
        return _to_session(at, again)
    return _ask(at, again)


def on_sent(at: Situation, progress: Progress, waiting: int, unsent: int = 0) -> Step:
    """Something was sent to the device, and so many payloads still wait for it; instead of each that no base
    station could send there is another fragment."""
    if progress.state in ASKING and not waiting and not unsent:
        return Step(_sent(at, progress))
    if progress.state not in FILLING:
        return Step(progress)
    target = min(progress.target + unsent, at.plan.block.most)
    return _fill(at, replace(progress, tries=0, target=target), waiting)


def _sent(at: Situation, progress: Progress) -> Progress:
    """A device has been asked: what has not answered soon has lost the question, or its answer was lost. The
    last attempt waits for the whole time, for devices that answer with their next uplink."""
    if progress.held or progress.due_at is None or progress.tries >= at.plan.options.retries:
        return progress
    due = at.soon(_ANSWERED, status=progress.state == "statusAsked")
    return replace(progress, due_at=min(progress.due_at, due))


def on_unsent(at: Situation, progress: Progress) -> Step:
    """No base station had air time for the question that the device was to be asked, which says nothing of
    the device: it is asked again, and that does not count."""
    if progress.state not in ASKING or progress.held:
        return Step(progress)
    later = at.now + _UNSENT
    return Step(replace(progress, tries=progress.tries - 1, due_at=min(progress.due_at or later, later)))


def on_answer(at: Situation, progress: Progress, fport: int, payload: bytes) -> Step:
    """The device has sent something on the port of a package. What does not answer the last question is left
    out."""
    messages: list[Message] = []
    before = progress.state
    for command in _commands(at, fport, payload):
        step = _answered(at, progress, command)
        progress = step.progress
        messages += step.messages
    if progress.state != before and progress.state not in FILLING:
        progress = replace(progress, held=False)
    return Step(progress, tuple(messages))


def _begin(at: Situation, progress: Progress) -> Step:
    if at.ports.fragmentation is None:
        return Step(end(progress, "refused", "noPort"))
    second = at.plan.options.package_version >= 2
    if (second or at.terms is not None) and at.keys is None:
        return Step(end(progress, "refused", "noRootKey"))
    if at.terms is None:
        return _ask(at, replace(progress, state="settingUp", tries=0))
    if at.ports.multicast is None:
        return Step(end(progress, "refused", "noMulticastPort"))
    return _ask(at, replace(progress, state="joiningGroup", tries=0))


def _silent(at: Situation, progress: Progress) -> Step:
    """A device has not answered for the last time."""
    if progress.state == "leavingGroup":
        # It has what it was to get; the group's keys are of no more use.
        return _start(at, progress)
    if progress.state == "sessionAsked":
        return _without_session(at, progress)
    return Step(end(progress, "timedOut", "noAnswer"))


def _commands(at: Situation, fport: int, payload: bytes) -> tuple[PackageCommand, ...]:
    ports: Ports = at.ports
    version = at.plan.options.package_version
    known: Mapping[int | None, Mapping[int, type[PackageCommand]]] = {
        ports.fragmentation: FRAGMENTATION[version].uplink,
        ports.firmware: FIRMWARE.uplink,
        ports.multicast: MULTICAST_SETUP[version].uplink,
    }
    registry = known.get(fport)
    return () if registry is None else parse(payload, registry).commands


def _answered(at: Situation, progress: Progress, command: PackageCommand) -> Step:
    state = progress.state
    if isinstance(command, PackageVersionAns):
        return _version(at, progress, command)
    if isinstance(command, FragSessionSetupAns) and state == "settingUp" and command.index == INDEX:
        return _set_up(at, progress, command)
    if isinstance(command, FragDataBlockReceivedReq) and command.index == INDEX:
        return _block_received(at, progress, command)
    if isinstance(command, FragDataBlockAuthReq):
        return _rebuilt(at, progress, command)
    if isinstance(command, FragSessionStatusAns | FragSessionStatusAns2):
        # One of another session says nothing of this one.
        return _status(at, progress, command) if command.index == INDEX else Step(progress)
    if isinstance(command, DevUpgradeImageAns) and state == "imageAsked":
        if command.status == VALID:
            return _ask(at, replace(progress, state="restarting", tries=0))
        # What is no valid image: none at all, or one that is of no use.
        reasons: dict[int, Reason] = {CORRUPT: "corruptImage", INCOMPATIBLE: "incompatibleImage"}
        return Step(end(progress, "refused", reasons.get(command.status, "noImage")))
    if isinstance(command, DevRebootCountdownAns) and state == "restarting":
        return Step(end(progress, "applied"))
    return _of_group(at, progress, command)


def _of_group(at: Situation, progress: Progress, command: PackageCommand) -> Step:
    """Answers of TS005; those about another group are left out."""
    group, state = at.plan.options.group, progress.state
    if group is None or getattr(command, "group", None) != group.number:
        return Step(progress)
    if isinstance(command, McGroupSetupAns) and state == "joiningGroup":
        if command.refused:
            return _again(at, progress) or Step(end(progress, "refused", "groupNumber"))
        return _ask(at, replace(progress, state="settingUp", tries=0))
    if isinstance(command, McClassCSessionAns | McClassBSessionAns) and state == "sessionAsked":
        return _session(at, progress, command)
    if isinstance(command, McGroupDeleteAns) and state == "leavingGroup":
        return _start(at, progress)
    return Step(progress)


def _version(at: Situation, progress: Progress, answer: PackageVersionAns) -> Step:
    """Asked beside the set-up of the fragments; the answer comes before that to the set-up."""
    package = FRAGMENTATION[at.plan.options.package_version]
    asked = progress.state == "settingUp" and answer.identifier == package.identifier
    if asked and answer.version != package.version:
        return Step(end(progress, "refused", "version"))
    return Step(progress)


def _set_up(at: Situation, progress: Progress, answer: FragSessionSetupAns) -> Step:
    if answer.accepted:
        if at.terms is not None:
            return _to_session(at, replace(progress, tries=0, missing=None))
        return _receive(at, progress)
    reason: Reason = "index" if answer.wrong_index else "descriptor"
    if answer.unknown_algorithm:
        reason = "algorithm"
    elif answer.no_memory:
        reason = "memory"
    elif answer.session_replayed:
        reason = "replayed"
    return Step(end(progress, "refused", reason))


def _receive(at: Situation, progress: Progress) -> Step:
    """All fragments, to the device alone."""
    started = replace(progress, state="receiving", sent=0, target=at.plan.first_target, tries=0)
    return _fill(at, started, waiting=0)


# Sessions of the group.


def _to_session(at: Situation, progress: Progress) -> Step:
    """Have the device listen to the next session; where none comes, it gets by itself what it needs."""
    if at.session is not None and at.session.open(at.now) and at.session.number > progress.session:
        return _ask(at, replace(progress, state="sessionAsked"))
    if at.another or (at.session is not None and at.session.open(at.now)):
        waiting = replace(progress, state="waitingSession", tries=0, held=False)
        return Step(replace(waiting, due_at=at.now + _UNTIL_PLANNED))
    return _without_session(at, progress)


def _without_session(at: Situation, progress: Progress) -> Step:
    if progress.missing is None:
        return _receive(at, progress)
    return _repair(at, progress, progress.missing)


def _session(at: Situation, progress: Progress, answer: McClassCSessionAns | McClassBSessionAns) -> Step:
    if answer.data_rate_error and answer.frequency_error and answer.group_undefined:
        # Nothing was checked.
        again = _again(at, progress)
        if again is not None:
            return again
    elif answer.data_rate_error or answer.frequency_error:
        return Step(end(progress, "refused", "dataRate" if answer.data_rate_error else "frequency"))
    if at.session is None or not answer.accepted:
        # It is too late for it, which devices of version 1 say as if they did not know the group.
        told = 0 if at.session is None else at.session.number
        return _to_session(at, replace(progress, session=max(told, progress.session)))
    if not clock_is_right(at.session, answer, at.now):
        return _resync(at, progress)
    listening = replace(progress, state="listening", tries=0, session=at.session.number)
    return Step(replace(listening, due_at=at.session.ends_at))


def _again(at: Situation, progress: Progress) -> Step | None:
    """The same question to a device that may have been busy, as often as that is thought of."""
    if progress.tries >= min(_BUSY, at.plan.options.retries):
        return None
    return _ask(at, replace(progress, tries=progress.tries + 1))


def _resync(at: Situation, progress: Progress) -> Step:
    """The clock of the device is wrong: have it ask for the time, then tell it of the session again."""
    tries = progress.tries + 1
    if at.ports.clock is None or tries > at.plan.options.retries:
        return _without_session(at, progress)
    due = at.now + _RESYNC
    message = Message(at.ports.clock, serialise([ForceDeviceResyncReq(1)]), due)
    return Step(replace(progress, tries=tries, due_at=due), (message,))


def _listened(at: Situation, progress: Progress) -> Step:
    """The session should have ended."""
    session = at.session
    if session is not None and session.number == progress.session and not session.over(at.now):
        return Step(replace(progress, due_at=min(at.now + _LATE, session.ends_at)))
    return _ask(at, replace(progress, state="statusAsked", tries=0))


# What the device has.


def _block_received(at: Situation, progress: Progress, report: FragDataBlockReceivedReq) -> Step:
    """The device has rebuilt the block and says so by itself (version 2)."""
    assert at.ports.fragmentation is not None
    thanks = Message(at.ports.fragmentation, serialise([FragDataBlockReceivedAns(INDEX)]), at.due())
    if progress.state not in _TAKING:
        return Step(progress, (thanks,))
    if report.wrong_mic:
        return Step(end(progress, "incomplete", "wrongMic"), (thanks,))
    step = _complete(at, replace(progress, missing=0))
    return Step(step.progress, (thanks, *step.messages))


def _rebuilt(at: Situation, progress: Progress, report: FragDataBlockAuthReq) -> Step:
    """The device says what it has rebuilt (LoRaMac-node), with each uplink, and also what it had before."""
    state, session = progress.state, at.session
    begun = state == "listening" and session is not None and at.now >= session.starts_at
    had_one = state in ("waitingSession", "sessionAsked") and progress.session > 0
    filled = state in FILLING and progress.sent > 0
    if not (begun or had_one or filled or state == "statusAsked"):
        return Step(progress)
    if report.crc == zlib.crc32(at.plan.block.content):
        return _complete(at, replace(progress, missing=0))
    # More parity would not help a device that holds itself for done.
    return _set_up_again(at, progress) if state == "statusAsked" else Step(progress)


def _status(at: Situation, progress: Progress, answer: FragSessionStatusAns | FragSessionStatusAns2) -> Step:
    if progress.state != "statusAsked":
        return Step(progress)
    # What is lost at the end is noticed by some devices with the next fragment alone.
    untold = 0 if answer.missing else max(at.plan.block.count - answer.received, 0)
    missing = min(answer.missing + untold, _MOST_MISSING)
    known = replace(progress, missing=missing)
    if answer.no_session:
        # It has forgotten what it was told.
        return _set_up_again(at, known)
    if answer.wrong_mic:
        return Step(end(known, "incomplete", "wrongMic"))
    if not missing and not answer.no_memory:
        return _complete(at, known)
    if answer.no_memory and at.plan.options.package_version == 1:
        # It takes fragments once more after it was set up again alone.
        return _set_up_again(at, known, "repairMemory")
    if at.another:
        return _to_session(at, replace(known, missing=None if answer.no_memory else missing))
    if answer.no_memory and progress.rounds < at.plan.options.rounds:
        # It cannot work with parity: all fragments once more.
        repaired = replace(known, state="missingFragments", tries=0, rounds=progress.rounds + 1)
        return _fill(at, replace(repaired, sent=0, target=at.plan.block.count), waiting=0)
    if answer.no_memory:
        return Step(end(known, "incomplete", "repairMemory"))
    return _repair(at, known, missing)


def _set_up_again(at: Situation, progress: Progress, reason: Reason = "rounds") -> Step:
    if progress.rounds >= at.plan.options.rounds:
        return Step(end(progress, "incomplete", reason))
    again = replace(progress, state="settingUp", tries=0, rounds=progress.rounds + 1, missing=None)
    return _ask(at, again)


def _repair(at: Situation, progress: Progress, missing: int) -> Step:
    """More parity, to the device alone."""
    if progress.rounds >= at.plan.options.rounds:
        return Step(end(progress, "incomplete", "rounds"))
    repaired = replace(progress, state="missingFragments", tries=0, rounds=progress.rounds + 1)
    more = missing + 2 + -(-missing * at.plan.options.redundancy // 100)
    begun = max(progress.sent, at.plan.block.count, 0 if at.session is None else at.session.sent)
    if begun + more > at.plan.block.most:
        return Step(end(progress, "incomplete", "rounds"))
    return _fill(at, replace(repaired, sent=begun, target=begun + more), waiting=0)


def _complete(at: Situation, progress: Progress) -> Step:
    if at.terms is not None:
        return _ask(at, replace(progress, state="leavingGroup", tries=0))
    return _start(at, progress)


def _start(at: Situation, progress: Progress) -> Step:
    if at.plan.options.apply and at.ports.firmware is not None:
        return _ask(at, replace(progress, state="imageAsked", tries=0))
    return Step(end(progress, "complete"))


# What is sent.


def _fill(at: Situation, progress: Progress, waiting: int) -> Step:
    """Let as many fragments wait as may; once all were sent, ask for the status."""
    assert at.ports.fragmentation is not None
    left = progress.target - progress.sent
    if left <= 0:
        if waiting:
            return Step(replace(progress, due_at=at.due(waiting)))
        return _ask(at, replace(progress, state="statusAsked", tries=0))
    number = min(left, at.plan.options.in_flight - waiting)
    if number <= 0:
        return Step(replace(progress, due_at=at.due(waiting)))
    # A device of class A takes one after each of its uplinks, so the last of them waits for longer.
    messages = tuple(
        Message(at.ports.fragmentation, fragment_payload(at.plan, progress.sent + n), at.due(waiting + n))
        for n in range(1, number + 1)
    )
    asked = replace(progress, sent=progress.sent + number, due_at=at.due(waiting + number))
    return Step(asked, messages)


def fragment_payload(plan: Plan, number: int) -> bytes:
    """What brings a fragment."""
    return serialise([DataFragment(INDEX, number, plan.block.fragment(number))])


def _ask(at: Situation, progress: Progress) -> Step:
    """Ask what the state is named after."""
    due = at.due(status=progress.state == "statusAsked")
    fport, commands = _question(at, progress.state)
    assert fport is not None
    asked = replace(progress, due_at=due, held=False)
    return Step(asked, (Message(fport, serialise(commands), due),))


def _question(at: Situation, state: DeviceState) -> tuple[int | None, list[PackageCommand]]:
    ports, group = at.ports, at.plan.options.group
    if state == "settingUp":
        return ports.fragmentation, [PackageVersionReq(), _set_up_request(at)]
    if state == "imageAsked":
        return ports.firmware, [DevUpgradeImageReq()]
    if state == "restarting":
        return ports.firmware, [DevRebootCountdownReq(_COUNTDOWN)]
    if group is None or at.terms is None or state == "statusAsked":
        return ports.fragmentation, [FragSessionStatusReq(INDEX, everybody=True)]
    if state == "leavingGroup":
        return ports.multicast, [McGroupDeleteReq(group.number)]
    if state == "sessionAsked":
        assert at.session is not None
        return ports.multicast, [ask_to_listen(group, at.terms, at.session)]
    return ports.multicast, [_join_request(at, group, at.terms)]


def _join_request(at: Situation, group: GroupOptions, terms: GroupTerms) -> PackageCommand:
    """From the next frame of the group on, for as many frames as all its sessions can hold, each fragment
    twice: a server that starts again repeats some. What comes later is of no campaign of this group."""
    assert at.keys is not None
    last = min(at.next_fcnt + 2 * group.sessions * at.plan.block.most, MAX_FCNT)
    return McGroupSetupReq(group.number, terms.address, at.keys.mc_key_encrypted, at.next_fcnt, last)


def _set_up_request(at: Situation) -> PackageCommand:
    plan, group = at.plan, at.plan.options.group
    block = plan.block
    groups = 0 if group is None else 1 << group.number
    setup = FragSessionSetupReq(
        INDEX, groups, block.count, block.fragment_size, BLOCK_ACK_DELAY, 0, block.padding, plan.descriptor
    )
    if plan.options.package_version == 1:
        return setup
    assert at.keys is not None
    key = AesKey(at.keys.data_block_int_key)
    mic = data_block_mic(key, plan.number, INDEX, plan.descriptor, block.content)
    return FragSessionSetupReq2(setup, acknowledge=True, session=plan.number, mic=mic)
