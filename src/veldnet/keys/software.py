"""The software vault: keys sealed with AES-256-GCM under a master key that lives outside the database.

It has the shape of a hardware module, so that one can take its place: what goes out is sealed, derived
or wrapped, never a root key.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from veldnet.lorawan import AesKey, DevEui
from veldnet.lorawan.crypto import aes_decrypt, aes_encrypt, cmac

from .interface import GeneratedAsKey, JoinKeys, JoinOrder, JoinRefusal, VaultError
from .joining import RootKey, serve
from .rsa import encrypt_pkcs1_v15, parse_rsa_public_key

_VERSION = b"\x01"
_NONCE = 12
_AS_TRANSPORT_KEY = "as-transport-key"


def create_master_key(path: Path) -> None:
    """Write a new random master key, readable by its owner alone. Never overwrites one."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(32))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


class SoftKey:
    """A key in memory."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = AesKey(key)

    def cmac(self, message: bytes) -> bytes:
        return cmac(self._key, message)

    def encrypt(self, blocks: bytes) -> bytes:
        return aes_encrypt(self._key, blocks)

    def decrypt(self, blocks: bytes) -> bytes:
        return aes_decrypt(self._key, blocks)

    def derive(self, block: bytes) -> SoftKey:
        return SoftKey(self.encrypt(block))

    def wrapped_under(self, other: RootKey) -> bytes:
        return other.encrypt(bytes(self._key))


class SoftwareVault:
    """A `Vault` in this process. `ask_plaintext` is how the AS transport key is written under RSA."""

    def __init__(self, master_key: bytes, *, ask_plaintext: Literal["raw", "hex"] = "raw") -> None:
        if len(master_key) != 32:
            raise VaultError("bad_master_key", "the master key must be 32 bytes")
        self._aead = AESGCM(master_key)
        self._ask_plaintext = ask_plaintext

    @classmethod
    def open(cls, path: Path, *, ask_plaintext: Literal["raw", "hex"] = "raw") -> SoftwareVault:
        """Use the master key in a file. Raises `VaultError` if it is missing or readable by others."""
        try:
            mode = path.stat().st_mode
            master_key = path.read_bytes()
        except OSError as error:
            raise VaultError(
                "no_master_key", f"cannot read the master key {path}: {error.strerror}"
            ) from None
        if mode & 0o077:
            raise VaultError("exposed_master_key", f"{path} is readable by others; run: chmod 600 {path}")
        return cls(master_key, ask_plaintext=ask_plaintext)

    def _seal(self, label: str, secret: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        return _VERSION + nonce + self._aead.encrypt(nonce, secret, label.encode())

    def _unseal(self, label: str, sealed: bytes) -> bytes:
        if sealed[:1] != _VERSION:
            raise VaultError("bad_seal", "the sealed key has an unknown format")
        try:
            return self._aead.decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], label.encode())
        except (InvalidTag, ValueError):
            raise VaultError("bad_seal", "the sealed key does not belong to this vault") from None

    async def seal(self, label: str, secret: bytes) -> bytes:
        return self._seal(f"secret:{label}", secret)

    async def unseal(self, label: str, sealed: bytes) -> bytes:
        return self._unseal(f"secret:{label}", sealed)

    async def import_app_key(self, dev_eui: DevEui, app_key: AesKey) -> bytes:
        return self._seal(f"app-key:{dev_eui}", app_key)

    async def import_nwk_key(self, dev_eui: DevEui, nwk_key: AesKey) -> bytes:
        return self._seal(f"nwk-key:{dev_eui}", nwk_key)

    async def generate_as_key(self, rsa_public_key_pem: str) -> GeneratedAsKey:
        public_key = parse_rsa_public_key(rsa_public_key_pem)
        key = secrets.token_bytes(16)
        plaintext = key if self._ask_plaintext == "raw" else key.hex().encode()
        return GeneratedAsKey(
            self._seal(_AS_TRANSPORT_KEY, key), encrypt_pkcs1_v15(public_key, plaintext).hex()
        )

    async def join(self, orders: Sequence[JoinOrder]) -> list[JoinKeys | JoinRefusal]:
        return [self._join(order) for order in orders]

    def _join(self, order: JoinOrder) -> JoinKeys | JoinRefusal:
        try:
            return serve(order, self)
        except VaultError as error:
            return JoinRefusal(error.code, str(error))

    @property
    def problem(self) -> str | None:
        return None

    async def close(self) -> None:
        """Nothing is open."""

    # As a `Keyring`.

    def app_key(self, order: JoinOrder) -> SoftKey:
        return SoftKey(self._unseal(f"app-key:{order.dev_eui}", order.sealed_app_key))

    def nwk_key(self, order: JoinOrder) -> SoftKey:
        return SoftKey(self._unseal(f"nwk-key:{order.dev_eui}", order.sealed_nwk_key or b""))

    def transport_key(self, sealed: bytes) -> SoftKey:
        return SoftKey(self._unseal(_AS_TRANSPORT_KEY, sealed))
