"""Over-the-air activation: join-accept, key derivation (TS001-1.0.4 §6.2, TS001-1.1 §6.2)."""

from __future__ import annotations

import msgspec

from .crypto import aes_decrypt, aes_encrypt, cmac
from .frames import FrameError
from .identifiers import DevAddr, DevEui, JoinEui, NetId
from .keys import AesKey

JOIN_REQUEST_TYPE = 0xFF
# DLSettings: the network speaks LoRaWAN 1.1.
OPT_NEG = 0x80


def _pad16(block: bytes) -> bytes:
    return block + bytes(-len(block) % 16)


def join_request_mic(root_key: AesKey, unsigned: bytes) -> bytes:
    """MIC of a join-request or rejoin-request under its key."""
    return cmac(root_key, unsigned)[:4]


class JoinAccept(msgspec.Struct, frozen=True, gc=False):
    """A join-accept in clear. `cf_list` is empty or 16 octets."""

    join_nonce: int
    net_id: NetId
    dev_addr: DevAddr
    dl_settings: int
    rx_delay: int
    cf_list: bytes = b""

    def body(self) -> bytes:
        """Everything between MHDR and MIC."""
        return (
            self.join_nonce.to_bytes(3, "little")
            + self.net_id.to_wire()
            + self.dev_addr.to_wire()
            + bytes((self.dl_settings, self.rx_delay))
            + self.cf_list
        )

    @classmethod
    def from_body(cls, body: bytes) -> JoinAccept:
        if len(body) not in (12, 28):
            raise FrameError("bad_length", f"a join-accept body has 12 or 28 octets, not {len(body)}")
        return cls(
            int.from_bytes(body[0:3], "little"),
            NetId.from_wire(body[3:6]),
            DevAddr.from_wire(body[6:10]),
            body[10],
            body[11],
            body[12:],
        )

    @property
    def opt_neg(self) -> bool:
        """Whether the network speaks LoRaWAN 1.1."""
        return bool(self.dl_settings & OPT_NEG)

    @property
    def rx1_dr_offset(self) -> int:
        return self.dl_settings >> 4 & 0x07

    @property
    def rx2_data_rate(self) -> int:
        return self.dl_settings & 0x0F


def signed_accept(accept: JoinAccept) -> bytes:
    """What the MIC of a join-accept covers in LoRaWAN 1.0.x, and in 1.1 with OptNeg 0."""
    return b"\x20" + accept.body()


def signed_accept_11(
    accept: JoinAccept, join_eui: JoinEui, dev_nonce: int, request_type: int = JOIN_REQUEST_TYPE
) -> bytes:
    """What the MIC of a join-accept with OptNeg 1 covers."""
    head = bytes((request_type,)) + join_eui.to_wire() + dev_nonce.to_bytes(2, "little")
    return head + signed_accept(accept)


def join_accept_mic(key: AesKey, accept: JoinAccept) -> bytes:
    """MIC of a join-accept for LoRaWAN 1.0.x, or 1.1 with OptNeg 0."""
    return cmac(key, signed_accept(accept))[:4]


def join_accept_mic_11(
    js_int_key: AesKey,
    accept: JoinAccept,
    join_eui: JoinEui,
    dev_nonce: int,
    request_type: int = JOIN_REQUEST_TYPE,
) -> bytes:
    """MIC of a join-accept with OptNeg 1."""
    return cmac(js_int_key, signed_accept_11(accept, join_eui, dev_nonce, request_type))[:4]


def encrypt_join_accept(key: AesKey, accept: JoinAccept, mic: bytes) -> bytes:
    """The PHYPayload of a join-accept. The server decrypts so that the device only needs to encrypt."""
    return b"\x20" + aes_decrypt(key, accept.body() + mic)


def decrypt_join_accept(key: AesKey, phy_payload: bytes) -> tuple[JoinAccept, bytes]:
    """What a device does with a join-accept: the clear message and its MIC, unchecked."""
    clear = aes_encrypt(key, phy_payload[1:])
    return JoinAccept.from_body(clear[:-4]), clear[-4:]


def session_block_10(label: int, join_nonce: int, net_id: NetId, dev_nonce: int) -> bytes:
    """The block that the AppKey encrypts into a session key of LoRaWAN 1.0.x: 1 is NwkSKey, 2 AppSKey."""
    parts = join_nonce.to_bytes(3, "little") + net_id.to_wire() + dev_nonce.to_bytes(2, "little")
    return _pad16(bytes((label,)) + parts)


def session_block_11(label: int, join_nonce: int, join_eui: JoinEui, dev_nonce: int) -> bytes:
    """The block of a session key of LoRaWAN 1.1: label 1 is FNwkSIntKey, 2 AppSKey (of the AppKey), 3
    SNwkSIntKey, 4 NwkSEncKey."""
    parts = join_nonce.to_bytes(3, "little") + join_eui.to_wire() + dev_nonce.to_bytes(2, "little")
    return _pad16(bytes((label,)) + parts)


def join_server_block(label: int, dev_eui: DevEui) -> bytes:
    """The block of a lifetime key of LoRaWAN 1.1: label 5 is JSEncKey, 6 JSIntKey."""
    return _pad16(bytes((label,)) + dev_eui.to_wire())


def _derive(key: AesKey, block: bytes) -> AesKey:
    return AesKey(aes_encrypt(key, block))


class SessionKeys10(msgspec.Struct, frozen=True):
    """Session keys of LoRaWAN 1.0.x."""

    nwk_s_key: AesKey
    app_s_key: AesKey


class SessionKeys11(msgspec.Struct, frozen=True):
    """Session keys of LoRaWAN 1.1."""

    f_nwk_s_int_key: AesKey
    s_nwk_s_int_key: AesKey
    nwk_s_enc_key: AesKey
    app_s_key: AesKey


def derive_session_keys_10(app_key: AesKey, join_nonce: int, net_id: NetId, dev_nonce: int) -> SessionKeys10:
    """NwkSKey and AppSKey of LoRaWAN 1.0.x (TS001-1.0.4 §6.2.3)."""
    return SessionKeys10(
        *(_derive(app_key, session_block_10(label, join_nonce, net_id, dev_nonce)) for label in (1, 2))
    )


def derive_session_keys_11(
    nwk_key: AesKey, app_key: AesKey, join_nonce: int, join_eui: JoinEui, dev_nonce: int
) -> SessionKeys11:
    """The four session keys of LoRaWAN 1.1 with OptNeg 1 (TS001-1.1 §6.2.5)."""

    def key(root: AesKey, label: int) -> AesKey:
        return _derive(root, session_block_11(label, join_nonce, join_eui, dev_nonce))

    return SessionKeys11(
        f_nwk_s_int_key=key(nwk_key, 1),
        s_nwk_s_int_key=key(nwk_key, 3),
        nwk_s_enc_key=key(nwk_key, 4),
        app_s_key=key(app_key, 2),
    )


def derive_js_enc_key(nwk_key: AesKey, dev_eui: DevEui) -> AesKey:
    """JSEncKey: encrypts join-accepts that answer rejoin-requests (TS001-1.1 §6.1.1.4)."""
    return _derive(nwk_key, join_server_block(5, dev_eui))


def derive_js_int_key(nwk_key: AesKey, dev_eui: DevEui) -> AesKey:
    """JSIntKey: MIC of rejoin-requests of type 1 and of their answers (TS001-1.1 §6.1.1.4)."""
    return _derive(nwk_key, join_server_block(6, dev_eui))


def derive_root_wor_s_key(nwk_s_enc_key: AesKey) -> AesKey:
    """Root key of the relay's wake-on-radio frames (TS011)."""
    return _derive(nwk_s_enc_key, _pad16(b"\x01"))
