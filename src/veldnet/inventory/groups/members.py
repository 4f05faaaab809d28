"""The devices of a multicast group: of its subscriber, region and class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from veldnet.domain.devices import SHADOW
from veldnet.domain.documents import decode_profile
from veldnet.domain.errors import InvalidField, UnknownReference
from veldnet.domain.scope import Scope
from veldnet.inventory import changes
from veldnet.lorawan import BaseStationId
from veldnet.store import lock_row
from veldnet.store.schema import (
    device_profiles,
    devices,
    hearing,
    hsm_groups,
    multicast_groups,
    multicast_members,
)

from .resource import Member, MemberPage
from .view import GroupRecord

MOST_AT_ONCE = 10_000
_MOST_MEMBERS = 100_000
_BATCH = 500


def add_members(
    connection: Connection,
    scope: Scope,
    group: GroupRecord,
    dev_euis: Sequence[str],
    *,
    moved: bool = False,
) -> int:
    """Let devices be members; those that are already stay so. Returns how many are new. Of a group that
    was `moved` from another network devices of another class are taken, too, for they may change it for a
    session (TS005), and devices in shadow, which are cut over later. Raises a `BadRequest` that names the
    device; then none is added."""
    if len(dev_euis) > MOST_AT_ONCE:
        raise InvalidField("deviceEUIs holds at most {most} DevEUIs", most=MOST_AT_ONCE)
    lock_row(connection, multicast_groups, group.ref)
    wanted = list(dict.fromkeys(eui.strip().upper() for eui in dev_euis))
    refs = [
        ref
        for start in range(0, len(wanted), _BATCH)
        for ref in _checked(connection, scope, group, wanted[start : start + _BATCH], moved)
    ]
    members = select(multicast_members.c.device_ref).where(multicast_members.c.group_ref == group.ref)
    known = set(connection.execute(members).scalars())
    new = sorted(set(refs) - known)
    if len(known) + len(new) > _MOST_MEMBERS:
        raise InvalidField("a group has at most {most} members", most=_MOST_MEMBERS)
    if new:
        rows = [{"group_ref": group.ref, "device_ref": ref} for ref in new]
        connection.execute(insert(multicast_members), rows)
        changes.note(connection, "group", group.ref)
    return len(new)


def _checked(
    connection: Connection, scope: Scope, group: GroupRecord, wanted: list[str], moved: bool
) -> list[int]:
    rows = connection.execute(
        select(
            devices.c.ref,
            devices.c.dev_eui,
            devices.c.device_class,
            devices.c.processing_strategy,
            device_profiles.c.settings,
            func.coalesce(hsm_groups.c.vault, "").label("vault"),
        )
        .join(device_profiles, device_profiles.c.ref == devices.c.profile_ref)
        .join(hsm_groups, hsm_groups.c.ref == devices.c.hsm_group_ref, isouter=True)
        .where(devices.c.subscriber_ref == scope.subscriber_ref, devices.c.dev_eui.in_(wanted))
    )
    found = {row.dev_eui: row for row in rows}
    regions: dict[str, str] = {}
    refs = []
    for eui in wanted:
        row = found.get(eui)
        if row is None:
            # One of another subscriber looks the same.
            raise UnknownReference("deviceEUIs: there is no device {eui}", eui=eui[:40])
        if row.settings not in regions:
            regions[row.settings] = _region_of(row)
        region = regions[row.settings]
        if region != group.region:
            raise InvalidField(
                "deviceEUIs: device {eui} is for {region}, the group is for {wanted}",
                eui=eui,
                region=region,
                wanted=group.region,
            )
        if not moved and row.processing_strategy == SHADOW:
            raise InvalidField(
                "deviceEUIs: device {eui} is in shadow: its old network answers it until it is cut over",
                eui=eui,
            )
        if not moved and row.device_class != group.group_class:
            raise InvalidField(
                "deviceEUIs: device {eui} is of class {device_class}, the group is of class {wanted}",
                eui=eui,
                device_class=row.device_class,
                wanted=group.group_class,
            )
        if group.hsm_vault is not None and row.vault != group.hsm_vault:
            raise InvalidField(
                "deviceEUIs: the keys of device {eui} are not in the vault of {hsm_group}, which the key of "
                "the group does not leave",
                eui=eui,
                hsm_group=group.hsm_group_id,
            )
        refs.append(row.ref)
    return refs


def _region_of(row: Any) -> str:
    try:
        return decode_profile(row.settings).region
    except msgspec.DecodeError:
        raise InvalidField(
            "deviceEUIs: the stored device profile of device {eui} cannot be read", eui=row.dev_eui
        ) from None


def remove_members(connection: Connection, group: GroupRecord, dev_euis: Sequence[str]) -> int:
    """Take devices out of a group; those that are in none stay so. Returns how many were members."""
    if len(dev_euis) > MOST_AT_ONCE:
        raise InvalidField("deviceEUIs holds at most {most} DevEUIs", most=MOST_AT_ONCE)
    removed = 0
    wanted = [eui.strip().upper() for eui in dev_euis]
    for start in range(0, len(wanted), _BATCH):
        named = select(devices.c.ref).where(devices.c.dev_eui.in_(wanted[start : start + _BATCH]))
        done = connection.execute(
            delete(multicast_members).where(
                multicast_members.c.group_ref == group.ref, multicast_members.c.device_ref.in_(named)
            )
        )
        removed += done.rowcount
    changes.note(connection, "group", group.ref)
    return removed


def count_members(connection: Connection, group_ref: int) -> int:
    query = select(func.count()).where(multicast_members.c.group_ref == group_ref)
    return int(connection.execute(query).scalar_one())


def list_members(connection: Connection, group_ref: int, *, offset: int = 0, limit: int = 100) -> MemberPage:
    """The members in the order of their DevEUIs, each with the base station that hears it best."""
    rows = connection.execute(
        select(devices.c.ref, devices.c.dev_eui, devices.c.name)
        .join(multicast_members, multicast_members.c.device_ref == devices.c.ref)
        .where(multicast_members.c.group_ref == group_ref)
        .order_by(devices.c.dev_eui)
        .offset(offset)
        .limit(limit)
    ).all()
    best: dict[int, tuple[float, Any]] = {}
    heard = select(hearing.c.device_ref, hearing.c.base_station, hearing.c.margin).where(
        hearing.c.device_ref.in_([row.ref for row in rows])
    )
    for one in connection.execute(heard):
        margin = float("-inf") if one.margin is None else one.margin
        if one.device_ref not in best or margin > best[one.device_ref][0]:
            best[one.device_ref] = (margin, one)
    return MemberPage([_member(row, best.get(row.ref)) for row in rows], count_members(connection, group_ref))


def _member(row: Any, best: tuple[float, Any] | None) -> Member:
    heard = None if best is None else best[1]
    return Member(
        str(row.ref),
        row.dev_eui,
        row.name,
        None if heard is None else str(BaseStationId(heard.base_station)),
        None if heard is None or heard.margin is None else round(heard.margin, 1),
    )
