"""The life of master keys, over files and over a real module: made, backed up in parts, rotated, restored,
destroyed; and root keys on their way from one vault to another."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from tests.contract import softhsm
from tests.contract.vaults import APP_KEY, DEV_EUI, order
from veldnet.domain.joins import JoinKeys, JoinRefusal
from veldnet.keys import MasterFiles, Sealed, SoftwareVault, Vault, VaultError, labels, master, moving
from veldnet.keys.master import MasterKeys
from veldnet.keys.pkcs11 import Pkcs11Vault, TokenMasterKeys
from veldnet.keys.pkcs11.moving import TokenMover

_TOKENS = itertools.cycle(softhsm.FURTHER)


def _empty_token() -> TokenMasterKeys:
    keys = TokenMasterKeys(softhsm.bare_token(next(_TOKENS)))
    for generation in keys.generations():
        keys.destroy(generation)
    return keys


def _files(directory: Path) -> MasterFiles:
    return MasterFiles(directory / next(_NAMES) / "master.key")


_NAMES = (f"vault-{number}" for number in itertools.count())
KINDS: dict[str, Callable[[Path], MasterKeys]] = {
    "files": _files,
    "token": lambda _directory: _empty_token(),
}


def vault_over(keys: MasterKeys) -> Vault:
    if isinstance(keys, TokenMasterKeys):
        return Pkcs11Vault(softhsm.bare_token(keys.name))
    return SoftwareVault.open(Path(keys.name))


@pytest.fixture(params=KINDS)
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], MasterKeys]:
    return lambda: KINDS[request.param](tmp_path)


async def test_a_backup_in_parts_restores_the_key_elsewhere(make: Callable[[], MasterKeys]) -> None:
    keys = make()
    backup, parts = master.new_master_key("a", [keys], 5, 3)
    assert (backup.generation, len(parts), keys.generations()) == (1, 5, [1])
    sealed = await vault_over(keys).import_app_key(DEV_EUI, APP_KEY)
    other = make()
    with pytest.raises(VaultError, match="make no backup key"):
        master.combine(parts[:2])
    backup_key = master.combine([parts[4], f"  {parts[0].upper()}\n", parts[2]])
    with pytest.raises(VaultError) as caught:
        other.load(1, bytes.fromhex(backup.wrapped), bytes(32))
    assert caught.value.code == "bad_backup" and other.generations() == []
    other.load(1, bytes.fromhex(backup.wrapped), backup_key)
    with pytest.raises(VaultError) as caught:
        other.load(1, bytes.fromhex(backup.wrapped), backup_key)
    assert caught.value.code == "master_key_exists"
    (answer,) = await vault_over(other).join([order(sealed, protected=False)])
    assert isinstance(answer, JoinKeys), "the other holds the same master key"


async def test_the_next_master_key_seals_and_the_one_before_opens(make: Callable[[], MasterKeys]) -> None:
    keys = make()
    master.new_master_key("a", [keys], 1, 1)
    vault = vault_over(keys)
    sealed = await vault.import_app_key(DEV_EUI, APP_KEY)
    secret = await vault.seal("x", b"secret")
    first = await vault.refresh()
    assert sealed.startswith(first) and secret.startswith(first)
    master.new_master_key("a", [keys], 1, 1)
    second = await vault.refresh()
    assert second != first and keys.generations() == [1, 2]
    assert await vault.unseal("x", secret) == b"secret"
    items = [
        Sealed(labels.app_key(DEV_EUI), sealed),
        Sealed(labels.secret("x"), secret),
        Sealed(labels.app_key(DEV_EUI), b"garbage"),
    ]
    app_key, new_secret, nothing = await vault.reseal(items)
    assert app_key is not None and app_key.startswith(second) and nothing is None
    assert new_secret is not None and new_secret.startswith(second)
    keys.destroy(1)
    await vault.refresh()
    (answer,) = await vault.join([order(app_key, protected=False)])
    assert isinstance(answer, JoinKeys) and await vault.unseal("x", new_secret) == b"secret"
    (refusal,) = await vault.join([order(sealed, protected=False)])
    assert isinstance(refusal, JoinRefusal) and refusal.code == "no_master_key"
    with pytest.raises(VaultError) as caught:
        keys.destroy(1)
    assert caught.value.code == "no_master_key"


def test_a_master_key_that_one_module_does_not_take_is_in_none(make: Callable[[], MasterKeys]) -> None:
    one, two = make(), make()
    master.new_master_key("a", [two], 1, 1)
    # The next generation of both is 2; the second module refuses it.
    refusing = _Refusing(two)
    with pytest.raises(VaultError, match="no room"):
        master.new_master_key("a", [one, refusing], 1, 1)
    assert one.generations() == [] and two.generations() == [1]


class _Refusing:
    """A module that takes no key."""

    name = "refusing"

    def __init__(self, keys: MasterKeys) -> None:
        self.generations = keys.generations
        self.create = keys.create
        self.destroy = keys.destroy

    def load(self, _generation: int, _wrapped: bytes, _backup_key: bytes) -> None:
        raise VaultError("module_failed", "no room")


@pytest.mark.parametrize(("parts", "threshold"), [(3, 4), (5, 1), (0, 0), (17, 3)])
def test_parts_that_make_no_sense(parts: int, threshold: int) -> None:
    with pytest.raises(VaultError) as caught:
        master.split(bytes(32), parts, threshold)
    assert caught.value.code == "bad_parts"


def test_any_enough_parts_make_the_key_and_foreign_ones_do_not() -> None:
    secret = bytes(range(32))
    parts = master.split(secret, 4, 2)
    for pair in itertools.combinations(parts, 2):
        assert master.combine(pair) == secret
    foreign = master.split(secret, 4, 2)
    for wrong in ([parts[0]], [parts[0], foreign[1]], ["abc def"], [parts[0], parts[1] + " academic"]):
        with pytest.raises(VaultError) as caught:
            master.combine(wrong)
        assert caught.value.code == "bad_parts"


# Root keys between vaults.


def _mover(keys: MasterKeys) -> moving.SoftwareMover | TokenMover:
    if isinstance(keys, TokenMasterKeys):
        return TokenMover(softhsm.bare_token(keys.name))
    return moving.SoftwareMover(SoftwareVault.open(Path(keys.name)))


@pytest.mark.parametrize("source_kind", KINDS)
@pytest.mark.parametrize("target_kind", KINDS)
async def test_root_keys_move_between_vaults(tmp_path: Path, source_kind: str, target_kind: str) -> None:
    source, target = KINDS[source_kind](tmp_path), KINDS[target_kind](tmp_path)
    for keys in (source, target):
        master.new_master_key("", [keys], 1, 1)
    sealed = await vault_over(source).import_app_key(DEV_EUI, APP_KEY)
    giving, taking = _mover(source), _mover(target)
    moving.connect(giving, taking)
    label = labels.app_key(DEV_EUI)
    passing = giving.send(Sealed(label, sealed))
    assert bytes(APP_KEY) not in passing
    moved = taking.receive(label, passing)
    (answer,) = await vault_over(target).join([order(moved, protected=False)])
    assert isinstance(answer, JoinKeys)
    for bad, code in ((passing[:-1] + bytes((passing[-1] ^ 1,)), "bad_transport"), (b"", "bad_transport")):
        with pytest.raises(VaultError) as caught:
            taking.receive(label, bad)
        assert caught.value.code == code
    with pytest.raises(VaultError) as caught:
        giving.send(Sealed(labels.app_key("00000000000000AA"), sealed))
    assert caught.value.code == "bad_seal"


def test_a_backup_file_says_what_it_is(tmp_path: Path) -> None:
    backup, _parts = master.new_master_key("amsterdam", [_files(tmp_path)], 3, 2)
    text = msgspec.json.encode(backup)
    assert msgspec.json.decode(text, type=master.Backup) == backup
    assert set(msgspec.json.decode(text)) == {"vault", "generation", "parts", "threshold", "wrapped"}
