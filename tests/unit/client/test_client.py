"""The customer's library: what it opens, makes and refuses."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from veldnet.client import (
    AsKey,
    ClientError,
    Downlink,
    Signer,
    create_rsa_key,
    load_rsa_key,
    open_as_key,
    private_pem,
    public_pem,
    read_message,
    signed_downlink_query,
    token_fits,
)
from veldnet.lorawan import AesKey, DevAddr
from veldnet.lorawan.crypto import DOWNLINK, UPLINK, aes_encrypt, crypt_payload
from veldnet.routing.tokens import downlink_token_fits, uplink_token

RSA = create_rsa_key()
OCTETS = bytes(range(16))
KEY = AsKey(OCTETS)
APP_S_KEY = AesKey(bytes(range(16, 32)))
ADDR = DevAddr.parse("01ABCDEF")
TUNNEL = "46AB678cd45df4a4e4b375eacd096acc"


def uplink(payload: bytes = b"Hello", fcnt: int = 70_000, **changes: Any) -> dict[str, Any]:
    return {
        "DevEUI": "0059AC0000170311",
        "CustomerID": "100000001",
        "DevAddr": str(ADDR),
        "FPort": 2,
        "FCntUp": fcnt,
        "FCntDn": 7,
        "payload_hex": crypt_payload(APP_S_KEY, UPLINK, ADDR, fcnt, payload).hex(),
        "PayloadEncryption": 1,
        "AppSKey": aes_encrypt(AesKey(OCTETS), APP_S_KEY).hex(),
    } | changes


def posted(fields: dict[str, Any], kind: str = "DevEUI_uplink") -> bytes:
    return json.dumps({kind: fields}).encode()


def test_an_as_key_is_opened_as_networks_write_it() -> None:
    public = RSA.public_key()
    raw = public.encrypt(OCTETS, padding.PKCS1v15()).hex()
    digits = public.encrypt(OCTETS.hex().encode(), padding.PKCS1v15()).hex()
    way = padding.OAEP(padding.MGF1(hashes.SHA256()), hashes.SHA256(), None)
    oaep = public.encrypt(OCTETS, way).hex()
    assert open_as_key(RSA, raw).hex == open_as_key(RSA, digits.upper()).hex == OCTETS.hex()
    assert open_as_key(RSA, oaep, scheme="OAEP").hex == OCTETS.hex()
    other = create_rsa_key().public_key().encrypt(OCTETS, padding.PKCS1v15()).hex()
    for bad in ("", "zz", raw[:-2], other, public.encrypt(b"short", padding.PKCS1v15()).hex()):
        with pytest.raises(ClientError):
            open_as_key(RSA, bad)


def test_keys_do_not_show_themselves() -> None:
    assert OCTETS.hex() not in repr(KEY) and OCTETS.hex() not in str(KEY)
    for bad in ("", "00", "g" * 32):
        with pytest.raises(ClientError, match="32 hexadecimal digits"):
            AsKey.from_hex(bad)


def test_private_keys() -> None:
    assert load_rsa_key(private_pem(RSA)).private_numbers() == RSA.private_numbers()
    assert load_rsa_key(private_pem(RSA, b"pass"), b"pass").key_size == 2048
    assert public_pem(RSA).startswith("-----BEGIN PUBLIC KEY-----")
    elliptic = ec.generate_private_key(ec.SECP256R1())
    other = elliptic.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    for pem, password, words in (
        (private_pem(RSA, b"pass"), None, "needs its password"),
        (private_pem(RSA), b"pass", "has no password"),
        (private_pem(RSA, b"pass"), b"wrong", "password is wrong"),
        (b"garbage", None, "no private key"),
        (other, None, "not an RSA key"),
    ):
        with pytest.raises(ClientError, match=words):
            load_rsa_key(pem, password)
    with pytest.raises(ClientError, match="1024 bits"):
        create_rsa_key(1024)


def test_uplinks_are_opened_from_json_and_xml() -> None:
    fields = uplink()
    assert read_message(posted(fields)).payload(KEY) == b"Hello"
    members = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    xml = (
        f"<?xml version='1.0'?><DevEUI_uplink xmlns='http://uri.actility.com/lora'>{members}</DevEUI_uplink>"
    )
    message = read_message(xml.encode())
    assert message.is_uplink and message.payload(KEY) == b"Hello"
    clear = read_message(posted(uplink(payload_hex="48656c6c6f", PayloadEncryption=0)))
    assert clear.payload() == b"Hello"


def test_a_downlink_uses_the_counter_that_the_uplink_names() -> None:
    message = read_message(posted(uplink()))
    for ahead in (0, 3):
        downlink = message.downlink(KEY, b"\xca\xfe", ahead=ahead)
        assert downlink.fcnt == 7 + ahead
        opened = crypt_payload(APP_S_KEY, DOWNLINK, ADDR, downlink.fcnt, bytes.fromhex(downlink.payload_hex))
        assert opened == b"\xca\xfe"
    with pytest.raises(ClientError, match="at least one octet"):
        message.downlink(KEY, b"")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "neither JSON nor XML"),
        (b"[]", "one member"),
        (b'{"a": 1}', "not an object"),
        (b"<a", "well-formed"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "declarations"),
    ],
)
def test_what_is_no_message(body: bytes, words: str) -> None:
    with pytest.raises(ClientError, match=words):
        read_message(body)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"AppSKey": "xyz"}, "32 hexadecimal digits"),
        ({"AppSKey": ""}, "has no AppSKey"),
        ({"DevAddr": "zz"}, "DevAddr"),
        ({"FCntUp": "x"}, "no number"),
        ({"payload_hex": "4"}, "payload_hex"),
    ],
)
def test_messages_that_cannot_be_opened_say_why(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ClientError, match=words):
        read_message(posted(uplink(**changes))).payload(KEY)
    with pytest.raises(ClientError, match="encrypted"):
        read_message(posted(uplink())).payload()


def test_tokens_are_those_of_the_network() -> None:
    message = read_message(posted(uplink()))
    query = {
        "LrnDevEui": message.dev_eui,
        "LrnFPort": "2",
        "AS_ID": "me",
        "Time": "2026-01-31T12:00:00+01:00",
    }
    elements = f"1000000010059AC0000170311270000{message.fields['payload_hex']}"
    plain = "&".join(f"{name}={value}" for name, value in query.items())
    signed = query | {"Token": uplink_token(elements, plain, TUNNEL)}
    assert token_fits(message, signed, TUNNEL)
    assert not token_fits(message, signed, TUNNEL.replace("4", "5"))
    assert not token_fits(message, query, TUNNEL)


def test_d6_the_missing_port_of_a_join_report_counts_as_0() -> None:
    fields = {"CustomerID": "100000001", "DevEUI": "0059AC0000170311", "rawJoinRequest": "00"}
    message = read_message(json.dumps({"DevEUI_uplink": fields}).encode())
    token = uplink_token("1000000010059AC00001703110", "AS_ID=me", TUNNEL)
    assert token_fits(message, {"AS_ID": "me", "Token": token}, TUNNEL)


@given(st.binary(min_size=1, max_size=50), st.integers(1, 224), st.integers(0, 2**32 - 1), st.booleans())
def test_signed_queries_are_accepted_by_the_network(
    payload: bytes, fport: int, fcnt: int, confirmed: bool
) -> None:
    query = signed_downlink_query(
        "0059AC0000170311",
        fport,
        Downlink(payload.hex(), fcnt),
        Signer("my as&x=1", TUNNEL),
        confirmed=confirmed,
        now=datetime(2026, 1, 31, 12, tzinfo=UTC),
    )
    parsed = dict(parse_qsl(query))
    assert parsed["AS_ID"] == "my as&x=1" and parsed["FCntDn"] == str(fcnt)
    assert downlink_token_fits(query, parsed["Token"], TUNNEL)
