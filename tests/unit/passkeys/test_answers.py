"""What authenticators answer, rightly and wrongly."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.passkeys import ATTESTED, PRESENT, VERIFIED, Authenticator, Key, cbor, encode
from veldnet.passkeys import (
    Challenges,
    CreatedPasskey,
    PasskeyProblem,
    ShownPasskey,
    passkey_user,
    relying_party,
)

URL = "https://lora.example.com"
CHALLENGE = bytes(range(32))
found = relying_party(URL)
assert found is not None
PARTY = found
USER = passkey_user(b"h" * 32, "anna", "Anna")


def created(authenticator: Authenticator, **wrong: Any) -> CreatedPasskey:
    options = msgspec.to_builtins(PARTY.creation_options("Net", USER, CHALLENGE, [], alone=True))
    return msgspec.convert(authenticator.create(options, **wrong), CreatedPasskey)


def shown(authenticator: Authenticator, **wrong: Any) -> ShownPasskey:
    options = msgspec.to_builtins(PARTY.request_options(CHALLENGE))
    return msgspec.convert(authenticator.show(options, **wrong), ShownPasskey)


@pytest.mark.parametrize("algorithm", [-7, -8, -257])
def test_a_passkey_is_made_and_used(algorithm: int) -> None:
    authenticator = Authenticator(URL, algorithm)
    key = PARTY.check_creation(created(authenticator), CHALLENGE)
    assert key.credential_id == authenticator.identifier and key.sign_count == 0
    assert key.transports == ("hybrid", "internal")
    assert PARTY.check_use(shown(authenticator, counter=7), key.public_key, CHALLENGE) == 7
    other = Key(algorithm)
    with pytest.raises(PasskeyProblem) as refused:
        PARTY.check_use(shown(authenticator, key=other), key.public_key, CHALLENGE)
    assert refused.value.reason == "invalid"


BOTH: dict[str, tuple[dict[str, Any], str]] = {
    "another origin": ({"origin": "https://lora.example.com.evil.org"}, "origin"),
    "origin with a port": ({"origin": f"{URL}:8443"}, "origin"),
    "without TLS": ({"origin": "http://lora.example.com"}, "origin"),
    "in a frame of another site": ({"cross": True}, "origin"),
    "another relying party": ({"rp": "example.com"}, "origin"),
    "another challenge": ({"challenge": encode(b"x" * 32)}, "challenge"),
    "challenge not ASCII": ({"challenge": "é"}, "challenge"),
    "the other operation": ({"type": "webauthn.other"}, "invalid"),
    "client data that is no JSON": ({"client": b"\xff{"}, "invalid"),
    "client data that is no object": ({"client": b"[]"}, "invalid"),
    "client data too deep": ({"client": b"[" * 12000}, "invalid"),
    "an origin that is no text": ({"origin": 7}, "invalid"),
}


@pytest.mark.parametrize("case", BOTH)
def test_wrong_answers_are_refused_with_their_reason(case: str) -> None:
    wrong, reason = BOTH[case]
    authenticator = Authenticator(URL)
    key = PARTY.check_creation(created(authenticator), CHALLENGE)
    with pytest.raises(PasskeyProblem) as refused:
        PARTY.check_creation(created(authenticator, **wrong), CHALLENGE)
    assert refused.value.reason == reason
    with pytest.raises(PasskeyProblem) as refused:
        PARTY.check_use(shown(authenticator, **wrong), key.public_key, CHALLENGE)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"flags": PRESENT | ATTESTED}, "verification"),
        ({"flags": VERIFIED | ATTESTED}, "verification"),
        ({"identifier": b"another"}, "invalid"),
        ({"identifier": b""}, "invalid"),
        ({"cose": Key(-7).cose | {3: -47}}, "algorithm"),
        ({"cose": Key(-7).cose | {3: -65535}}, "algorithm"),
        ({"cose": Key(-7).cose | {-2: b"\x01" * 32}}, "invalid"),
        ({"cose": {1: 2, 3: -7}}, "invalid"),
        ({"cose": {}}, "invalid"),
        ({"cose": Key(-257).cose | {-1: b"\xff" * 4000}}, "invalid"),
        ({"cose": Key(-8).cose | {-2: b"short"}}, "invalid"),
        ({"attestationObject": ""}, "invalid"),
        ({"attestationObject": "!"}, "invalid"),
        ({"attestationObject": "A"}, "invalid"),
        ({"attestationObject": encode(b"\xff" * 60)}, "invalid"),
        ({"attestationObject": encode(b"\x81" * 12_000)}, "invalid"),
        ({"attestationObject": encode(b"\x9b" + b"\xff" * 8)}, "invalid"),
        ({"attestationObject": encode(cbor({"fmt": "none"}))}, "invalid"),
        ({"attestationObject": encode(cbor({"fmt": "none", "attStmt": {}, "authData": 7}))}, "invalid"),
        (
            {"attestationObject": encode(cbor({"fmt": "none", "attStmt": {}, "authData": bytes(36)}))},
            "invalid",
        ),
        ({"attestationObject": encode(bytes(20_000))}, "invalid"),
    ],
)
def test_new_passkeys_that_are_none_are_refused(wrong: dict[str, Any], reason: str) -> None:
    with pytest.raises(PasskeyProblem) as refused:
        PARTY.check_creation(created(Authenticator(URL), **wrong), CHALLENGE)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"flags": PRESENT}, "verification"),
        ({"flags": VERIFIED}, "verification"),
        ({"signature": ""}, "invalid"),
        ({"signature": encode(b"x" * 64)}, "invalid"),
        ({"authenticatorData": encode(bytes(37))}, "invalid"),
        ({"authenticatorData": encode(bytes(5))}, "invalid"),
        ({"authenticatorData": "*"}, "invalid"),
    ],
)
def test_uses_that_are_none_are_refused(wrong: dict[str, Any], reason: str) -> None:
    authenticator = Authenticator(URL)
    key = PARTY.check_creation(created(authenticator), CHALLENGE)
    with pytest.raises(PasskeyProblem) as refused:
        PARTY.check_use(shown(authenticator, **wrong), key.public_key, CHALLENGE)
    assert refused.value.reason == reason


@given(st.binary(max_size=400), st.integers(0, 300))
def test_no_octets_break_the_parsers(octets: bytes, at: int) -> None:
    """Anything, and a genuine answer with something written into it."""
    authenticator = Authenticator(URL)
    answer = created(authenticator)
    genuine = bytearray(msgspec.to_builtins(answer)["attestationObject"].encode())
    genuine[at % len(genuine)] = ord("A") + at % 26
    key = PARTY.check_creation(answer, CHALLENGE)
    for attestation in (encode(octets), genuine.decode()):
        try:
            PARTY.check_creation(msgspec.structs.replace(answer, attestationObject=attestation), CHALLENGE)
        except PasskeyProblem as problem:
            assert problem.detail
    with pytest.raises(PasskeyProblem):
        PARTY.check_use(shown(authenticator, authenticatorData=encode(octets)), key.public_key, CHALLENGE)


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://lora.example.com", "https://lora.example.com"),
        ("https://LoRa.Example.com:443/console/", "https://lora.example.com"),
        ("https://lora.example.com:8443", "https://lora.example.com:8443"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("https://münchen.example", "https://xn--mnchen-3ya.example"),
        ("http://lora.example.com", None),
        ("https://192.0.2.1", None),
        ("https://[2001:db8::1]", None),
        ("https://lora.127", None),
        ("https://lora.example.com:port", None),
        ("https://" + "x" * 64 + ".example", None),
        ("ftp://localhost", None),
        ("", None),
    ],
)
def test_addresses_for_which_browsers_have_passkeys(url: str, origin: str | None) -> None:
    party = relying_party(url)
    assert (None if party is None else party.origin) == origin


def test_a_challenge_is_taken_once_in_time_and_where_it_was_asked_for() -> None:
    now = [1000.0]
    challenges = Challenges(lambda: now[0])
    challenge, ticket = challenges.new("add", b"session")
    for purpose, holder, text in (
        ("sign in", b"session", ticket),
        ("add", b"another", ticket),
        ("add", b"session", ticket[:-2]),
        ("add", b"session", ""),
        ("add", b"session", "é"),
        ("add", b"session", Challenges(lambda: 0.0).new("add", b"session")[1]),
    ):
        with pytest.raises(PasskeyProblem) as refused:
            challenges.take(text, purpose, holder)
        assert refused.value.reason == "challenge"
    now[0] += 299
    assert challenges.take(ticket, "add", b"session") == challenge
    with pytest.raises(PasskeyProblem, match="expired or was used"):
        challenges.take(ticket, "add", b"session")
    _challenge, late = challenges.new("add", b"session")
    now[0] += 301
    with pytest.raises(PasskeyProblem, match="expired or was used"):
        challenges.take(late, "add", b"session")
