"""What the rows of a dry run would have changed, so that later rows are judged as an import would judge
them.

A batch of rows is tried in a transaction that is rolled back, so that no import holds up the writer; what
earlier batches would have left behind stands here, and is done again at the beginning of each.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from veldnet.domain.errors import BadRequest
from veldnet.domain.scope import Scope
from veldnet.inventory.devices import delete_device, device_ref
from veldnet.store.schema import devices, plan_grants

_MOST_DEVICES = 200_000


class Step(NamedTuple):
    """What a row of a dry run would have done with a device: created or deleted it, with which plan."""

    created: bool
    eui: str
    plan_ref: int | None


class Rehearsal:
    """The devices that a dry run would have created and deleted, and the connections of plans that it
    would use. `steps` are how it came to be so, by which another process comes to the same."""

    def __init__(self, subscriber_ref: int) -> None:
        self.subscriber_ref = subscriber_ref
        self.steps: list[Step] = []
        self._created: dict[str, int | None] = {}
        self._deleted: dict[str, int | None] = {}
        self._used: Counter[int | None] = Counter()
        # Those that were created in the transaction that goes on.
        self._here: set[str] = set()

    def prepare(self, connection: Connection, scope: Scope, euis: Sequence[str]) -> None:
        """Bring the database to where rows of these devices would find it. What follows is taken back."""
        if len(self.steps) + len(euis) > _MOST_DEVICES:
            raise BadRequest(
                "a dry run tells of {most_devices} devices at most; split the file",
                most_devices=_MOST_DEVICES,
            )
        self._here.clear()
        for plan_ref, used in self._used.items():
            self._use(connection, plan_ref, used)
        for eui in dict.fromkeys(euis):
            if eui in self._deleted and eui not in self._created:
                # Its connection comes back here, and is among those counted already.
                delete_device(connection, scope, f"e{eui}")
                self._use(connection, self._deleted[eui], 1)

    def _use(self, connection: Connection, plan_ref: int | None, count: int) -> None:
        connection.execute(
            update(plan_grants)
            .where(plan_grants.c.subscriber_ref == self.subscriber_ref, plan_grants.c.plan_ref == plan_ref)
            .values(used=plan_grants.c.used + count)
        )

    def give_back(self, connection: Connection, euis: Iterable[str]) -> None:
        """Take devices that would have been created out of what plans have in use: they are written again."""
        for eui in euis:
            if eui in self._created:
                self._use(connection, self._created[eui], -1)

    def has_created(self, eui: str) -> bool:
        """Whether an earlier batch would have created a device that is not there."""
        return eui in self._created and eui not in self._here

    def created(self, connection: Connection, refs: Sequence[int]) -> None:
        """Devices were created, and will not be."""
        if not refs:
            return
        columns = devices.c
        found = select(columns.dev_eui, columns.plan_ref).where(columns.ref.in_(refs))
        steps = [Step(True, row.dev_eui, row.plan_ref) for row in connection.execute(found)]
        self._here.update(step.eui for step in steps)
        self.go_on(steps)

    def delete(self, connection: Connection, scope: Scope, eui: str) -> None:
        """A device would be deleted. Raises `NotFound`."""
        if self.has_created(eui):
            self._use(connection, self._created[eui], -1)
            self.go_on([Step(False, eui, None)])
            return
        plan_ref = _plan_of(connection, device_ref(connection, scope, f"e{eui}"))
        delete_device(connection, scope, f"e{eui}")
        self._here.discard(eui)
        self.go_on([Step(False, eui, plan_ref)])

    def back_to(self, count: int) -> None:
        """Forget all but the first steps: what came behind was not tried out to its end."""
        steps = self.steps[:count]
        self.steps, self._created, self._deleted, self._used = [], {}, {}, Counter()
        self._here.clear()
        self.go_on(steps)

    def go_on(self, steps: Iterable[Step]) -> None:
        """Take up what would have been done next, here or in another process."""
        for step in steps:
            self.steps.append(step)
            if step.created:
                self._created[step.eui] = step.plan_ref
                self._used[step.plan_ref] += 1
            elif step.eui in self._created:
                self._used[self._created.pop(step.eui)] -= 1
            else:
                self._deleted[step.eui] = step.plan_ref
                self._used[step.plan_ref] -= 1


def _plan_of(connection: Connection, ref: int) -> int | None:
    return connection.execute(select(devices.c.plan_ref).where(devices.c.ref == ref)).scalar()


class Rehearsals:
    """Dry runs that go on in further requests, the newest few."""

    def __init__(self, most: int = 32) -> None:
        self._most = most
        self._found: OrderedDict[str, Rehearsal] = OrderedDict()

    def find(self, name: str, subscriber_ref: int) -> Rehearsal | None:
        found = self._found.get(name)
        return found if found is not None and found.subscriber_ref == subscriber_ref else None

    def keep(self, name: str, rehearsal: Rehearsal) -> None:
        self._found[name] = rehearsal
        self._found.move_to_end(name)
        while len(self._found) > self._most:
            self._found.popitem(last=False)
