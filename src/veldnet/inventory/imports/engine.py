"""Brings devices to what a file asks for, or tells what that would come to: rows of CSV and entries of a
fleet alike.

A batch of rows is prepared first, as a vault seals its keys, and then written in one transaction. A dry run
writes it, too, behind what its earlier batches would have left, and takes that back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from typing import Literal, NamedTuple, TypeGuard

import msgspec
from sqlalchemy import Connection

from veldnet.domain.errors import BadRequest, DuplicateEui, InvalidField, Refusal
from veldnet.domain.scope import Scope
from veldnet.inventory import devices
from veldnet.inventory.devices import Creation, Lookups, NewDevice, OpenSession
from veldnet.inventory.differences import Difference
from veldnet.keys import VaultError
from veldnet.store import Conflict, Store, StoreError

from .dry_run import Rehearsal
from .ensuring import Routing, change, known_euis, with_routing
from .lines import ImportRow
from .sealing import KeySealer, SealedKeys

BATCH = 500
# What is wrong with a key; other errors are of the vault.
KEY_ERRORS = ("bad_transport", "no_exchange_key", "weak_key")


class Rules(NamedTuple):
    """What a new device must have, and whether it may be personalised (ABP), for which `open_session` makes
    its state."""

    hsm_required: bool = False
    abp: bool = False
    open_session: OpenSession | None = None


class Done(msgspec.Struct, frozen=True):
    """What became of a row, or would; `ref` is the number of the device."""

    action: Literal["created", "changed", "deleted", "same"]
    eui: str
    ref: int = 0
    differences: list[Difference] = []


class Ready(NamedTuple):
    """A row whose keys are sealed. Without a creation it deletes a device, or wants one that is there."""

    eui: str
    row: ImportRow
    creation: Creation | None


class _Checked(NamedTuple):
    """A creation whose keys are not sealed yet."""

    new: NewDevice
    row: ImportRow


Prepared = Ready | Refusal | VaultError
Outcome = Done | Refusal | VaultError
# Called within the transaction of what was done, with rows that were written at once.
Note = Callable[[Connection, list[tuple[Ready, Done]]], None]


def _note_nothing(_connection: Connection, _rows: list[tuple[Ready, Done]]) -> None:
    pass


class _TakenBack(Exception):
    pass


class DeviceEngine:
    """Carries out rows for a subscriber. With a `rehearsal` nothing is written; `before` then is done first
    in each transaction."""

    def __init__(
        self,
        store: Store,
        sealer: KeySealer,
        scope: Scope,
        rules: Rules,
        rehearsal: Rehearsal | None = None,
        before: Callable[[Connection], None] = lambda _connection: None,
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._scope = scope
        self._rules = rules
        self._rehearsal = rehearsal
        self._before = before

    async def carry_out(
        self, rows: Sequence[ImportRow | BadRequest], note: Note = _note_nothing
    ) -> list[Outcome]:
        """What became of each row of a batch. Raises `StoreError`; then nothing of it is written."""
        return await self.write_ready(await self.prepare(rows), note)

    async def write_ready(self, ready: Sequence[Prepared], note: Note = _note_nothing) -> list[Outcome]:
        """The same for rows that were prepared."""
        if self._rehearsal is not None:
            return await self._try_out(self._rehearsal, ready)
        try:
            return await self._store.write(lambda c: self.write(c, ready, note))
        except Conflict:
            # Somebody has written the same since it was looked for. Now that is found, and said.
            return await self._store.write(lambda c: self.write(c, ready, note))

    async def _try_out(self, rehearsal: Rehearsal, ready: Sequence[Prepared]) -> list[Outcome]:
        found: list[Outcome] = []
        steps = len(rehearsal.steps)

        def tried(connection: Connection) -> None:
            # It may be that a transaction is tried again.
            found.clear()
            rehearsal.back_to(steps)
            self._before(connection)
            rehearsal.prepare(
                connection, self._scope, [each.eui for each in ready if isinstance(each, Ready)]
            )
            found.extend(self.write(connection, ready))
            raise _TakenBack

        try:
            await self._store.write(tried)
        except _TakenBack:
            return found
        except StoreError:
            rehearsal.back_to(steps)
            raise
        raise AssertionError("a dry run was written")

    def write_again(self, connection: Connection, ready: Sequence[Prepared]) -> None:
        """Put what a dry run would have done in front of what is tried next: the plans in use, and some of
        its devices."""
        assert self._rehearsal is not None
        self._before(connection)
        self._rehearsal.prepare(connection, self._scope, [])
        self._rehearsal.give_back(connection, (each.eui for each in ready if isinstance(each, Ready)))
        batch = _Batch(connection, self._scope, self._rules, None)
        for kind, group in groupby(ready, batch.kind_of):
            list(batch.carry_out(kind, list(group)))

    async def prepare(self, rows: Sequence[ImportRow | BadRequest]) -> list[Prepared]:
        """Rows as far as they can be judged by themselves, with their keys. Raises `StoreError`."""
        wanted = [
            str(row.device.EUI).upper()
            for row in rows
            if isinstance(row, ImportRow) and row.action == "ensure"
        ]
        known = await self._store.read(lambda c: known_euis(c, self._scope, wanted)) if wanted else set()
        checked = [self._check(row, known) for row in rows]
        creating = [each for each in checked if isinstance(each, _Checked)]
        sealed = iter(await self._sealer.seal_all(creating))
        return [_ready(each, next(sealed)) if isinstance(each, _Checked) else each for each in checked]

    def _check(self, row: ImportRow | BadRequest, known: set[str]) -> _Checked | Ready | Refusal:
        if isinstance(row, BadRequest):
            return row
        rules = self._rules
        try:
            eui = str(devices.check_dev_eui(row.device))
            if row.action == "delete" or (row.action == "ensure" and eui in known):
                return Ready(eui, row, None)
            new = devices.check_new_device(
                row.device,
                hsm_required=rules.hsm_required,
                abp=rules.abp,
                key_encrypted=row.app_key is not None,
            )
            return _Checked(new, row)
        except Refusal as error:
            return error

    def write(
        self,
        connection: Connection,
        ready: Sequence[Prepared],
        note: Note = _note_nothing,
    ) -> list[Outcome]:
        """What is wrong with each row that was refused, and what became of the others. Creations that follow
        each other are written at once."""
        batch = _Batch(connection, self._scope, self._rules, self._rehearsal)
        outcomes: list[Outcome] = []
        for kind, group in groupby(ready, batch.kind_of):
            taken = list(group)
            found = list(batch.carry_out(kind, taken))
            note(connection, [pair for pair in zip(taken, found, strict=True) if _is_done(pair)])
            outcomes += found
        return outcomes


def _is_done(pair: tuple[Prepared, Outcome]) -> TypeGuard[tuple[Ready, Done]]:
    return isinstance(pair[1], Done)


class _Batch:
    """Rows of one transaction."""

    def __init__(
        self, connection: Connection, scope: Scope, rules: Rules, rehearsal: Rehearsal | None
    ) -> None:
        self._connection = connection
        self._scope = scope
        self._rules = rules
        self._rehearsal = rehearsal
        self._lookups = Lookups(connection, scope)
        self._routing = Routing(connection, scope)

    def kind_of(self, each: Prepared) -> str:
        if not isinstance(each, Ready):
            return "refused"
        return "create" if each.creation is not None else each.row.action

    def carry_out(self, kind: str, rows: Sequence[Prepared]) -> Iterator[Outcome]:
        if kind == "refused":
            yield from (each for each in rows if not isinstance(each, Ready))
            return
        ready = [each for each in rows if isinstance(each, Ready)]
        if kind == "create":
            yield from self._create(ready)
        else:
            yield from (self._one(self._delete if kind == "delete" else self._change, each) for each in ready)

    def _one(self, work: Callable[[Ready], Done], each: Ready) -> Outcome:
        try:
            return work(each)
        except Refusal as error:
            return error

    def _create(self, rows: list[Ready]) -> Iterator[Outcome]:
        creations: list[Creation | Refusal] = []
        for each in rows:
            assert each.creation is not None
            try:
                if self._rehearsal is not None and self._rehearsal.has_created(each.eui):
                    raise DuplicateEui(each.eui)
                creations.append(with_routing(each.creation, each.row, self._routing))
            except Refusal as error:
                creations.append(error)
        made = iter(
            devices.insert_devices(
                self._connection,
                self._lookups,
                [each for each in creations if isinstance(each, Creation)],
                self._rules.open_session,
            )
        )
        found = [each if isinstance(each, Refusal) else next(made) for each in creations]
        if self._rehearsal is not None:
            self._rehearsal.created(self._connection, [ref for ref in found if isinstance(ref, int)])
        for each, ref in zip(rows, found, strict=True):
            yield Done("created", each.eui, ref) if isinstance(ref, int) else ref

    def _delete(self, each: Ready) -> Done:
        if self._rehearsal is not None:
            self._rehearsal.delete(self._connection, self._scope, each.eui)
        else:
            devices.delete_device(self._connection, self._scope, f"e{each.eui}")
        return Done("deleted", each.eui)

    def _change(self, each: Ready) -> Done:
        with self._connection.begin_nested():
            ref, found = change(self._connection, self._scope, each.row, self._routing)
        return Done("changed" if found else "same", each.eui, ref, found)


def _ready(checked: _Checked, sealed: SealedKeys | Refusal | VaultError) -> Prepared:
    if isinstance(sealed, SealedKeys):
        return Ready(str(checked.new.dev_eui), checked.row, Creation(checked.new, *sealed))
    if isinstance(sealed, VaultError) and sealed.code in KEY_ERRORS:
        return InvalidField("applicationKey: {error}", error=sealed)
    return sealed
