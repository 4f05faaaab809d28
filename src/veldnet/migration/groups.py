"""Multicast groups that are moved with their session keys and counters."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import UNSET
from sqlalchemy import Connection

from veldnet.domain.documents import PlanSettings
from veldnet.domain.errors import BadRequest, Refusal
from veldnet.domain.scope import Scope
from veldnet.inventory import devices, groups, offers
from veldnet.inventory.groups import MulticastGroup, NewGroup, SealedKeys
from veldnet.inventory.names import printable
from veldnet.keys import Vaults, labels
from veldnet.lorawan import DevAddr
from veldnet.lorawan.regions import ChannelPlan
from veldnet.network.core.multicast import GroupState, encode_group_state

from .model import Group
from .report import Entry
from .target import Target

_PLAN_ID, _PLAN_NAME = "moved/multicast", "Moved multicast groups"
_MEGA = 1e6
# A counter has 32 bits; one in the upper half is damaged, or so old that it cannot jump.
_HALF_OF_COUNTER = 1 << 31


def check_group(group: Group, plans: Mapping[str, ChannelPlan]) -> NewGroup:
    """Raises a `Refusal`."""
    if not 0 <= group.fcnt_down < _HALF_OF_COUNTER:
        raise BadRequest("its frame counter cannot be right: create another group with other keys")
    body = MulticastGroup(
        EUI=group.eui,
        name=printable(group.name).strip()[:100] or group.eui,
        networkAddress=group.dev_addr,
        deviceClass=group.group_class,
        pingSlotPeriod=UNSET if group.ping_period is None else group.ping_period,
        downlinkFrequency=UNSET if group.frequency is None else group.frequency / _MEGA,
        downlinkDataRate=UNSET if group.data_rate is None else group.data_rate,
        region=group.region,
        connectivityPlanId=_PLAN_ID,
        networkSessionKey=group.nwk_s_key.hex(),
        applicationSessionKey=group.app_s_key.hex(),
    )
    return groups.check_new_group(body, plans)


async def seal_group(vaults: Vaults | None, new: NewGroup) -> SealedKeys:
    """Its keys as the vault keeps them; without vaults, in a dry run, something in their place."""
    assert new.dev_addr is not None
    if vaults is None:
        return SealedKeys(b"dry run")
    return SealedKeys(await vaults.seal(labels.group_keys(new.dev_eui), new.session_keys(new.dev_addr)))


def initial_state(group: Group, generation: int, counter_jump: int) -> bytes:
    return encode_group_state(GroupState(fcnt_down=group.fcnt_down + counter_jump, generation=generation))


def known_groups(connection: Connection, scope: Scope) -> frozenset[str]:
    """The DevEUIs of the groups that a customer has."""
    return frozenset(str(each.EUI) for each in groups.list_groups(connection, scope, limit=1000).groups)


def write_group(
    connection: Connection, target: Target, group: Group, new: NewGroup, keys: SealedKeys, state: bytes
) -> Entry:
    """Make a group and give it those of its members that are here. Raises a `Refusal`."""
    assert new.dev_addr is not None
    scope = target.scope
    _ensure_connection(connection, target)
    made = groups.create_group(connection, scope, new, DevAddr(new.dev_addr), keys, state)
    target.made(connection, "multicastGroup", str(made.ref))
    remarks = list(group.remarks)
    here = devices.registered(connection, group.members)
    if len(here) < len(set(group.members)):
        remarks.append("some of its members are not here (in a dry run none may be)")
    waiting = devices.in_shadow(connection, scope, sorted(here))
    if waiting:
        remarks.append(f"{waiting} of its members are still in shadow")
    try:
        record = groups.own_group(connection, scope, str(made.ref))
        members = sorted(here)
        for start in range(0, len(members), groups.MOST_AT_ONCE):
            part = members[start : start + groups.MOST_AT_ONCE]
            groups.add_members(connection, scope, record, part, moved=True)
    except Refusal as error:
        remarks.append(f"not all of its members were added: {error.text}")
    return Entry("multicastGroup", group.eui, group.name, "moved", tuple(remarks))


def _ensure_connection(connection: Connection, target: Target) -> None:
    """Have a connection more of the plan for groups."""
    scope = target.scope
    try:
        ref = offers.find_plan(connection, _PLAN_ID, scope.operator_ref)
    except BadRequest:
        ref = offers.create_connectivity_plan(
            connection,
            scope.operator_ref,
            _PLAN_ID,
            _PLAN_NAME,
            PlanSettings(downlinkRate=0, allowClassB=True),
            "MULTICAST",
        )
        target.made(connection, "connectivityPlan", _PLAN_ID)
    there = {each.id: each for each in offers.list_connectivity_plans(connection, scope)}.get(_PLAN_ID)
    needed = 1 if there is None else there.usedConnections + 1
    if there is None or there.grantedConnections < needed:
        offers.grant_connectivity_plan(connection, scope.subscriber_ref, ref, needed)
