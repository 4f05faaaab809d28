"""What every vault must do: the software vault, and a real PKCS#11 module, SoftHSM 2."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import signal
import tempfile
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import pytest_asyncio
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.keywrap import aes_key_wrap
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from pkcs11 import Mechanism, MechanismFlag
from pkcs11.exceptions import SessionCount

from tests.contract import softhsm
from tests.contract.vaults import (
    APP_KEY,
    DEV_EUI,
    VAULTS,
    in_a_process,
    order,
    software,
    token_opening,
)
from tests.forked import STARTED_VAULTS
from tests.rsa_keys import private_key, public_pem
from veldnet.assembly.vaults.process import starter
from veldnet.domain.joins import JoinKeys, JoinRefusal
from veldnet.keys import (
    AskForm,
    GroupKeyOrder,
    McKey,
    Member,
    SoftwareVault,
    Transported,
    Vault,
    VaultError,
    create_master_key,
    labels,
)
from veldnet.keys.interface import ClearKey, Sealed
from veldnet.keys.pkcs11 import Pkcs11Vault, Token, TokenSettings
from veldnet.keys.process import RemoteVault
from veldnet.lorawan import AesKey, DevAddr, DevEui
from veldnet.lorawan.crypto import aes_decrypt, aes_encrypt
from veldnet.lorawan.join import decrypt_join_accept, derive_session_keys_10
from veldnet.lorawan.packages.fragmentation import data_block_key
from veldnet.lorawan.packages.multicast_keys import (
    mc_app_s_key,
    mc_ke_key,
    mc_nwk_s_key,
    mc_root_key_10,
    mc_root_key_11,
)

# For tests of a vault that is opened once.
on_its_loop = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(params=VAULTS, scope="module", loop_scope="module")
async def vault(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Vault]:
    """Each kind is opened once: a token, its master key and a process take seconds."""
    opened = await VAULTS[request.param](tmp_path_factory.mktemp("vault"))
    yield opened
    if not isinstance(opened, Pkcs11Vault):
        await opened.close()


@on_its_loop
async def test_a_join_of_a_protected_device_gives_a_wrapped_app_s_key(vault: Vault) -> None:
    sealed = await vault.import_app_key(DEV_EUI, APP_KEY)
    assert bytes(APP_KEY) not in sealed
    generated = await vault.generate_as_key(public_pem())
    assert len(generated.rsa_encrypted) == 512
    transport_key = AesKey(private_key().decrypt(bytes.fromhex(generated.rsa_encrypted), padding.PKCS1v15()))
    (answer,) = await vault.join([order(sealed, ask=generated.sealed)])
    assert isinstance(answer, JoinKeys)
    accept, _mic = decrypt_join_accept(APP_KEY, answer.join_accept)
    expected = derive_session_keys_10(APP_KEY, accept.join_nonce, accept.net_id, 9)
    assert answer.f_nwk_s_int_key == expected.nwk_s_key and answer.app_s_key is None
    assert answer.wrapped_app_s_key is not None
    assert aes_decrypt(transport_key, answer.wrapped_app_s_key) == expected.app_s_key


@on_its_loop
async def test_many_keys_are_sealed_at_once_in_their_order(vault: Vault) -> None:
    """More than any vault takes in one piece."""
    keys = [ClearKey(labels.app_key(DevEui(n)), bytes(15) + bytes([n])) for n in range(1, 71)]
    sealed = await vault.import_keys([*keys, ClearKey(labels.app_key(DEV_EUI), bytes(APP_KEY))])
    assert len(set(sealed)) == 71 and not any(bytes(APP_KEY) in octets for octets in sealed)
    last, wrong = await vault.join([order(sealed[70], protected=False), order(sealed[69], protected=False)])
    assert isinstance(last, JoinKeys) and isinstance(wrong, JoinRefusal)
    assert await vault.import_keys([]) == []


@on_its_loop
async def test_keys_of_multicast_groups_and_updates(vault: Vault) -> None:
    """A device recovers the McKey that the vault has made, and has the session keys of the group."""
    group, dev_addr = DevEui(0x47), DevAddr(0x01FF0001)
    mc_key = McKey(int(group), await vault.seal_mc_key(group))
    generated = await vault.generate_as_key(public_pem())
    transport_key = AesKey(private_key().decrypt(bytes.fromhex(generated.rsa_encrypted), padding.PKCS1v15()))
    sealed_app, sealed_gen = await vault.import_keys(
        [
            ClearKey(labels.app_key(DEV_EUI), bytes(APP_KEY)),
            ClearKey(labels.gen_app_key(DEV_EUI), bytes(APP_KEY)),
        ]
    )
    members = [
        Member(int(DEV_EUI), sealed_gen, version_11=False),
        Member(int(DEV_EUI), sealed_app, version_11=True),
        Member(int(DEV_EUI), sealed_app, version_11=False),
    ]
    old, new, wrong = await vault.member_keys(members, mc_key)
    assert wrong is None and old is not None and new is not None
    recovered = AesKey(aes_encrypt(mc_ke_key(mc_root_key_10(APP_KEY)), old.mc_key_encrypted))
    assert recovered == AesKey(aes_encrypt(mc_ke_key(mc_root_key_11(APP_KEY)), new.mc_key_encrypted))
    assert AesKey(old.data_block_int_key) == data_block_key(APP_KEY)
    session = await vault.group_keys(GroupKeyOrder(mc_key, int(dev_addr), generated.sealed))
    assert AesKey(session.nwk_s_key) == mc_nwk_s_key(recovered, dev_addr)
    assert session.wrapped_app_s_key is not None
    assert AesKey(aes_decrypt(transport_key, session.wrapped_app_s_key)) == mc_app_s_key(recovered, dev_addr)
    withheld = await vault.group_keys(GroupKeyOrder(mc_key, int(dev_addr)))
    assert withheld.wrapped_app_s_key is None and bytes(recovered) not in mc_key.sealed
    (without,) = await vault.member_keys(members[:1], None)
    assert without is not None and without.mc_key_encrypted == b""
    with pytest.raises(VaultError, match=r"vault|format"):
        await vault.member_keys(members, McKey(5, mc_key.sealed))
    (resealed,) = await vault.reseal([Sealed(mc_key.label, mc_key.sealed)])
    assert resealed is not None
    (again,) = await vault.member_keys(members[:1], McKey(int(group), resealed))
    assert again == old
    known = McKey(int(group), await vault.seal_mc_key(group, bytes(APP_KEY)))
    (of_known,) = await vault.member_keys(members[1:2], known)
    assert of_known is not None
    assert AesKey(aes_encrypt(mc_ke_key(mc_root_key_11(APP_KEY)), of_known.mc_key_encrypted)) == APP_KEY


@on_its_loop
async def test_an_unprotected_device_and_one_without_as_key(vault: Vault) -> None:
    sealed = await vault.import_app_key(DEV_EUI, APP_KEY)
    clear, withheld = await vault.join([order(sealed, protected=False), order(sealed)])
    assert isinstance(clear, JoinKeys) and clear.app_s_key is not None and clear.wrapped_app_s_key is None
    assert (
        isinstance(withheld, JoinKeys) and withheld.app_s_key is None and withheld.wrapped_app_s_key is None
    )


@on_its_loop
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


@on_its_loop
async def test_sealed_secrets_open_under_their_label_only(vault: Vault) -> None:
    sealed = await vault.seal("a", b"secret")
    assert b"secret" not in sealed and await vault.unseal("a", sealed) == b"secret"
    for label, octets in (("b", sealed), ("a", sealed[:-1] + bytes((sealed[-1] ^ 1,))), ("a", b"")):
        with pytest.raises(VaultError, match=r"vault|format"):
            await vault.unseal(label, octets)


@on_its_loop
@pytest.mark.parametrize(
    "line_end, around",
    [("\n", ""), ("", ""), ("\\n", ""), ("\r\n", ""), ("\n", "\n ")],
    ids=["as is", "one line", "escaped", "crlf", "blanks around"],
)
async def test_pems_as_customers_send_them(vault: Vault, line_end: str, around: str) -> None:
    generated = await vault.generate_as_key(around + public_pem().replace("\n", line_end) + around)
    assert len(private_key().decrypt(bytes.fromhex(generated.rsa_encrypted), padding.PKCS1v15())) == 16


_LABEL = "private by its label"


def _pem(key: ec.EllipticCurvePublicKey) -> str:
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@on_its_loop
@pytest.mark.parametrize(
    "pem",
    [
        "",
        "hello",
        "-----BEGIN PUBLIC KEY-----%%%-----END PUBLIC KEY-----",
        "-----BEGIN PUBLIC KEY-----AAAA-----END PUBLIC KEY-----",
        _LABEL,
        _pem(ec.generate_private_key(ec.SECP256R1()).public_key()),
    ],
    ids=["empty", "no PEM", "no base64", "no key", _LABEL, "no RSA key"],
)
async def test_bad_pems_are_refused(vault: Vault, pem: str) -> None:
    if pem == _LABEL:
        pem = public_pem().replace("PUBLIC", "PRIVATE")
    with pytest.raises(VaultError) as caught:
        await vault.generate_as_key(pem)
    assert caught.value.code == "bad_pem"


@on_its_loop
async def test_root_keys_come_encrypted(vault: Vault) -> None:
    """RSA with the exchange key, AES with a transport key; the device joins with what came."""
    exchange = await vault.create_exchange_key()
    public = load_pem_public_key(exchange.public_key_pem.encode())
    assert isinstance(public, rsa.RSAPublicKey) and public.key_size >= 2048
    shared = await vault.create_transport_key(public_pem())
    transport_key = private_key().decrypt(bytes.fromhex(shared.rsa_encrypted), padding.PKCS1v15())
    label = labels.app_key(DEV_EUI)
    ways = (
        Transported(
            form="RSA",
            label=label,
            encrypted=public.encrypt(bytes(APP_KEY), padding.PKCS1v15()),
            sealed=exchange.sealed,
        ),
        Transported(
            form="AES",
            label=label,
            encrypted=aes_key_wrap(transport_key, bytes(APP_KEY)),
            sealed=shared.sealed,
        ),
    )
    for way in ways:
        sealed = await vault.receive(way)
        assert bytes(APP_KEY) not in sealed
        (answer,) = await vault.join([order(sealed, protected=False)])
        assert isinstance(answer, JoinKeys), way.form


@on_its_loop
async def test_root_keys_that_come_broken_are_refused(vault: Vault) -> None:
    exchange, shared = await vault.create_exchange_key(), await vault.create_transport_key(public_pem())
    public = load_pem_public_key(exchange.public_key_pem.encode())
    assert isinstance(public, rsa.RSAPublicKey)
    too_long = public.encrypt(bytes(32), padding.PKCS1v15())
    label = labels.app_key(DEV_EUI)
    for form, encrypted, sealed, code in (
        ("RSA", b"", exchange.sealed, "bad_transport"),
        ("RSA", bytes(255), exchange.sealed, "bad_transport"),
        ("RSA", too_long, exchange.sealed, "bad_transport"),
        ("AES", bytes(24), shared.sealed, "bad_transport"),
        ("AES", b"", shared.sealed, "bad_transport"),
        ("AES", bytes(24), exchange.sealed, "bad_seal"),
        ("RSA", bytes(256), b"garbage", "bad_seal"),
    ):
        transported = Transported(form=form, label=label, encrypted=encrypted, sealed=sealed)  # type: ignore[arg-type]
        with pytest.raises(VaultError) as caught:
            await vault.receive(transported)
        assert caught.value.code == code, (form, encrypted)
    # It still works.
    assert await vault.unseal("a", await vault.seal("a", b"x")) == b"x"


async def test_oaep_is_a_setting() -> None:
    """SoftHSM 2 knows SHA-1 within OAEP, and is refused at the start for another hash."""
    algorithms: tuple[tuple[str, hashes.HashAlgorithm], ...] = (
        ("oaep-sha1", hashes.SHA1()),  # noqa: S303 - within OAEP it is as good as another
        ("oaep-sha256", hashes.SHA256()),
    )
    for name, algorithm in algorithms:
        ask = AskForm(padding=name)  # type: ignore[arg-type]
        way = padding.OAEP(padding.MGF1(algorithm), algorithm, None)
        generated = await SoftwareVault(bytes(32), ask=ask).generate_as_key(public_pem())
        assert len(private_key().decrypt(bytes.fromhex(generated.rsa_encrypted), way)) == 16
        if name == "oaep-sha1":
            generated = await Pkcs11Vault(softhsm.token(), ask=ask).generate_as_key(public_pem())
            assert len(private_key().decrypt(bytes.fromhex(generated.rsa_encrypted), way)) == 16
        else:
            with pytest.raises(VaultError, match=r"CKM_RSA_PKCS_OAEP as keys\.ask_padding oaep-sha256"):
                Pkcs11Vault(softhsm.token(), ask=ask)


async def test_hex_plaintext_is_a_setting() -> None:
    vault = SoftwareVault(bytes(32), ask=AskForm("hex"))
    generated = await vault.generate_as_key(public_pem())
    text = private_key().decrypt(bytes.fromhex(generated.rsa_encrypted), padding.PKCS1v15())
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


# What goes wrong with a module.


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"module": "/nowhere/module.so"}, "no_module"),
        ({"module": __file__}, "no_module"),
        ({"token": "another"}, "no_token"),
    ],
)
def test_a_module_that_cannot_be_used_says_why(changes: dict[str, str], code: str) -> None:
    softhsm.token()
    settings = TokenSettings(changes.get("module", str(softhsm.module())), changes.get("token", ""))
    with pytest.raises(VaultError) as caught:
        Token(settings, lambda: softhsm.PIN)
    assert caught.value.code == code and softhsm.PIN not in str(caught.value)


def test_a_module_that_lacks_a_mechanism_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is named, with what it is needed for; nothing falls back to keys in clear."""
    token = softhsm.token()
    needed = ((Mechanism.AES_CTS, MechanismFlag.WRAP, "do the impossible"),)
    monkeypatch.setattr("veldnet.keys.pkcs11.token.NEEDED", needed)
    with pytest.raises(VaultError, match="cannot wrap with CKM_AES_CTS, which is needed to"):
        token.check()


async def test_a_session_that_the_module_does_not_give_is_said_and_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    token = softhsm.token()
    vault = Pkcs11Vault(token)
    sealed = await vault.import_app_key(DEV_EUI, APP_KEY)

    class Full:
        def open(self, **_arguments: object) -> object:
            raise SessionCount

    with monkeypatch.context() as limited:
        limited.setattr(token, "_token", Full())
        # Of a thread that has no session yet.
        fresh = Pkcs11Vault.__new__(Pkcs11Vault)
        fresh.__dict__ |= vault.__dict__ | {"_threads": ThreadPoolExecutor(1)}
        (refusal,) = await fresh.join([order(sealed, protected=False)])
        assert isinstance(refusal, JoinRefusal) and refusal.code == "no_session"
        assert "SessionCount" in refusal.message
    (answer,) = await fresh.join([order(sealed, protected=False)])
    assert isinstance(answer, JoinKeys), "the next call asks again"
    fresh._threads.shutdown()


async def test_a_module_wants_raw_as_keys() -> None:
    with pytest.raises(VaultError, match="ask_plaintext"):
        Pkcs11Vault(softhsm.token(), ask=AskForm("hex"))


# What goes wrong with a process.


async def test_a_vault_process_that_is_killed_is_restarted_and_no_call_is_lost(tmp_path: Path) -> None:
    vault = await in_a_process(tmp_path)
    assert isinstance(vault, RemoteVault)
    try:
        sealed = await vault.import_app_key(DEV_EUI, APP_KEY)
        answers: list[JoinKeys | JoinRefusal] = []

        async def join_on_and_on() -> None:
            for _ in range(60):
                answers.extend(await vault.join([order(sealed, protected=False)] * 4))

        tasks = [asyncio.create_task(join_on_and_on()) for _ in range(3)]
        while not answers:
            await asyncio.sleep(0.01)
        for _ in range(3):
            pid = vault.pid
            assert pid is not None
            assert vault.problem is None
            os.kill(pid, signal.SIGKILL)
            while vault.problem is None:
                await asyncio.sleep(0.01)
            assert "restarted" in vault.problem
            while vault.problem is not None:
                await asyncio.sleep(0.02)
        await asyncio.gather(*tasks)
        assert len(answers) == 3 * 60 * 4
        assert all(isinstance(answer, JoinKeys) for answer in answers) and vault.restarts >= 3
    finally:
        await vault.close()


async def test_a_vault_process_that_cannot_open_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(VaultError, match=r"cannot read the master key .*missing\.key"):
        await RemoteVault.open(starter(software(tmp_path / "missing.key", create=False)))
    environment = softhsm.configure(tmp_path)
    softhsm.create_token(environment)
    pin = tmp_path / "pin"
    pin.write_text("0000")
    monkeypatch.setenv("SOFTHSM2_CONF", environment["SOFTHSM2_CONF"])
    for mode, code in ((0o644, "exposed_pin"), (0o600, "wrong_pin")):
        pin.chmod(mode)
        with pytest.raises(VaultError) as caught:
            await RemoteVault.open(starter(token_opening(pin)))
        assert caught.value.code == code and "0000" not in str(caught.value)
    pin.write_text(softhsm.PIN)
    with pytest.raises(VaultError, match="create-master-key"):
        await RemoteVault.open(starter(token_opening(pin)))


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> None:
    """Vault processes begin as they do for users."""
    monkeypatch.setenv(STARTED_VAULTS, "1")


@pytest.mark.usefixtures("started")
async def test_the_vault_process_becomes_another_user(tmp_path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    # Every folder above is the user's who runs the tests.
    directory = Path(tempfile.mkdtemp(prefix="veldnet-vault-"))
    if os.geteuid() == 0:
        os.chown(directory, nobody.pw_uid, nobody.pw_gid)
    start = starter(software(directory / "master.key", user="nobody"))
    if os.geteuid() != 0:
        with pytest.raises(VaultError, match=r"keys\.user 'nobody'"):
            await RemoteVault.open(start)
        return
    vault = await RemoteVault.open(start)
    try:
        status = Path(f"/proc/{vault.pid}/status").read_text()
        assert f"Uid:\t{nobody.pw_uid}\t{nobody.pw_uid}" in status
        assert (directory / "master.key").stat().st_uid == nobody.pw_uid
        # It has memory to work with although what it has is locked.
        sealed = await vault.seal("a", bytes(3_000_000))
        assert await vault.unseal("a", sealed) == bytes(3_000_000)
    finally:
        await vault.close()
        shutil.rmtree(directory)
    unknown = starter(software(tmp_path / "key", user="no-such-user"))
    with pytest.raises(VaultError, match="no-such-user"):
        await RemoteVault.open(unknown)


@pytest.mark.usefixtures("started")
async def test_a_vault_process_ends_with_its_server_and_not_before(tmp_path: Path) -> None:
    vault = await in_a_process(tmp_path)
    assert isinstance(vault, RemoteVault) and vault.pid is not None
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(vault.pid, number)
    assert await vault.unseal("a", await vault.seal("a", b"still here")) == b"still here"
    assert vault.restarts == 0
    pid = vault.pid
    await vault.close()
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(VaultError, match="not there"):
        await vault.seal("a", b"x")


@pytest.mark.usefixtures("started")
async def test_the_vault_process_shows_its_memory_to_nobody(tmp_path: Path) -> None:
    vault = await in_a_process(tmp_path)
    assert isinstance(vault, RemoteVault)
    try:
        status = Path(f"/proc/{vault.pid}/status").read_text()
        limits = Path(f"/proc/{vault.pid}/limits").read_text()
        assert "NoNewPrivs:\t1" in status
        (core,) = [line for line in limits.splitlines() if line.startswith("Max core file size")]
        assert core.split()[4] == "0"
        # A process that may not be dumped belongs to root in /proc, whoever runs it.
        assert Path(f"/proc/{vault.pid}/mem").stat().st_uid == 0
        locked = [line for line in status.splitlines() if line.startswith("VmLck")]
        if os.geteuid() == 0:
            assert int(locked[0].split()[1]) > 0
    finally:
        await vault.close()
