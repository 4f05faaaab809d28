"""Sessions of a campaign's group: when its devices listen, and which fragments are sent meanwhile."""

from __future__ import annotations

import msgspec

from veldnet.lorawan.gpstime import unix_to_gps
from veldnet.lorawan.packages import PackageCommand
from veldnet.lorawan.packages.multicast_setup import (
    McClassBSessionAns,
    McClassBSessionReq,
    McClassCSessionAns,
    McClassCSessionReq,
)

from .states import GroupOptions, GroupTerms, Plan, Session

# Milliseconds after its beginning from which something is sent in a session, for clocks that are late; and
# for which devices listen on behind the last fragment.
GUARD, _AFTER = 10_000, 30_000
# Seconds by which a device may miss the beginning as it says it, and seconds that its answer may take.
_CLOCK, _ANSWER = 20, 60
# Of class C in seconds, of class B in beacon periods: the exponent has four bits.
_LONGEST = 15
_BEACON = 128


class Need(msgspec.Struct, frozen=True):
    """What the devices that wait for a session need: how many wait, whether some have nothing at all
    (`everything`), and the most that one of the others misses."""

    waiting: int
    everything: bool
    missing: int


def fragments_for(plan: Plan, need: Need, before: Session | None) -> range:
    """Fragments that the devices have not got."""
    if before is None or need.everything:
        return range(1, plan.first_target + 1)
    more = need.missing + 2 + -(-need.missing * plan.options.redundancy // 100)
    first = before.sent + 1 if before.sent + more <= plan.block.most else plan.block.count + 1
    return range(first, max(first + more - 1, plan.first_target) + 1)


def plan_session(plan: Plan, need: Need, before: Session | None, spacing: int, now: int) -> Session:
    """The next session: of fragments that the devices have not got, one every `spacing` ms."""
    group = plan.options.group
    assert group is not None
    wanted = fragments_for(plan, need, before)
    first, last = wanted.start, wanted.stop - 1
    unit = _BEACON * 1000 if group.group_class == "B" else 1000
    starts_at = now + group.lead * 1000
    if group.group_class == "B":
        # Sessions of class B begin with a beacon.
        gps = unix_to_gps(starts_at / 1000)
        starts_at += round((-gps % _BEACON) * 1000)
    room = ((1 << _LONGEST) * unit - GUARD - _AFTER) // spacing
    last = min(last, first + max(room, 1) - 1, plan.block.most)
    lasting = GUARD + (last - first + 1) * spacing + _AFTER
    timeout = min(_LONGEST, max(0, (-(-lasting // unit) - 1).bit_length()))
    return Session(
        number=1 if before is None else before.number + 1,
        starts_at=starts_at,
        ends_at=starts_at + max((1 << timeout) * unit, lasting),
        timeout=timeout,
        first=first,
        last=last,
        sent=first - 1,
        spacing=spacing,
    )


def fragment_at(session: Session, number: int) -> int:
    """When a fragment of a session is sent."""
    return session.starts_at + GUARD + (number - session.first) * session.spacing


def due_fragments(session: Session, now: int, most: int) -> range:
    """The fragments of a session whose time has come: so many at a time at most."""
    if now >= session.ends_at or now < session.starts_at + GUARD:
        return range(0)
    passed = (now - session.starts_at - GUARD) // session.spacing + 1
    due = min(session.first + passed - 1, session.last, session.sent + most)
    return range(session.sent + 1, due + 1)


def ask_to_listen(group: GroupOptions, terms: GroupTerms, session: Session) -> PackageCommand:
    starts = round(unix_to_gps(session.starts_at / 1000))
    if group.group_class == "C":
        return McClassCSessionReq(group.number, starts, session.timeout, terms.frequency, terms.data_rate)
    periodicity = terms.ping_periodicity or 0
    return McClassBSessionReq(
        group.number, starts, periodicity, session.timeout, terms.frequency, terms.data_rate
    )


def clock_is_right(session: Session, answer: McClassCSessionAns | McClassBSessionAns, now: int) -> bool:
    """Whether a device will listen when the session begins, by what it says is left until then."""
    if answer.time_to_start is None:
        return True
    late = answer.time_to_start - (session.starts_at - now) / 1000
    # What it said was true when the answer was made.
    return -_CLOCK <= late <= _ANSWER
