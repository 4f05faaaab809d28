"""What every vault must do; the software vault is the one there is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from veldnet.keys import JoinKeys, JoinOrder, JoinRefusal, SoftwareVault, Vault, VaultError, create_master_key
from veldnet.lorawan import AesKey, DevAddr, DevEui, JoinEui, NetId
from veldnet.lorawan.crypto import aes_decrypt
from veldnet.lorawan.frames import JoinRequest
from veldnet.lorawan.join import JoinAccept, decrypt_join_accept, derive_session_keys_10, join_request_mic

APP_KEY = AesKey.parse("00112233445566778899aabbccddeeff")
DEV_EUI = DevEui.parse("0059AC0000170311")
PRIVATE_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = PRIVATE_KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

VAULTS: dict[str, Callable[[], Vault]] = {"software": lambda: SoftwareVault(bytes(range(32)))}


@pytest.fixture(params=VAULTS)
def vault(request: pytest.FixtureRequest) -> Vault:
    return VAULTS[request.param]()


def order(
    sealed: bytes, *, key: AesKey = APP_KEY, protected: bool = True, ask: bytes | None = None
) -> JoinOrder:
    unsigned = JoinRequest(JoinEui(1), DEV_EUI, 9, b"")
    request = JoinRequest(JoinEui(1), DEV_EUI, 9, join_request_mic(key, unsigned.unsigned()))
    accept = JoinAccept(5, NetId(0), DevAddr(0x01020304), 0, 1)
    return JoinOrder(
        dev_eui=DEV_EUI,
        join_eui=JoinEui(1),
        sealed_app_key=sealed,
        request=request,
        accept=accept,
        protected=protected,
        sealed_as_transport_key=ask,
    )


async def test_a_join_of_a_protected_device_gives_a_wrapped_app_s_key(vault: Vault) -> None:
    sealed = await vault.import_app_key(DEV_EUI, APP_KEY)
    assert bytes(APP_KEY) not in sealed
    generated = await vault.generate_as_key(PEM)
    assert len(generated.rsa_encrypted) == 512
    transport_key = AesKey(PRIVATE_KEY.decrypt(bytes.fromhex(generated.rsa_encrypted), padding.PKCS1v15()))
    (answer,) = await vault.join([order(sealed, ask=generated.sealed)])
    assert isinstance(answer, JoinKeys)
    accept, _mic = decrypt_join_accept(APP_KEY, answer.join_accept)
    expected = derive_session_keys_10(APP_KEY, accept.join_nonce, accept.net_id, 9)
    assert answer.f_nwk_s_int_key == expected.nwk_s_key and answer.app_s_key is None
    assert answer.wrapped_app_s_key is not None
    assert aes_decrypt(transport_key, answer.wrapped_app_s_key) == expected.app_s_key


async def test_an_unprotected_device_and_one_without_as_key(vault: Vault) -> None:
    sealed = await vault.import_app_key(DEV_EUI, APP_KEY)
    clear, withheld = await vault.join([order(sealed, protected=False), order(sealed)])
    assert isinstance(clear, JoinKeys) and clear.app_s_key is not None and clear.wrapped_app_s_key is None
    assert (
        isinstance(withheld, JoinKeys) and withheld.app_s_key is None and withheld.wrapped_app_s_key is None
    )


async def test_refusals(vault: Vault) -> None:
    sealed = await vault.import_app_key(DEV_EUI, APP_KEY)
    other = await vault.import_app_key(DevEui(5), APP_KEY)
    answers = await vault.join(
        [
            order(sealed, key=AesKey(bytes(16))),
            order(other),
            order(b"garbage"),
            order(sealed, ask=b"\x01garbage"),
            order(sealed),
        ]
    )
    codes = [answer.code if isinstance(answer, JoinRefusal) else "ok" for answer in answers]
    assert codes == ["wrong_mic", "bad_seal", "bad_seal", "bad_seal", "ok"]


async def test_sealed_secrets_open_under_their_label_only(vault: Vault) -> None:
    sealed = await vault.seal("a", b"secret")
    assert b"secret" not in sealed and await vault.unseal("a", sealed) == b"secret"
    for label, octets in (("b", sealed), ("a", sealed[:-1] + bytes((sealed[-1] ^ 1,))), ("a", b"")):
        with pytest.raises(VaultError, match=r"vault|format"):
            await vault.unseal(label, octets)


@pytest.mark.parametrize(
    "pem",
    [PEM, PEM.replace("\n", ""), PEM.replace("\n", "\\n"), PEM.replace("\n", "\r\n"), f"\n {PEM} \n"],
    ids=["as is", "one line", "escaped", "crlf", "blanks around"],
)
async def test_pems_as_customers_send_them(vault: Vault, pem: str) -> None:
    generated = await vault.generate_as_key(pem)
    assert len(PRIVATE_KEY.decrypt(bytes.fromhex(generated.rsa_encrypted), padding.PKCS1v15())) == 16


def _pem(key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "hello",
        "-----BEGIN PUBLIC KEY-----%%%-----END PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----AAAA-----END PUBLIC KEY-----",
        PEM.replace("PUBLIC", "PRIVATE"),
        _pem(ec.generate_private_key(ec.SECP256R1()).public_key()),
    ],
    ids=["empty", "no PEM", "no base64", "no key", "private by its label", "no RSA key"],
)
async def test_bad_pems_are_refused(vault: Vault, pem: str) -> None:
    with pytest.raises(VaultError) as caught:
        await vault.generate_as_key(pem)
    assert caught.value.code == "bad_pem"


async def test_hex_plaintext_is_a_setting() -> None:
    vault = SoftwareVault(bytes(32), ask_plaintext="hex")
    generated = await vault.generate_as_key(PEM)
    text = PRIVATE_KEY.decrypt(bytes.fromhex(generated.rsa_encrypted), padding.PKCS1v15())
    assert len(text) == 32 and bytes.fromhex(text.decode())


def test_the_master_key_file(tmp_path: Path) -> None:
    path = tmp_path / "vault" / "master.key"
    with pytest.raises(VaultError, match="cannot read the master key"):
        SoftwareVault.open(path)
    create_master_key(path)
    assert path.stat().st_mode & 0o777 == 0o600 and len(path.read_bytes()) == 32
    with pytest.raises(FileExistsError):
        create_master_key(path)
    SoftwareVault.open(path)
    path.chmod(0o644)
    with pytest.raises(VaultError, match="readable by others"):
        SoftwareVault.open(path)
    path.chmod(0o600)
    path.write_bytes(b"short")
    with pytest.raises(VaultError, match="32 bytes"):
        SoftwareVault.open(path)
