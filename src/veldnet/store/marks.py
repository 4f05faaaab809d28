"""Where identifiers go on: the highest one given, and the steps of the clock, written with each commit."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from .ids import IdSource
from .schema import deliveries, delivery_results, frame_bodies, frames, id_marks, id_steps, notifications
from .upserts import put

# Each is the beginning of an index, so that the highest is found without a walk through the rows.
_COLUMNS = (
    frames.c.id,
    frame_bodies.c.frame_id,
    deliveries.c.id,
    delivery_results.c.frame_id,
    notifications.c.id,
    id_marks.c.last_id,
)
# In one statement: a server waits for it when it starts.
_HIGHEST = select(*(select(func.max(column)).scalar_subquery() for column in _COLUMNS))
_AHEAD = select(id_steps.c.ahead).order_by(id_steps.c.first_id.desc()).limit(1)


class Mark(msgspec.Struct, frozen=True):
    """How far identifiers have come: the last one, and the number of steps."""

    last: int
    steps: int


def resume(connection: Connection, ids: IdSource, process: int) -> None:
    """Have the identifiers of a process go on above all that the store knows of."""
    highest = max(number or 0 for number in connection.execute(_HIGHEST).one())
    ahead = connection.execute(_AHEAD).scalar()
    # An identifier that its own process has given and not written down yet counts, too.
    highest = max(highest, ids.last)
    ids.resume(process, highest, ahead or 0)
    put(connection, id_marks, {"process": process, "last_id": highest})


class Marks:
    """Writes down how far the identifiers of a source have come, as part of each transaction."""

    def __init__(self, ids: IdSource, mark: str) -> None:
        """`mark` is how the driver marks a value in a statement."""
        self._ids = ids
        self._note_step = (
            f"INSERT INTO id_steps (first_id, ahead) VALUES ({mark}, {mark}) "  # noqa: S608 - a mark
            "ON CONFLICT (first_id) DO UPDATE SET ahead = excluded.ahead"
        )
        # Two threads may write, and the later one first.
        self._note_last = f"UPDATE id_marks SET last_id = {mark} WHERE process = {mark} AND last_id < {mark}"  # noqa: S608
        self._process = 0
        self._written = Mark(0, 0)

    def write(self, cursor: Any) -> Mark:
        """Before a commit. All that is committed with it was given before."""
        last, steps = self._ids.last, self._ids.steps
        mark = Mark(last, len(steps))
        if not self._ids.may_give or last == self._written.last:
            return mark
        for step in steps[self._written.steps :]:
            cursor.execute(self._note_step, (step.first_id, step.ahead))
        cursor.execute(self._note_last, (last, self._process, last))
        return mark

    def written(self, mark: Mark) -> None:
        """The transaction is durable."""
        before = self._written
        self._written = Mark(max(mark.last, before.last), max(mark.steps, before.steps))

    def begin_again(self, process: int) -> None:
        """The source has been told where to go on, as a process of this number."""
        self._process = process
        self._written = Mark(0, 0)
