"""Brings what there is to what a document says, or shows what that would be.

Each thing is written in a transaction of its own, and devices in batches, in the order of the document: what
cannot be written stays as it is, and the next time is tried again. A dry run does the same in transactions
that it takes back, each behind what the earlier ones would have left, so that it comes to the same end and
holds nobody up for long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from veldnet.domain.errors import Refusal
from veldnet.inventory.differences import Difference, differences
from veldnet.inventory.imports import (
    BATCH,
    DeviceEngine,
    Done,
    KeySealer,
    Outcome,
    Prepared,
    Rehearsal,
)
from veldnet.inventory.imports import Ready as ReadyDevice
from veldnet.keys import VaultError, Vaults
from veldnet.store import Conflict, Store

from .applications import CONNECTIONS, FLOWS
from .documents import KEYS, DeviceItem, Fleet, GroupItem, Item
from .fleet_devices import row_of, wanted_device
from .fleet_groups import GROUPS
from .kinds import PLANS, PROFILES, Context, Here, Keys, Kind, Ready, refuse_without_ref
from .routing import ROUTING_PROFILES
from .steps import Action, Step

KINDS: dict[str, Kind] = {
    "connectivityPlans": PLANS,
    "deviceProfiles": PROFILES,
    "routingProfiles": ROUTING_PROFILES,
    "connections": CONNECTIONS,
    "flows": FLOWS,
    "multicastGroups": GROUPS,
}
_OFFERS = tuple(kind for kind in KINDS if kind != "multicastGroups")
_ACTIONS: dict[str, Action] = {"created": "create", "changed": "change", "same": "none"}
_NO_VAULT = "the vault cannot work just now; apply again"
# Called within the transaction of each thing that was made or changed.
NoteStep = Callable[[Connection, Step], None]


class _Failed(Exception):
    """Takes back what was written of a thing that was refused."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self.step = step


class _TakenBack(Exception):
    pass


class _Tried(NamedTuple):
    """A thing that a dry run has written, to be written again in front of what follows."""

    kind: str
    item: Item
    ready: Ready


async def apply_fleet(
    store: Store, vaults: Vaults, context: Context, fleet: Fleet, note: NoteStep
) -> list[Step]:
    """Carry a document out. Raises `StoreError`; what was done before stays."""
    keys = Keys(store, vaults, dry_run=False)
    steps = []
    for kind, item in _items(fleet, _OFFERS):
        steps.append(await _write(keys, context, kind, item, note))
    engine = DeviceEngine(store, KeySealer(store, vaults, context.scope), context.scope, context.rules)

    def note_devices(connection: Connection, rows: list[tuple[ReadyDevice, Done]]) -> None:
        for _ready, done in rows:
            if done.action != "same":
                note(connection, Step("devices", done.eui, _ACTIONS[done.action]))

    for batch in _batches(fleet.devices):
        outcomes = await engine.carry_out([row_of(item, context) for item in batch], note_devices)
        steps += [_device_step(item, outcome) for item, outcome in zip(batch, outcomes, strict=True)]
    for kind, item in _items(fleet, ("multicastGroups",)):
        steps.append(await _write(keys, context, kind, item, note))
    return steps


async def _write(keys: Keys, context: Context, kind: str, item: Item, note: NoteStep) -> Step:
    ready = await _prepared(keys, context, kind, item)
    if isinstance(ready, Step):
        return ready

    def write(connection: Connection) -> Step:
        step = _write_one(connection, context, _Tried(kind, item, ready))
        if step.error is not None:
            raise _Failed(step)
        if step.action != "none":
            note(connection, step)
        return step

    try:
        try:
            return await keys.store.write(write)
        except Conflict:
            # Somebody has written the same since it was looked for.
            return await keys.store.write(write)
    except _Failed as failed:
        return failed.step


async def plan_fleet(store: Store, vaults: Vaults, context: Context, fleet: Fleet) -> list[Step]:
    """What `apply_fleet` would do. Nothing is written. Raises `StoreError`."""
    return await _Plan(Keys(store, vaults, dry_run=True), context).run(fleet)


class _Plan:
    def __init__(self, keys: Keys, context: Context) -> None:
        self._keys = keys
        self._context = context
        self._tried: list[_Tried] = []
        self._rehearsal = Rehearsal(context.scope.subscriber_ref)
        self._engine = DeviceEngine(
            keys.store,
            KeySealer(keys.store, keys.vaults, context.scope),
            context.scope,
            context.rules,
            self._rehearsal,
            self._again,
        )
        self._devices: dict[str, Prepared] = {}

    async def run(self, fleet: Fleet) -> list[Step]:
        steps = await self._things(list(_items(fleet, _OFFERS)), [])
        for batch in _batches(fleet.devices):
            ready = await self._engine.prepare([row_of(item, self._context) for item in batch])
            self._devices |= {each.eui: each for each in ready if isinstance(each, ReadyDevice)}
            outcomes = await self._engine.write_ready(ready)
            steps += [_device_step(item, outcome) for item, outcome in zip(batch, outcomes, strict=True)]
        groups = list(_items(fleet, ("multicastGroups",)))
        return steps + await self._things(groups, self._members([item for _kind, item in groups]))

    def _again(self, connection: Connection) -> None:
        """Write what was written already, as it was taken back."""
        for tried in self._tried:
            _write_one(connection, self._context, tried)

    def _members(self, items: Sequence[Item]) -> list[Prepared]:
        """The devices of the document that are to be members of groups."""
        named = {
            eui.strip().upper() for item in items if isinstance(item, GroupItem) for eui in item.members or ()
        }
        return [each for eui, each in self._devices.items() if eui in named]

    async def _things(self, items: Sequence[tuple[str, Item]], devices: Sequence[Prepared]) -> list[Step]:
        """Write things behind all that was written before, and `devices`."""
        prepared = [
            (kind, item, await _prepared(self._keys, self._context, kind, item)) for kind, item in items
        ]
        made: list[Step] = []
        written: list[_Tried] = []

        def tried(connection: Connection) -> None:
            made.clear()
            written.clear()
            self._engine.write_again(connection, devices)
            for kind, item, ready in prepared:
                if isinstance(ready, Step):
                    made.append(ready)
                    continue
                each = _Tried(kind, item, ready)
                savepoint = connection.begin_nested()
                step = _write_one(connection, self._context, each)
                if step.error is None:
                    savepoint.commit()
                    written.append(each)
                else:
                    savepoint.rollback()
                made.append(step)
            raise _TakenBack

        try:
            await self._keys.store.write(tried)
        except _TakenBack:
            self._tried += written
        return made


def find(connection: Connection, context: Context, kind: str, key: str) -> Here | None:
    """What there is of a kind under a key."""
    found = KINDS[kind]
    if found.find is not None:
        return found.find(connection, context, key)
    return found.read(connection, context).get(key)


async def _prepared(keys: Keys, context: Context, kind: str, item: Item) -> Ready | Step:
    """What is made of a thing before it is written; a step that says why it cannot be."""
    found, key = KINDS[kind], _key(kind, item)
    try:
        here = await keys.store.read(lambda c: find(c, context, kind, key))
        refuse_without_ref(here, key)
        return await found.prepare(keys, context, item, here)
    except Refusal as error:
        return Step(kind, key, "error", error=str(error.text))
    except VaultError:
        return Step(kind, key, "error", error=_NO_VAULT)


def _write_one(connection: Connection, context: Context, tried: _Tried) -> Step:
    kind, item, ready = tried
    found, key = KINDS[kind], _key(kind, item)
    try:
        here = find(connection, context, kind, key)
        refuse_without_ref(here, key)
        changed = differences({} if here is None else here.members, found.wanted(item))
        changed += ready.differences
        if here is not None and not changed:
            return Step(kind, key, "none")
        found.write(connection, context, item, here, ready)
        return Step(kind, key, "create" if here is None else "change", changed)
    except Refusal as error:
        return Step(kind, key, "error", error=str(error.text))


def _device_step(item: DeviceItem, outcome: Outcome) -> Step:
    if isinstance(outcome, VaultError):
        return Step("devices", item.EUI, "error", error=_NO_VAULT)
    if isinstance(outcome, Refusal):
        return Step("devices", item.EUI, "error", error=str(outcome.text))
    action = _ACTIONS[outcome.action]
    found = outcome.differences
    if action == "create":
        found = [Difference(name, None, value) for name, value in wanted_device(item).items()]
    return Step("devices", item.EUI, action, found)


def _key(kind: str, item: Item) -> str:
    key = str(getattr(item, KEYS[kind])).strip()
    return key.upper() if KEYS[kind] == "EUI" else key


def _items(fleet: Fleet, kinds: Sequence[str]) -> Iterator[tuple[str, Item]]:
    for kind in kinds:
        listed: Sequence[Item] = getattr(fleet, kind)
        yield from ((kind, item) for item in listed)


def _batches(items: Sequence[DeviceItem]) -> Iterator[Sequence[DeviceItem]]:
    yield from (items[start : start + BATCH] for start in range(0, len(items), BATCH))
