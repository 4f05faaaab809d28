"""Imports of large files: hundreds of rows in each transaction, each row by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Iterator
from itertools import islice
from typing import NamedTuple

import msgspec
from sqlalchemy import Connection

from veldnet.domain.errors import BadRequest, InvalidField, Refusal
from veldnet.domain.scope import Scope
from veldnet.inventory import devices
from veldnet.inventory.devices import Lookups, NewDevice
from veldnet.keys import VaultError
from veldnet.store import Store

from .history import note_device
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


class _Ready(NamedTuple):
    row: ImportRow
    new: NewDevice | None
    keys: SealedKeys


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
            ready = await asyncio.gather(*(self._prepare(line) for line in batch))
            yield await self._store.write(lambda c, b=batch, r=ready: self._write(c, b, r))  # type: ignore[misc]

    async def _prepare(self, line: Line) -> _Ready | Refusal:
        row = line.row
        if isinstance(row, BadRequest):
            return row
        try:
            if row.action == "delete":
                devices.check_dev_eui(row.device)
                return _Ready(row, None, SealedKeys(None, None))
            if row.device.activationType == "ABP":
                raise InvalidField("activationType ABP: personalised devices are imported through the API")
            new = devices.check_new_device(
                row.device, hsm_required=self._hsm_required, key_encrypted=row.app_key is not None
            )
            return _Ready(row, new, await self._sealer.seal(new, row))
        except Refusal as error:
            return error
        except VaultError as error:
            if error.code not in _KEY_ERRORS:
                raise
            return InvalidField("applicationKey: {error}", error=error)

    def _write(
        self, connection: Connection, batch: list[Line], ready: list[_Ready | Refusal]
    ) -> list[Outcome]:
        lookups = devices.Lookups(connection, self._scope)
        return [
            self._carry_out(connection, lookups, line, each) for line, each in zip(batch, ready, strict=True)
        ]

    def _carry_out(
        self, connection: Connection, lookups: Lookups, line: Line, ready: _Ready | Refusal
    ) -> Outcome:
        try:
            if isinstance(ready, Refusal):
                raise ready
            # What a row has changed before it is refused is undone, such as the connection it took.
            with connection.begin_nested():
                self._change(connection, lookups, ready)
        except Refusal as error:
            refusal, column = line.refusal(error.text)
            return Outcome(line, refusal, column)
        return Outcome(line)

    def _change(self, connection: Connection, lookups: Lookups, ready: _Ready) -> None:
        if ready.new is None:
            eui = devices.check_dev_eui(ready.row.device)
            devices.delete_device(connection, self._scope, f"e{eui}")
            return
        ref = devices.insert_device(connection, lookups, ready.new, ready.keys.app_key)
        if ready.keys.nwk_key is not None:
            devices.set_nwk_key(connection, self._scope, ref, ready.keys.nwk_key)
        note_device(connection, self._import_ref, ref)
