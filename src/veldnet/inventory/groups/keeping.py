"""Groups as they are stored, with sealed keys, counters and members, for whoever takes them elsewhere."""

from __future__ import annotations

from collections import defaultdict

import msgspec
from sqlalchemy import Connection, select

from veldnet.domain.scope import Scope
from veldnet.store.schema import devices, multicast_groups, multicast_members


class KeptGroup(msgspec.Struct, frozen=True):
    """A group with its sealed session keys and its state, and the DevEUIs of its members."""

    ref: int
    dev_eui: str
    dev_addr: int
    name: str
    group_class: str
    ping_period: int | None
    frequency: int | None
    data_rate: int | None
    region: str
    hsm_group_ref: int | None
    sealed_keys: bytes
    state: bytes | None
    members: tuple[str, ...] = ()


def kept_groups(connection: Connection, scope: Scope) -> list[KeptGroup]:
    """All groups of the subscriber, by their refs."""
    groups, members = multicast_groups.c, multicast_members.c
    own = groups.subscriber_ref == scope.subscriber_ref
    joined = (
        select(members.group_ref, devices.c.dev_eui)
        .join_from(multicast_members, multicast_groups, groups.ref == members.group_ref)
        .join(devices, devices.c.ref == members.device_ref)
        .where(own)
        .order_by(devices.c.dev_eui)
    )
    euis = defaultdict[int, list[str]](list)
    for ref, dev_eui in connection.execute(joined):
        euis[ref].append(dev_eui)
    columns = [groups[name] for name in KeptGroup.__struct_fields__[:-1]]
    rows = connection.execute(select(*columns).where(own).order_by(groups.ref)).mappings()
    return [KeptGroup(**row, members=tuple(euis[row["ref"]])) for row in rows]
