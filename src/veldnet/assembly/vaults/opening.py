"""The vaults of the settings: each module opened, and proved to hold the master key of the database."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path

import msgspec
import structlog

from veldnet.assembly.vaults.process import Opening, open_here, starter
from veldnet.keys import AskForm, FailoverVault, Vault, VaultError, Vaults
from veldnet.keys.process import Proof, RemoteVault
from veldnet.settings import Settings

log = structlog.get_logger(__name__)

# Label and content of what each vault has sealed for a proof.
CHECK, _WORD = "vault_check", b"veldnet"
# A module that hangs is given up for its fellows sooner than one that is alone.
_SILENCE = 4.0

_NOT_MINE = ("bad_seal", "no_master_key")

# By vault, what it has sealed as a proof; read each time a process begins.
Checks = Mapping[str, bytes]


def master_key_of(settings: Settings) -> Path:
    if settings.keys.master_key:
        return Path(settings.keys.master_key)
    return Path(settings.data) / "vault" / "master.key"


def vault_names(settings: Settings) -> list[str]:
    """The vaults of the settings; the default one has no name."""
    return ["", *settings.keys.vaults]


def openings(settings: Settings, name: str, *, create: bool = False) -> list[Opening]:
    """How each module of a vault is opened."""
    keys = settings.keys
    common = Opening(ask=AskForm(keys.ask_plaintext, keys.ask_padding), user=keys.user, log=settings.log)
    found = keys.vault_of(name)
    if found is None:
        return [msgspec.structs.replace(common, master_key=str(master_key_of(settings)), create=create)]
    return [
        msgspec.structs.replace(common, module=module, key_label=found.key_label) for module in found.modules
    ]


class Opened(Enum):
    """How vaults are opened: in this process, each in a process of its own, or so that those are waited for
    whose modules are away: with what they have sealed for a proof before, they are taken up when they
    return."""

    HERE = 1
    APART = 2
    WHEN_THERE = 3


async def open_vaults(settings: Settings, checks: Checks, how: Opened, *, create: bool = False) -> Vaults:
    """Open all vaults. `checks` are what each has sealed before. A vault of several modules opens with those
    that are there. Raises `VaultError`."""
    opened: dict[str, Vault] = {}
    try:
        for name in settings.keys.vaults:
            opened[name] = await _open(settings, name, checks, how, create=create)
        default = opened.get(settings.keys.vault)
        if default is None:
            default = await _open(settings, "", checks, how, create=create)
        elif "" in checks and how is Opened.HERE:
            # The default vault is one of the others, and must have been that before.
            await _prove(default, openings(settings, "")[0], checks[""])
    except BaseException:
        await asyncio.gather(*(vault.close() for vault in opened.values()))
        raise
    return Vaults(default, opened)


async def _open(settings: Settings, name: str, checks: Checks, how: Opened, *, create: bool) -> Vault:
    ways = openings(settings, name, create=create)
    # The default vault may be one of the others, and must have been that before.
    names = [name, ""] if name == settings.keys.vault else [name]
    if how is Opened.HERE:
        vaults = [open_here(way) for way in ways]
        for vault, way in zip(vaults, ways, strict=True):
            if name in checks:
                await _prove(vault, way, checks[name])
        return vaults[0] if len(vaults) == 1 else FailoverVault(vaults)
    proofs = [_proof(way, names, checks) for way in ways]
    if len(ways) == 1:
        members = [RemoteVault(starter(ways[0]), name=ways[0].name, proof=proofs[0])]
    else:
        members = [
            RemoteVault(starter(way), name=way.name, hold=False, proof=proof, silence=_SILENCE)
            for way, proof in zip(ways, proofs, strict=True)
        ]
    # What was never proved could be any vault.
    waited_for = how is Opened.WHEN_THERE and name in checks
    return await _settled(name, members, waited_for=waited_for)


async def _settled(name: str, members: Sequence[RemoteVault], *, waited_for: bool) -> Vault:
    """Begin with the modules of a vault. Raises `VaultError` where none works, unless it is `waited_for`."""
    vault: Vault = members[0] if len(members) == 1 else FailoverVault(members)
    try:
        for member in members:
            await member.begin()
        settled = await asyncio.gather(*(member.settled() for member in members))
        away = not any(settled)
        if away and not (waited_for and all(member.away for member in members)):
            raise _not_opened(name, members, vault)
    except BaseException:
        await vault.close()
        raise
    for health in vault.health:
        if health.problem is not None:
            log.error("module_missing", vault=name, module=health.name, problem=health.problem)
    if away:
        for member in members:
            member.refuse_until_ready()
        log.error("vault_missing", vault=name, problem=vault.problem)
    return vault


def _not_opened(name: str, members: Sequence[RemoteVault], vault: Vault) -> VaultError:
    if len(members) > 1:
        return VaultError("no_vault", f"no module of vault {name!r} can be opened: {vault.problem}")
    return members[0].refusal


def _proof(way: Opening, names: Sequence[str], checks: Checks) -> Proof:
    async def prove(vault: RemoteVault) -> None:
        for sealed in [checks[name] for name in names if name in checks]:
            try:
                await vault.prove(CHECK, sealed)
            except VaultError as error:
                if error.code not in _NOT_MINE:
                    raise
                raise _foreign(way) from None

    return prove


async def _prove(vault: Vault, way: Opening, sealed: bytes) -> None:
    try:
        await vault.unseal(CHECK, sealed)
    except VaultError as error:
        if error.code not in _NOT_MINE:
            raise
        raise _foreign(way) from None


def _foreign(way: Opening) -> VaultError:
    name = way.master_key if way.module is None else f"{way.key_label!r} on token {way.name!r}"
    return VaultError(
        "foreign_master_key", f"{name} is not the master key that this database was sealed with"
    )


async def seal_check(vaults: Vaults, name: str) -> bytes:
    """What a vault seals as its proof."""
    return await vaults.of(name).seal(CHECK, _WORD)
