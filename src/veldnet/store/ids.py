"""Time-ordered 63-bit identifiers: 43 bits of milliseconds, 6 bits of process, 14 bits of sequence.

Identifiers rise strictly, whatever the clock does: also over restarts, for a source starts above the highest
one that its store has given (`id_marks`). As long as the clock only goes forward, the milliseconds are Unix
time. When it was set back, identifiers go on ahead of the clock by a fixed number of milliseconds from there
on; such a step is stored (`id_steps`), and a `Timeline` made of all steps tells which identifier belongs to
which time.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, bindparam, delete, false, func, or_, select

from .prepared import Prepared
from .schema import id_steps

_SEQUENCE_BITS = 14
_PROCESS_BITS = 6
_SHIFT = _SEQUENCE_BITS + _PROCESS_BITS
# A clock that is behind by so many milliseconds was not set back: identifiers wait for it.
_TOLERANCE = 60_000
# The year 2109. A clock that says more is not followed, so that identifiers of 43 bits of milliseconds do not
# end: there are as many years left above.
_LATEST = (1 << 42) - (1 << 32)
_HIGHEST = (1 << 63) - 1


class IdStep(msgspec.Struct, frozen=True):
    """From `first_id` on, identifiers are ahead of the clock by so many milliseconds."""

    first_id: int
    ahead: int


class IdSource:
    """Gives strictly rising identifiers above `after`, also when the clock stands still or is set back.

    That of a store gives none before the store has its lease: another process may give them until then.
    """

    def __init__(self, process: int = 0, *, after: int = 0, ahead: int = 0) -> None:
        self.resume(process, after, ahead)

    @classmethod
    def waiting(cls) -> IdSource:
        """One that has to be told where to go on."""
        source = cls()
        source.may_give = False
        return source

    def resume(self, process: int, after: int, ahead: int) -> None:
        """Go on above `after`, `ahead` of the clock by so many milliseconds."""
        self.may_give = True
        self._process = process % (1 << _PROCESS_BITS) << _SEQUENCE_BITS
        # Behind the last one of this millisecond, whichever process gave `after`.
        self._millis, self._sequence = after >> _SHIFT, (1 << _SEQUENCE_BITS) - 1
        self._ahead = ahead
        self.last = after
        # Where the clock was found set back since.
        self.steps: list[IdStep] = []

    @property
    def process(self) -> int:
        """The number of the process that gives them."""
        return self._process >> _SEQUENCE_BITS

    def next(self, now: float) -> int:
        """An identifier for something that happens at `now` (Unix seconds)."""
        if not self.may_give:
            raise RuntimeError("identifiers are given by the process that has the lease of the database")
        # As times are printed.
        clock = min(max(round(now * 1000), 0), _LATEST)
        millis = clock + self._ahead
        if self._ahead and clock > self._millis:
            self._step(clock, 0)
        elif millis > self._millis:
            self._millis, self._sequence = millis, 0
        elif self._millis - millis > _TOLERANCE:
            self._step(self._millis + 1, self._millis + 1 - clock)
        else:
            self._sequence += 1
            if self._sequence >> _SEQUENCE_BITS:
                self._millis, self._sequence = self._millis + 1, 0
        self.last = self._millis << _SHIFT | self._process | self._sequence
        return self.last

    def _step(self, millis: int, ahead: int) -> None:
        self._millis, self._sequence, self._ahead = millis, 0, ahead
        self.steps.append(IdStep(millis << _SHIFT, ahead))


def process_of(identifier: int) -> int:
    """The number of the process that has given an identifier."""
    return identifier >> _SEQUENCE_BITS & ((1 << _PROCESS_BITS) - 1)


def first_id_at(millis: int) -> int:
    """The smallest identifier of a time by a clock that was never set back."""
    return min(max(millis, 0) << _SHIFT, _HIGHEST)


def millis_of(identifier: int) -> int:
    """Unix milliseconds at which an identifier was given, by a clock that was never set back."""
    return identifier >> _SHIFT


class Timeline:
    """When identifiers were given. Times never fall as identifiers rise: what was given under a clock that
    was ahead counts at the latest as of when it was set back. So a time range is a range of identifiers."""

    def __init__(self, steps: Iterable[IdStep] = ()) -> None:
        ordered = [IdStep(0, 0), *sorted(steps, key=lambda step: step.first_id)]
        self._firsts = [step.first_id for step in ordered]
        self._ahead = [step.ahead for step in ordered]
        # The latest time that the identifiers of each step can have: the earliest beginning of a later one.
        self._ends: list[int | None] = [None] * len(ordered)
        earliest: int | None = None
        for number in range(len(ordered) - 1, -1, -1):
            self._ends[number] = earliest
            begins = millis_of(self._firsts[number]) - self._ahead[number]
            earliest = begins if earliest is None else min(earliest, begins)

    def millis_of(self, identifier: int) -> int:
        """Unix milliseconds at which an identifier was given."""
        number = max(bisect_right(self._firsts, identifier) - 1, 0)
        millis = millis_of(identifier) - self._ahead[number]
        end = self._ends[number]
        return millis if end is None else min(millis, end)

    def first_id_at(self, millis: int) -> int:
        """The smallest identifier that can have been given at a time or later; a bound for ranges."""
        number = next(n for n, end in enumerate(self._ends) if end is None or millis <= end)
        wanted = max(first_id_at(millis + self._ahead[number]), self._firsts[number])
        return wanted if number + 1 == len(self._firsts) else min(wanted, self._firsts[number + 1])

    def ranges(self, start: int, end: int, later: int = 0) -> list[IdRange]:
        """Identifiers that were given when the clock said a time from `start` to before `end`, or up to
        `later` milliseconds after: by what the clock said then, right or wrong."""
        found = []
        for number, ahead in enumerate(self._ahead):
            behind = self._firsts[number + 1] if number + 1 < len(self._firsts) else _HIGHEST
            first, within, last = (
                min(max(first_id_at(moment + ahead), self._firsts[number]), behind)
                for moment in (start, end, end + later)
            )
            if first < last:
                found.append(IdRange(first, within, last))
        return found


class IdRange(msgspec.Struct, frozen=True):
    """Identifiers from `first` to before `end`; those from `within` on are later than was asked for."""

    first: int
    within: int
    end: int


def id_within(column: ColumnElement[int], ranges: Iterable[IdRange]) -> ColumnElement[bool]:
    """Whether an identifier lies in one of some ranges."""
    return or_(false(), *(and_(column >= ids.first, column < ids.end) for ids in ranges))


def id_within_some(column: ColumnElement[int], number: int) -> ColumnElement[bool]:
    """Whether an identifier lies in one of so many ranges, whose `id_bounds` the statement is given."""
    each = (and_(column >= bindparam(f"first_{n}"), column < bindparam(f"end_{n}")) for n in range(number))
    return or_(false(), *each)


def id_bounds(ranges: Sequence[IdRange]) -> dict[str, int]:
    """The values of a statement that has `id_within_some` of as many ranges."""
    firsts = {f"first_{n}": ids.first for n, ids in enumerate(ranges)}
    return firsts | {f"end_{n}": ids.end for n, ids in enumerate(ranges)}


def forget_steps(connection: Connection, oldest: int) -> None:
    """Drop what only says of identifiers below `oldest` when they were given."""
    newest = select(func.max(id_steps.c.first_id)).where(id_steps.c.first_id <= oldest).scalar_subquery()
    connection.execute(delete(id_steps).where(id_steps.c.first_id < newest))


_STEPS = Prepared(select(id_steps.c.first_id, id_steps.c.ahead))


def read_timeline(connection: Connection) -> Timeline:
    """The times of a store's identifiers."""
    return Timeline(IdStep(*row) for row in _STEPS.rows(connection, {}))
