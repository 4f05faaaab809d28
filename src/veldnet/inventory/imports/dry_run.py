"""What the rows of a dry run would have changed, so that later rows are judged as an import would judge
them.

Each row is tried in a transaction of its own that is rolled back, so that no import holds up the writer;
what earlier rows would have left behind stands here, and is done again at the beginning of each.
"""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Iterable
from typing import NamedTuple

from sqlalchemy import Connection, select, update

from veldnet.domain.errors import BadRequest, DuplicateEui, NotFound
from veldnet.domain.resources import Device
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

    def prepare(self, connection: Connection, scope: Scope, eui: str) -> None:
        """Bring the database to where a creation would find it. Raises `DuplicateEui`."""
        self._check_room()
        if eui in self._created:
            raise DuplicateEui(eui)
        if eui in self._deleted:
            # Its connection comes back here, and is among those counted below.
            delete_device(connection, scope, f"e{eui}")
            self._use(connection, self._deleted[eui], 1)
        for plan_ref, used in self._used.items():
            self._use(connection, plan_ref, used)

    def _check_room(self) -> None:
        if len(self.steps) >= _MOST_DEVICES:
            raise BadRequest(
                "a dry run tells of {most_devices} devices at most; split the file",
                most_devices=_MOST_DEVICES,
            )

    def _use(self, connection: Connection, plan_ref: int | None, count: int) -> None:
        connection.execute(
            update(plan_grants)
            .where(plan_grants.c.subscriber_ref == self.subscriber_ref, plan_grants.c.plan_ref == plan_ref)
            .values(used=plan_grants.c.used + count)
        )

    def created(self, connection: Connection, device: Device) -> None:
        """A device was created, and will not be."""
        plan_ref = _plan_of(connection, int(str(device.ref)))
        self.go_on([Step(True, str(device.EUI), plan_ref)])

    def delete(self, connection: Connection, scope: Scope, eui: str) -> None:
        """A device would be deleted. Raises `NotFound`."""
        self._check_room()
        ref = f"e{eui}"
        if eui in self._created:
            self.go_on([Step(False, eui, None)])
            return
        if eui in self._deleted:
            raise NotFound("Device", ref)
        self.go_on([Step(False, eui, _plan_of(connection, device_ref(connection, scope, ref)))])

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
