"""Master keys of the software vault: a file of 32 octets for each generation, readable by its owner alone."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from . import seals
from .interface import VaultError


def create_master_key(path: Path) -> None:
    """Write a new random master key. Never overwrites one."""
    _write(path, secrets.token_bytes(32))


def _write(path: Path, key: bytes) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, key)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class MasterFiles:
    """`path` is the file of the first generation; that of the second is `path` with `.2` behind it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def name(self) -> str:
        return str(self._path)

    def _file(self, generation: int) -> Path:
        return self._path if generation == seals.FIRST else Path(f"{self._path}.{generation}")

    def generations(self) -> list[int]:
        found = [seals.FIRST] if self._path.exists() else []
        for path in self._path.parent.glob(f"{self._path.name}.*"):
            number = path.suffix[1:]
            if number.isascii() and number.isdigit():
                found.append(int(number))
        return sorted(found)

    def read(self) -> dict[int, bytes]:
        """All that are there. Raises `VaultError` if there is none, or one is readable by others."""
        generations = self.generations()
        if not generations:
            raise VaultError("no_master_key", f"cannot read the master key {self._path}: it is not there")
        return {generation: self._read(self._file(generation)) for generation in generations}

    @staticmethod
    def _read(path: Path) -> bytes:
        try:
            mode = path.stat().st_mode
            key = path.read_bytes()
        except OSError as error:
            raise VaultError(
                "no_master_key", f"cannot read the master key {path}: {error.strerror}"
            ) from None
        if mode & 0o077:
            raise VaultError("exposed_master_key", f"{path} is readable by others; run: chmod 600 {path}")
        if len(key) != 32:
            raise VaultError("bad_master_key", f"the master key {path} must be 32 bytes")
        return key

    def create(self, backup_key: bytes) -> bytes:
        return aes_key_wrap(backup_key, secrets.token_bytes(32))

    def load(self, generation: int, wrapped: bytes, backup_key: bytes) -> None:
        try:
            key = aes_key_unwrap(backup_key, wrapped)
        except (InvalidUnwrap, ValueError):
            raise VaultError("bad_backup", "these parts do not open this backup") from None
        try:
            _write(self._file(generation), key)
        except FileExistsError:
            raise VaultError("master_key_exists", f"{self._file(generation)} is there already") from None

    def destroy(self, generation: int) -> None:
        path = self._file(generation)
        try:
            # What lies in the blocks of the disk afterwards is the file system's.
            with path.open("r+b") as file:
                file.write(secrets.token_bytes(32))
                os.fsync(file.fileno())
            path.unlink()
        except OSError as error:
            raise VaultError("no_master_key", f"cannot destroy {path}: {error.strerror}") from None
