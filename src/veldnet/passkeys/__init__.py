"""Passkeys (WebAuthn): what browsers are asked for, and checks of what authenticators answer. Nothing is
kept here."""

from .answers import CreatedKey, CreatedPasskey, PasskeyProblem, Reason, ShownPasskey, decode, encode
from .challenges import Challenges
from .relying_party import (
    PasskeyCreation,
    PasskeyDescriptor,
    PasskeyRequest,
    RelyingParty,
    passkey_user,
    relying_party,
)

__all__ = [
    "Challenges",
    "CreatedKey",
    "CreatedPasskey",
    "PasskeyCreation",
    "PasskeyDescriptor",
    "PasskeyProblem",
    "PasskeyRequest",
    "Reason",
    "RelyingParty",
    "ShownPasskey",
    "decode",
    "encode",
    "passkey_user",
    "relying_party",
]
