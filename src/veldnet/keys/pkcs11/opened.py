"""Context of one call to a module: session, keys, and temporary objects."""

from __future__ import annotations

import hashlib
import secrets
from contextlib import ExitStack
from typing import Any

from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import PKCS11Error

from veldnet.domain.joins import JoinOrder
from veldnet.keys import labels, seals
from veldnet.keys.interface import Sealed, VaultError
from veldnet.keys.joining import RootKey
from veldnet.texts import Text

from .token import Token

_NONCE = 12
_WRAPPED = 24
_NOT_OPENED = {
    "bad_seal": "the sealed key does not belong to this vault",
    "bad_transport": Text("the encrypted key does not open with this exchange key"),
}
# A sealed root key.
SEALED = seals.HEADER + _WRAPPED

SECRET = {
    Attribute.TOKEN: False,
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: True,
}
_ROOT = SECRET | {
    Attribute.EXTRACTABLE: False,
    Attribute.SIGN: True,
    Attribute.ENCRYPT: True,
    Attribute.DECRYPT: True,
    Attribute.DERIVE: True,
}
WRAPPER = SECRET | {Attribute.EXTRACTABLE: False, Attribute.WRAP: True, Attribute.UNWRAP: True}
_SEALER = SECRET | {Attribute.EXTRACTABLE: False, Attribute.ENCRYPT: True, Attribute.DECRYPT: True}
# May leave the module, wrapped.
LEAVING = SECRET | {Attribute.EXTRACTABLE: True, Attribute.WRAP: True}
_INNER = _ROOT | {Attribute.EXTRACTABLE: True}


class TokenKey:
    """A key in the module; the session's objects are destroyed with `stack`."""

    __slots__ = ("_key", "_stack")

    def __init__(self, key: Any, stack: ExitStack) -> None:
        self._key = key
        self._stack = stack
        stack.callback(destroy, key)

    @property
    def handle(self) -> Any:
        return self._key

    def cmac(self, message: bytes) -> bytes:
        return bytes(self._key.sign(message, mechanism=Mechanism.AES_CMAC))

    def encrypt(self, blocks: bytes) -> bytes:
        return bytes(self._key.encrypt(blocks, mechanism=Mechanism.AES_ECB))

    def decrypt(self, blocks: bytes) -> bytes:
        return bytes(self._key.decrypt(blocks, mechanism=Mechanism.AES_ECB))

    def derive(self, block: bytes) -> TokenKey:
        derived = self._key.derive_key(
            KeyType.AES,
            128,
            mechanism=Mechanism.AES_ECB_ENCRYPT_DATA,
            mechanism_param=block,
            template=_INNER,
        )
        return TokenKey(derived, self._stack)

    def wrapped_under(self, other: RootKey) -> bytes:
        if not isinstance(other, TokenKey):
            raise TypeError("a key of a module is wrapped inside it")
        # One block of CBC with a zero vector is the block as LoRaWAN derivations know it.
        wrapped = other._key.wrap_key(self._key, mechanism=Mechanism.AES_CBC, mechanism_param=bytes(16))
        return bytes(wrapped)


def destroy(key: Any) -> None:
    """Destroy an object of a session."""
    try:
        key.destroy()
    except PKCS11Error:
        # It goes with its session.
        return


class Opened:
    """What one call works with: the thread's session, and the objects to be destroyed after it."""

    def __init__(self, token: Token, stack: ExitStack) -> None:
        self.session = token.session()
        self._token = token
        self._stack = stack

    def wrapper(
        self, label: str, template: dict[Attribute, Any] = WRAPPER, *, generation: int | None = None
    ) -> Any:
        """The key of a purpose: derived inside from a master key, the newest where none is named, and the
        purpose's name."""
        master = self._token.master_key(self._token.newest if generation is None else generation)
        key = master.derive_key(
            KeyType.AES,
            256,
            mechanism=Mechanism.AES_ECB_ENCRYPT_DATA,
            mechanism_param=hashlib.sha256(label.encode()).digest(),
            template=template,
        )
        self._stack.callback(destroy, key)
        return key

    def header(self) -> bytes:
        return seals.header(seals.PKCS11, self._token.newest)

    def unwrap(self, label: str, sealed: bytes, template: dict[Attribute, Any] = _ROOT) -> TokenKey:
        generation, wrapped = seals.split(seals.PKCS11, sealed)
        if len(wrapped) != _WRAPPED:
            raise VaultError("bad_seal", "the sealed key has an unknown format")
        wrapper = self.wrapper(label, generation=generation)
        return TokenKey(self.unwrap_with(wrapper, wrapped, template, "bad_seal"), self._stack)

    def unwrap_with(self, wrapper: Any, wrapped: bytes, template: dict[Attribute, Any], code: str) -> Any:
        mechanism = Mechanism.AES_KEY_WRAP if wrapper.key_type == KeyType.AES else Mechanism.RSA_PKCS
        try:
            return wrapper.unwrap_key(
                ObjectClass.SECRET_KEY, KeyType.AES, wrapped, mechanism=mechanism, template=template
            )
        except PKCS11Error as error:
            # Modules name a failed integrity check in different ways; a module that is gone fails again.
            if _is_gone(error):
                raise
            raise VaultError(code, _NOT_OPENED[code]) from None

    def wrap(self, label: str, key: Any) -> bytes:
        wrapped = self.wrapper(label).wrap_key(key, mechanism=Mechanism.AES_KEY_WRAP)
        return self.header() + bytes(wrapped)

    def seal(self, label: str, secret: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)
        key = self.wrapper(label, _SEALER)
        text = key.encrypt(secret, mechanism=Mechanism.AES_GCM, mechanism_param=_gcm(nonce))
        return self.header() + nonce + bytes(text)

    def unseal(self, label: str, sealed: bytes) -> bytes:
        generation, rest = seals.split(seals.PKCS11, sealed)
        nonce, text = rest[:_NONCE], rest[_NONCE:]
        if len(text) < 16:
            raise VaultError("bad_seal", "the sealed secret has an unknown format")
        key = self.wrapper(label, _SEALER, generation=generation)
        try:
            return bytes(key.decrypt(text, mechanism=Mechanism.AES_GCM, mechanism_param=_gcm(nonce)))
        except PKCS11Error as error:
            if _is_gone(error):
                raise
            raise VaultError("bad_seal", "the sealed secret does not belong to this vault") from None

    def reseal(self, item: Sealed) -> bytes | None:
        try:
            if labels.is_octets(item.label):
                return self.seal(item.label, self.unseal(item.label, item.octets))
            return self.wrap(item.label, self.unwrap(item.label, item.octets, LEAVING).handle)
        except VaultError:
            return None

    def take(self, octets: bytes, template: dict[Attribute, Any] = LEAVING) -> Any:
        """A key from outside as an object of the module, one that leaves it wrapped only."""
        key = self.session.create_object(
            template
            | {
                Attribute.CLASS: ObjectClass.SECRET_KEY,
                Attribute.KEY_TYPE: KeyType.AES,
                Attribute.VALUE: octets,
            }
        )
        self._stack.callback(destroy, key)
        return key

    # As a `Keyring` and `GroupKeyring`.

    def key(self, label: str, sealed: bytes) -> TokenKey:
        return self.unwrap(label, sealed)

    def octets(self, label: str, sealed: bytes) -> bytes:
        return self.unseal(label, sealed)

    def hold(self, octets: bytes) -> TokenKey:
        return TokenKey(self.take(octets, _ROOT), self._stack)

    def app_key(self, order: JoinOrder) -> TokenKey:
        return self.unwrap(labels.app_key(order.dev_eui), order.sealed_app_key)

    def nwk_key(self, order: JoinOrder) -> TokenKey:
        return self.unwrap(labels.nwk_key(order.dev_eui), order.sealed_nwk_key or b"")

    def transport_key(self, sealed: bytes) -> TokenKey:
        return self.unwrap(labels.AS_TRANSPORT_KEY, sealed, WRAPPER | {Attribute.ENCRYPT: True})


def _is_gone(error: PKCS11Error) -> bool:
    """Whether the module or its session is not there any more."""
    return any(
        word in type(error).__name__
        for word in ("Session", "Device", "TokenNot", "Login", "Cryptoki", "Host")
    )


def _gcm(nonce: bytes) -> GCMParams:
    return GCMParams(nonce, b"", 128)
