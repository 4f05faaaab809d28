"""Message integrity codes and encryption of data frames (TS001-1.0.4 §4.3.3, §4.4; TS001-1.1 §4.3, §4.4)."""

from __future__ import annotations

from typing import NamedTuple

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.cmac import CMAC

from .identifiers import DevAddr
from .keys import AesKey

UPLINK = 0
DOWNLINK = 1


def cmac(key: AesKey, message: bytes) -> bytes:
    """AES-CMAC, 16 octets (RFC 4493)."""
    mac = CMAC(algorithms.AES128(key))
    mac.update(message)
    return mac.finalize()


def aes_encrypt(key: AesKey, blocks: bytes) -> bytes:
    """AES-128 in ECB over whole blocks, the primitive of all LoRaWAN derivations."""
    encryptor = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305 - TS001 prescribes ECB
    return encryptor.update(blocks)


def aes_decrypt(key: AesKey, blocks: bytes) -> bytes:
    """The inverse of `aes_encrypt`; a join-accept is encrypted with it (TS001-1.0.4 §6.2.3)."""
    decryptor = Cipher(algorithms.AES(key), modes.ECB()).decryptor()  # noqa: S305 - TS001 prescribes ECB
    return decryptor.update(blocks)


def _block(first: int, middle: bytes, direction: int, dev_addr: DevAddr, fcnt: int, last: int) -> bytes:
    return b"".join(
        (
            bytes((first,)),
            middle,
            bytes((direction,)),
            dev_addr.to_wire(),
            fcnt.to_bytes(4, "little"),
            bytes((0, last)),
        )
    )


_ZERO4 = bytes(4)


def data_mic(key: AesKey, direction: int, dev_addr: DevAddr, fcnt: int, message: bytes) -> bytes:
    """MIC of a data frame in LoRaWAN 1.0.x, both directions. `fcnt` is the full 32-bit counter."""
    return cmac(key, _block(0x49, _ZERO4, direction, dev_addr, fcnt, len(message)) + message)[:4]


class Sent(NamedTuple):
    """What the MIC of a 1.1 uplink covers of its transmission: ConfFCnt (0 without the ACK bit), TxDr and
    TxCh."""

    conf_fcnt: int
    data_rate: int
    channel: int


def data_mic_uplink_11(
    f_nwk_s_int_key: AesKey,
    s_nwk_s_int_key: AesKey,
    dev_addr: DevAddr,
    fcnt: int,
    message: bytes,
    sent: Sent,
) -> bytes:
    """MIC of a 1.1 uplink: two halves under two keys."""
    serving = data_mic_serving_half(s_nwk_s_int_key, dev_addr, fcnt, message, sent)
    return serving + data_mic(f_nwk_s_int_key, UPLINK, dev_addr, fcnt, message)[:2]


def data_mic_serving_half(
    s_nwk_s_int_key: AesKey, dev_addr: DevAddr, fcnt: int, message: bytes, sent: Sent
) -> bytes:
    """First half of the MIC of a 1.1 uplink; the other half is the first of `data_mic` with FNwkSIntKey."""
    transmit = (sent.conf_fcnt & 0xFFFF).to_bytes(2, "little") + bytes((sent.data_rate, sent.channel))
    b1 = _block(0x49, transmit, UPLINK, dev_addr, fcnt, len(message))
    return cmac(s_nwk_s_int_key, b1 + message)[:2]


def data_mic_downlink_11(
    s_nwk_s_int_key: AesKey, dev_addr: DevAddr, fcnt: int, message: bytes, *, conf_fcnt: int
) -> bytes:
    """MIC of a 1.1 downlink; `conf_fcnt` is the acknowledged uplink counter, 0 without the ACK bit."""
    middle = (conf_fcnt & 0xFFFF).to_bytes(2, "little") + b"\x00\x00"
    return cmac(s_nwk_s_int_key, _block(0x49, middle, DOWNLINK, dev_addr, fcnt, len(message)) + message)[:4]


def crypt_payload(key: AesKey, direction: int, dev_addr: DevAddr, fcnt: int, payload: bytes) -> bytes:
    """Encrypt or decrypt an FRMPayload; both are the same exclusive-or with the key stream.

    The A blocks are AES counter mode with the block number in the last octet, so one CTR call does.
    """
    if not payload:
        return payload
    first = _block(0x01, _ZERO4, direction, dev_addr, fcnt, 1)
    return Cipher(algorithms.AES(key), modes.CTR(first)).encryptor().update(payload)


FCNT_NETWORK = 0x01
FCNT_APPLICATION = 0x02


def crypt_fopts(
    nwk_s_enc_key: AesKey, direction: int, dev_addr: DevAddr, fcnt: int, fopts: bytes, *, counter: int
) -> bytes:
    """Encrypt or decrypt FOpts of 1.1. `counter` says which counter: FCNT_NETWORK for FCntUp and
    NFCntDown, FCNT_APPLICATION for AFCntDown (change request on FCntDown usage)."""
    stream = aes_encrypt(nwk_s_enc_key, _block(0x01, bytes((0, 0, 0, counter)), direction, dev_addr, fcnt, 1))
    return bytes(a ^ b for a, b in zip(fopts, stream, strict=False))
