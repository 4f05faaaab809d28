"""HSM groups: devices whose keys one vault keeps."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from veldnet.domain.errors import InUse, MissingField, NotFound, UnknownReference
from veldnet.domain.resources import HSMGroup
from veldnet.inventory.names import check_name
from veldnet.store import Prepared, lock_row
from veldnet.store.schema import devices, hsm_groups, operators
from veldnet.texts import Plural, Text

from .uses import group_uses, refuse_while_used


class Group(msgspec.Struct):
    """An HSM group, the vault that keeps its keys, and what is wrong with that, if anything."""

    id: str
    name: str
    vault: str
    devices: int
    suspended: bool = False
    problem: str | None = None


class HsmGroup(msgspec.Struct, frozen=True):
    """An HSM group as the network knows it: its number, and the vault that keeps its keys."""

    ref: int
    vault: str


def create_hsm_group(connection: Connection, operator_ref: int, name: str, vault: str = "") -> str:
    """An HSM group whose keys a vault of the settings keeps; its id carries the operator's code and a
    number."""
    name = check_name(name, most=100)
    code = connection.execute(select(operators.c.code).where(operators.c.ref == operator_ref)).scalar_one()
    prefix = f"HSM_{code.upper()}."
    lock_row(connection, operators, operator_ref)
    # Behind the highest, for a group may have been deleted.
    taken = connection.execute(
        select(hsm_groups.c.id).where(hsm_groups.c.operator_ref == operator_ref)
    ).scalars()
    numbers = [int(one.removeprefix(prefix)) for one in taken if one.removeprefix(prefix).isdigit()]
    group_id = f"{prefix}{max(numbers, default=0) + 1}"
    connection.execute(
        insert(hsm_groups).values(operator_ref=operator_ref, id=group_id, name=name, vault=vault)
    )
    return group_id


# Asked for with each new device: made once, as that takes longer than the answer.
_FOUND = Prepared(
    select(hsm_groups.c.ref, hsm_groups.c.vault, hsm_groups.c.suspended).where(
        hsm_groups.c.operator_ref == bindparam("operator"), hsm_groups.c.id == bindparam("group")
    )
)


def find_hsm_group(connection: Connection, operator_ref: int, group_id: str) -> HsmGroup:
    """An HSM group of the operator by its id. Raises `UnknownReference`."""
    row = _FOUND.first(connection, {"operator": operator_ref, "group": group_id})
    if row is None:
        raise UnknownReference("hsmGroupId {group_id} is unknown; see GET /hsmGroups", group_id=group_id[:80])
    if row.suspended:
        raise UnknownReference(
            "hsmGroupId {group_id} is suspended by the operator; choose another", group_id=group_id[:80]
        )
    return HsmGroup(row.ref, row.vault)


def own_group(connection: Connection, operator_ref: int, group_id: str) -> int:
    """The number of an HSM group of the operator, suspended or not. Raises `NotFound`."""
    ref = connection.execute(
        select(hsm_groups.c.ref).where(hsm_groups.c.operator_ref == operator_ref, hsm_groups.c.id == group_id)
    ).scalar()
    if ref is None:
        raise NotFound("HSMGroup", group_id[:80])
    return int(ref)


def change_group(
    connection: Connection, operator_ref: int, group_id: str, name: str | None, suspended: bool | None
) -> None:
    """Give a group another name, suspend or resume it: no device or key can be put into a suspended one,
    those in it go on."""
    ref = own_group(connection, operator_ref, group_id)
    values: dict[str, str | bool] = {}
    if name is not None:
        values["name"] = check_name(name, most=100)
    if suspended is not None:
        values["suspended"] = suspended
    if not values:
        raise MissingField("name or suspended is mandatory")
    connection.execute(update(hsm_groups).where(hsm_groups.c.ref == ref).values(values))


def remove_group(connection: Connection, operator_ref: int, group_id: str) -> None:
    """Delete an HSM group that holds no keys any more. Raises `InUse`."""
    ref = own_group(connection, operator_ref, group_id)
    uses = group_uses(connection, ref)
    if uses.groups:
        raise InUse(
            Plural(
                "HSM group {group_id} has made the keys of {count} multicast group; delete it first",
                "HSM group {group_id} has made the keys of {count} multicast groups; delete them first",
                group_id=group_id,
                count=uses.groups,
            )
        )
    refuse_while_used(
        Text("HSM group {group_id}", group_id=group_id),
        uses,
        Text("move them to another group first: veldnet admin hsm-group move"),
    )
    if uses.routingProfiles:
        raise InUse(
            Plural(
                "HSM group {group_id} holds the AS transport keys of {count} routing profile; "
                "generate them in another group first",
                "HSM group {group_id} holds the AS transport keys of {count} routing profiles; "
                "generate them in another group first",
                group_id=group_id,
                count=uses.routingProfiles,
            )
        )
    connection.execute(delete(hsm_groups).where(hsm_groups.c.ref == ref))


def list_hsm_groups(connection: Connection, operator_ref: int) -> list[HSMGroup]:
    rows = connection.execute(
        select(hsm_groups.c.id, hsm_groups.c.name)
        .where(hsm_groups.c.operator_ref == operator_ref)
        .order_by(hsm_groups.c.ref)
    )
    return [HSMGroup(*row) for row in rows]


def operator_hsm_groups(connection: Connection, operator_ref: int) -> list[Group]:
    rows = connection.execute(
        select(hsm_groups).where(hsm_groups.c.operator_ref == operator_ref).order_by(hsm_groups.c.ref)
    ).all()
    used = {
        row.hsm_group_ref: row.devices
        for row in connection.execute(
            select(devices.c.hsm_group_ref, func.count().label("devices"))
            .where(devices.c.hsm_group_ref.in_([row.ref for row in rows]))
            .group_by(devices.c.hsm_group_ref)
        )
    }
    return [Group(row.id, row.name, row.vault, used.get(row.ref, 0), row.suspended) for row in rows]


class GroupDevices(msgspec.Struct, frozen=True):
    """An HSM group of any operator, and how many devices it has."""

    id: str
    name: str
    operator: str
    vault: str
    devices: int


def list_all_hsm_groups(connection: Connection) -> list[GroupDevices]:
    """The HSM groups of all operators of the installation."""
    count = select(func.count()).where(devices.c.hsm_group_ref == hsm_groups.c.ref).scalar_subquery()
    rows = connection.execute(
        select(
            hsm_groups.c.id, hsm_groups.c.name, operators.c.code, hsm_groups.c.vault, count.label("devices")
        )
        .join(operators)
        .order_by(hsm_groups.c.ref)
    )
    return [GroupDevices(row.id, row.name, row.code, row.vault, row.devices) for row in rows]
