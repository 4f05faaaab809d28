"""Both ends of a move of root keys for a PKCS#11 token: the channel key and the root keys stay inside."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.util.rsa import decode_rsa_public_key

from veldnet.keys.interface import Sealed
from veldnet.keys.moving import CHANNEL_BITS, CHANNEL_KEY

from .opened import LEAVING, SECRET, WRAPPER, Opened, destroy
from .token import Token


class TokenMover:
    """`Source` and `Destination` on an open token. Its session objects go with the session."""

    def __init__(self, token: Token) -> None:
        self._token = token
        self._private: Any = None
        self._channel: Any = None

    def invite(self) -> RSAPublicKey:
        public, self._private = self._token.session().generate_keypair(
            KeyType.RSA,
            CHANNEL_BITS,
            store=False,
            public_template={Attribute.WRAP: True},
            private_template=SECRET | {Attribute.EXTRACTABLE: False, Attribute.UNWRAP: True},
        )
        exponent, modulus = (public[name] for name in (Attribute.PUBLIC_EXPONENT, Attribute.MODULUS))
        return RSAPublicNumbers(int.from_bytes(exponent, "big"), int.from_bytes(modulus, "big")).public_key()

    def accept(self, channel_key: bytes) -> None:
        self._channel = self._private.unwrap_key(
            ObjectClass.SECRET_KEY,
            KeyType.AES,
            channel_key,
            mechanism=Mechanism.RSA_PKCS,
            template=WRAPPER,
        )

    def send(self, item: Sealed) -> bytes:
        with ExitStack() as stack:
            key = Opened(self._token, stack).unwrap(item.label, item.octets, LEAVING).handle
            return bytes(self._channel.wrap_key(key, mechanism=Mechanism.AES_KEY_WRAP))

    def answer(self, invitation: RSAPublicKey) -> bytes:
        session = self._token.session()
        self._channel = session.generate_key(
            KeyType.AES, CHANNEL_KEY * 8, store=False, template=WRAPPER | {Attribute.EXTRACTABLE: True}
        )
        described = decode_rsa_public_key(invitation.public_bytes(Encoding.DER, PublicFormat.PKCS1))
        source = session.create_object(described | {Attribute.TOKEN: False, Attribute.WRAP: True})
        try:
            return bytes(source.wrap_key(self._channel, mechanism=Mechanism.RSA_PKCS))
        finally:
            destroy(source)

    def receive(self, label: str, wrapped: bytes) -> bytes:
        with ExitStack() as stack:
            opened = Opened(self._token, stack)
            key = opened.unwrap_with(self._channel, wrapped, LEAVING, "bad_transport")
            stack.callback(destroy, key)
            return opened.wrap(label, key)
