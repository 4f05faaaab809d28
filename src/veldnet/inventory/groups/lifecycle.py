"""Creation, change and removal of multicast groups."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import UNSET
from sqlalchemy import Connection, delete, func, insert, or_, select, update

from veldnet.domain.errors import DuplicateEui, InUse, InvalidField, MissingField, NotFound, UnknownReference
from veldnet.domain.partitions import partition_of_eui
from veldnet.domain.scope import Scope
from veldnet.inventory import changes, leftovers
from veldnet.inventory.devices.assignment import choose_plan, release_connection
from veldnet.inventory.names import check_name
from veldnet.inventory.offers import find_hsm_group
from veldnet.inventory.routing_profiles import check_destinations, find_by_id
from veldnet.inventory.rows import inserted_ref
from veldnet.lorawan import DevAddr, DevEui
from veldnet.store import lock_row, moment
from veldnet.store.schema import (
    campaigns,
    device_states,
    devices,
    multicast_frames,
    multicast_groups,
    subscribers,
)

from .checks import NewGroup, Plans, check_coverage, check_radio, check_unchanged, hertz
from .resource import MulticastGroup
from .view import configuration, get_group, own_group

_MULTICAST = "MULTICAST"
_MOST_GROUPS = 1000
_ATTEMPTS = 32
# An address of the network for a group.
Allocate = Callable[[DevEui], DevAddr]


class SealedKeys(msgspec.Struct, frozen=True):
    """The keys of a group as a vault has sealed them."""

    session: bytes
    mc_key: bytes | None = None


def choose_address(connection: Connection, new: NewGroup, allocate: Allocate) -> DevAddr:
    """The address that a group asks for, or a free one of the network. Raises `InvalidField` where a session,
    a personalised device or another group has it."""
    if new.dev_addr is not None:
        _refuse_taken(connection, new.dev_addr)
        return new.dev_addr
    for _attempt in range(_ATTEMPTS):
        dev_addr = allocate(new.dev_eui)
        if not (_of_device(connection, dev_addr) or _of_group(connection, dev_addr)):
            return dev_addr
    raise InUse("no address of the network is free; send networkAddress")


def _of_device(connection: Connection, dev_addr: DevAddr) -> bool:
    """Whether a session or a personalised device has an address."""
    states, number = device_states.c, int(dev_addr)
    session = select(states.device_ref).where(
        or_(states.dev_addr == number, states.pending_dev_addr == number)
    )
    return connection.execute(session.limit(1)).first() is not None


def _of_group(connection: Connection, dev_addr: DevAddr) -> bool:
    group = select(multicast_groups.c.ref).where(multicast_groups.c.dev_addr == int(dev_addr))
    return connection.execute(group).first() is not None


def _refuse_taken(connection: Connection, dev_addr: DevAddr) -> None:
    if _of_device(connection, dev_addr):
        raise InvalidField(
            "networkAddress {dev_addr} is the address of a device; choose another, or send none",
            dev_addr=dev_addr,
        )
    if _of_group(connection, dev_addr):
        raise InvalidField(
            "networkAddress {dev_addr} is the address of another multicast group; choose another, or send "
            "none",
            dev_addr=dev_addr,
        )


def create_group(
    connection: Connection,
    scope: Scope,
    new: NewGroup,
    dev_addr: DevAddr,
    keys: SealedKeys,
    state: bytes | None = None,
) -> MulticastGroup:
    """Write a group that has been checked; it takes a connection of its plan. `state` is its stored state
    where its devices have heard downlinks already."""
    lock_row(connection, subscribers, scope.subscriber_ref)
    eui, body = str(new.dev_eui), new.body
    for table in (devices, multicast_groups):
        if connection.execute(select(table.c.ref).where(table.c.dev_eui == eui)).first() is not None:
            raise DuplicateEui(eui)
    _refuse_taken(connection, dev_addr)
    own = select(func.count()).where(multicast_groups.c.subscriber_ref == scope.subscriber_ref)
    if connection.execute(own).scalar_one() >= _MOST_GROUPS:
        raise InUse("a subscriber has at most {most} multicast groups", most=_MOST_GROUPS)
    plan_ref = choose_plan(connection, scope, body.connectivityPlanId, _MULTICAST)
    routing = _routing(connection, scope, body.routingProfileId)
    check_destinations(connection, plan_ref, routing)
    hsm_group = None
    if body.hsmGroupId is not UNSET:
        hsm_group = find_hsm_group(connection, scope.operator_ref, body.hsmGroupId).ref
    now = moment(connection)
    assert isinstance(body.name, str)
    result = connection.execute(
        insert(multicast_groups).values(
            subscriber_ref=scope.subscriber_ref,
            dev_eui=eui,
            dev_addr=int(dev_addr),
            name=check_name(body.name, most=100),
            group_class=body.deviceClass,
            ping_period=_given(body.pingSlotPeriod),
            region=new.region.name,
            plan_ref=plan_ref,
            routing_profile_ref=routing,
            hsm_group_ref=hsm_group,
            sealed_keys=keys.session,
            sealed_mc_key=keys.mc_key,
            partition=partition_of_eui(new.dev_eui),
            state=state,
            created_at=now,
            updated_at=now,
            updated_by=scope.display_name,
            **_radio(body),
            **_coverage(body, "ALL", "[]"),
        )
    )
    ref = inserted_ref(result)
    changes.note(connection, "group", ref)
    return get_group(connection, scope, str(ref))


def _given(value: Any) -> Any:
    return None if value is UNSET else value


def _radio(body: MulticastGroup) -> dict[str, Any]:
    frequency = body.downlinkFrequency
    known = frequency is not UNSET and frequency is not None
    return {
        "frequency": hertz(frequency) if known and isinstance(frequency, float | int) else None,
        "data_rate": _given(body.downlinkDataRate),
    }


def _coverage(body: MulticastGroup, coverage: str, tags: str) -> dict[str, Any]:
    listed = body.baseStationTags
    if listed is not UNSET:
        tags = msgspec.json.encode(sorted({tag.strip() for tag in listed})).decode()
    return {
        "coverage": coverage if body.baseStationCoverage is UNSET else body.baseStationCoverage,
        "tags": tags,
    }


def _routing(connection: Connection, scope: Scope, routing_profile_id: Any) -> int | None:
    if routing_profile_id is UNSET or routing_profile_id is None:
        return None
    found = find_by_id(connection, scope, routing_profile_id)
    if found is None:
        raise UnknownReference(
            "routingProfileId {routing_profile_id} is unknown; see GET /routingProfiles",
            routing_profile_id=routing_profile_id[:80],
        )
    return found


def update_group(
    connection: Connection, scope: Scope, ref: str, body: MulticastGroup, plans: Plans
) -> MulticastGroup:
    """Change the members that may change; what is absent stays."""
    record = own_group(connection, scope, ref)
    lock_row(connection, multicast_groups, record.ref)
    known = configuration(scope, record)
    if known.problem is not UNSET and body.baseStationTags is UNSET:
        raise MissingField("baseStationTags is mandatory: those of the group cannot be read")
    check_unchanged(body, known)
    plan = plans.get(record.region)
    if plan is not None:
        check_radio(body, plan.region)
    values: dict[str, Any] = {}
    if body.name is not UNSET:
        values["name"] = check_name(body.name, most=100)
    radio = _radio(body)
    if body.downlinkFrequency is not UNSET:
        values["frequency"] = radio["frequency"]
    if body.downlinkDataRate is not UNSET:
        values["data_rate"] = radio["data_rate"]
    if body.baseStationCoverage is not UNSET or body.baseStationTags is not UNSET:
        values |= _coverage(body, record.coverage, record.tags)
        check_coverage(values["coverage"], msgspec.json.decode(values["tags"]))
    if body.connectivityPlanId is not UNSET and body.connectivityPlanId != record.plan_id:
        release_connection(connection, scope.subscriber_ref, record.plan_ref)
        values["plan_ref"] = choose_plan(connection, scope, body.connectivityPlanId, _MULTICAST)
    if body.routingProfileId is not UNSET:
        values["routing_profile_ref"] = _routing(connection, scope, body.routingProfileId)
    check_destinations(
        connection,
        values.get("plan_ref", record.plan_ref),
        values.get("routing_profile_ref", record.routing_profile_ref),
    )
    if values:
        values |= {"updated_at": moment(connection), "updated_by": scope.display_name}
        own = multicast_groups.c.ref == record.ref
        connection.execute(update(multicast_groups).where(own).values(**values))
        changes.note(connection, "group", record.ref)
    return get_group(connection, scope, str(record.ref))


def delete_group(connection: Connection, scope: Scope, ref: str) -> None:
    """Remove a group for good and give its connection back; its members stay as devices."""
    record = own_group(connection, scope, ref)
    using = select(campaigns.c.name).where(campaigns.c.group_ref == record.ref)
    campaign = connection.execute(using).scalar()
    if campaign is not None:
        raise InUse("the group is that of campaign {campaign}; abort the campaign first", campaign=campaign)
    if not drop_group(connection, record.ref):
        raise NotFound("MulticastGroup", ref)


def drop_group(connection: Connection, ref: int) -> bool:
    """Remove a group with all that it has, and give its connection back; False where it is gone already."""
    columns = multicast_groups.c
    mine = select(columns.subscriber_ref, columns.plan_ref).where(columns.ref == ref)
    row = connection.execute(mine).first()
    if row is None or connection.execute(delete(multicast_groups).where(columns.ref == ref)).rowcount != 1:
        return False
    release_connection(connection, row.subscriber_ref, row.plan_ref)
    connection.execute(delete(multicast_frames).where(multicast_frames.c.group_ref == ref))
    leftovers.of_group(connection, ref)
    changes.note(connection, "group", ref)
    return True
