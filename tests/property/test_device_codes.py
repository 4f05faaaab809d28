"""QR codes of devices: what is written is read, and what is malformed is refused in a sentence."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from veldnet.lorawan import DevEui, JoinEui
from veldnet.lorawan.device_code import DeviceCode, InvalidDeviceCode, crc16, parse_device_code

# As LoRa Alliance TR005 has it, with its checksum.
EXAMPLE = "LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122:OAABBCCDDEEFF:SYYWWNNNNNN:PFOOBAR:CAF2C"
VALUES = st.text(string.ascii_uppercase + string.digits + "-./+$%*", min_size=1, max_size=40)
EUIS = st.integers(0, 2**64 - 1)


def test_the_example_of_tr005() -> None:
    assert parse_device_code(EXAMPLE) == DeviceCode(
        DevEui.parse("AABBCCDDEEFF0011"),
        JoinEui.parse("1122334455667788"),
        0xAABB,
        0x1122,
        "AABBCCDDEEFF",
        "YYWWNNNNNN",
        "FOOBAR",
        True,
    )
    assert parse_device_code(EXAMPLE.replace("FOOBAR", "FOOBAZ")).checksum_matches is False
    assert parse_device_code(EXAMPLE[:-1]).checksum_matches is False


@given(
    EUIS, EUIS, st.integers(0, 0xFFFFFFFF), st.dictionaries(st.sampled_from("OSPXZ"), VALUES), st.booleans()
)
def test_a_code_that_is_written_is_read(
    join_eui: int, dev_eui: int, profile: int, parts: dict[str, str], summed: bool
) -> None:
    text = f"LW:D0:{join_eui:016X}:{dev_eui:016X}:{profile:08X}"
    text += "".join(f":{letter}{value}" for letter, value in parts.items())
    if summed:
        text += f":C{crc16(text.encode()):04X}"
    read = parse_device_code(f" {text}\n")
    assert (read.join_eui, read.dev_eui) == (join_eui, dev_eui)
    assert (read.vendor << 16 | read.profile, read.checksum_matches) == (profile, True if summed else None)
    assert (read.owner_token, read.serial_number, read.proprietary) == tuple(
        parts.get(letter, "") for letter in "OSP"
    )


@given(
    st.one_of(st.text(max_size=700), st.text("LWD0:URNPEV%25_OSC -\n0123456789ABCDEFabcdef", max_size=120))
)
def test_any_other_text_is_refused_in_a_sentence(text: str) -> None:
    try:
        parse_device_code(text)
    except InvalidDeviceCode as error:
        assert 10 < len(str(error)) < 120 and str(error).isprintable()


@given(st.integers(0, len(EXAMPLE) - 1), st.characters())
def test_a_changed_character_never_passes_unnoticed(at: int, other: str) -> None:
    text = EXAMPLE[:at] + other + EXAMPLE[at + 1 :]
    try:
        read = parse_device_code(text)
    except InvalidDeviceCode:
        return
    # Behind another letter than C there is no checksum; in hexadecimal digits the case does not matter.
    if at != EXAMPLE.rindex(":C") + 1 and text.strip() == text and text.upper() != EXAMPLE:
        assert read.checksum_matches is not True


DEV, JOIN = "4242FFFFFFFFFFFF", "42FFFFFFFFFFFFFF"


@pytest.mark.parametrize(
    ("text", "join_eui", "token"),
    [
        (f"URN:LW:DP:{JOIN}:{DEV}:42FFFF42:%V0102%S0304", JOIN, "0102"),
        (f"URN:LW:DP:{JOIN}:{DEV}:42FFFF42:%25V0102", JOIN, "0102"),
        (f"URN:DEV:LW:{JOIN}_{DEV}_42FFFF42_V0102_S03", JOIN, "0102"),
        (DEV, None, ""),
        ("42-42-FF-FF-FF-FF-FF-FF", None, ""),
        (f"{DEV.lower()}:{JOIN}", JOIN, ""),
    ],
    ids=["draft 2", "escaped", "draft 1", "DevEUI", "with dashes", "both EUIs"],
)
def test_drafts_and_plain_euis(text: str, join_eui: str | None, token: str) -> None:
    read = parse_device_code(text)
    assert str(read.dev_eui) == DEV and read.owner_token == token
    assert (None if read.join_eui is None else str(read.join_eui)) == join_eui


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("LW:D1:1122334455667788:AABBCCDDEEFF0011:AABB1122", "version"),
        ("LW:D0:1122334455667788:AABBCCDDEEFF0011", "must be LW:D0"),
        ("LW:D0:112233445566778:AABBCCDDEEFF0011:AABB1122", "JoinEUI"),
        ("LW:D0:1122334455667788:AABBCCDDEEFF00GG:AABB1122", "DevEUI"),
        ("LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB", "ProfileID"),
        ("LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122:SA:SB", "twice"),
        ("LW:D0:1122334455667788:AABBCCDDEEFF0011:AABB1122:S\x00", "characters"),
        ("https://example.com/product", "no code of a device"),
        ("8F1CA24B6D0E93577A21C4F8B3D6E905", "no code of a device"),
        ("L" * 501, "500"),
    ],
    ids=range(10),
)
def test_what_is_wrong_is_said(text: str, reason: str) -> None:
    with pytest.raises(InvalidDeviceCode, match=reason):
        parse_device_code(text)
