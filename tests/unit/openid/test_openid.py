"""Identity providers that answer wrongly, or with malice, over real connections."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from veldnet.openid import Attempt, OpenIdClient, Person, ProviderProblem, Registration

NOW = 1_800_000_000.0
Answer = tuple[int, bytes]


@cache
def own_key() -> RSAKey:
    return RSAKey.generate_key(2048, {"kid": "one", "use": "sig"})


class Provider:
    """Answers as a provider should, but for what a test replaces."""

    def __init__(self) -> None:
        self.issuer = ""
        self.attempt = Attempt.new()
        self.key = own_key()
        self.claims: dict[str, Any] = {}
        self.document: dict[str, Any] = {}
        self.replaced: dict[str, Callable[[], bytes]] = {}
        self.asked: list[str] = []
        self.form: dict[str, str] = {}
        self.header: dict[str, str] = {"alg": "RS256", "kid": "one"}

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = next(
                (int(line[15:]) for line in head.split("\r\n") if line.lower().startswith("content-length:")),
                0,
            )
            if length:
                self.form = dict(parse_qsl((await reader.readexactly(length)).decode()))
            path = head.split(" ")[1]
            self.asked.append(path)
            writer.write(self.replaced.get(path, lambda: ok(self.answer(path)))())
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def answer(self, path: str) -> Any:
        if path == "/.well-known/openid-configuration":
            return {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/keys",
            } | self.document
        if path == "/keys":
            return {"keys": [own_key().as_dict(private=False)]}
        assert path == "/token"
        return {"id_token": self.token(), "access_token": "x", "token_type": "Bearer"}

    def token(self) -> str:
        claims = {
            "iss": self.issuer,
            "sub": "248289761001",
            "aud": "veldnet",
            "exp": NOW + 300,
            "iat": NOW,
            "nonce": self.attempt.nonce,
            "groups": ["staff", 7],
            "email": "a@example.com",
        }
        kept = {name: value for name, value in (claims | self.claims).items() if value is not None}
        return jwt.encode(dict(self.header), kept, self.key)

    def registration(self, **changes: str) -> Registration:
        values = {
            "issuer": self.issuer,
            "client_id": "veldnet",
            "client_secret": "se cret",
            "scopes": "openid",
            "redirect_uri": "https://lora.example.com/back",
        }
        return Registration(**(values | changes))

    async def finish(self, **query: str) -> Person:
        client = OpenIdClient(lambda: NOW)
        address = await client.begin(self.registration(), self.attempt)
        sent = dict(parse_qsl(urlsplit(address).query))
        assert sent["code_challenge_method"] == "S256" and sent["code_challenge"] == self.attempt.challenge
        return await client.finish(
            self.registration(), self.attempt, {"state": sent["state"], "code": "c"} | query
        )


def ok(body: Any) -> bytes:
    octets = json.dumps(body).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(octets) + octets


@asynccontextmanager
async def serving() -> AsyncIterator[Provider]:
    provider = Provider()
    server = await asyncio.start_server(provider.handle, "127.0.0.1", 0)
    provider.issuer = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield provider
    finally:
        server.close()


async def test_who_signs_in_is_known_by_issuer_and_subject() -> None:
    async with serving() as provider:
        person = await provider.finish()
        assert (person.issuer, person.subject) == (provider.issuer, "248289761001")
        assert person.values("groups") == ["staff"] and person.email is None, "not verified"
        assert provider.form["code_verifier"] == provider.attempt.verifier
        assert "client_secret" not in provider.form, "it goes by HTTP Basic"


WRONG_CLAIMS: dict[str, tuple[dict[str, Any], str]] = {
    "issuer": ({"iss": "https://evil.example"}, "wrong_issuer"),
    "no issuer": ({"iss": None}, "wrong_issuer"),
    "audience": ({"aud": "another"}, "wrong_audience"),
    "audiences without party": ({"aud": ["veldnet", "another"]}, "wrong_audience"),
    "party": ({"azp": "another"}, "wrong_audience"),
    "nonce": ({"nonce": "another"}, "wrong_nonce"),
    "no nonce": ({"nonce": None}, "wrong_nonce"),
    "expired": ({"exp": NOW - 61}, "expired"),
    "no end": ({"exp": None}, "expired"),
    "end that is no number": ({"exp": "tomorrow"}, "expired"),
    "of the future": ({"iat": NOW + 3600}, "expired"),
    "old": ({"iat": NOW - 3600}, "expired"),
    "nobody": ({"sub": None}, "no_subject"),
    "empty subject": ({"sub": ""}, "no_subject"),
    "subject that is no text": ({"sub": 7}, "no_subject"),
}


@pytest.mark.parametrize("name", WRONG_CLAIMS)
async def test_tokens_with_wrong_claims_are_refused(name: str) -> None:
    async with serving() as provider:
        provider.claims, reason = WRONG_CLAIMS[name]
        with pytest.raises(ProviderProblem) as problem:
            await provider.finish()
        assert problem.value.reason == reason


def unsigned(provider: Provider) -> str:
    _head, claims, _signature = provider.token().split(".")
    none = "eyJhbGciOiJub25lIn0"
    return f"{none}.{claims}."


def by_public_key(provider: Provider) -> str:
    """Signed with the public key as if it were a shared secret."""
    _head, claims, _signature = provider.token().split(".")
    head = part(b'{"alg":"HS256","kid":"one"}')
    signed = f"{head}.{claims}"
    return f"{signed}.{part(hmac.digest(own_key().as_pem(private=False), signed.encode(), 'sha256'))}"


def part(octets: bytes) -> str:
    return base64.urlsafe_b64encode(octets).decode().rstrip("=")


def by_somebody_else(provider: Provider) -> str:
    provider.key = RSAKey.generate_key(2048, {"kid": "one"})
    return provider.token()


def by_another_kind(provider: Provider) -> str:
    key = ECKey.generate_key("P-256", {"kid": "one"})
    return jwt.encode({"alg": "ES256", "kid": "one"}, {"iss": provider.issuer}, key)


FORGED: dict[str, tuple[Callable[[Provider], str], str]] = {
    "none": (unsigned, "algorithm"),
    "public key as secret": (by_public_key, "algorithm"),
    "another key": (by_somebody_else, "signature"),
    "another kind of key": (by_another_kind, "signature"),
    "changed": (lambda p: p.token()[:-6] + "AAAAAA", "signature"),
    "no token": (lambda _p: "abc", "not_understood"),
    "empty": (lambda _p: "", "no_token"),
    "huge": (lambda p: p.token() + "A" * 40_000, "no_token"),
}


@pytest.mark.parametrize("name", FORGED)
async def test_forged_tokens_are_refused(name: str) -> None:
    make, reason = FORGED[name]
    async with serving() as provider:
        provider.replaced["/token"] = lambda: ok({"id_token": make(provider)})
        with pytest.raises(ProviderProblem) as problem:
            await provider.finish()
        assert problem.value.reason == reason


REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
HUGE = b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n" + b" " * 900_000
CUT = b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"issuer": "x"}'
DEEP = b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n" + b"[" * 60_000
ANSWERS = {
    "redirect": (REDIRECT, "redirected"),
    "huge": (HUGE, "too_large"),
    "deep": (DEEP, "not_understood"),
    "no JSON": (b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n<p>", "not_understood"),
    "no HTTP": (b"SSH-2.0-x\r\n", "unreachable"),
    "error": (b"HTTP/1.1 500 No\r\nContent-Length: 2\r\n\r\n{}", None),
}
PATHS = ("/.well-known/openid-configuration", "/token", "/keys")


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("name", ANSWERS)
async def test_hostile_documents_are_refused(name: str, path: str) -> None:
    octets, reason = ANSWERS[name]
    async with serving() as provider:
        provider.replaced[path] = lambda: octets
        with pytest.raises(ProviderProblem) as problem:
            await provider.finish()
        assert problem.value.reason == (reason or ("refused" if path == "/token" else "unreachable"))
        assert provider.asked[-1] == path, "nothing is asked of anybody after it"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"issuer": "https://evil.example"}, "wrong_issuer"),
        ({"token_endpoint": "http://169.254.169.254/token"}, "endpoint"),
        ({"jwks_uri": "file:///etc/passwd"}, "endpoint"),
        ({"jwks_uri": "https://user:secret@evil.example/"}, "endpoint"),
        ({"authorization_endpoint": "javascript:alert(1)"}, "endpoint"),
        ({"token_endpoint": 7}, "not_understood"),
    ],
)
async def test_discovery_documents_name_secure_addresses(document: dict[str, Any], reason: str) -> None:
    async with serving() as provider:
        provider.document = document
        with pytest.raises(ProviderProblem) as problem:
            await provider.finish()
        assert problem.value.reason == reason


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({"state": "another"}, "state"),
        ({"error": "access_denied"}, "denied"),
        ({"iss": "https://evil.example"}, "wrong_issuer"),
        ({"code": ""}, "not_understood"),
        ({"code": "x" * 5000}, "not_understood"),
    ],
)
async def test_the_browser_brings_back_what_it_was_sent_with(query: dict[str, str], reason: str) -> None:
    async with serving() as provider:
        with pytest.raises(ProviderProblem) as problem:
            await provider.finish(**query)
        assert problem.value.reason == reason


async def test_new_keys_are_found_and_not_asked_for_all_the_time() -> None:
    now = NOW
    async with serving() as provider:
        client = OpenIdClient(lambda: now)
        query = {"state": provider.attempt.state, "code": "c"}
        new = RSAKey.generate_key(2048, {"kid": "two"})
        await client.finish(provider.registration(), provider.attempt, query)
        provider.key, provider.header = new, {"alg": "RS256", "kid": "two"}
        provider.replaced["/keys"] = lambda: ok({"keys": [new.as_dict(private=False)]})
        with pytest.raises(ProviderProblem):
            await client.finish(provider.registration(), provider.attempt, query)
        now += 61
        await client.finish(provider.registration(), provider.attempt, query)
        assert provider.asked.count("/keys") == 2
