"""Vaults of every kind, opened for tests, and a join order for them."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.contract import softhsm
from veldnet.assembly.vaults.process import Opening, starter
from veldnet.domain.joins import JoinOrder
from veldnet.keys import SoftwareVault, Vault
from veldnet.keys.process import RemoteVault
from veldnet.lorawan import AesKey, DevAddr, DevEui, JoinEui, NetId
from veldnet.lorawan.frames import JoinRequest
from veldnet.lorawan.join import JoinAccept, join_request_mic
from veldnet.settings import ModuleSettings

APP_KEY = AesKey.parse("00112233445566778899aabbccddeeff")
DEV_EUI = DevEui.parse("0059AC0000170311")


async def in_a_process(directory: Path) -> Vault:
    """The software vault as the server runs it."""
    return await RemoteVault.open(starter(software(directory / "master.key")))


def software(path: Path, *, user: str = "", create: bool = True) -> Opening:
    return Opening(master_key=str(path), create=create, user=user)


def token_opening(pin: Path, token: str = "") -> Opening:
    module = ModuleSettings(str(softhsm.module()), token, str(pin))
    return Opening(module=module, key_label="veldnet-master")


async def hsm_in_a_process(directory: Path) -> Vault:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOFTHSM2_CONF", softhsm.configure(directory)["SOFTHSM2_CONF"])
        return await _open_hsm_in_a_process(directory)


async def _open_hsm_in_a_process(directory: Path) -> Vault:
    softhsm.create_token({})
    pin = directory / "pin"
    pin.touch(0o600)
    pin.write_text(softhsm.PIN)
    # The module reads its configuration once in a process: the master key is made in one that ends.
    variables = {
        "VELDNET_KEYS__VAULT": "pkcs11",
        "VELDNET_KEYS__MODULE": str(softhsm.module()),
        "VELDNET_KEYS__PIN_FILE": str(pin),
    }
    command = [sys.executable, "-m", "veldnet", "admin", "vault", "create-master-key", "--no-backup"]
    await asyncio.to_thread(subprocess.run, command, env=os.environ | variables, check=True)
    return await RemoteVault.open(starter(token_opening(pin)))


async def _software(_directory: Path) -> Vault:
    return SoftwareVault(bytes(range(32)))


async def _softhsm(_directory: Path) -> Vault:
    return softhsm.vault()


VAULTS: dict[str, Callable[[Path], Awaitable[Vault]]] = {
    "software": _software,
    "softhsm": _softhsm,
    "software in a process": in_a_process,
    "softhsm in a process": hsm_in_a_process,
}


def order(
    sealed: bytes,
    *,
    key: AesKey = APP_KEY,
    protected: bool = True,
    ask: bytes | None = None,
    vault: str = "",
) -> JoinOrder:
    unsigned = JoinRequest(JoinEui(1), DEV_EUI, 9, b"")
    request = JoinRequest(JoinEui(1), DEV_EUI, 9, join_request_mic(key, unsigned.unsigned()))
    accept = JoinAccept(5, NetId(0), DevAddr(0x01020304), 0, 1)
    return JoinOrder(
        vault=vault,
        dev_eui=DEV_EUI,
        join_eui=JoinEui(1),
        sealed_app_key=sealed,
        request=request,
        accept=accept,
        protected=protected,
        sealed_as_transport_key=ask,
    )
