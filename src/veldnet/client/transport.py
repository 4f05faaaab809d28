"""AppKeys on their way to the network: encrypted so that only the vault of the HSM group opens them."""

from __future__ import annotations

import base64

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from veldnet.lorawan import AesKey

from .keys import AsKey, ClientError


def encrypt_app_key(app_key: AesKey, public_exchange_key: str) -> str:
    """An AppKey or NwkKey under `publicExchangeKey` of an HSM group (PKCS#1 v1.5), base64: column F or U of
    ThingPark's CSV, with the version of the exchange key in column X."""
    try:
        key = load_pem_public_key(public_exchange_key.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise ClientError("publicExchangeKey is no public key in PEM") from None
    if not isinstance(key, rsa.RSAPublicKey):
        raise ClientError("publicExchangeKey is not an RSA key")
    return base64.b64encode(key.encrypt(bytes(app_key), padding.PKCS1v15())).decode()


def wrap_app_key(app_key: AesKey, transport_key: AsKey) -> str:
    """An AppKey or NwkKey under a transport key that the vault shares with the customer (RFC 3394),
    hexadecimal: column F with the version in column S, column U with that in column V."""
    return aes_key_wrap(bytes.fromhex(transport_key.hex), bytes(app_key)).hex()
