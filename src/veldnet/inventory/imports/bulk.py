"""Imports of large files: hundreds of rows in each transaction, each row by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import groupby, islice
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from veldnet.domain.errors import BadRequest, InvalidField, Refusal
from veldnet.domain.scope import Scope
from veldnet.inventory import devices
from veldnet.inventory.devices import Creation, NewDevice
from veldnet.keys import VaultError
from veldnet.store import Store

from .history import note_devices
from .lines import ImportRow, Line
from .sealing import KeySealer, SealedKeys

BATCH = 500
# What is wrong with a key; other errors of a vault end the import.
_KEY_ERRORS = ("bad_transport", "no_exchange_key", "weak_key")


class Outcome(msgspec.Struct, frozen=True):
    """What became of a row: `refusal` says why it was refused, and `column` where."""

    line: Line
    refusal: str | None = None
    column: str = ""


class _Checked(NamedTuple):
    """A creation whose keys are not sealed yet."""

    new: NewDevice
    row: ImportRow


class _Ready(NamedTuple):
    """A row that can be carried out; without a creation it deletes the device."""

    eui: str
    creation: Creation | None


class BulkImport:
    """Carries out rows for a subscriber by the rules of an import through the API; personalised (ABP) devices
    are left to that. `import_ref` is the import that the devices are noted under."""

    def __init__(
        self, store: Store, sealer: KeySealer, scope: Scope, import_ref: int, *, hsm_required: bool
    ) -> None:
        self._store = store
        self._sealer = sealer
        self._scope = scope
        self._import_ref = import_ref
        self._hsm_required = hsm_required

    async def run(self, lines: Iterable[Line]) -> AsyncIterator[list[Outcome]]:
        """The outcomes of batches, in the order of the file. Raises `VaultError` and `StoreError`; the
        rows before them stay."""
        rest: Iterator[Line] = iter(lines)
        while batch := list(islice(rest, BATCH)):
            ready = await self._prepare(batch)
            yield await self._store.write(lambda c, b=batch, r=ready: self._write(c, b, r))  # type: ignore[misc]

    async def _prepare(self, batch: list[Line]) -> list[_Ready | Refusal]:
        checked = [self._check(line) for line in batch]
        creating = [each for each in checked if isinstance(each, _Checked)]
        sealed = iter(await self._sealer.seal_all(creating))
        return [_ready(each, next(sealed)) if isinstance(each, _Checked) else each for each in checked]

    def _check(self, line: Line) -> _Checked | _Ready | Refusal:
        row = line.row
        if isinstance(row, BadRequest):
            return row
        try:
            if row.action == "delete":
                return _Ready(str(devices.check_dev_eui(row.device)), None)
            if row.device.activationType == "ABP":
                raise InvalidField("activationType ABP: personalised devices are imported through the API")
            new = devices.check_new_device(
                row.device, hsm_required=self._hsm_required, key_encrypted=row.app_key is not None
            )
            return _Checked(new, row)
        except Refusal as error:
            return error

    def _write(
        self, connection: Connection, batch: list[Line], ready: list[_Ready | Refusal]
    ) -> list[Outcome]:
        return [
            Outcome(line) if problem is None else Outcome(line, *line.refusal(problem.text))
            for line, problem in zip(batch, self._carry_out(connection, ready), strict=True)
        ]

    def _carry_out(self, connection: Connection, ready: list[_Ready | Refusal]) -> Iterator[Refusal | None]:
        """What is wrong with each row that was refused. Creations that follow each other are written at
        once."""
        lookups = devices.Lookups(connection, self._scope)
        for creating, group in groupby(ready, _is_creation):
            if creating:
                creations = [each.creation for each in group if isinstance(each, _Ready) and each.creation]
                made = devices.insert_devices(connection, lookups, creations)
                imports = [ref for ref in made if isinstance(ref, int)]
                note_devices(connection, self._import_ref, imports)
                yield from (None if isinstance(ref, int) else ref for ref in made)
            else:
                yield from (self._delete(connection, each) for each in group)

    def _delete(self, connection: Connection, each: _Ready | Refusal) -> Refusal | None:
        if isinstance(each, Refusal):
            return each
        try:
            devices.delete_device(connection, self._scope, f"e{each.eui}")
        except Refusal as error:
            return error
        return None


def _is_creation(each: _Ready | Refusal) -> bool:
    return isinstance(each, _Ready) and each.creation is not None


def _ready(checked: _Checked, sealed: SealedKeys | Refusal | VaultError) -> _Ready | Refusal:
    """Raises a `VaultError` that is not about a key."""
    if isinstance(sealed, SealedKeys):
        return _Ready(str(checked.new.dev_eui), Creation(checked.new, *sealed))
    if isinstance(sealed, Refusal):
        return sealed
    if sealed.code not in _KEY_ERRORS:
        raise sealed
    return InvalidField("applicationKey: {error}", error=sealed)
