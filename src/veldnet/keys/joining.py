"""Join server functions over keys that need not be readable.

Everything that a root key does here, a hardware module can do inside itself: sign, encrypt, decrypt, derive,
wrap. What is revealed are the network's session keys, and the AppSKey of devices without an HSM group.
"""

from __future__ import annotations

import hmac
from typing import Protocol

from veldnet.domain.joins import JoinKeys, JoinOrder, JoinRefusal
from veldnet.lorawan import AesKey
from veldnet.lorawan.frames import JoinRequest
from veldnet.lorawan.join import (
    JOIN_REQUEST_TYPE,
    join_server_block,
    session_block_10,
    session_block_11,
    signed_accept,
    signed_accept_11,
)


class RootKey(Protocol):
    """An AES-128 key that is used where it is kept."""

    def cmac(self, message: bytes) -> bytes: ...

    def encrypt(self, blocks: bytes) -> bytes: ...

    def decrypt(self, blocks: bytes) -> bytes: ...

    def derive(self, block: bytes) -> RootKey:
        """The key that is `block` encrypted, kept where this one is."""

    def wrapped_under(self, other: RootKey) -> bytes:
        """This key as a block encrypted with another one."""


class Keyring(Protocol):
    """Opens what was sealed."""

    def app_key(self, order: JoinOrder) -> RootKey: ...

    def nwk_key(self, order: JoinOrder) -> RootKey: ...

    def transport_key(self, sealed: bytes) -> RootKey: ...


def serve(order: JoinOrder, keys: Keyring) -> JoinKeys | JoinRefusal:
    """Check a join-request or rejoin-request and open its session."""
    app_key = keys.app_key(order)
    if order.sealed_nwk_key is None:
        return _serve_10(order, app_key, keys)
    return _serve_11(order, app_key, keys.nwk_key(order), keys)


def _serve_10(order: JoinOrder, app_key: RootKey, keys: Keyring) -> JoinKeys | JoinRefusal:
    request, accept = order.request, order.accept
    if not isinstance(request, JoinRequest):
        return JoinRefusal("rejoin_before_1_1", "LoRaWAN 1.0.x has no rejoin-requests")
    if not _genuine(app_key, request.unsigned(), request.mic):
        return JoinRefusal("wrong_mic", "the MIC does not fit the AppKey")

    def block(label: int) -> bytes:
        return session_block_10(label, accept.join_nonce, accept.net_id, request.dev_nonce)

    revealed, wrapped = _app_s_key(order, app_key, block(2), keys)
    return JoinKeys(
        join_accept=_accept(app_key, order, app_key.cmac(signed_accept(accept))),
        f_nwk_s_int_key=AesKey(app_key.encrypt(block(1))),
        app_s_key=revealed,
        wrapped_app_s_key=wrapped,
    )


def _serve_11(order: JoinOrder, app_key: RootKey, nwk_key: RootKey, keys: Keyring) -> JoinKeys | JoinRefusal:
    request, accept = order.request, order.accept
    int_key = nwk_key.derive(join_server_block(6, order.dev_eui))
    if isinstance(request, JoinRequest):
        signer: RootKey | None = nwk_key
        kind, nonce, accept_key = JOIN_REQUEST_TYPE, request.dev_nonce, nwk_key
    else:
        # The MIC of types 0 and 2 is made with a session key; whoever holds that has checked it.
        signer = int_key if request.rejoin_type == 1 else None
        kind, nonce = request.rejoin_type, request.rj_count
        accept_key = nwk_key.derive(join_server_block(5, order.dev_eui))
    if signer is not None and not _genuine(signer, request.unsigned(), request.mic):
        return JoinRefusal("wrong_mic", "the MIC does not fit the NwkKey")

    def block(label: int) -> bytes:
        return session_block_11(label, accept.join_nonce, order.join_eui, nonce)

    revealed, wrapped = _app_s_key(order, app_key, block(2), keys)
    mic = int_key.cmac(signed_accept_11(accept, order.join_eui, nonce, kind))
    return JoinKeys(
        join_accept=_accept(accept_key, order, mic),
        f_nwk_s_int_key=AesKey(nwk_key.encrypt(block(1))),
        s_nwk_s_int_key=AesKey(nwk_key.encrypt(block(3))),
        nwk_s_enc_key=AesKey(nwk_key.encrypt(block(4))),
        app_s_key=revealed,
        wrapped_app_s_key=wrapped,
    )


def _genuine(key: RootKey, message: bytes, mic: bytes) -> bool:
    return hmac.compare_digest(key.cmac(message)[:4], mic)


def _accept(key: RootKey, order: JoinOrder, mic: bytes) -> bytes:
    """The PHYPayload of the join-accept: the server decrypts, so that the device only needs to encrypt."""
    return b"\x20" + key.decrypt(order.accept.body() + mic[:4])


def _app_s_key(
    order: JoinOrder, app_key: RootKey, block: bytes, keys: Keyring
) -> tuple[AesKey | None, bytes | None]:
    """The AppSKey in clear, wrapped for the customer, or withheld where the customer has no AS key."""
    if not order.protected:
        return AesKey(app_key.encrypt(block)), None
    if order.sealed_as_transport_key is None:
        return None, None
    transport_key = keys.transport_key(order.sealed_as_transport_key)
    return None, app_key.derive(block).wrapped_under(transport_key)
