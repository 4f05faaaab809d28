"""Key derivation vectors K1 to K13 of lora-packet, The Things Stack, brocaar/lorawan and the RFCs."""

import pytest
from cryptography.hazmat.primitives.keywrap import aes_key_wrap

from veldnet.lorawan import AesKey, DevAddr, DevEui, JoinEui, NetId, crypto, join
from veldnet.lorawan.packages import multicast_keys as multicast

TT_KEY = AesKey.parse("BEC499C69E9C939E413B663961636C61")


@pytest.mark.parametrize(
    ("key", "join_nonce", "net_id", "dev_nonce", "nwk_s_key", "app_s_key"),
    [
        (
            AesKey.parse("98929b92c49edba9676d646d3b612456"),
            0x376338,
            "AABBCC",
            0xF18E,
            "4e3d6e6afbcc67af2ba3c8e8ec4acf4b",
            "610897aa6f1460623443b527d3ac6a9d",
        ),
        (
            TT_KEY,
            0xAE3B1C,
            "020101",
            0x7369,
            "0db924ee6af90698e05fc7ce48303c01",
            "8c1e0543a229088de6f84e74bb46bd62",
        ),
    ],
    ids=["K1", "K2"],
)
def test_session_keys_10(
    key: AesKey, join_nonce: int, net_id: str, dev_nonce: int, nwk_s_key: str, app_s_key: str
) -> None:
    keys = join.derive_session_keys_10(key, join_nonce, NetId.parse(net_id), dev_nonce)
    assert keys.nwk_s_key.hex() == nwk_s_key
    assert keys.app_s_key.hex() == app_s_key


@pytest.mark.parametrize(
    ("nwk_key", "app_key", "join_nonce", "join_eui", "dev_nonce", "expected"),
    [
        (
            TT_KEY,
            TT_KEY,
            0xAE3B1C,
            "0000001223224242",
            0x7369,
            (
                "379084e7ce22ff191bff4b77536f2aa3",
                "63c59309d53485bc5164dbf71627aeb9",
                "ce07a009a3970ac0519a099ed53e550b",
                "b035cce24e4a040eb5cecbf21724412d",
            ),
        ),
        (
            AesKey(bytes(15) + b"\x01"),
            AesKey(b"\x01" + bytes(14) + b"\x01"),
            3,
            "0000000000000001",
            0xE8C2,
            (
                "bbd966509be6435f4bcb63acc310466a",
                "dea9e621c747af79a65f82dcaed92a99",
                "c8eefda7400395c94ab072e9c353b29d",
                "eb45a0a167b6f1cccb9a678d761c0b03",
            ),
        ),
    ],
    ids=["K3", "K4"],
)
def test_session_keys_11(
    nwk_key: AesKey,
    app_key: AesKey,
    join_nonce: int,
    join_eui: str,
    dev_nonce: int,
    expected: tuple[str, ...],
) -> None:
    keys = join.derive_session_keys_11(nwk_key, app_key, join_nonce, JoinEui.parse(join_eui), dev_nonce)
    assert (
        keys.f_nwk_s_int_key.hex(),
        keys.s_nwk_s_int_key.hex(),
        keys.nwk_s_enc_key.hex(),
        keys.app_s_key.hex(),
    ) == expected


@pytest.mark.parametrize(
    ("key", "dev_eui", "integrity", "encryption"),
    [
        (TT_KEY, "0042004213424341", "cb8e9ee114c3fb5ce472a5aa13ab1855", "bb711eefb9829b4a75866f8616bacd6d"),
        (
            AesKey.parse("089234b089c2d8490edf8c9f9b8e8f9c"),
            "0123456789abcdef",
            "bd147194430d6fec1351a327ee40e264",
            "8c61658dc01ee8add0c0becf90d2dc50",
        ),
    ],
    ids=["K5", "K6"],
)
def test_join_server_keys(key: AesKey, dev_eui: str, integrity: str, encryption: str) -> None:
    assert join.derive_js_int_key(key, DevEui.parse(dev_eui)).hex() == integrity
    assert join.derive_js_enc_key(key, DevEui.parse(dev_eui)).hex() == encryption


def test_root_wor_s_key_k9() -> None:
    key = join.derive_root_wor_s_key(AesKey.parse("CE07A009A3970AC0519A099ED53E550B"))
    assert key.hex() == "ee91dc1a6666c06e8277de6db4db945f"


def test_rfc_3394_key_wrap_k10() -> None:
    wrapped = aes_key_wrap(bytes(range(16)), bytes.fromhex("00112233445566778899AABBCCDDEEFF"))
    assert wrapped.hex() == "1fa68b0a8112b447aef34bd8fb5a7b829d3e862371d2cfe5"


def test_rfc_4493_cmac_k11() -> None:
    key = AesKey.parse("2b7e151628aed2a6abf7158809cf4f3c")
    assert crypto.cmac(key, b"").hex() == "bb1d6929e95937287fa37d129b756746"
    message = bytes.fromhex("6bc1bee22e409f96e93d7e117393172a")
    assert crypto.cmac(key, message).hex() == "070a16b46b4d4144f79bdd9dd04a287c"


def test_multicast_keys_k12_k13() -> None:
    gen_app_key = AesKey(bytes((3, 2, 3, *range(4, 17))))
    app_key = AesKey(bytes((2, 2, 3, *range(4, 17))))
    root = AesKey(bytes((4, 2, 3, *range(4, 17))))
    assert multicast.mc_root_key_10(gen_app_key).hex() == "55344e82570eaec8bf03b99962d1f445"
    assert multicast.mc_root_key_11(app_key).hex() == "264fd859583fcc670241ac071cc9f5bb"
    assert multicast.mc_ke_key(root).hex() == "9083bebf704257883160dbfcde33ad71"
    mc_key = AesKey(bytes(range(1, 17)))
    assert (
        multicast.mc_app_s_key(mc_key, DevAddr.parse("01020304")).hex() == "95cb4518ee375606735bbacbdce837fa"
    )
    assert (
        multicast.mc_nwk_s_key(mc_key, DevAddr.parse("01020304")).hex() == "c3f6b388bad6c000b23291ad52c11c7b"
    )


def test_multicast_key_transport_f4() -> None:
    """Recorded: the device answered this McGroupSetupReq and accepted multicast frames afterwards."""
    ke_key = multicast.mc_ke_key(multicast.mc_root_key_10(AesKey.parse("ffeeddccbbaa99887766554433221100")))
    encrypted = multicast.encrypt_mc_key(ke_key, AesKey(bytes(range(16))))
    request = "0200" + DevAddr.parse("01FF0001").to_wire().hex() + encrypted.hex() + "00000000" + "e8030000"
    assert request == "02000100ff01502ab62682ce6b4aafebdddc488116b100000000e8030000"
