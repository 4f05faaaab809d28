"""Where a network is moved to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import msgspec
from sqlalchemy import Connection

from veldnet.domain.scope import Scope
from veldnet.inventory import imports
from veldnet.keys import Vaults
from veldnet.store import Store

T = TypeVar("T")


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """Where things are moved to, and under which import devices are noted; a dry run has none, and
    takes back what it writes."""

    store: Store
    vaults: Vaults | None
    scope: Scope
    import_ref: int | None
    most_source: int
    allow_private: bool
    dry_run: bool

    def made(self, connection: Connection, kind: str, identifier: str) -> None:
        """Note what the import has made, so that it can be taken away again."""
        if self.import_ref is not None:
            imports.note_thing(connection, self.import_ref, imports.Thing(kind, identifier))

    async def write(self, change: Callable[[Connection], T]) -> T:
        """What a change returns; in a dry run it is taken back."""
        if not self.dry_run:
            return await self.store.write(change)

        def tried(connection: Connection) -> T:
            raise _TakenBack(change(connection))

        try:
            await self.store.write(tried)
        except _TakenBack as done:
            return cast(T, done.result)
        raise AssertionError("a dry run was written")


class _TakenBack(Exception):
    def __init__(self, result: object) -> None:
        super().__init__()
        self.result = result
