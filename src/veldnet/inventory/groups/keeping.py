"""Groups as they are stored, with sealed keys, counters and members, for whoever takes them elsewhere."""

from __future__ import annotations

from collections import defaultdict

import msgspec
from sqlalchemy import Connection, select

from veldnet.domain.groups import GroupRow
from veldnet.domain.scope import Scope
from veldnet.store import multicast
from veldnet.store.schema import devices, multicast_groups, multicast_members


class KeptGroup(GroupRow, frozen=True):
    """A group with the DevEUIs of its members."""

    members: tuple[str, ...] = ()


def kept_groups(connection: Connection, scope: Scope) -> list[KeptGroup]:
    """All groups of the subscriber, by their refs."""
    groups, members = multicast_groups.c, multicast_members.c
    joined = (
        select(members.group_ref, devices.c.dev_eui)
        .join_from(multicast_members, multicast_groups, groups.ref == members.group_ref)
        .join(devices, devices.c.ref == members.device_ref)
        .where(groups.subscriber_ref == scope.subscriber_ref)
        .order_by(devices.c.dev_eui)
    )
    euis = defaultdict[int, list[str]](list)
    for ref, dev_eui in connection.execute(joined):
        euis[ref].append(dev_eui)
    rows = multicast.groups_of_subscriber(connection, scope.subscriber_ref)
    return [KeptGroup(**msgspec.structs.asdict(row), members=tuple(euis[row.ref])) for row in rows]
