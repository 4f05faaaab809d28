"""Join orders of the network server and answers of a vault."""

from __future__ import annotations

import msgspec

from veldnet.lorawan import AesKey, DevEui, JoinEui
from veldnet.lorawan.frames import JoinRequest, RejoinRequest
from veldnet.lorawan.join import JoinAccept


class JoinOrder(msgspec.Struct, frozen=True, kw_only=True):
    """Check a join-request or rejoin-request and open its session.

    With `sealed_nwk_key` the session is one of LoRaWAN 1.1, and `accept` says so with OptNeg. The MIC of
    a rejoin-request of type 0 or 2 is made with a session key, so whoever holds that has checked it.
    `protected` devices belong to an HSM group: their AppSKey is wrapped under `sealed_as_transport_key`,
    or withheld when the customer has generated none. `vault` names the vault that has sealed the keys.
    """

    vault: str = ""
    dev_eui: DevEui
    join_eui: JoinEui
    sealed_app_key: bytes
    sealed_nwk_key: bytes | None = None
    request: JoinRequest | RejoinRequest
    accept: JoinAccept
    protected: bool
    sealed_as_transport_key: bytes | None


class JoinKeys(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to a join order whose request was genuine. `join_accept` is the PHYPayload to send;
    `app_s_key` is present only for unprotected devices, `wrapped_app_s_key` only for protected ones. 1.0.x
    has one network key, `f_nwk_s_int_key`; the other two are those of 1.1."""

    join_accept: bytes
    f_nwk_s_int_key: AesKey
    s_nwk_s_int_key: AesKey | None = None
    nwk_s_enc_key: AesKey | None = None
    app_s_key: AesKey | None
    wrapped_app_s_key: bytes | None


class JoinRefusal(msgspec.Struct, frozen=True):
    """The join-request was not genuine, or the vault could not serve it."""

    code: str
    message: str
