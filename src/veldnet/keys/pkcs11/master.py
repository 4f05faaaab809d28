"""Master keys of a token: created in it and not extractable."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import PKCS11Error

from veldnet.keys.interface import VaultError

from .token import Token

_PASSING = {
    Attribute.TOKEN: False,
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: True,
}
_KEPT = {
    Attribute.TOKEN: True,
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: True,
    Attribute.EXTRACTABLE: False,
    Attribute.DERIVE: True,
    Attribute.ENCRYPT: False,
    Attribute.DECRYPT: False,
    Attribute.WRAP: False,
    Attribute.UNWRAP: False,
    Attribute.SIGN: False,
    Attribute.VERIFY: False,
}


class TokenMasterKeys:
    """`MasterKeys` of an open token. The master key itself is in clear nowhere outside the module: it leaves
    it once, when it is made, wrapped under the backup key."""

    def __init__(self, token: Token) -> None:
        self._token = token

    @property
    def name(self) -> str:
        return self._token.name

    def generations(self) -> list[int]:
        return self._token.generations()

    @contextmanager
    def _backup_key(self, octets: bytes) -> Iterator[Any]:
        key = self._token.writable.create_object(
            _PASSING
            | {
                Attribute.CLASS: ObjectClass.SECRET_KEY,
                Attribute.KEY_TYPE: KeyType.AES,
                Attribute.VALUE: octets,
                Attribute.EXTRACTABLE: False,
                Attribute.WRAP: True,
                Attribute.UNWRAP: True,
            }
        )
        try:
            yield key
        finally:
            key.destroy()

    def create(self, backup_key: bytes) -> bytes:
        try:
            with self._backup_key(backup_key) as wrapping:
                key = self._token.writable.generate_key(
                    KeyType.AES,
                    256,
                    store=False,
                    template=_PASSING | {Attribute.EXTRACTABLE: True, Attribute.DERIVE: True},
                )
                try:
                    return bytes(wrapping.wrap_key(key, mechanism=Mechanism.AES_KEY_WRAP))
                finally:
                    key.destroy()
        except PKCS11Error as error:
            raise _failed(self.name, "made no master key", error) from None

    def load(self, generation: int, wrapped: bytes, backup_key: bytes) -> None:
        if generation in self.generations():
            raise VaultError(
                "master_key_exists",
                f"token {self.name!r} has a master key of generation {generation} already",
            )
        try:
            with self._backup_key(backup_key) as wrapping:
                wrapping.unwrap_key(
                    ObjectClass.SECRET_KEY,
                    KeyType.AES,
                    wrapped,
                    label=self._token.label(generation),
                    mechanism=Mechanism.AES_KEY_WRAP,
                    store=True,
                    template=_KEPT,
                )
        except PKCS11Error as error:
            if "Wrapped" in type(error).__name__ or "General" in type(error).__name__:
                raise VaultError(
                    "bad_backup", f"these parts do not open this backup in token {self.name!r}"
                ) from None
            raise _failed(self.name, "took no master key", error) from None
        self._token.find_master_keys()

    def destroy(self, generation: int) -> None:
        fitting = [key for number, key in self._token.master_keys() if number == generation]
        if not fitting:
            raise VaultError(
                "no_master_key", f"token {self.name!r} has no master key of generation {generation}"
            )
        try:
            for key in fitting:
                key.destroy()
        except PKCS11Error as error:
            raise _failed(self.name, "destroyed no master key", error) from None
        self._token.find_master_keys()


def _failed(name: str, words: str, error: PKCS11Error) -> VaultError:
    return VaultError("module_failed", f"the module of token {name!r} {words}: {type(error).__name__}")
