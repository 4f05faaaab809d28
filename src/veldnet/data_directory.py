"""A data directory: the database, and outside of it the master key of the vault."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, insert, select, update

from veldnet.keys import Vault, VaultError
from veldnet.keys.process import RemoteVault
from veldnet.settings import Settings
from veldnet.store import SqliteStore, migrate
from veldnet.store.schema import properties
from veldnet.vault_process import Orders, open_vault, starter

T = TypeVar("T")

_CHECK = "vault_check"
_GENERATION = "generation"


class DataDirectoryError(Exception):
    """The data directory cannot be used as it is."""


class DataDirectory:
    """An open data directory. Opening creates what is missing and brings the database to this version."""

    def __init__(self, path: Path, store: SqliteStore, vault: Vault) -> None:
        self.path = path
        self.store = store
        self.vault = vault

    @classmethod
    async def open(
        cls, settings: Settings, *, inline: bool = False, vault_process: bool = False
    ) -> DataDirectory:
        """With `vault_process` the vault is in a process of its own, if the settings say so. Raises
        `DataDirectoryError` with what to do about it."""
        path = Path(settings.data)
        store, is_new = await (_run_inline if inline else asyncio.to_thread)(
            _open_store, path, database_of(settings), inline
        )
        try:
            vault = await _open_vault(settings, store, is_new, vault_process and settings.keys.process)
        except VaultError as error:
            await store.close()
            raise DataDirectoryError(str(error)) from None
        return cls(path, store, vault)

    async def generation(self) -> int:
        """Grows each time a backup is restored."""
        return int(await self.store.read(lambda connection: read_property(connection, _GENERATION)) or 0)

    async def close(self) -> None:
        await self.store.close()
        await self.vault.close()


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


def master_key_of(settings: Settings) -> Path:
    if settings.keys.master_key:
        return Path(settings.keys.master_key)
    return Path(settings.data) / "vault" / "master.key"


async def _open_vault(settings: Settings, store: SqliteStore, is_new: bool, apart: bool) -> Vault:
    """Open the vault, and prove that its master key is the one this database was sealed with."""
    master_key = master_key_of(settings)
    if apart:
        vault: Vault = await RemoteVault.open(starter(settings, master_key, create=is_new))
    else:
        vault = open_vault(Orders(settings.keys, str(master_key), is_new))
    try:
        await _prove(vault, settings, store)
    except BaseException:
        await vault.close()
        raise
    return vault


async def _prove(vault: Vault, settings: Settings, store: SqliteStore) -> None:
    sealed = await store.read(lambda connection: read_property(connection, _CHECK))
    if sealed is None:
        check = (await vault.seal(_CHECK, b"veldnet")).hex()
        await store.write(lambda connection: write_property(connection, _CHECK, check))
        return
    try:
        await vault.unseal(_CHECK, bytes.fromhex(sealed))
    except VaultError as error:
        if error.code != "bad_seal":
            raise
        keys = settings.keys
        name = (
            str(master_key_of(settings)) if keys.vault == "software" else f"{keys.key_label!r} on the token"
        )
        raise VaultError(
            "foreign_master_key", f"{name} is not the master key that this database was sealed with"
        ) from None


def read_property(connection: Connection, name: str) -> str | None:
    return connection.execute(select(properties.c.value).where(properties.c.name == name)).scalar()


def write_property(connection: Connection, name: str, value: str) -> None:
    done = connection.execute(update(properties).where(properties.c.name == name).values(value=value))
    if done.rowcount == 0:
        connection.execute(insert(properties).values(name=name, value=value))


def next_generation(connection: Connection) -> None:
    """Mark a restored database, so that counters jump ahead."""
    write_property(connection, _GENERATION, str(int(read_property(connection, _GENERATION) or 0) + 1))
