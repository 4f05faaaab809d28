"""A data directory: the database, and outside of it the master key of the vault."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, insert, select, update

from veldnet.keys import VaultError, Vaults
from veldnet.settings import Settings
from veldnet.store import SqliteStore, migrate
from veldnet.store.schema import properties
from veldnet.vault_opening import CHECK, open_vaults, seal_check, vault_names

T = TypeVar("T")

_GENERATION = "generation"
_SEALED_UNDER = "sealed_under"


class DataDirectoryError(Exception):
    """The data directory cannot be used as it is."""


class DataDirectory:
    """An open data directory. Opening creates what is missing and brings the database to this version."""

    def __init__(
        self,
        path: Path,
        store: SqliteStore,
        vaults: Vaults | None = None,
        checks: dict[str, bytes] | None = None,
    ) -> None:
        self.path = path
        self.store = store
        self._vaults = vaults
        self._checks = {} if checks is None else checks

    @property
    def vault(self) -> Vaults:
        """The vaults; a directory that was opened without them has none."""
        assert self._vaults is not None
        return self._vaults

    @classmethod
    async def open(
        cls,
        settings: Settings,
        *,
        inline: bool = False,
        vaults: bool = True,
        vault_process: bool = False,
    ) -> DataDirectory:
        """With `vault_process` each vault is in a process of its own, if the settings say so; without
        `vaults` none is opened, but for the first time. Raises `DataDirectoryError` with what to do about
        it."""
        path = Path(settings.data)
        store, is_new = await (_run_inline if inline else asyncio.to_thread)(
            _open_store, path, database_of(settings), inline
        )
        if not vaults and not is_new:
            return cls(path, store)
        try:
            apart = vault_process and settings.keys.process
            opened = await _open_vaults(settings, store, is_new, apart)
        except VaultError as error:
            await store.close()
            raise DataDirectoryError(str(error)) from None
        return cls(path, store, *opened)

    async def look_at_checks(self) -> None:
        """Take up proofs that another process has renewed."""
        self._checks |= await self.store.read(lambda c: _read_checks(c, self.vault.names))

    async def renew_check(self, name: str) -> None:
        """Let a vault seal its proof anew, under its newest master key."""
        await _seal_check(self.store, self.vault, self._checks, name)

    async def sealed_under(self, name: str) -> bytes:
        """How all that a vault has sealed began when that was last made sure of; empty if it never was."""
        text = await self.store.read(lambda c: read_property(c, _of_vault(_SEALED_UNDER, name)))
        return bytes.fromhex(text or "")

    async def note_sealed_under(self, name: str, header: bytes) -> None:
        await self.store.write(lambda c: write_property(c, _of_vault(_SEALED_UNDER, name), header.hex()))

    async def generation(self) -> int:
        """Grows each time a backup is restored."""
        return int(await self.store.read(lambda connection: read_property(connection, _GENERATION)) or 0)

    async def close(self) -> None:
        await self.store.close()
        if self._vaults is not None:
            await self._vaults.close()


async def _run_inline(work: Callable[..., T], *arguments: Any) -> T:
    return work(*arguments)


def _open_store(path: Path, database: Path, inline: bool) -> tuple[SqliteStore, bool]:
    """The store in a directory, and whether it is new."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DataDirectoryError(f"cannot use {path} as data directory: {error.strerror}") from None
    is_new = not database.exists()
    store = SqliteStore(database, inline=inline)
    migrate(store.engine, database)
    database.chmod(0o600)
    return store, is_new


def database_of(settings: Settings) -> Path:
    return Path(settings.data) / "veldnet.db"


async def _open_vaults(
    settings: Settings, store: SqliteStore, is_new: bool, apart: bool
) -> tuple[Vaults, dict[str, bytes]]:
    """Open the vaults, and prove that their master keys are those that this database was sealed with."""
    names = vault_names(settings)
    checks = await store.read(lambda connection: _read_checks(connection, names))
    vaults = await open_vaults(settings, checks, create=is_new, apart=apart)
    try:
        for name in names:
            if name not in checks:
                await _seal_check(store, vaults, checks, name)
    except BaseException:
        await vaults.close()
        raise
    return vaults, checks


async def _seal_check(store: SqliteStore, vaults: Vaults, checks: dict[str, bytes], name: str) -> None:
    check = await seal_check(vaults, name)
    await store.write(lambda c: write_property(c, _of_vault(CHECK, name), check.hex()))
    checks[name] = check


def _of_vault(what: str, name: str) -> str:
    """The property of a vault."""
    return f"{what}:{name}" if name else what


def _read_checks(connection: Connection, names: list[str]) -> dict[str, bytes]:
    found = {name: read_property(connection, _of_vault(CHECK, name)) for name in names}
    return {name: bytes.fromhex(text) for name, text in found.items() if text is not None}


def read_property(connection: Connection, name: str) -> str | None:
    return connection.execute(select(properties.c.value).where(properties.c.name == name)).scalar()


def write_property(connection: Connection, name: str, value: str) -> None:
    done = connection.execute(update(properties).where(properties.c.name == name).values(value=value))
    if done.rowcount == 0:
        connection.execute(insert(properties).values(name=name, value=value))


def next_generation(connection: Connection) -> None:
    """Mark a restored database, so that counters jump ahead."""
    write_property(connection, _GENERATION, str(int(read_property(connection, _GENERATION) or 0) + 1))
