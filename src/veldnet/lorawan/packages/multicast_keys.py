"""Keys of multicast groups (TS005)."""

from __future__ import annotations

from veldnet.lorawan.crypto import aes_decrypt, aes_encrypt
from veldnet.lorawan.identifiers import DevAddr
from veldnet.lorawan.keys import AesKey


def mc_root_key_10(gen_app_key: AesKey) -> AesKey:
    """McRootKey of a 1.0.x device, from its GenAppKey."""
    return AesKey(aes_encrypt(gen_app_key, bytes(16)))


def mc_root_key_11(app_key: AesKey) -> AesKey:
    """McRootKey of a 1.1 device, from its AppKey."""
    return AesKey(aes_encrypt(app_key, b"\x20" + bytes(15)))


def mc_ke_key(mc_root_key: AesKey) -> AesKey:
    """The key under which a group's McKey travels."""
    return AesKey(aes_encrypt(mc_root_key, bytes(16)))


def encrypt_mc_key(ke_key: AesKey, mc_key: AesKey) -> bytes:
    """McKey_encrypted of McGroupSetupReq; the device encrypts to recover it."""
    return aes_decrypt(ke_key, mc_key)


def app_s_key_block(mc_addr: DevAddr) -> bytes:
    """The block that McAppSKey is, encrypted with McKey."""
    return b"\x01" + mc_addr.to_wire() + bytes(11)


def nwk_s_key_block(mc_addr: DevAddr) -> bytes:
    """The block that McNwkSKey is, encrypted with McKey."""
    return b"\x02" + mc_addr.to_wire() + bytes(11)


def mc_app_s_key(mc_key: AesKey, mc_addr: DevAddr) -> AesKey:
    return AesKey(aes_encrypt(mc_key, app_s_key_block(mc_addr)))


def mc_nwk_s_key(mc_key: AesKey, mc_addr: DevAddr) -> AesKey:
    return AesKey(aes_encrypt(mc_key, nwk_s_key_block(mc_addr)))
