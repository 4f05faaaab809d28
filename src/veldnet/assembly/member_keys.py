"""What members of a multicast group need for their set-up: the group's McKey, encrypted for each by the vault
that keeps its root key (TS005 §3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select

from veldnet.domain.documents import decode_profile
from veldnet.domain.groups import MemberKeys, NoMemberKeys
from veldnet.keys import McKey, Member, Vaults, labels
from veldnet.lorawan import DevEui
from veldnet.store import Store
from veldnet.store.schema import device_profiles, devices, hsm_groups, multicast_groups
from veldnet.texts import Text


class _Device(msgspec.Struct, frozen=True):
    ref: int
    dev_eui: str
    profile: str
    sealed_app_key: bytes | None
    sealed_gen_app_key: bytes | None
    vault: str


class _Group(msgspec.Struct, frozen=True):
    dev_eui: str
    sealed_mc_key: bytes | None
    # None without an HSM group: the network knows the McKey.
    hsm_vault: str | None


async def member_keys(
    store: Store, vaults: Vaults, device_refs: Sequence[int], group_ref: int | None
) -> dict[int, MemberKeys | NoMemberKeys]:
    """For each device what it needs, or why there is none; without a group no McKey is encrypted. Ask for
    some hundred devices at a time: one query, and one call for each vault. Raises `VaultError` where a vault
    cannot work."""

    def read(connection: Connection) -> tuple[_Group | None, list[_Device]]:
        group = None if group_ref is None else _read_group(connection, group_ref)
        return group, _read_devices(connection, device_refs)

    group, found = await store.read(read)
    given: dict[int, MemberKeys | NoMemberKeys] = {
        ref: NoMemberKeys(Text("the device is gone")) for ref in device_refs
    }
    by_vault: dict[str, list[tuple[int, Member]]] = {}
    for device in found:
        try:
            member = _member(device)
        except msgspec.DecodeError:
            given[device.ref] = NoMemberKeys(Text("What is stored of its device profile cannot be read"))
            continue
        refusal = _refusal(device, member, group, group_ref)
        if refusal is not None:
            given[device.ref] = NoMemberKeys(refusal)
        elif member is not None:
            by_vault.setdefault(device.vault, []).append((device.ref, member))
    for name, members in by_vault.items():
        mc_key = None if group is None else await _mc_key(vaults, group, name)
        answers = await vaults.of(name).member_keys([member for _ref, member in members], mc_key)
        for ref, keys in zip([ref for ref, _member in members], answers, strict=True):
            given[ref] = keys or NoMemberKeys(Text("its root key does not open in the vault; enter it again"))
    return given


def _read_group(connection: Connection, ref: int) -> _Group | None:
    groups = multicast_groups.c
    row = connection.execute(
        select(groups.dev_eui, groups.sealed_mc_key, hsm_groups.c.vault)
        .select_from(multicast_groups)
        .join(hsm_groups, hsm_groups.c.ref == groups.hsm_group_ref, isouter=True)
        .where(groups.ref == ref)
    ).first()
    return None if row is None else _Group(*row)


def _read_devices(connection: Connection, refs: Sequence[int]) -> list[_Device]:
    columns: list[Any] = [
        devices.c.ref,
        devices.c.dev_eui,
        device_profiles.c.settings,
        devices.c.sealed_app_key,
        devices.c.sealed_gen_app_key,
        func.coalesce(hsm_groups.c.vault, ""),
    ]
    query = (
        select(*columns)
        .select_from(devices)
        .join(device_profiles, device_profiles.c.ref == devices.c.profile_ref)
        .join(hsm_groups, hsm_groups.c.ref == devices.c.hsm_group_ref, isouter=True)
        .where(devices.c.ref.in_(refs))
    )
    return [_Device(*row) for row in connection.execute(query)]


def _member(device: _Device) -> Member | None:
    """The device with the root key that its version has for this; None without one."""
    version_11 = decode_profile(device.profile).version_11
    sealed = device.sealed_app_key if version_11 else device.sealed_gen_app_key
    return None if sealed is None else Member(int(DevEui.parse(device.dev_eui)), sealed, version_11)


def _refusal(
    device: _Device, member: Member | None, group: _Group | None, group_ref: int | None
) -> Text | None:
    if member is None:
        if decode_profile(device.profile).version_11:
            return Text("it has no AppKey")
        return Text("it has no GenAppKey, which devices of LoRaWAN 1.0.x need; enter it with its root keys")
    if group_ref is None:
        return None
    if group is None:
        return Text("the multicast group is gone")
    if group.sealed_mc_key is None:
        return Text("the multicast group was given session keys and has no McKey")
    if group.hsm_vault is not None and group.hsm_vault != device.vault:
        return Text("its keys are in another vault than the McKey of the group, which does not leave it")
    return None


async def _mc_key(vaults: Vaults, group: _Group, vault: str) -> McKey:
    """The McKey as the vault of the members has sealed it; one that the network knows goes to any."""
    assert group.sealed_mc_key is not None
    dev_eui = DevEui.parse(group.dev_eui)
    if group.hsm_vault is not None:
        return McKey(int(dev_eui), group.sealed_mc_key)
    clear = await vaults.unseal(labels.mc_key(dev_eui), group.sealed_mc_key)
    return McKey(int(dev_eui), await vaults.of(vault).seal_mc_key(dev_eui, clear))
