"""Moves root keys between vaults without exposing them in clear.

The destination makes a channel key, which reaches the source under an RSA key that the source has made for
this occasion; the source wraps root keys under it. A vault does this for whoever has its PIN or its master
key, never for the server: its protocol has no word for it.
"""

from __future__ import annotations

import secrets
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from .interface import Sealed, VaultError
from .software import SoftwareVault

CHANNEL_BITS = 2048
CHANNEL_KEY = 32


class Source(Protocol):
    """Gives root keys away."""

    def invite(self) -> RSAPublicKey:
        """The public key for the channel key."""

    def accept(self, channel_key: bytes) -> None:
        """Take the channel key, encrypted with PKCS#1 v1.5."""

    def send(self, item: Sealed) -> bytes:
        """A root key wrapped under the channel key. Raises `VaultError` bad_seal."""


class Destination(Protocol):
    """Takes root keys in."""

    def answer(self, invitation: RSAPublicKey) -> bytes:
        """A new channel key, encrypted for the source."""

    def receive(self, label: str, wrapped: bytes) -> bytes:
        """Seal a root key that came through the channel."""


def connect(source: Source, destination: Destination) -> None:
    """Agree on a channel key."""
    source.accept(destination.answer(source.invite()))


class SoftwareMover:
    """Both ends for the software vault."""

    def __init__(self, vault: SoftwareVault) -> None:
        self._vault = vault
        self._private: RSAPrivateKey | None = None
        self._channel = b""

    def invite(self) -> RSAPublicKey:
        self._private = generate_private_key(public_exponent=65537, key_size=CHANNEL_BITS)
        return self._private.public_key()

    def accept(self, channel_key: bytes) -> None:
        assert self._private is not None
        self._channel = self._private.decrypt(channel_key, padding.PKCS1v15())

    def send(self, item: Sealed) -> bytes:
        return aes_key_wrap(self._channel, self._vault.unseal_as(item.label, item.octets))

    def answer(self, invitation: RSAPublicKey) -> bytes:
        self._channel = secrets.token_bytes(CHANNEL_KEY)
        return invitation.encrypt(self._channel, padding.PKCS1v15())

    def receive(self, label: str, wrapped: bytes) -> bytes:
        try:
            return self._vault.seal_as(label, aes_key_unwrap(self._channel, wrapped))
        except (InvalidUnwrap, ValueError):
            raise VaultError("bad_transport", "the key did not arrive whole") from None
