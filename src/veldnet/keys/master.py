"""Life cycle of master keys: creation with a backup, restore, destruction; for files and modules.

A backup is the master key wrapped (RFC 3394) under a backup key; the backup key is split into parts
(SLIP-39), words that people can write down. Neither the file nor too few parts open anything.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Protocol

import msgspec

from .interface import VaultError

BACKUP_KEY = 32


class MasterKeys(Protocol):
    """The master keys of one module, or of the software vault."""

    @property
    def name(self) -> str: ...

    def generations(self) -> list[int]:
        """Those that are there, in order."""

    def create(self, backup_key: bytes) -> bytes:
        """A new master key, wrapped; it is not kept yet."""

    def load(self, generation: int, wrapped: bytes, backup_key: bytes) -> None:
        """Keep a master key. Raises `VaultError`: bad_backup if it does not open, master_key_exists."""

    def destroy(self, generation: int) -> None:
        """Destroy a master key for good."""


class Backup(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A backup file."""

    vault: str
    generation: int
    parts: int
    threshold: int
    # Hexadecimal.
    wrapped: str


def split(backup_key: bytes, parts: int, threshold: int) -> list[str]:
    """The parts of a backup key, each some words. Raises `VaultError` for numbers that make no sense."""
    if not 1 <= threshold <= parts <= 16 or (threshold == 1 and parts > 1):
        raise VaultError(
            "bad_parts",
            f"{threshold} of {parts} parts: there are 1 to 16 parts, of which 2 or more are needed",
        )
    from shamir_mnemonic import generate_mnemonics

    (group,) = generate_mnemonics(1, [(threshold, parts)], backup_key, iteration_exponent=0)
    return list(group)


def combine(parts: Sequence[str]) -> bytes:
    """The backup key of enough parts. Raises `VaultError`."""
    from shamir_mnemonic import MnemonicError, combine_mnemonics

    try:
        return bytes(combine_mnemonics([" ".join(part.lower().split()) for part in parts]))
    except (MnemonicError, ValueError) as error:
        raise VaultError("bad_parts", f"these parts make no backup key: {error}") from None


def new_master_key(
    name: str, modules: Sequence[MasterKeys], parts: int, threshold: int
) -> tuple[Backup, list[str]]:
    """Make a master key of the next generation in all modules of a vault; returns its backup."""
    backup_key = secrets.token_bytes(BACKUP_KEY)
    words = split(backup_key, parts, threshold)
    generation = max((number for module in modules for number in module.generations()), default=0) + 1
    wrapped = modules[0].create(backup_key)
    loaded: list[MasterKeys] = []
    try:
        for module in modules:
            module.load(generation, wrapped, backup_key)
            loaded.append(module)
    except VaultError:
        # All of them or none: a key that one module lacks would seal what that one cannot open.
        for module in loaded:
            module.destroy(generation)
        raise
    return Backup(name, generation, parts, threshold, wrapped.hex()), words
