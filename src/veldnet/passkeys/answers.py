"""Answers of authenticators, and what is wrong with them. They are bytes from outside: every part is
bounded and parsed
before anything is believed."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import struct
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, cast

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

if TYPE_CHECKING:
    # Loaded with the first passkey.
    from fido2.cose import CoseKey
    from fido2.webauthn import AuthenticatorData

Reason = Literal["origin", "challenge", "verification", "algorithm", "invalid"]

# COSE: ES256, EdDSA and RS256, which all authenticators between them have.
ALGORITHMS = (-7, -8, -257)
_TRANSPORTS = frozenset(("usb", "nfc", "ble", "smart-card", "hybrid", "internal"))
# Octets; the standard allows 1023 for the identifier.
_MOST_IDENTIFIER = 1023
_MOST_KEY = 2048
_MOST_PART = 16_384
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*")
# What parsers raise for octets that are not what they should be.
_MALFORMED = (
    ValueError,
    KeyError,
    TypeError,
    IndexError,
    AttributeError,
    AssertionError,
    OverflowError,
    RecursionError,
    NotImplementedError,
    struct.error,
    UnsupportedAlgorithm,
)


class PasskeyProblem(Exception):
    """An answer that is refused. `detail` is for the log."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(detail)
        self.reason: Reason = reason
        self.detail = detail


class CreatedPasskey(msgspec.Struct, frozen=True):
    """What a browser returns of a new passkey: members of `RegistrationResponseJSON`, in base64url."""

    id: str
    clientDataJSON: str
    attestationObject: str
    transports: tuple[str, ...] = ()


class ShownPasskey(msgspec.Struct, frozen=True):
    """What a browser returns of a passkey that was used: members of `AuthenticationResponseJSON`, in
    base64url."""

    id: str
    clientDataJSON: str
    authenticatorData: str
    signature: str
    userHandle: str | None = None


class CreatedKey(msgspec.Struct, frozen=True):
    """A new passkey that was checked; `public_key` is a COSE key."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: tuple[str, ...]


class _ClientData(msgspec.Struct, frozen=True):
    """What the browser itself says of the request, and the authenticator has signed."""

    type: str
    challenge: str
    origin: str
    crossOrigin: bool = False


def encode(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def decode(text: str, what: str, most: int = _MOST_PART) -> bytes:
    """The octets of base64url without padding. Raises `PasskeyProblem`."""
    if not text or len(text) > most * 4 // 3 + 4 or not _BASE64URL.fullmatch(text):
        raise PasskeyProblem("invalid", f"{what} is not base64url, or too long")
    try:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (binascii.Error, ValueError):
        raise PasskeyProblem("invalid", f"{what} is not base64url") from None


def credential_id(text: str) -> bytes:
    """Raises `PasskeyProblem`."""
    return decode(text, "id", _MOST_IDENTIFIER)


def check_client_data(octets: bytes, kind: str, challenge: bytes, origin: str) -> bytes:
    """What the browser says belongs to this request at this address; returns its digest, which is signed.
    Raises
    `PasskeyProblem`."""
    try:
        said = msgspec.json.decode(octets, type=_ClientData)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise PasskeyProblem("invalid", f"clientDataJSON: {error}") from None
    if said.type != kind:
        raise PasskeyProblem("invalid", f"clientDataJSON is of type {said.type[:40]!r}")
    if said.origin != origin or said.crossOrigin:
        raise PasskeyProblem("origin", f"answered at {said.origin[:200]!r}")
    if not hmac.compare_digest(said.challenge.encode(), encode(challenge).encode()):
        raise PasskeyProblem("challenge", "another challenge was signed")
    return hashlib.sha256(octets).digest()


def check_authenticator(data: AuthenticatorData, party: str) -> None:
    """It answered for this server, and knows its user: somebody was there, and a PIN, a finger or a face
    was right.
    Raises `PasskeyProblem`."""
    if not hmac.compare_digest(hashlib.sha256(party.encode()).digest(), data.rp_id_hash):
        raise PasskeyProblem("origin", "answered for another relying party")
    if not data.is_user_present() or not data.is_user_verified():
        raise PasskeyProblem("verification", f"flags {int(data.flags):#04x}")


def read_creation(created: CreatedPasskey, party: str) -> CreatedKey:
    """Raises `PasskeyProblem`. Attestation is not asked for, so its statement is not looked at."""
    from fido2 import cbor
    from fido2.webauthn import AttestationObject

    identifier = credential_id(created.id)
    try:
        data = AttestationObject(decode(created.attestationObject, "attestationObject")).auth_data
    except _MALFORMED as error:
        raise PasskeyProblem("invalid", f"attestationObject: {error!r}") from None
    check_authenticator(data, party)
    made = data.credential_data
    if made is None or not hmac.compare_digest(made.credential_id, identifier):
        raise PasskeyProblem("invalid", "attestationObject is of another credential")
    key = made.public_key
    algorithm = key.get(3)
    if algorithm not in ALGORITHMS:
        raise PasskeyProblem("algorithm", f"COSE algorithm {algorithm!r:.40}")
    try:
        public_key = bytes(cbor.encode(dict(key)))
        # A key that cannot be used is refused here, and not at the first sign-in.
        _fits(key, b"", b"")
    except _MALFORMED as error:
        raise PasskeyProblem("invalid", f"public key: {error!r}") from None
    if len(public_key) > _MOST_KEY:
        raise PasskeyProblem("invalid", f"public key of {len(public_key)} octets")
    transports = tuple(sorted(_TRANSPORTS.intersection(created.transports[:10])))
    return CreatedKey(identifier, public_key, data.counter, transports)


def _fits(key: CoseKey, message: bytes, signature: bytes) -> bool:
    try:
        key.verify(message, signature)
    except InvalidSignature:
        return False
    return True


def read_use(shown: ShownPasskey, party: str, public_key: bytes, client_digest: bytes) -> int:
    """The signature is the key's; returns the authenticator's counter. Raises `PasskeyProblem`."""
    from fido2 import cbor
    from fido2.cose import CoseKey
    from fido2.webauthn import AuthenticatorData

    octets = decode(shown.authenticatorData, "authenticatorData")
    signature = decode(shown.signature, "signature")
    try:
        data = AuthenticatorData(octets)
        key = CoseKey.parse(cast(Mapping[int, Any], cbor.decode(public_key)))
        fits = _fits(key, octets + client_digest, signature)
    except _MALFORMED as error:
        raise PasskeyProblem("invalid", f"authenticatorData: {error!r}") from None
    if not fits:
        raise PasskeyProblem("invalid", "the signature is wrong")
    check_authenticator(data, party)
    return int(data.counter)
