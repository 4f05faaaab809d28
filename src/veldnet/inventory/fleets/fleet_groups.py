"""Multicast groups of a document, and their members."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET
from sqlalchemy import Connection

from veldnet.domain.errors import NotFound
from veldnet.inventory import groups
from veldnet.inventory.differences import differences
from veldnet.inventory.groups import MulticastGroup, SealedKeys
from veldnet.inventory.imports import Routing

from .documents import SECRETS, GroupItem
from .kinds import Context, Here, Keys, Kind, Ready, members_of, unreadable

_MOST = 1000
_MEMBERS = 100_000
_SAME = (
    "name",
    "networkAddress",
    "deviceClass",
    "pingSlotPeriod",
    "downlinkFrequency",
    "downlinkDataRate",
    "region",
    "connectivityPlanId",
    "hsmGroupId",
    "baseStationCoverage",
    "baseStationTags",
)


def _groups(connection: Connection, context: Context) -> dict[str, Here]:
    found = groups.list_groups(connection, context.scope, limit=_MOST).groups
    return {str(each.EUI): _here(connection, context, each) for each in found}


def _find(connection: Connection, context: Context, eui: str) -> Here | None:
    try:
        return _here(connection, context, groups.get_group(connection, context.scope, f"e{eui}"))
    except NotFound:
        return None


def _here(connection: Connection, context: Context, group: MulticastGroup) -> Here:
    if group.problem is not UNSET:
        return unreadable(group.problem)
    members = {name: value for name in _SAME if (value := getattr(group, name)) is not UNSET}
    if group.routingProfileId:
        routing = Routing(connection, context.scope)
        members["routingProfile"] = routing.name_of(str(group.routingProfileId))
    listed = groups.list_members(connection, int(str(group.ref)), limit=_MEMBERS)
    members["members"] = sorted(member.deviceEUI for member in listed.members)
    return Here(str(group.ref), members)


def _wanted(item: GroupItem) -> dict[str, Any]:
    wanted = members_of(item, "EUI", *SECRETS)
    if item.networkAddress is not UNSET:
        wanted["networkAddress"] = item.networkAddress.upper()
    if item.members is not UNSET:
        wanted["members"] = sorted({eui.strip().upper() for eui in item.members})
    if item.baseStationTags is not UNSET:
        wanted["baseStationTags"] = sorted({tag.strip() for tag in item.baseStationTags})
    return wanted


def _body(item: GroupItem) -> MulticastGroup:
    return MulticastGroup(**members_of(item, "members", "routingProfile"))


async def _prepare(keys: Keys, context: Context, item: GroupItem, here: Here | None) -> Ready:
    if here is not None:
        return Ready()
    network = context.network
    new = groups.check_new_group(_body(item), network.channel_plans)
    dev_addr = await keys.store.read(lambda c: groups.choose_address(c, new, network.allocate))
    sealed = SealedKeys(b"dry run") if keys.dry_run else await network.make_keys(new, dev_addr)
    return Ready((new, dev_addr, sealed))


def _write(
    connection: Connection, context: Context, item: GroupItem, here: Here | None, ready: Ready
) -> None:
    scope, routing = context.scope, Routing(connection, context.scope)
    if here is None:
        new, dev_addr, sealed = ready.made
        if item.routingProfile is not UNSET:
            new.body.routingProfileId = routing.id_of(item.routingProfile)
        made = groups.create_group(connection, scope, new, dev_addr, sealed)
        _write_members(connection, context, str(made.ref), item, [])
        return
    changed = {each.member for each in differences(here.members, _wanted(item))}
    if changed - {"members"}:
        body = _body(item)
        for name in SECRETS & set(body.__struct_fields__):
            setattr(body, name, UNSET)
        if item.routingProfile is not UNSET:
            body.routingProfileId = routing.id_of(item.routingProfile)
        groups.update_group(connection, scope, here.ref, body, context.network.channel_plans)
    _write_members(connection, context, here.ref, item, here.members["members"])


def _write_members(
    connection: Connection, context: Context, ref: str, item: GroupItem, there: list[str]
) -> None:
    if item.members is UNSET:
        return
    wanted = {eui.strip().upper() for eui in item.members}
    record = groups.own_group(connection, context.scope, ref)
    gone = sorted(set(there) - wanted)
    if gone:
        groups.remove_members(connection, record, gone)
    new = sorted(wanted - set(there))
    if new:
        groups.add_members(connection, context.scope, record, new)


GROUPS = Kind(_groups, _wanted, _write, _prepare, _find)
