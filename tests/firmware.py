"""Signs firmware as operators do, away from the server."""

from __future__ import annotations

import base64
import zlib

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


class Signer:
    """The operator's key, which the server never sees."""

    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())

    @property
    def sum(self) -> int:
        """CRC-32 of the file `sig-0.key` of stations: the point without its first octet."""
        public = self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return zlib.crc32(public[1:])

    def body(self, content: bytes, algorithm: hashes.HashAlgorithm | None = None) -> dict[str, str]:
        signature = self.key.sign(content, ec.ECDSA(algorithm or hashes.SHA512()))
        pem = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return {"signature": base64.b64encode(signature).decode(), "publicKey": pem.decode()}
