"""RSA public keys as customers send them: PEM with line breaks, with escaped ones, or on one line."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Literal

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from veldnet.texts import Text

from .interface import VaultError

MIN_BITS = 1024
MAX_BITS = 8192
_ARMOUR = re.compile(r"^-----BEGIN PUBLIC KEY-----(?P<body>.*)-----END PUBLIC KEY-----$", re.DOTALL)


def parse_rsa_public_key(pem: str) -> RSAPublicKey:
    """Read a SubjectPublicKeyInfo PEM; line breaks may be missing or written as `\\n`.

    Raises `VaultError` that says what is wrong with the key.
    """
    text = pem.replace("\\r", "").replace("\\n", "\n").strip()
    armoured = _ARMOUR.match(text)
    if armoured is None:
        raise VaultError(
            "bad_pem",
            Text(
                "rsaPublicKey must be a PEM that starts with -----BEGIN PUBLIC KEY----- and ends with its END"
            ),
        )
    try:
        der = base64.b64decode("".join(armoured["body"].split()), validate=True)
        key = load_der_public_key(der)
    except (binascii.Error, ValueError, UnsupportedAlgorithm):
        words = Text("rsaPublicKey does not contain a base64-encoded public key")
        raise VaultError("bad_pem", words) from None
    if not isinstance(key, RSAPublicKey):
        raise VaultError("bad_pem", Text("rsaPublicKey must be an RSA key"))
    if not MIN_BITS <= key.key_size <= MAX_BITS:
        raise VaultError(
            "weak_key",
            Text(
                "rsaPublicKey has {bits} bits; {least} to {most} are accepted, 2048 recommended",
                bits=key.key_size,
                least=MIN_BITS,
                most=MAX_BITS,
            ),
        )
    return key


class AskForm(msgspec.Struct, frozen=True):
    """How an AS key is written under the customer's RSA key: as 16 octets or 32 hexadecimal digits, and with
    which padding. ThingPark's is PKCS#1 v1.5 over octets."""

    plaintext: Literal["raw", "hex"] = "raw"
    padding: Literal["pkcs1v15", "oaep-sha1", "oaep-sha256"] = "pkcs1v15"


def encrypt_for(key: RSAPublicKey, octets: bytes, form: AskForm) -> bytes:
    """A key for its customer, as long as the RSA key."""
    plaintext = octets if form.plaintext == "raw" else octets.hex().encode()
    return key.encrypt(plaintext, _PADDINGS[form.padding])


def _oaep(algorithm: hashes.HashAlgorithm) -> padding.OAEP:
    return padding.OAEP(padding.MGF1(algorithm), algorithm, label=None)


_PADDINGS: dict[str, padding.AsymmetricPadding] = {
    "pkcs1v15": padding.PKCS1v15(),
    # SHA-1 within OAEP is what many modules know, and as good as another there.
    "oaep-sha1": _oaep(hashes.SHA1()),  # noqa: S303
    "oaep-sha256": _oaep(hashes.SHA256()),
}
