"""Data frame vectors D1 to D21 (lora-packet, brocaar/lorawan, The Things Stack, LoRaMac-node recordings)."""

import pytest

from veldnet.lorawan import AesKey, DevAddr, crypto, frames, mac_commands

LP_NWK = AesKey.parse("44024241ed4ce9a68c6a8bc055233fd3")
LP_APP = AesKey.parse("ec925802ae430ca77fd3dd73cb2cc588")
ONES, TWOS = AesKey(b"\x01" * 16), AesKey(b"\x02" * 16)
LIVE_NWK = AesKey.parse("216faef09ff55f3cb211d380d59ef13d")
LIVE_APP = AesKey.parse("e53d9a3c4bfdb49f8d689c9c8ef48f78")
FOX = "The quick brown fox jumps over the lazy dog."


def data(phy: str) -> frames.DataFrame:
    frame = frames.parse(bytes.fromhex(phy))
    assert isinstance(frame, frames.DataFrame)
    assert frame.to_bytes() == bytes.fromhex(phy)
    return frame


@pytest.mark.parametrize(
    ("phy", "nwk_key", "app_key", "fcnt", "fport", "fopts", "payload"),
    [
        ("40F17DBE4900020001954378762B11FF0D", LP_NWK, LP_APP, 2, 1, "", b"test"),
        ("40F17DBE49000300012A3518AF", LP_NWK, LP_APP, 3, 1, "", b""),
        (
            "40f17dbe490004000155332de41a11adc072553544429ce7787707d1c316e027e7e5e334263376affb8aa17ad300"
            "75293f28dea8a20af3c5e7",
            LP_NWK,
            LP_APP,
            4,
            1,
            "",
            FOX.encode(),
        ),
        ("400403020180010001a694642615d6c3b582", TWOS, ONES, 1, 1, "", b"hello"),
        ("4004030201030000020305016a3798f5b64dc039", ONES, ONES, 0, 1, "020305", bytes((1, 2, 3, 4))),
        ("40040302010000000069369eee6aa508", ONES, ONES, 0, 0, "", bytes((2, 3, 5))),
        ("40332211008101000202021d6c0022e6425eb4", LIVE_NWK, LIVE_APP, 1, 2, "02", b"Hello"),
    ],
    ids=["D1", "D2", "D3", "D5", "D6", "D7", "D19"],
)
def test_uplink_10(
    phy: str, nwk_key: AesKey, app_key: AesKey, fcnt: int, fport: int, fopts: str, payload: bytes
) -> None:
    frame = data(phy)
    assert (frame.fcnt, frame.fport, frame.fopts.hex()) == (fcnt, fport, fopts)
    assert crypto.data_mic(nwk_key, crypto.UPLINK, frame.dev_addr, fcnt, frame.unsigned()) == frame.mic
    clear = crypto.crypt_payload(app_key, crypto.UPLINK, frame.dev_addr, fcnt, frame.frm_payload)
    assert clear == payload


def test_downlink_ack_d4() -> None:
    frame = data("60f17dbe4920020001f9d65d27")
    assert frame.ack and not frame.uplink
    assert crypto.data_mic(LP_NWK, crypto.DOWNLINK, frame.dev_addr, 2, frame.unsigned()) == frame.mic


def test_d8() -> None:
    key = AesKey.parse("581c4d08ef04cda30b1fef7a8b2c74b8")
    frame = data("4006DC00FCC07400000244925050")
    assert (frame.fport, frame.fcnt, frame.adr, frame.adr_ack_req) == (0, 0x74, True, True)
    assert crypto.data_mic(key, crypto.UPLINK, frame.dev_addr, 0x74, frame.unsigned()) == frame.mic


def test_payload_and_mic_d9_d10() -> None:
    addr = DevAddr.parse("01020304")
    clear = bytes((1, 2, 3, 4))
    assert crypto.crypt_payload(ONES, crypto.UPLINK, addr, 1, clear).hex() == "cff30b4e"
    assert crypto.crypt_payload(ONES, crypto.DOWNLINK, addr, 1, clear).hex() == "4e75f440"
    message = bytes.fromhex("4004030201000100" + "01" + "01020304")
    assert crypto.data_mic(ONES, crypto.UPLINK, addr, 1, message).hex() == "3b073182"
    assert crypto.data_mic(ONES, crypto.DOWNLINK, addr, 1, message).hex() == "a5609fa9"
    mic = crypto.data_mic_uplink_11(ONES, ONES, addr, 1, message, crypto.Sent(0, 0, 0))
    assert mic.hex()[:4] == "3b07" and mic[2:] == bytes.fromhex("3b07")


S_KEY, F_KEY = TWOS, AesKey(b"\x02" * 15 + b"\x03")


@pytest.mark.parametrize(
    ("phy", "f_key", "s_key", "conf_fcnt", "tx_dr", "tx_ch"),
    [
        ("400403020180010001a6946426157612366a", F_KEY, S_KEY, 0, 2, 3),
        ("4004030201a0010001a694642615f842c4b9", F_KEY, S_KEY, 1, 2, 3),
        ("40040302010000000069369efa931bd7", F_KEY, S_KEY, 0, 2, 3),
        (
            "40679810e080000000c2c5248de748",
            AesKey.parse("07c105892e1bbb7f7101d13a5f78249b"),
            AesKey.parse("f9162a2fcf6e70867cee523249282844"),
            0,
            0,
            1,
        ),
        (
            "40736310e080000000c86c36165131",
            AesKey.parse("e163635133105cc690cb2d57ba9c31b9"),
            AesKey.parse("05ec7c795b2f0b5bcdfa710db52b9d8f"),
            0,
            0,
            1,
        ),
        (
            "4033221100830100e0814a02a4889839865bc91efa",
            AesKey.parse("9b26e127d78543877772a569d7bfb00d"),
            AesKey.parse("c35db7e62c7eb6fd09c87d380ca5b956"),
            0,
            5,
            1,
        ),
    ],
    ids=["D11", "D12", "D13", "D17", "D18", "D20"],
)
def test_uplink_mic_11(
    phy: str, f_key: AesKey, s_key: AesKey, conf_fcnt: int, tx_dr: int, tx_ch: int
) -> None:
    frame = data(phy)
    mic = crypto.data_mic_uplink_11(
        f_key,
        s_key,
        frame.dev_addr,
        frame.fcnt,
        frame.unsigned(),
        crypto.Sent(conf_fcnt, tx_dr, tx_ch),
    )
    assert mic == frame.mic


def test_rekey_ind_payload_d17() -> None:
    frame = data("40679810e080000000c2c5248de748")
    key = AesKey.parse("a5406d11c50850c965c2545ad81980a7")
    assert crypto.crypt_payload(key, crypto.UPLINK, frame.dev_addr, 0, frame.frm_payload).hex() == "0b01"


def test_fopts_uplink_d20() -> None:
    frame = data("4033221100830100e0814a02a4889839865bc91efa")
    key = AesKey.parse("f4cfa94c0e44fe544e8802dbf6dae584")
    clear = crypto.crypt_fopts(
        key, crypto.UPLINK, frame.dev_addr, 1, frame.fopts, counter=crypto.FCNT_NETWORK
    )
    assert clear.hex() == "0b0102"
    app_key = AesKey.parse("efc5aff2985c193bfba4894820957479")
    assert crypto.crypt_payload(app_key, crypto.UPLINK, frame.dev_addr, 1, frame.frm_payload) == b"Hello"


def test_downlink_11_d14_d15() -> None:
    frame = data("6004030201030000dfb4f1e24f1f9f")
    assert crypto.data_mic_downlink_11(S_KEY, frame.dev_addr, 0, frame.unsigned(), conf_fcnt=0) == frame.mic
    enc = AesKey(b"\x02" * 15 + b"\x04")
    clear = crypto.crypt_fopts(
        enc, crypto.DOWNLINK, frame.dev_addr, 0, frame.fopts, counter=crypto.FCNT_NETWORK
    )
    assert clear.hex() == "020701"
    second = data("600403020103000022ac0a01f0b468ddaa5ed13a")
    s_key, e_key = AesKey(b"\x01" * 15 + b"\x00"), AesKey(b"\x01" * 14 + b"\x02\x00")
    mic = crypto.data_mic_downlink_11(s_key, second.dev_addr, 0, second.unsigned(), conf_fcnt=0)
    assert mic == second.mic
    clear = crypto.crypt_fopts(
        e_key, crypto.DOWNLINK, second.dev_addr, 0, second.fopts, counter=crypto.FCNT_APPLICATION
    )
    assert clear.hex() == "020701"
    app_key = AesKey(bytes(range(16, 0, -1)))
    payload = crypto.crypt_payload(app_key, crypto.DOWNLINK, second.dev_addr, 0, second.frm_payload)
    assert payload.hex() == "01020304"


def test_fopts_d16() -> None:
    addr, clear = DevAddr.parse("01020304"), bytes((1, 2, 3, 4))
    up = crypto.crypt_fopts(ONES, crypto.UPLINK, addr, 1, clear, counter=crypto.FCNT_NETWORK)
    down = crypto.crypt_fopts(ONES, crypto.DOWNLINK, addr, 1, clear, counter=crypto.FCNT_NETWORK)
    assert (up.hex(), down.hex()) == ("23615f18", "b2dbe391")


def test_live_downlinks_11_d21() -> None:
    enc = AesKey.parse("f4cfa94c0e44fe544e8802dbf6dae584")
    s_key = AesKey.parse("c35db7e62c7eb6fd09c87d380ca5b956")
    app_key = AesKey.parse("efc5aff2985c193bfba4894820957479")
    frame = data("6033221100050000c40f53504a61bd6803")
    assert crypto.data_mic_downlink_11(s_key, frame.dev_addr, 0, frame.unsigned(), conf_fcnt=0) == frame.mic
    clear = crypto.crypt_fopts(
        enc, crypto.DOWNLINK, frame.dev_addr, 0, frame.fopts, counter=crypto.FCNT_NETWORK
    )
    assert clear.hex() == "0b01021401"
    ack = data("60332211002000000a4557b60450c9")
    assert ack.ack and ack.fport == 10
    assert crypto.data_mic_downlink_11(s_key, ack.dev_addr, 0, ack.unsigned(), conf_fcnt=2) == ack.mic
    payload = crypto.crypt_payload(app_key, crypto.DOWNLINK, ack.dev_addr, 0, ack.frm_payload)
    assert payload.hex() == "cafe"


def test_mac_commands_of_d6() -> None:
    stream = mac_commands.parse(bytes.fromhex("020305"), mac_commands.UPLINK_COMMANDS)
    assert stream.commands == (
        mac_commands.LinkCheckReq(),
        mac_commands.LinkADRAns(power_ok=True, data_rate_ok=False, ch_mask_ok=True),
    )
    assert stream.problem is None
