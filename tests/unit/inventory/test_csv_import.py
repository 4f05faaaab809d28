"""ThingPark's CSV, read: what each row asks for, or what is wrong with it and where."""

from __future__ import annotations

import base64

import pytest
from msgspec import UNSET

from veldnet.domain.errors import BadRequest
from veldnet.inventory import imports
from veldnet.inventory.imports import EncryptedKey, ImportRow

KEY = "00112233445566778899AABBCCDDEEFF"


def only(text: str) -> ImportRow | BadRequest:
    (line,) = imports.read_devices(text.encode())
    return line.row


def otaa(**cells: str) -> str:
    """A row by the letters of its columns."""
    values = {"A": "CREATE_OTAA", "B": "0059AC0000170311", "D": "model", "E": "0059AC0000000001", "F": KEY}
    values |= cells
    return ",".join(values.get(chr(65 + index), "") for index in range(26))


def test_an_otaa_row() -> None:
    row = only(otaa(H="cs/plan", I="TWA_1.2", K="name", L="52.1", M="5.2", N="here", R="HSM_X.1", Q="RANDOM"))
    assert isinstance(row, ImportRow) and row.action == "create" and row.app_key is None
    device = row.device
    assert (device.activationType, device.applicationKey, device.hsmGroupId) == ("OTAA", KEY, "HSM_X.1")
    assert (device.geoLatitude, device.geoLongitude, device.name) == (52.1, 5.2, "name")
    assert device.motionIndicator == "RANDOM" and device.networkAddress is UNSET


def test_encrypted_keys_have_a_form_and_a_version() -> None:
    wrapped = "AB" * 24
    row = only(otaa(F=wrapped, S="3"))
    assert isinstance(row, ImportRow)
    assert row.app_key == EncryptedKey("AES", 3, bytes.fromhex(wrapped))
    assert row.device.applicationKey is UNSET
    octets = bytes(range(256))
    row = only(otaa(F=base64.b64encode(octets).decode(), X="2", U=wrapped, V="", K=""))
    assert isinstance(row, BadRequest), "the NwkKey must then come in the same form"
    row = only(otaa(F=base64.b64encode(octets).decode(), X="2"))
    assert isinstance(row, ImportRow) and row.app_key == EncryptedKey("RSA", 2, octets)


def test_abp_rows_comments_and_deletions() -> None:
    keys = f'"<AppSKeys><AppSKey Port=""1-2"">{KEY}</AppSKey><AppSKey>{KEY}</AppSKey></AppSKeys>"'
    row = only(f"CREATE_ABP,0059AC0000170311,01020304,model,{KEY},{keys}")
    assert isinstance(row, ImportRow) and row.device.activationType == "ABP"
    rules = row.device.applicationSessionKeyRules
    assert rules is not UNSET and [rule.sourcePorts for rule in rules] == ["1-2", "*"]
    assert imports.read_devices(b"# a comment,with,columns") == []
    row = only("DELETE,0059AC0000170311")
    assert isinstance(row, ImportRow) and row.action == "delete"
    assert imports.read_devices("\ufeff\n\n".encode()) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (otaa(A="MAKE"), "column A"),
        (otaa(B=""), "column B (DevEUI) is mandatory"),
        (otaa(D=""), "column D"),
        (otaa(E=""), "column E (JoinEUI) is mandatory"),
        (otaa(F=""), "column F (AppKey) is mandatory"),
        (otaa(F="00"), "column F must be 32 hexadecimal digits"),
        (otaa(F="00" * 16, S="1"), "RFC 3394"),
        (otaa(F="%%%", X="1"), "base64"),
        (otaa(F="AB" * 24, S="one"), "column S"),
        (otaa(F="AB" * 24, S="1", X="1"), "exclude each other"),
        (otaa(L="north"), "column L"),
        (otaa(Q="FLYING"), "column Q"),
        (otaa(I="TWA_1.2", T="TWA_1.3.AS"), "column T"),
        (otaa() + ",,,,,,x", "columns"),
        ("CREATE_ABP,1,2,m,k,<a/>", "AppSKeys"),
        ("CREATE_ABP,1,2,m,k,<AppSKeys", "no XML"),
        ('CREATE_ABP,1,2,m,k,"<!DOCTYPE x [<!ENTITY a ""b"">]><AppSKeys/>"', "declarations"),
    ],
)
def test_what_is_wrong_is_said_with_its_column(text: str, words: str) -> None:
    row = only(text)
    assert isinstance(row, BadRequest) and words in row.message
    assert KEY not in row.message, "a key is not repeated"
