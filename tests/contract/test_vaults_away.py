"""The vaults of a node whose modules are away when it starts."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from tests.contract import softhsm
from tests.contract.vaults import order
from veldnet.assembly.vaults.opening import Opened, open_vaults, seal_check
from veldnet.domain.joins import JoinRefusal
from veldnet.keys import VaultError
from veldnet.settings import KeySettings, ModuleSettings, Settings, VaultSettings


def _settings(directory: Path, module: Path) -> Settings:
    pin = directory / "pin"
    pin.touch(0o600)
    pin.write_text(softhsm.PIN)
    place = VaultSettings((ModuleSettings(str(module), softhsm.LABEL, str(pin)),))
    keys = msgspec.structs.replace(KeySettings(), vault="delft", vaults={"delft": place})
    return Settings(data=str(directory), keys=keys)


async def test_a_node_begins_without_its_vault_and_takes_it_up_when_it_returns(tmp_path: Path) -> None:
    softhsm.token()
    module = tmp_path / "module.so"
    settings = _settings(tmp_path, module)
    module.symlink_to(softhsm.module())
    opened = await open_vaults(settings, {}, Opened.APART)
    checks = {"delft": await seal_check(opened, "delft"), "": await seal_check(opened, "")}
    await opened.close()
    module.unlink()

    with pytest.raises(VaultError, match="there is no PKCS#11 module"):
        await open_vaults(settings, checks, Opened.APART)
    with pytest.raises(VaultError, match="there is no PKCS#11 module"):
        # What was never proved could be any vault.
        await open_vaults(settings, {}, Opened.WHEN_THERE)
    vaults = await open_vaults(settings, checks, Opened.WHEN_THERE)
    try:
        async with asyncio.timeout(5):
            (refusal,) = await vaults.join([msgspec.structs.replace(order(b"sealed"), vault="delft")])
            assert isinstance(refusal, JoinRefusal) and refusal.code == "vault_gone"
            with pytest.raises(VaultError, match="there is no PKCS#11 module"):
                await vaults.seal("a", b"b")
        assert [module.problem is None for module in vaults.health] == [False]
        module.symlink_to(softhsm.module())
        async with asyncio.timeout(60):
            while vaults.problem is not None:
                await asyncio.sleep(0.05)
        assert await vaults.unseal("a", await vaults.seal("a", b"b")) == b"b"
    finally:
        await vaults.close()
