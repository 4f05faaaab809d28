"""Multicast groups: their rules, members and base stations, and what they are sent."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Annotated

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection

from veldnet.api.query import Parameter
from veldnet.api.routers import DX, SUBSCRIBER
from veldnet.api.services import Services
from veldnet.asgi import Stream
from veldnet.assembly import member_set_up, multicast
from veldnet.domain.errors import BadRequest, InvalidField
from veldnet.domain.scope import Scope
from veldnet.domain.spreadsheets import csv_text
from veldnet.inventory import base_stations, groups
from veldnet.inventory.base_stations import TagCount
from veldnet.inventory.groups import (
    GroupCoverage,
    GroupFrame,
    GroupFramePage,
    GroupPage,
    GroupSessionKey,
    Member,
    MemberPage,
    MulticastGroup,
)
from veldnet.lorawan import DevEui
from veldnet.network.core import NO_GPS_TIME, DownlinkRequest, SubmissionRefusal
from veldnet.texts import Text

from .refusals import reason_of
from .validity import expiry

_PAGE = 100
_EXPORTED = 1000
_CORRELATION_ID = re.compile(r"[0-9A-Fa-f]{1,16}")


class GroupSearch(msgspec.Struct, frozen=True):
    text: Annotated[str | None, Parameter("Part of the name or DevEUI.")] = None
    page: Annotated[int, Parameter("From 1 on.", least=1)] = 1
    pageSize: Annotated[int, Parameter("Groups on a page.", least=1, most=500)] = _PAGE


class MemberSearch(msgspec.Struct, frozen=True):
    page: Annotated[int, Parameter("From 1 on.", least=1)] = 1
    pageSize: Annotated[int, Parameter("Members on a page.", least=1, most=1000)] = _PAGE


class FrameSearch(msgspec.Struct, frozen=True):
    before: Annotated[str | None, Parameter("Only those older than this id.")] = None
    limit: Annotated[int, Parameter("Downlinks at most.", least=1, most=200)] = 50


class DeviceList(msgspec.Struct):
    """DevEUIs of devices."""

    deviceEUIs: list[str]


class MembersChanged(msgspec.Struct):
    """How many devices were added to a group, or taken out of it."""

    changed: int
    memberCount: int


class SetUpSearch(msgspec.Struct, frozen=True):
    mcGroupId: Annotated[
        int, Parameter("What the device knows the group by (McGroupID of TS005).", least=0, most=3)
    ] = 0


class MemberSetUp(msgspec.Struct):
    """McGroupSetupReq (TS005) for one device: `payload` as hexadecimal digits, not encrypted yet, for port
    `fPort`. It holds `mcGroupId`, the address of the group, the McKey encrypted with the McKEKey of the
    device, and the counters between which the device takes frames."""

    fPort: int
    payload: str
    mcGroupId: int
    networkAddress: str
    minMcFCount: int
    maxMcFCount: int


class GroupDownlink(msgspec.Struct):
    """A downlink to a group: `payload` as hexadecimal digits; with `fCntDown` it is encrypted with that
    counter already. `validity` in seconds, or `validityTime` as a time. Base stations that are not eligible
    at first are tried again unless `retryIneligibleGateways` is false."""

    fPort: int | UnsetType = UNSET
    payload: str | UnsetType = UNSET
    fCntDown: int | UnsetType = UNSET
    validity: int | UnsetType = UNSET
    validityTime: str | UnsetType = UNSET
    correlationId: str | UnsetType = UNSET
    retryIneligibleGateways: bool = True
    flush: bool = False


class GroupDownlinkQueued(msgspec.Struct):
    """`id` leads to what becomes of the downlink."""

    id: str


@DX.get("/multicastGroups")
async def list_dx_groups(services: Services, scope: Scope) -> list[MulticastGroup]:
    """All groups, as ThingPark's DX API lists resources."""
    page = await services.read(lambda c: groups.list_groups(c, scope, limit=1000))
    return page.groups


@DX.get("/multicastGroups/{groupRef}")
@SUBSCRIBER.get("/multicastGroups/{groupRef}", "getMulticastGroup", "MulticastGroup", "A multicast group.")
async def get_group(group_ref: str, services: Services, scope: Scope) -> MulticastGroup:
    """A group by its ref, or by `e` and its DevEUI."""
    return await services.read(lambda c: groups.get_group(c, scope, group_ref))


@SUBSCRIBER.get("/multicastGroups", "listMulticastGroups", "MulticastGroup", "Multicast groups, paginated.")
async def list_groups(services: Services, scope: Scope, query: GroupSearch) -> GroupPage:
    """Groups in the order of their names, those whose name or DevEUI has a text."""
    offset = (query.page - 1) * query.pageSize
    return await services.read(
        lambda c: groups.list_groups(c, scope, query.text, offset=offset, limit=query.pageSize)
    )


@SUBSCRIBER.get(
    "/multicastGroups/tags",
    "listStationTags",
    "MulticastGroup",
    "Tags by which base stations can be chosen.",
)
async def list_tags(services: Services, scope: Scope) -> list[TagCount]:
    """The tags that the operator has given base stations, and how many have each."""
    return await services.read(lambda c: base_stations.known_station_tags(c, scope.operator_ref))


@SUBSCRIBER.post(
    "/multicastGroups",
    "createMulticastGroup",
    "MulticastGroup",
    "Create a multicast group.",
    status=201,
)
async def create_group(services: Services, scope: Scope, body: MulticastGroup) -> MulticastGroup:
    """Create a group. It takes a connection of a plan of communicationType MULTICAST."""
    platform = services.platform
    new = groups.check_new_group(body, platform.network.parameters.channel_plans)
    dev_addr = await services.read(
        lambda c: groups.choose_address(c, new, multicast.allocator(platform.network.addresses))
    )
    keys = await multicast.make_keys(platform.store, platform.vault, scope.operator_ref, new, dev_addr)
    return await services.change(
        lambda c: groups.create_group(c, scope, new, dev_addr, keys),
        by=scope,
        action="multicastGroup.created",
        what=f"multicastGroup {new.dev_eui}",
        details={"EUI": str(new.dev_eui), "deviceClass": body.deviceClass},
    )


@SUBSCRIBER.put(
    "/multicastGroups/{groupRef}",
    "updateMulticastGroup",
    "MulticastGroup",
    "Change a multicast group.",
)
async def update_group(
    group_ref: str, services: Services, scope: Scope, body: MulticastGroup
) -> MulticastGroup:
    """Change name, plan, routing profile, frequency, data rate or base stations; what is absent stays."""
    plans = services.platform.network.parameters.channel_plans
    return await services.change(
        lambda c: groups.update_group(c, scope, group_ref, body, plans),
        by=scope,
        action="multicastGroup.changed",
        what=f"multicastGroup {group_ref}",
        details={"name": str(body.name)} if body.name is not UNSET else None,
    )


@SUBSCRIBER.delete(
    "/multicastGroups/{groupRef}", "deleteMulticastGroup", "MulticastGroup", "Delete a multicast group."
)
async def delete_group(group_ref: str, services: Services, scope: Scope) -> None:
    """Delete a group and what waits for it; its members stay."""
    await services.change(
        lambda c: groups.delete_group(c, scope, group_ref),
        by=scope,
        action="multicastGroup.deleted",
        what=f"multicastGroup {group_ref}",
    )


@SUBSCRIBER.get(
    "/multicastGroups/{groupRef}/applicationSessionKey",
    "getMulticastSessionKey",
    "MulticastGroup",
    "The session key of a multicast group whose keys a vault has made.",
)
async def get_session_key(group_ref: str, services: Services, scope: Scope) -> GroupSessionKey:
    """The McAppSKey, encrypted with the AS transport key of the group's routing profile, for payloads of the
    group."""
    vault, order = await services.read(lambda c: groups.session_key_order(c, scope, group_ref))
    made = await services.platform.vault.of(vault).group_keys(order)
    assert made.wrapped_app_s_key is not None
    return GroupSessionKey(made.wrapped_app_s_key.hex().upper())


@SUBSCRIBER.get(
    "/multicastGroups/{groupRef}/members",
    "listMulticastMembers",
    "MulticastGroup",
    "Devices of a multicast group.",
)
async def list_members(group_ref: str, services: Services, scope: Scope, query: MemberSearch) -> MemberPage:
    """The members in the order of their DevEUIs, each with the base station that hears it best."""

    def read(connection: Connection) -> MemberPage:
        group = groups.own_group(connection, scope, group_ref)
        offset = (query.page - 1) * query.pageSize
        return groups.list_members(connection, group.ref, offset=offset, limit=query.pageSize)

    return await services.read(read)


@SUBSCRIBER.get(
    "/multicastGroups/{groupRef}/members/export",
    "exportMulticastMembers",
    "MulticastGroup",
    "Devices of a multicast group as CSV.",
    media="text/csv",
)
async def export_members(group_ref: str, services: Services, scope: Scope) -> Stream:
    """A line for each member: ref, DevEUI, name, the base station that hears it best, and its margin."""
    group = await services.read(lambda c: groups.own_group(c, scope, group_ref))

    async def rows() -> AsyncIterator[bytes]:
        yield csv_text([Member.__struct_fields__]).encode()
        offset = 0
        while True:
            read = partial(groups.list_members, group_ref=group.ref, offset=offset, limit=_EXPORTED)
            page = await services.read(read)
            if not page.members:
                return
            yield csv_text(msgspec.structs.astuple(member) for member in page.members).encode()
            offset += len(page.members)

    return Stream(
        rows(),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="members.csv"'},
    )


@SUBSCRIBER.get(
    "/multicastGroups/{groupRef}/members/{deviceRef}/setUp",
    "getMulticastMemberSetUp",
    "MulticastGroup",
    "The message that gives a device the key of its multicast group.",
)
async def get_member_set_up(
    group_ref: str, device_ref: str, services: Services, scope: Scope, query: SetUpSearch
) -> MemberSetUp:
    """McGroupSetupReq for a member, to encrypt with the AppSKey of the device where the network has none,
    and to send as a downlink. The McKey is in it encrypted for this device alone."""
    platform = services.platform
    counter = platform.network.groups.next_counter
    at = await services.read(
        lambda c: member_set_up.read_membership(c, scope, group_ref, device_ref, counter)
    )
    made = await member_set_up.set_up_request(platform.store, platform.vault, at, query.mcGroupId)
    what = f"multicastGroup {at.group.ref} device {at.device_ref}"
    await services.note(scope, "multicastGroup.memberSetUp", what)
    return MemberSetUp(
        member_set_up.SET_UP_PORT,
        member_set_up.payload_of(made),
        made.group,
        str(made.address),
        made.first_fcnt,
        made.last_fcnt,
    )


@SUBSCRIBER.post(
    "/multicastGroups/{groupRef}/members",
    "addMulticastMembers",
    "MulticastGroup",
    "Add devices to a multicast group.",
)
async def add_members(group_ref: str, services: Services, scope: Scope, body: DeviceList) -> MembersChanged:
    """Add devices of the group's region and class, all or none."""
    add = partial(groups.add_members, scope=scope)
    return await _change_members(services, scope, group_ref, body, ("multicastGroup.membersAdded", add))


@SUBSCRIBER.post(
    "/multicastGroups/{groupRef}/members/remove",
    "removeMulticastMembers",
    "MulticastGroup",
    "Take devices out of a multicast group.",
)
async def remove_members(
    group_ref: str, services: Services, scope: Scope, body: DeviceList
) -> MembersChanged:
    """Take devices out; those that are in none stay so."""
    remove = groups.remove_members
    return await _change_members(services, scope, group_ref, body, ("multicastGroup.membersRemoved", remove))


async def _change_members(
    services: Services, scope: Scope, group_ref: str, body: DeviceList, how: tuple[str, Callable[..., int]]
) -> MembersChanged:
    action, change = how

    def write(connection: Connection) -> MembersChanged:
        group = groups.own_group(connection, scope, group_ref)
        changed = change(connection, group=group, dev_euis=body.deviceEUIs)
        return MembersChanged(changed, groups.count_members(connection, group.ref))

    return await services.change(
        write,
        by=scope,
        action=action,
        what=f"multicastGroup {group_ref}",
        details={"devices": len(body.deviceEUIs)},
    )


@SUBSCRIBER.get(
    "/multicastGroups/{groupRef}/baseStations",
    "getMulticastCoverage",
    "MulticastGroup",
    "Base stations that send to a multicast group.",
)
async def get_coverage(group_ref: str, services: Services, scope: Scope) -> GroupCoverage:
    """The base stations that send to the group now, and which members they do not reach."""
    plans = services.platform.network.parameters.channel_plans

    def read(connection: Connection) -> GroupCoverage:
        return multicast.coverage_of(connection, groups.own_group(connection, scope, group_ref).ref, plans)

    return await services.read(read)


@SUBSCRIBER.get(
    "/multicastGroups/{groupRef}/downlinks",
    "listMulticastDownlinks",
    "MulticastGroup",
    "Downlinks of a multicast group.",
)
async def list_frames(group_ref: str, services: Services, scope: Scope, query: FrameSearch) -> GroupFramePage:
    """The newest downlinks, with what became of them at each base station."""

    def read(connection: Connection) -> GroupFramePage:
        group = groups.own_group(connection, scope, group_ref)
        return groups.list_frames(connection, group.ref, query.before, query.limit)

    return await services.read(read)


@SUBSCRIBER.get(
    "/multicastGroups/{groupRef}/downlinks/{downlinkId}",
    "getMulticastDownlink",
    "MulticastGroup",
    "A downlink of a multicast group.",
)
async def get_frame(group_ref: str, downlink_id: str, services: Services, scope: Scope) -> GroupFrame:
    def read(connection: Connection) -> GroupFrame:
        group = groups.own_group(connection, scope, group_ref)
        return groups.get_frame(connection, group.ref, downlink_id)

    return await services.read(read)


@SUBSCRIBER.post(
    "/multicastGroups/{groupRef}/downlinks",
    "sendMulticastDownlink",
    "MulticastGroup",
    "Queue a downlink to a multicast group.",
    status=202,
)
async def send_downlink(
    group_ref: str, services: Services, scope: Scope, body: GroupDownlink
) -> GroupDownlinkQueued:
    """Queue a downlink; it is durable when the answer comes. With `flush` what waits is dropped first."""
    group = await services.read(lambda c: groups.own_group(c, scope, group_ref))
    submission = await services.platform.network.requests.queue(
        DevEui.parse(group.dev_eui), _request(body, services.platform.clock())
    )
    refusal = submission.refusal
    if refusal is not None:
        raise BadRequest(
            "{message} (code {code})",
            message=_reason(refusal),
            code=refusal.code,
        )
    await services.note(scope, "multicastGroup.downlink", f"multicastGroup {group.ref}")
    return GroupDownlinkQueued(str(submission.id))


def _reason(refusal: SubmissionRefusal) -> Text:
    if refusal.code == 115 and refusal.message == NO_GPS_TIME:
        return Text("No base station of the group has GPS time, which class B needs; see its base stations")
    if refusal.code == 102 and refusal.expected is None:
        return Text("The counters of the group are used up; create another group, with other keys")
    if refusal.code == 116 and refusal.max_size is not None:
        return Text(
            "The payload does not fit at the group's data rate: {most} octets at most", most=refusal.max_size
        )
    return _REASONS.get(refusal.code) or reason_of(refusal)


_REASONS = {
    115: Text(
        "No base station can send to the group: it has none, or more than its plan allows; see its base "
        "stations"
    ),
    119: Text("The network has no key for payloads of this group: send them encrypted, with fCntDown"),
}


def _request(body: GroupDownlink, now: float) -> DownlinkRequest:
    payload = None
    if body.payload is not UNSET:
        try:
            payload = bytes.fromhex(body.payload)
        except ValueError:
            raise InvalidField("payload must be hexadecimal digits, two for each octet") from None
    elif not body.flush:
        raise InvalidField("payload is mandatory: hexadecimal digits, two for each octet")
    correlation_id = None if body.correlationId is UNSET else body.correlationId
    if correlation_id is not None and not _CORRELATION_ID.fullmatch(correlation_id):
        raise InvalidField("correlationId must be 1 to 16 hexadecimal digits")
    return DownlinkRequest(
        fport=None if body.fPort is UNSET else body.fPort,
        payload=payload,
        fcnt=None if body.fCntDown is UNSET else body.fCntDown,
        flush=body.flush,
        expires_at=expiry(body.validity, body.validityTime, now),
        correlation_id=correlation_id,
        retry_ineligible=body.retryIneligibleGateways,
    )
