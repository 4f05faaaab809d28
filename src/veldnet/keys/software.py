"""The software vault: keys sealed with AES-256-GCM under a master key that lives outside the database.

It has the shape of a hardware module, so that one can take its place: what goes out is sealed, derived
or wrapped, never a root key.
"""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from veldnet.lorawan import AesKey, DevEui
from veldnet.lorawan.crypto import aes_encrypt
from veldnet.lorawan.frames import JoinRequest
from veldnet.lorawan.join import (
    JOIN_REQUEST_TYPE,
    derive_js_enc_key,
    derive_js_int_key,
    derive_session_keys_10,
    derive_session_keys_11,
    encrypt_join_accept,
    join_accept_mic,
    join_accept_mic_11,
    join_request_mic,
)

from .interface import GeneratedAsKey, JoinKeys, JoinOrder, JoinRefusal, VaultError
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
            app_key = AesKey(self._unseal(f"app-key:{order.dev_eui}", order.sealed_app_key))
            if order.sealed_nwk_key is None:
                return self._join_10(order, app_key)
            nwk_key = AesKey(self._unseal(f"nwk-key:{order.dev_eui}", order.sealed_nwk_key))
            return self._join_11(order, app_key, nwk_key)
        except VaultError as error:
            return JoinRefusal(error.code, str(error))

    def _join_10(self, order: JoinOrder, app_key: AesKey) -> JoinKeys | JoinRefusal:
        request, accept = order.request, order.accept
        if not isinstance(request, JoinRequest):
            return JoinRefusal("rejoin_before_1_1", "LoRaWAN 1.0.x has no rejoin-requests")
        if not hmac.compare_digest(join_request_mic(app_key, request.unsigned()), request.mic):
            return JoinRefusal("wrong_mic", "the MIC does not fit the AppKey")
        keys = derive_session_keys_10(app_key, accept.join_nonce, accept.net_id, request.dev_nonce)
        return JoinKeys(
            join_accept=encrypt_join_accept(app_key, accept, join_accept_mic(app_key, accept)),
            f_nwk_s_int_key=keys.nwk_s_key,
            app_s_key=None if order.protected else keys.app_s_key,
            wrapped_app_s_key=self._wrapped(order, keys.app_s_key),
        )

    def _join_11(self, order: JoinOrder, app_key: AesKey, nwk_key: AesKey) -> JoinKeys | JoinRefusal:
        request, accept = order.request, order.accept
        int_key = derive_js_int_key(nwk_key, order.dev_eui)
        if isinstance(request, JoinRequest):
            mic_key: AesKey | None = nwk_key
            kind, nonce, accept_key = JOIN_REQUEST_TYPE, request.dev_nonce, nwk_key
        else:
            mic_key = int_key if request.rejoin_type == 1 else None
            kind, nonce = request.rejoin_type, request.rj_count
            accept_key = derive_js_enc_key(nwk_key, order.dev_eui)
        if mic_key is not None and not hmac.compare_digest(
            join_request_mic(mic_key, request.unsigned()), request.mic
        ):
            return JoinRefusal("wrong_mic", "the MIC does not fit the NwkKey")
        keys = derive_session_keys_11(nwk_key, app_key, accept.join_nonce, order.join_eui, nonce)
        mic = join_accept_mic_11(int_key, accept, order.join_eui, nonce, kind)
        return JoinKeys(
            join_accept=encrypt_join_accept(accept_key, accept, mic),
            f_nwk_s_int_key=keys.f_nwk_s_int_key,
            s_nwk_s_int_key=keys.s_nwk_s_int_key,
            nwk_s_enc_key=keys.nwk_s_enc_key,
            app_s_key=None if order.protected else keys.app_s_key,
            wrapped_app_s_key=self._wrapped(order, keys.app_s_key),
        )

    def _wrapped(self, order: JoinOrder, app_s_key: AesKey) -> bytes | None:
        """The AppSKey as the customer opens it: AES-128-CBC of one block, with a zero vector."""
        if not order.protected or order.sealed_as_transport_key is None:
            return None
        transport_key = AesKey(self._unseal(_AS_TRANSPORT_KEY, order.sealed_as_transport_key))
        return aes_encrypt(transport_key, app_s_key)
