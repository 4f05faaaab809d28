"""A `Vault` whose keys are used inside a PKCS#11 module.

The database holds root keys wrapped under keys of the module, one for each purpose and device, so a sealed
key opens nowhere else. A join unwraps the AppKey into a session object, uses it there, and destroys it.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any, Literal, TypeVar

import structlog
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import Attribute, GCMParams, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import PKCS11Error
from pkcs11.util.rsa import decode_rsa_public_key

from veldnet.keys.interface import GeneratedAsKey, JoinKeys, JoinOrder, JoinRefusal, VaultError
from veldnet.keys.joining import RootKey, serve
from veldnet.keys.rsa import parse_rsa_public_key
from veldnet.lorawan import AesKey, DevEui

from .token import Token

log = structlog.get_logger(__name__)

T = TypeVar("T")

_VERSION = b"\x02"
_NONCE = 12
_WRAPPED = 24
_AS_TRANSPORT_KEY = "as-transport-key"
# Orders that one session serves before the next batch gets its turn.
_PIECE = 16

_SECRET = {
    Attribute.TOKEN: False,
    Attribute.PRIVATE: True,
    Attribute.SENSITIVE: True,
}
_ROOT = _SECRET | {
    Attribute.EXTRACTABLE: False,
    Attribute.SIGN: True,
    Attribute.ENCRYPT: True,
    Attribute.DECRYPT: True,
    Attribute.DERIVE: True,
}
_WRAPPER = _SECRET | {Attribute.EXTRACTABLE: False, Attribute.WRAP: True, Attribute.UNWRAP: True}
_SEALER = _SECRET | {Attribute.EXTRACTABLE: False, Attribute.ENCRYPT: True, Attribute.DECRYPT: True}
# May leave the module, wrapped.
_LEAVING = _SECRET | {Attribute.EXTRACTABLE: True, Attribute.WRAP: True}
_INNER = _ROOT | {Attribute.EXTRACTABLE: True}


class _TokenKey:
    """A key in the module; the session's objects are destroyed with `stack`."""

    __slots__ = ("_key", "_stack")

    def __init__(self, key: Any, stack: ExitStack) -> None:
        self._key = key
        self._stack = stack
        stack.callback(_destroy, key)

    def cmac(self, message: bytes) -> bytes:
        return bytes(self._key.sign(message, mechanism=Mechanism.AES_CMAC))

    def encrypt(self, blocks: bytes) -> bytes:
        return bytes(self._key.encrypt(blocks, mechanism=Mechanism.AES_ECB))

    def decrypt(self, blocks: bytes) -> bytes:
        return bytes(self._key.decrypt(blocks, mechanism=Mechanism.AES_ECB))

    def derive(self, block: bytes) -> _TokenKey:
        derived = self._key.derive_key(
            KeyType.AES,
            128,
            mechanism=Mechanism.AES_ECB_ENCRYPT_DATA,
            mechanism_param=block,
            template=_INNER,
        )
        return _TokenKey(derived, self._stack)

    def wrapped_under(self, other: RootKey) -> bytes:
        if not isinstance(other, _TokenKey):
            raise TypeError("a key of a module is wrapped inside it")
        # One block of CBC with a zero vector is the block as LoRaWAN derivations know it.
        wrapped = other._key.wrap_key(self._key, mechanism=Mechanism.AES_CBC, mechanism_param=bytes(16))
        return bytes(wrapped)


def _destroy(key: Any) -> None:
    try:
        key.destroy()
    except PKCS11Error:
        # It goes with its session.
        return


class _Opened:
    """What one call works with: the thread's session, and the objects to be destroyed after it."""

    def __init__(self, token: Token, stack: ExitStack) -> None:
        self.session = token.session()
        self._master = token.master_key()
        self._stack = stack

    def wrapper(self, label: str, template: dict[Attribute, Any] = _WRAPPER) -> Any:
        """The key of a purpose: derived inside from the master key and the purpose's name."""
        key = self._master.derive_key(
            KeyType.AES,
            256,
            mechanism=Mechanism.AES_ECB_ENCRYPT_DATA,
            mechanism_param=hashlib.sha256(label.encode()).digest(),
            template=template,
        )
        self._stack.callback(_destroy, key)
        return key

    def unwrap(self, label: str, sealed: bytes, template: dict[Attribute, Any] = _ROOT) -> _TokenKey:
        if sealed[:1] != _VERSION or len(sealed) != 1 + _WRAPPED:
            raise VaultError("bad_seal", "the sealed key has an unknown format")
        wrapper = self.wrapper(label)
        try:
            key = wrapper.unwrap_key(
                ObjectClass.SECRET_KEY,
                KeyType.AES,
                sealed[1:],
                mechanism=Mechanism.AES_KEY_WRAP,
                template=template,
            )
        except PKCS11Error as error:
            # Modules name a failed integrity check in different ways; a module that is gone fails again.
            if _is_gone(error):
                raise
            raise VaultError("bad_seal", "the sealed key does not belong to this vault") from None
        return _TokenKey(key, self._stack)

    def wrap(self, label: str, key: Any) -> bytes:
        wrapped = self.wrapper(label).wrap_key(key, mechanism=Mechanism.AES_KEY_WRAP)
        return _VERSION + bytes(wrapped)

    def take(self, octets: bytes) -> Any:
        """A key from outside as an object that leaves the module wrapped only."""
        key = self.session.create_object(
            _LEAVING
            | {
                Attribute.CLASS: ObjectClass.SECRET_KEY,
                Attribute.KEY_TYPE: KeyType.AES,
                Attribute.VALUE: octets,
            }
        )
        self._stack.callback(_destroy, key)
        return key

    # As a `Keyring`.

    def app_key(self, order: JoinOrder) -> _TokenKey:
        return self.unwrap(f"app-key:{order.dev_eui}", order.sealed_app_key)

    def nwk_key(self, order: JoinOrder) -> _TokenKey:
        return self.unwrap(f"nwk-key:{order.dev_eui}", order.sealed_nwk_key or b"")

    def transport_key(self, sealed: bytes) -> _TokenKey:
        return self.unwrap(_AS_TRANSPORT_KEY, sealed, _WRAPPER | {Attribute.ENCRYPT: True})


def _is_gone(error: PKCS11Error) -> bool:
    """Whether the module or its session is not there any more."""
    return any(
        word in type(error).__name__
        for word in ("Session", "Device", "TokenNot", "Login", "Cryptoki", "Host")
    )


class Pkcs11Vault:
    """A `Vault` on an open token. Calls run in threads, each with a session of its own."""

    def __init__(self, token: Token, *, ask_plaintext: Literal["raw", "hex"] = "raw") -> None:
        if ask_plaintext != "raw":
            raise VaultError(
                "unsupported", "a PKCS#11 module wraps AS keys as 16 raw bytes; set keys.ask_plaintext to raw"
            )
        token.master_key()
        self._token = token
        # What the last call said, if the module failed in it.
        self._failure: str | None = None
        self._threads = ThreadPoolExecutor(token.sessions, thread_name_prefix="hsm")

    async def _run(self, work: Callable[[_Opened], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._work, work)

    def _work(self, work: Callable[[_Opened], T]) -> T:
        try:
            with ExitStack() as stack:
                result = work(_Opened(self._token, stack))
            self._failure = None
            return result
        except PKCS11Error as error:
            self._token.failed()
            self._failure = f"the module fails: {type(error).__name__}"
            log.error("hsm_failed", error=f"{type(error).__name__}: {error}")
            raise VaultError("module_failed", f"the module failed: {type(error).__name__}") from None

    async def join(self, orders: Sequence[JoinOrder]) -> list[JoinKeys | JoinRefusal]:
        loop = asyncio.get_running_loop()
        size = min(_PIECE, max(1, -(-len(orders) // self._token.sessions)))
        pieces = [orders[start : start + size] for start in range(0, len(orders), size)]
        served = await asyncio.gather(
            *(loop.run_in_executor(self._threads, self._serve, piece) for piece in pieces)
        )
        return [answer for answers in served for answer in answers]

    def _serve(self, orders: Sequence[JoinOrder]) -> list[JoinKeys | JoinRefusal]:
        return [self._serve_one(order) for order in orders]

    def _serve_one(self, order: JoinOrder) -> JoinKeys | JoinRefusal:
        try:
            return self._work(lambda opened: serve(order, opened))
        except VaultError as error:
            return JoinRefusal(error.code, str(error))

    async def import_app_key(self, dev_eui: DevEui, app_key: AesKey) -> bytes:
        return await self._run(lambda opened: opened.wrap(f"app-key:{dev_eui}", opened.take(bytes(app_key))))

    async def import_nwk_key(self, dev_eui: DevEui, nwk_key: AesKey) -> bytes:
        return await self._run(lambda opened: opened.wrap(f"nwk-key:{dev_eui}", opened.take(bytes(nwk_key))))

    async def generate_as_key(self, rsa_public_key_pem: str) -> GeneratedAsKey:
        public_key = parse_rsa_public_key(rsa_public_key_pem)
        described = decode_rsa_public_key(public_key.public_bytes(Encoding.DER, PublicFormat.PKCS1))

        def generate(opened: _Opened) -> GeneratedAsKey:
            session = opened.session
            key = session.generate_key(KeyType.AES, 128, store=False, template=_LEAVING)
            customer = session.create_object(described | {Attribute.TOKEN: False, Attribute.WRAP: True})
            try:
                encrypted = customer.wrap_key(key, mechanism=Mechanism.RSA_PKCS)
                return GeneratedAsKey(opened.wrap(_AS_TRANSPORT_KEY, key), bytes(encrypted).hex())
            finally:
                _destroy(key)
                _destroy(customer)

        return await self._run(generate)

    async def seal(self, label: str, secret: bytes) -> bytes:
        nonce = secrets.token_bytes(_NONCE)

        def work(opened: _Opened) -> bytes:
            key = opened.wrapper(f"secret:{label}", _SEALER)
            return bytes(key.encrypt(secret, mechanism=Mechanism.AES_GCM, mechanism_param=_gcm(nonce)))

        return _VERSION + nonce + await self._run(work)

    async def unseal(self, label: str, sealed: bytes) -> bytes:
        if sealed[:1] != _VERSION or len(sealed) < 1 + _NONCE + 16:
            raise VaultError("bad_seal", "the sealed secret has an unknown format")
        nonce, text = sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]

        def work(opened: _Opened) -> bytes:
            key = opened.wrapper(f"secret:{label}", _SEALER)
            try:
                return bytes(key.decrypt(text, mechanism=Mechanism.AES_GCM, mechanism_param=_gcm(nonce)))
            except PKCS11Error as error:
                if _is_gone(error):
                    raise
                raise VaultError("bad_seal", "the sealed secret does not belong to this vault") from None

        return await self._run(work)

    @property
    def problem(self) -> str | None:
        return self._failure

    async def close(self) -> None:
        self._threads.shutdown(wait=True)
        self._token.close()


def _gcm(nonce: bytes) -> GCMParams:
    return GCMParams(nonce, b"", 128)
