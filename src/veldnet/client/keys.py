"""The customer's keys: the RSA pair, and the AS key that the vault encrypts for it."""

from __future__ import annotations

from typing import Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from veldnet.lorawan import AesKey, InvalidKey
from veldnet.lorawan.crypto import aes_decrypt

_BLOCK = 16


class ClientError(ValueError):
    """What was given cannot be opened; the message says what would be right."""


class AsKey:
    """An AS transport key: opens the AppSKeys of devices. It shows itself to nobody but `hex`."""

    __slots__ = ("_key",)

    def __init__(self, octets: bytes) -> None:
        if len(octets) != _BLOCK:
            raise ClientError(f"an AS key has 16 octets, not {len(octets)}")
        self._key = AesKey(octets)

    @classmethod
    def from_hex(cls, text: str) -> AsKey:
        try:
            return cls(bytes(AesKey.parse(text.strip())))
        except InvalidKey:
            raise ClientError("an AS key is 32 hexadecimal digits") from None

    @property
    def hex(self) -> str:
        return bytes(self._key).hex()

    def unwrap(self, wrapped: str) -> AesKey:
        """The AppSKey in an uplink's `AppSKey`, or in `Var1` of a join notification; hexadecimal."""
        try:
            octets = bytes.fromhex(wrapped)
        except ValueError:
            raise ClientError("a wrapped AppSKey is 32 hexadecimal digits") from None
        if len(octets) != _BLOCK:
            raise ClientError(f"a wrapped AppSKey has 16 octets, not {len(octets)}")
        return AesKey(aes_decrypt(self._key, octets))

    def __repr__(self) -> str:
        return "AsKey(...)"


def create_rsa_key(bits: int = 2048) -> rsa.RSAPrivateKey:
    """A new RSA key, of 2048 to 8192 bits."""
    if not 2048 <= bits <= 8192:
        raise ClientError(f"an RSA key of {bits} bits: 2048 to 8192 are sensible")
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def private_pem(key: rsa.RSAPrivateKey, password: bytes | None = None) -> bytes:
    """PKCS#8, encrypted where there is a password."""
    encryption = BestAvailableEncryption(password) if password else NoEncryption()
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption)


def public_pem(key: rsa.RSAPrivateKey) -> str:
    """What goes into `rsaPublicKey` of a routing profile."""
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def load_rsa_key(pem: bytes, password: bytes | None = None) -> rsa.RSAPrivateKey:
    """Read a private key as PEM. Raises `ClientError`."""
    try:
        key = load_pem_private_key(pem, password)
    except TypeError:
        words = "needs its password" if password is None else "has no password"
        raise ClientError(f"the private key {words}") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ClientError("this is no private key in PEM, or the password is wrong") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ClientError("the private key is not an RSA key")
    return key


def open_as_key(
    key: rsa.RSAPrivateKey, rsa_encrypted: str, *, scheme: Literal["PKCS1v15", "OAEP"] = "PKCS1v15"
) -> AsKey:
    """Open `rsaEncryptedASKey` of a routing profile, hexadecimal; it is shown once, when it is made."""
    try:
        encrypted = bytes.fromhex(rsa_encrypted.strip())
        octets = key.decrypt(encrypted, padding.PKCS1v15()) if scheme == "PKCS1v15" else _oaep(key, encrypted)
    except ValueError:
        raise ClientError("rsaEncryptedASKey was not encrypted for this RSA key") from None
    # Some networks write the key as digits.
    if len(octets) == 2 * _BLOCK:
        return AsKey.from_hex(octets.decode("ascii", "replace"))
    if len(octets) != _BLOCK:
        raise ClientError("rsaEncryptedASKey was not encrypted for this RSA key")
    return AsKey(octets)


def _oaep(key: rsa.RSAPrivateKey, encrypted: bytes) -> bytes:
    """With SHA-256, or with SHA-1, which is what many modules know."""
    try:
        return key.decrypt(encrypted, padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None))
    except ValueError:
        old = hashes.SHA1()  # noqa: S303 - within OAEP it is as good as another
        return key.decrypt(encrypted, padding.OAEP(padding.MGF1(old), old, None))
