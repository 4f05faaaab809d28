"""Documents of the exchange with a provider, read and checked without I/O."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode, urlsplit

import msgspec

if TYPE_CHECKING:
    # Loaded with the first sign-in.
    from joserfc.jwk import KeySet

Reason = Literal[
    "unreachable",
    "redirected",
    "too_large",
    "not_understood",
    "wrong_issuer",
    "endpoint",
    "denied",
    "state",
    "refused",
    "no_token",
    "algorithm",
    "signature",
    "wrong_audience",
    "wrong_nonce",
    "expired",
    "no_subject",
]
# Asymmetric ones alone: a shared secret or none proves nothing.
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)
# Seconds that clocks may differ.
_LEEWAY = 60.0
# Seconds from the signature to its use.
_OLDEST = 600.0
_MOST_TOKEN = 32_768
_MOST_KEYS = 64


class ProviderProblem(Exception):
    """Signing in failed. `reason` names the sentence for people, `detail` is for the log."""

    def __init__(self, reason: Reason, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class Registration(msgspec.Struct, frozen=True):
    """How the provider knows this server."""

    issuer: str
    client_id: str
    client_secret: str
    scopes: str
    redirect_uri: str


class Attempt(msgspec.Struct, frozen=True):
    """What one browser's attempt to sign in is recognised by."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> Attempt:
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))

    @property
    def challenge(self) -> str:
        """Of PKCE (RFC 7636), S256."""
        digest = hashlib.sha256(self.verifier.encode()).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")


class Metadata(msgspec.Struct, frozen=True):
    """What is used of a provider's discovery document."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)


class _Tokens(msgspec.Struct):
    id_token: str = ""
    error: str = ""


class Person(msgspec.Struct, frozen=True):
    """Who has signed in at the provider, and everything that it says of the person."""

    issuer: str
    subject: str
    claims: dict[str, Any]

    def text(self, name: str) -> str:
        """A claim that is a text, empty where it is none."""
        value = self.claims.get(name)
        return value.strip()[:254] if isinstance(value, str) and value.isprintable() else ""

    def values(self, name: str) -> list[str]:
        """A claim that is a text or a list of texts, such as groups."""
        value = self.claims.get(name)
        found = value if isinstance(value, list) else [value]
        return [each for each in found[:1000] if isinstance(each, str)]

    @property
    def email(self) -> str | None:
        """The address, only where the provider says that it is the person's."""
        return self.text("email") or None if self.claims.get("email_verified") is True else None


def read_metadata(octets: bytes, issuer: str) -> Metadata:
    """The discovery document of an issuer. Raises `ProviderProblem`."""
    try:
        found = msgspec.json.decode(octets, type=Metadata)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ProviderProblem("not_understood", f"discovery document: {error}") from None
    if found.issuer != issuer:
        raise ProviderProblem("wrong_issuer", f"discovery document of {found.issuer[:200]!r}")
    local = urlsplit(issuer).scheme == "http"
    for address in (found.authorization_endpoint, found.token_endpoint, found.jwks_uri):
        parts = urlsplit(address)
        secure = parts.scheme == "https" or (local and parts.netloc == urlsplit(issuer).netloc)
        if not secure or not parts.netloc or "@" in parts.netloc or parts.fragment:
            raise ProviderProblem("endpoint", address[:200])
    return found


def authorization_address(metadata: Metadata, registration: Registration, attempt: Attempt) -> str:
    """Where the browser is sent to."""
    parameters = {
        "response_type": "code",
        "client_id": registration.client_id,
        "redirect_uri": registration.redirect_uri,
        "scope": registration.scopes,
        "state": attempt.state,
        "nonce": attempt.nonce,
        "code_challenge": attempt.challenge,
        "code_challenge_method": "S256",
    }
    joint = "&" if "?" in metadata.authorization_endpoint else "?"
    return f"{metadata.authorization_endpoint}{joint}{urlencode(parameters)}"


def read_callback(query: dict[str, str], issuer: str, attempt: Attempt) -> str:
    """The code that the browser brings back. Raises `ProviderProblem`."""
    if not hmac.compare_digest(query.get("state", "").encode(), attempt.state.encode()):
        raise ProviderProblem("state")
    # RFC 9207: an answer of another provider says so.
    if "iss" in query and query["iss"] != issuer:
        raise ProviderProblem("wrong_issuer", query["iss"][:200])
    if "error" in query:
        raise ProviderProblem("denied", query["error"][:200])
    code = query.get("code", "")
    if not 1 <= len(code) <= 4096:
        raise ProviderProblem("not_understood", "no code")
    return code


def read_tokens(octets: bytes, status: int) -> str:
    """The ID token of a token endpoint's answer. Raises `ProviderProblem`."""
    try:
        found = msgspec.json.decode(octets, type=_Tokens)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ProviderProblem("not_understood", f"token endpoint: status {status}, {error}") from None
    if status != 200 or found.error:
        raise ProviderProblem("refused", f"token endpoint: status {status}, {found.error[:200]}")
    if not found.id_token or len(found.id_token) > _MOST_TOKEN:
        raise ProviderProblem("no_token", f"{len(found.id_token)} characters")
    return found.id_token


def read_keys(octets: bytes) -> KeySet:
    """The public keys of a provider; those of other kinds are passed over. Raises `ProviderProblem`."""
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet

    try:
        found = msgspec.json.decode(octets, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError) as error:
        raise ProviderProblem("not_understood", f"keys: {error}") from None
    listed = found.get("keys")
    usable = [
        key
        for key in (listed if isinstance(listed, list) else [])
        if isinstance(key, dict) and key.get("kty") in ("RSA", "EC", "OKP") and key.get("use", "sig") == "sig"
    ]
    try:
        return KeySet.import_key_set({"keys": usable[:_MOST_KEYS]})
    except (JoseError, ValueError, KeyError, TypeError) as error:
        raise ProviderProblem("not_understood", f"keys: {error}") from None


def key_id_of(token: str) -> str | None:
    """The key that a token names. Raises `ProviderProblem` for an algorithm that proves nothing."""
    try:
        header = token.split(".")[0]
        found = msgspec.json.decode(
            base64.urlsafe_b64decode(header + "=" * (-len(header) % 4)), type=dict[str, Any]
        )
    except (ValueError, msgspec.DecodeError, RecursionError) as error:
        raise ProviderProblem("not_understood", f"ID token: {error}") from None
    if found.get("alg") not in ALGORITHMS:
        raise ProviderProblem("algorithm", str(found.get("alg"))[:40])
    named = found.get("kid")
    return named if isinstance(named, str) else None


def read_id_token(
    token: str, keys: KeySet, registration: Registration, attempt: Attempt, now: float
) -> Person:
    """Who has signed in (OpenID Connect Core §3.1.3.7). Raises `ProviderProblem`."""
    from joserfc import jwt
    from joserfc.errors import JoseError

    key_id_of(token)
    try:
        claims: dict[str, Any] = dict(jwt.decode(token, keys, algorithms=sorted(ALGORITHMS)).claims)
    except (JoseError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise ProviderProblem("signature", f"{type(error).__name__}: {error}"[:200]) from None
    if claims.get("iss") != registration.issuer:
        raise ProviderProblem("wrong_issuer", str(claims.get("iss"))[:200])
    _check_audience(claims, registration.client_id)
    _check_times(claims, now)
    nonce = claims.get("nonce")
    if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), attempt.nonce.encode()):
        raise ProviderProblem("wrong_nonce")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 1 <= len(subject) <= 255:
        raise ProviderProblem("no_subject")
    return Person(registration.issuer, subject, claims)


def _check_audience(claims: dict[str, Any], client_id: str) -> None:
    audience = claims.get("aud")
    listed = audience if isinstance(audience, list) else [audience]
    party = claims.get("azp", client_id if len(listed) == 1 else None)
    if client_id not in listed or party != client_id:
        raise ProviderProblem("wrong_audience", f"{str(audience)[:200]}, {str(party)[:200]}")


def _check_times(claims: dict[str, Any], now: float) -> None:
    ends, begun = claims.get("exp"), claims.get("iat")
    for value in (ends, begun):
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ProviderProblem("expired", f"exp {ends!r}, iat {begun!r}"[:200])
    assert isinstance(ends, int | float) and isinstance(begun, int | float)
    # Written so that NaN fails.
    if not ends > now - _LEEWAY or not now - _OLDEST - _LEEWAY < begun < now + _LEEWAY:
        raise ProviderProblem("expired", f"exp {ends}, iat {begun}, now {now:.0f}")
