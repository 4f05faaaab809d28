"""Where identifiers go on: the highest one given, and the steps of the clock, written with each commit."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, delete, func, insert, select

from .ids import IdSource
from .schema import deliveries, delivery_results, frame_bodies, frames, id_marks, id_steps, notifications

# Each is the beginning of an index, so that the highest is found without a walk through the rows.
_COLUMNS = (
    frames.c.id,
    frame_bodies.c.frame_id,
    deliveries.c.id,
    delivery_results.c.frame_id,
    notifications.c.id,
    id_marks.c.last_id,
)


def resume(connection: Connection, ids: IdSource, process: int) -> None:
    """Have identifiers go on above all that the store knows of."""
    highest = max(connection.execute(select(func.max(column))).scalar() or 0 for column in _COLUMNS)
    ahead = connection.execute(
        select(id_steps.c.ahead).order_by(id_steps.c.first_id.desc()).limit(1)
    ).scalar()
    # An identifier that its own process has given and not written down yet counts, too.
    highest = max(highest, ids.last)
    ids.resume(process, highest, ahead or 0)
    connection.execute(delete(id_marks))
    connection.execute(insert(id_marks).values(partition=0, last_id=highest))


class Marks:
    """Writes down how far the identifiers of a source have come, as part of each transaction."""

    def __init__(self, ids: IdSource) -> None:
        self._ids = ids
        self._written = 0
        self._steps = 0
        self._writing = (0, 0)

    def write(self, cursor: Any) -> None:
        """Before a commit. All that is committed with it was given before."""
        last, steps = self._ids.last, self._ids.steps
        self._writing = (last, len(steps))
        if not self._ids.may_give or last == self._written:
            return
        for step in steps[self._steps :]:
            cursor.execute(
                "INSERT OR REPLACE INTO id_steps (first_id, ahead) VALUES (?, ?)", (step.first_id, step.ahead)
            )
        cursor.execute("UPDATE id_marks SET last_id = ? WHERE partition = 0", (last,))

    def written(self) -> None:
        """The transaction is durable."""
        self._written, self._steps = self._writing

    def begin_again(self) -> None:
        """The source has been told where to go on."""
        self._written, self._steps, self._writing = 0, 0, (0, 0)
