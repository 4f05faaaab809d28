"""Brings what there is to what a document says, or shows what that would be.

Each thing is written in a transaction of its own, in the order of the document: what cannot be written stays
as it is, and the next time is tried again. A dry run does all of it in one transaction and takes that back,
so that it comes to the same end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from sqlalchemy import Connection

from veldnet.domain.errors import InUse, Refusal
from veldnet.keys import Vaults
from veldnet.store import Store

from . import fleet_devices
from .comparing import Action, Step, differences
from .documents import KEYS, DeviceItem, Fleet, Item
from .kinds import KINDS, Context

# In place of sealed keys where nothing is written.
_NOT_SEALED = [b"dry run", b"dry run"]


class _TakenBack(Exception):
    pass


async def plan_fleet(store: Store, context: Context, fleet: Fleet) -> list[Step]:
    """What `apply_fleet` would do. Nothing is written. Raises `StoreError`."""
    steps: list[Step] = []
    writer = _Writer(context)

    def tried(connection: Connection) -> None:
        for kind, item in _items(fleet):
            steps.append(writer.write(connection, kind, item, _NOT_SEALED))
        raise _TakenBack

    try:
        await store.write(tried)
    except _TakenBack:
        return steps
    raise AssertionError("a dry run was written")


async def apply_fleet(
    store: Store, vaults: Vaults, context: Context, fleet: Fleet, note: Callable[[Connection, Step], None]
) -> list[Step]:
    """Carry a document out; `note` is called within the transaction of each thing that was made or changed.
    Raises `StoreError` and `VaultError`; what was done before stays."""
    steps = []
    writer = _Writer(context)
    for kind, item in _items(fleet):
        sealed = await _sealed(store, vaults, context, item) if isinstance(item, DeviceItem) else None

        def write(
            connection: Connection, kind: str = kind, item: Item = item, sealed: list[bytes] | None = sealed
        ) -> Step:
            step = writer.write(connection, kind, item, sealed)
            if step.error is not None:
                raise _Failed(step)
            if step.action != "none":
                note(connection, step)
            return step

        try:
            steps.append(await store.write(write))
        except _Failed as failed:
            steps.append(failed.step)
    return steps


class _Failed(Exception):
    """Takes back what was written of a thing that was refused."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self.step = step


async def _sealed(store: Store, vaults: Vaults, context: Context, item: DeviceItem) -> list[bytes] | None:
    """The keys of a device that is new; None of one that is here, and where they are wrong, which is told
    with the rest."""
    known = await store.read(lambda c: fleet_devices.find_device(c, context, item.EUI, {}))
    if known is not None:
        return None
    try:
        return await vaults.import_keys(fleet_devices.root_keys(item))
    except Refusal:
        return None


def _items(fleet: Fleet) -> Iterator[tuple[str, Item]]:
    for kind in KEYS:
        listed: Sequence[Item] = getattr(fleet, kind)
        yield from ((kind, item) for item in listed)


class _Writer:
    """Writes one thing after the other, as far as they are otherwise than wanted. Devices come last: what
    routing profiles there are is read with the first of them."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._names: dict[str, str] | None = None

    def write(self, connection: Connection, kind: str, item: Item, sealed: list[bytes] | None) -> Step:
        key = str(getattr(item, KEYS[kind])).strip()
        try:
            if isinstance(item, DeviceItem):
                return self._device(connection, item, sealed)
            found = KINDS[kind]
            here = found.read(connection, self._context).get(key)
            wanted = found.wanted(item)
            changed = differences({} if here is None else here.members, wanted)
            if here is not None and not changed:
                return Step(kind, key, "none")
            found.write(connection, self._context, item, here)
            return Step(kind, key, "create" if here is None else "change", changed)
        except Refusal as error:
            return Step(kind, key, "error", error=str(error.text))

    def _device(self, connection: Connection, item: DeviceItem, sealed: list[bytes] | None) -> Step:
        if self._names is None:
            self._names = fleet_devices.routing_names(connection, self._context)
        here = fleet_devices.find_device(connection, self._context, item.EUI, self._names)
        changed = differences({} if here is None else here.members, fleet_devices.wanted_device(item))
        action: Action = "create" if here is None else "change" if changed else "none"
        if here is None:
            fleet_devices.root_keys(item)
            if sealed is None:
                raise InUse("the device was deleted just now; apply again")
            fleet_devices.create(connection, self._context, item, sealed, self._names)
        elif changed:
            fleet_devices.change(connection, self._context, item, here, self._names)
        return Step("devices", item.EUI, action, changed)
