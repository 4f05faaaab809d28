"""Join vectors published by lora-packet (LP), The Things Stack (TT), brocaar/lorawan (BR), and recorded from
the reference device stack LoRaMac-node 4.7.0 (LIVE)."""

import pytest

from veldnet.lorawan import AesKey, DevAddr, DevEui, JoinEui, NetId, frames, join

ONES = AesKey(b"\x01" * 16)
LP_KEY = AesKey.parse("98929b92c49edba9676d646d3b612456")
LIVE_KEY = AesKey.parse("00112233445566778899aabbccddeeff")
LIVE_APP_KEY = AesKey.parse("ffeeddccbbaa99887766554433221100")


@pytest.mark.parametrize(
    ("unsigned", "key", "mic", "join_eui", "dev_eui", "dev_nonce"),
    [
        (
            "0039363463336913AA05693574323831330489",
            LP_KEY,
            "c65b1304",
            "AA13693363343639",
            "3331383274356905",
            0x8904,
        ),
        (
            "00040302010403020105040302050403022d10",
            ONES,
            "6a990e12",
            "0102030401020304",
            "0203040502030405",
            4141,
        ),
        (
            "00080706050403020108070605040302010201",
            ONES,
            "e6e10c55",
            "0102030405060708",
            "0102030405060708",
            0x0102,
        ),
        (
            "00010000000000000001000000000000000ce8",
            ONES,
            "3685eb17",
            "0000000000000001",
            "0000000000000001",
            0xE80C,
        ),
    ],
    ids=["J1", "J2", "J3", "J4"],
)
def test_join_request(
    unsigned: str, key: AesKey, mic: str, join_eui: str, dev_eui: str, dev_nonce: int
) -> None:
    phy = bytes.fromhex(unsigned + mic)
    request = frames.parse(phy)
    assert isinstance(request, frames.JoinRequest)
    assert join.join_request_mic(key, request.unsigned()).hex() == mic
    assert request.join_eui == JoinEui.parse(join_eui)
    assert request.dev_eui == DevEui.parse(dev_eui)
    assert request.dev_nonce == dev_nonce
    assert request.to_bytes() == phy


def accept_of(body: str) -> join.JoinAccept:
    return join.JoinAccept.from_body(bytes.fromhex(body))


def test_join_accept_j5() -> None:
    accept = accept_of("386337CCBBAAE7CD2C010000")
    assert join.join_accept_mic(LP_KEY, accept).hex() == "d9d0a6e7"
    assert (accept.join_nonce, accept.net_id, accept.dev_addr) == (
        0x376338,
        NetId.parse("AABBCC"),
        DevAddr.parse("012CCDE7"),
    )


@pytest.mark.parametrize(
    ("key", "accept", "mic", "on_air"),
    [
        (
            LIVE_KEY,
            join.JoinAccept(5704647, NetId.parse("221101"), DevAddr.parse("02031980"), 0, 0),
            "43485bbc",
            "20493eeb51fba2116f810edb3742975142",
        ),
        (ONES, accept_of("030201030201040302010001"), "32f54ab3", "20c9fbb259e11649096a568a9e3b7117c3"),
        (AesKey(bytes(16)), accept_of("00" * 12), "f86f0a91", "20e3de108795f776b8037610ef7869b5b3"),
    ],
    ids=["J6", "J7", "J8"],
)
def test_join_accept_on_air(key: AesKey, accept: join.JoinAccept, mic: str, on_air: str) -> None:
    computed = join.join_accept_mic(key, accept)
    assert computed.hex() == mic
    assert join.encrypt_join_accept(key, accept, computed).hex() == on_air
    assert join.decrypt_join_accept(key, bytes.fromhex(on_air)) == (accept, computed)


def test_join_accept_11_j9_j10() -> None:
    key = AesKey.parse("0102030405060708090a0b0c0d0e0f10")
    accept = accept_of("010101020202040302018000")
    mic = join.join_accept_mic_11(key, accept, JoinEui.parse("0807060504030201"), 0x0102)
    assert mic.hex() == "93ff9a3a"
    assert join.encrypt_join_accept(key, accept, mic).hex() == "207abeea06b02920f11c02d0348fcf1815"
    second = accept_of("030201030201040302010001")
    assert (
        join.join_accept_mic_11(ONES, second, JoinEui.parse("0807060504030201"), 0x0201).hex() == "48e9be5f"
    )


def test_cf_list_j11() -> None:
    body = "010101020202040302016709184f84e85684b85e84886684586e8400"
    accept = accept_of(body)
    assert (accept.rx1_dr_offset, accept.rx2_data_rate, accept.rx_delay) == (6, 7, 9)
    frequencies = [int.from_bytes(accept.cf_list[i : i + 3], "little") * 100 for i in range(0, 15, 3)]
    assert frequencies == [867_100_000, 867_300_000, 867_500_000, 867_700_000, 867_900_000]
    assert accept.body().hex() == body


@pytest.mark.parametrize(
    ("unsigned", "key", "mic"),
    [
        ("c00003020108070605040302010201", ONES, "11da47bd"),
        ("c001080706050403020108070605040302010201", ONES, "67f9abe7"),
        ("c00203020108070605040302010201", ONES, "2b459cf0"),
        ("c0020302010807060504030201db00", AesKey(bytes(16)), "3c8642ae"),
        ("c0010807060504030201100f0e0d0c0b0a09db00", AesKey(bytes(16)), "eac31072"),
    ],
    ids=["J12-0", "J12-1", "J12-2", "J13-2", "J13-1"],
)
def test_rejoin_request(unsigned: str, key: AesKey, mic: str) -> None:
    phy = bytes.fromhex(unsigned + mic)
    request = frames.parse(phy)
    assert isinstance(request, frames.RejoinRequest)
    assert join.join_request_mic(key, request.unsigned()).hex() == mic
    assert request.to_bytes() == phy


def test_live_join_10() -> None:
    request = frames.parse(bytes.fromhex("0008070605040302011103170000ac59000100ce6342c6"))
    assert isinstance(request, frames.JoinRequest)
    assert str(request.dev_eui) == "0059AC0000170311"
    assert join.join_request_mic(LIVE_KEY, request.unsigned()) == request.mic
    accept, mic = join.decrypt_join_accept(LIVE_KEY, bytes.fromhex("209db3ec85ede7f5b9ae9480516b05bf7e"))
    assert accept == join.JoinAccept(2, NetId(0), DevAddr.parse("00112233"), 0, 1)
    assert join.join_accept_mic(LIVE_KEY, accept) == mic == bytes.fromhex("fd9f709d")
    keys = join.derive_session_keys_10(LIVE_KEY, accept.join_nonce, accept.net_id, request.dev_nonce)
    assert keys.nwk_s_key.hex() == "216faef09ff55f3cb211d380d59ef13d"
    assert keys.app_s_key.hex() == "e53d9a3c4bfdb49f8d689c9c8ef48f78"


def test_live_join_11() -> None:
    dev_eui, join_eui = DevEui.parse("0059AC0000170311"), JoinEui.parse("0102030405060708")
    accept, mic = join.decrypt_join_accept(LIVE_KEY, bytes.fromhex("2091818f225da0941f07673576f42b11a4"))
    assert accept.dl_settings == 0x80
    js_int_key = join.derive_js_int_key(LIVE_KEY, dev_eui)
    assert js_int_key.hex() == "82c394113c27052e5a439164cfebf947"
    assert join.join_accept_mic_11(js_int_key, accept, join_eui, 1) == mic == bytes.fromhex("c8b84a54")
    keys = join.derive_session_keys_11(LIVE_KEY, LIVE_APP_KEY, accept.join_nonce, join_eui, 1)
    assert keys.f_nwk_s_int_key.hex() == "9b26e127d78543877772a569d7bfb00d"
    assert keys.s_nwk_s_int_key.hex() == "c35db7e62c7eb6fd09c87d380ca5b956"
    assert keys.nwk_s_enc_key.hex() == "f4cfa94c0e44fe544e8802dbf6dae584"
    assert keys.app_s_key.hex() == "efc5aff2985c193bfba4894820957479"
    assert join.derive_js_enc_key(LIVE_KEY, dev_eui).hex() == "cfff741b6490bf60de89f570ebfa042b"
