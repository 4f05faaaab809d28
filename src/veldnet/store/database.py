"""Where the data of an installation is kept, whichever engine keeps it, and what only the process that has
opened it may do."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager
from typing import Protocol

from sqlalchemy import Connection

from veldnet.domain.partitions import PARTITIONS

from .ids import IdSource
from .interface import Store, StoreError
from .node_leases import NodeLeases


class Damaged(StoreError):
    """The content of a database is wrong: a backup has to take its place."""


class DatabaseStore(Store, Protocol):
    """The store of a database that is open."""

    # Of frames, deliveries and notifications; gives some once this process has the lease.
    ids: IdSource
    # For a process that serves the database together with others.
    nodes: NodeLeases

    @property
    def name(self) -> str:
        """What people know the database by; without a password."""

    @property
    def identity(self) -> tuple[int, int]:
        """What no other database has, a copy of this one neither. Raises `StoreError`."""

    @property
    def problem(self) -> str | None:
        """Why nothing should be written now, in words."""

    @property
    def place(self) -> str | None:
        """Which history of which database this is, where a backup can be put back without a command of
        Veldnet: another one after that, and where a standby has taken over."""

    @property
    def origin(self) -> str:
        """Which database this is, the same for its standbys; letters, digits and - only. Empty where no other
        process can serve it."""

    def go_by(self, clock: Callable[[], float]) -> None:
        """Have management, and leases of nodes where the engine has no clock, be dated by a clock."""

    async def take_leases(
        self, owner: str | None = None, partitions: Iterable[int] = range(PARTITIONS)
    ) -> int:
        """Become the server of these partitions, beside those that the owner holds. Who had any of them gets
        `LeaseLost` whatever it writes. From then on this process gives identifiers, above all that were given
        before. Returns the epoch. Others, who never took any, may write beside it."""

    def revision(self) -> str | None:
        """The revision of the schema; None of something else than a database of Veldnet."""

    def migrate(self) -> bool:
        """Bring the schema to this version, with a snapshot before where the engine has one; True if there
        was something to do. Raises `UnknownRevision` where a newer version has upgraded it."""

    def dispose(self) -> None:
        """Close what is open, from outside an event loop."""


class Database(Protocol):
    """A database that may not be there yet. Its functions block. Each raises `StoreError` or `OSError`."""

    @property
    def name(self) -> str:
        """What people know it by; without a password."""

    def exists(self) -> bool:
        """Whether there is one. Raises `Damaged` where it has lost its content."""

    def unwritable(self) -> str | None:
        """What this user may not write, though the database needs it; None where all is well."""

    def size(self) -> int:
        """How many bytes it has."""

    def bulk_load(self, ids: range) -> AbstractContextManager[Connection]:
        """A connection that writes many rows fast; those of the journal have their identifiers in `ids`.
        Nothing is durable before its end, and no other process may have the database open."""

    def begin(self, *, inline: bool = False) -> DatabaseStore:
        """An empty one with the schema of this version, which does not exist before `finish`. What an earlier
        attempt has left behind goes."""

    def finish(self) -> None:
        """Have the one that was begun exist from now on. It is closed."""

    def open(self, *, inline: bool = False, clock: Callable[[], float] = time.time) -> DatabaseStore:
        """The one that exists, as it is. `inline` runs everything in the calling thread; `clock` dates what
        management writes."""
