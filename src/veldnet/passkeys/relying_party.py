"""The server as authenticators know it: one address, and the name of its host."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from .answers import (
    ALGORITHMS,
    CreatedKey,
    CreatedPasskey,
    ShownPasskey,
    check_client_data,
    decode,
    encode,
    read_creation,
    read_use,
)

# For people who look for their key; the challenge expires with it.
_MILLISECONDS = 300_000


class PasskeyParty(msgspec.Struct, frozen=True):
    """The relying party: host name, and name of the network."""

    id: str
    name: str


class PasskeyUser(msgspec.Struct, frozen=True):
    """Whose passkey it becomes; `id` is random, so authenticators learn nothing of the user by it."""

    id: str
    name: str
    displayName: str


class PasskeyAlgorithm(msgspec.Struct, frozen=True):
    """A COSE algorithm that is taken."""

    alg: int
    type: Literal["public-key"] = "public-key"


class PasskeyDescriptor(msgspec.Struct, frozen=True):
    """A passkey by its identifier in base64url."""

    id: str
    transports: tuple[str, ...] = ()
    type: Literal["public-key"] = "public-key"


class PasskeySelection(msgspec.Struct, frozen=True):
    """Which authenticators will do: with user verification; `residentKey` where the passkey is to be found
    without a
    user name."""

    residentKey: Literal["required", "preferred"]
    requireResidentKey: bool
    userVerification: Literal["required"] = "required"


class PasskeyCreation(msgspec.Struct, frozen=True):
    """For `PublicKeyCredential.parseCreationOptionsFromJSON` of the browser."""

    rp: PasskeyParty
    user: PasskeyUser
    challenge: str
    pubKeyCredParams: tuple[PasskeyAlgorithm, ...]
    excludeCredentials: tuple[PasskeyDescriptor, ...]
    authenticatorSelection: PasskeySelection
    timeout: int = _MILLISECONDS
    attestation: Literal["none"] = "none"


class PasskeyRequest(msgspec.Struct, frozen=True):
    """For `PublicKeyCredential.parseRequestOptionsFromJSON` of the browser. Without `allowCredentials` the
    user chooses
    among the passkeys of this server."""

    rpId: str
    challenge: str
    allowCredentials: tuple[PasskeyDescriptor, ...]
    timeout: int = _MILLISECONDS
    userVerification: Literal["required"] = "required"


def _described(known: Iterable[tuple[bytes, Sequence[str]]]) -> tuple[PasskeyDescriptor, ...]:
    return tuple(PasskeyDescriptor(encode(one), tuple(transports)) for one, transports in known)


class RelyingParty(msgspec.Struct, frozen=True):
    """`origin` is the address of the console without a path, `id` its host."""

    origin: str
    id: str

    def creation_options(
        self,
        network: str,
        user: PasskeyUser,
        challenge: bytes,
        known: Iterable[tuple[bytes, Sequence[str]]],
        *,
        alone: bool,
    ) -> PasskeyCreation:
        """`known` are the user's passkeys, which are not made again; with `alone` it signs in without a
        user name."""
        return PasskeyCreation(
            PasskeyParty(self.id, network),
            user,
            encode(challenge),
            tuple(PasskeyAlgorithm(algorithm) for algorithm in ALGORITHMS),
            _described(known),
            PasskeySelection("required" if alone else "preferred", alone),
        )

    def request_options(
        self, challenge: bytes, known: Iterable[tuple[bytes, Sequence[str]]] = ()
    ) -> PasskeyRequest:
        return PasskeyRequest(self.id, encode(challenge), _described(known))

    def check_creation(self, created: CreatedPasskey, challenge: bytes) -> CreatedKey:
        """A new passkey. Raises `PasskeyProblem`."""
        octets = decode(created.clientDataJSON, "clientDataJSON")
        check_client_data(octets, "webauthn.create", challenge, self.origin)
        return read_creation(created, self.id)

    def check_use(self, shown: ShownPasskey, public_key: bytes, challenge: bytes) -> int:
        """The passkey with this key was used for this challenge; returns its counter. Raises
        `PasskeyProblem`."""
        octets = decode(shown.clientDataJSON, "clientDataJSON")
        digest = check_client_data(octets, "webauthn.get", challenge, self.origin)
        return read_use(shown, self.id, public_key, digest)


def passkey_user(handle: bytes, username: str, display_name: str) -> PasskeyUser:
    return PasskeyUser(encode(handle), username, display_name)


def relying_party(url: str) -> RelyingParty | None:
    """The server at its public address. None where browsers have no passkeys: without HTTPS (but for
    localhost), and
    for IP addresses."""
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").encode("idna").decode().lower()
        port = parts.port
    except (ValueError, UnicodeError):
        return None
    local = host == "localhost" or host.endswith(".localhost")
    if not host or _is_address(host) or not (parts.scheme == "https" or (parts.scheme == "http" and local)):
        return None
    usual = {"https": 443, "http": 80}[parts.scheme]
    at = "" if port in (None, usual) else f":{port}"
    return RelyingParty(f"{parts.scheme}://{host}{at}", host)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        # Browsers read numbers as an IPv4 address, too.
        return host.rpartition(".")[2].isdigit()
    return True
