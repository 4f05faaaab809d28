"""An authenticator with passkeys and the browser before it, in software: written from the WebAuthn standard
and not
with the server's code, so that it can answer as it should, and as it should not."""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import struct
from collections.abc import Callable, Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

# Flags of authenticator data.
PRESENT, VERIFIED, ATTESTED = 0x01, 0x04, 0x40


def encode(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def cbor(value: Any) -> bytes:
    """CBOR of what authenticators send: numbers, octets, text and maps."""
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    assert isinstance(value, Mapping)
    return _head(5, len(value)) + b"".join(cbor(key) + cbor(inner) for key, inner in value.items())


def _head(major: int, count: int) -> bytes:
    for kind, (limit, form) in enumerate(((1 << 8, ">B"), (1 << 16, ">H"), (1 << 32, ">I"))):
        if count < 24:
            return bytes([major << 5 | count])
        if count < limit:
            return bytes([major << 5 | 24 + kind]) + struct.pack(form, count)
    raise AssertionError(count)


class Key:
    """A key pair and its COSE form, for the algorithms that servers take."""

    def __init__(self, algorithm: int = -7) -> None:
        self.cose: dict[int, Any]
        self.sign: Callable[[bytes], bytes]
        if algorithm == -8:
            edwards = ed25519.Ed25519PrivateKey.generate()
            self.sign = edwards.sign
            self.cose = {1: 1, 3: -8, -1: 6, -2: edwards.public_key().public_bytes_raw()}
        elif algorithm == -257:
            own = rsa.generate_private_key(65537, 2048)
            self.sign = lambda message: own.sign(message, padding.PKCS1v15(), SHA256())
            modulus = own.public_key().public_numbers().n.to_bytes(256, "big")
            self.cose = {1: 3, 3: -257, -1: modulus, -2: b"\x01\x00\x01"}
        else:
            curve = ec.generate_private_key(ec.SECP256R1())
            self.sign = lambda message: curve.sign(message, ec.ECDSA(SHA256()))
            at = curve.public_key().public_numbers()
            self.cose = {
                1: 2,
                3: algorithm,
                -1: 1,
                -2: at.x.to_bytes(32, "big"),
                -3: at.y.to_bytes(32, "big"),
            }


class Authenticator:
    """One passkey. `origin` is the address that the browser shows; what is answered wrongly on purpose is
    given with
    the call."""

    def __init__(self, origin: str, algorithm: int = -7) -> None:
        self.origin = origin
        self.key = Key(algorithm)
        self.identifier = secrets.token_bytes(32)
        self.counter = 0
        self.handle = ""

    def create(self, options: Mapping[str, Any], **wrong: Any) -> dict[str, Any]:
        """The answer to a request for a new passkey."""
        self.handle = options["user"]["id"]
        credential = wrong.get("identifier", self.identifier)
        attested = (
            bytes(16)
            + struct.pack(">H", len(credential))
            + credential
            + cbor(wrong.get("cose", self.key.cose))
        )
        data = (
            self._data(wrong.get("rp", options["rp"]["id"]), PRESENT | VERIFIED | ATTESTED, wrong) + attested
        )
        statement = {"fmt": "none", "attStmt": {}, "authData": data}
        return {
            "id": encode(self.identifier),
            "clientDataJSON": encode(self._client_data("webauthn.create", options["challenge"], wrong)),
            "attestationObject": wrong.get("attestationObject", encode(cbor(statement))),
            "transports": ["internal", "hybrid", "carrier-pigeon"],
        }

    def show(self, options: Mapping[str, Any], **wrong: Any) -> dict[str, Any]:
        """The answer to a request for the passkey."""
        client = self._client_data("webauthn.get", options["challenge"], wrong)
        data = self._data(wrong.get("rp", options["rpId"]), PRESENT | VERIFIED, wrong)
        signature = wrong.get("key", self.key).sign(data + hashlib.sha256(client).digest())
        return {
            "id": encode(wrong.get("identifier", self.identifier)),
            "clientDataJSON": encode(client),
            "authenticatorData": wrong.get("authenticatorData", encode(data)),
            "signature": wrong.get("signature", encode(signature)),
            "userHandle": wrong.get("handle", self.handle),
        }

    def _client_data(self, kind: str, challenge: str, wrong: Mapping[str, Any]) -> bytes:
        if "client" in wrong:
            return bytes(wrong["client"])
        return json.dumps(
            {
                "type": wrong.get("type", kind),
                "challenge": wrong.get("challenge", challenge),
                "origin": wrong.get("origin", self.origin),
                "crossOrigin": wrong.get("cross", False),
            }
        ).encode()

    def _data(self, party: str, flags: int, wrong: Mapping[str, Any]) -> bytes:
        self.counter = wrong.get("counter", self.counter + 1 if self.counter else 0)
        flags = wrong.get("flags", flags)
        return hashlib.sha256(party.encode()).digest() + struct.pack(">BI", flags, self.counter)
