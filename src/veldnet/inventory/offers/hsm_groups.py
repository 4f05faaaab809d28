"""HSM groups: devices whose keys one vault keeps."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, func, insert, select

from veldnet.domain.errors import UnknownReference
from veldnet.domain.resources import HSMGroup
from veldnet.inventory.names import check_name
from veldnet.store.schema import devices, hsm_groups, operators


class Group(msgspec.Struct):
    """An HSM group, the vault that keeps its keys, and what is wrong with that, if anything."""

    id: str
    name: str
    vault: str
    devices: int
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
    number = len(list_hsm_groups(connection, operator_ref)) + 1
    group_id = f"HSM_{code.upper()}.{number}"
    connection.execute(
        insert(hsm_groups).values(operator_ref=operator_ref, id=group_id, name=name, vault=vault)
    )
    return group_id


def find_hsm_group(connection: Connection, operator_ref: int, group_id: str) -> HsmGroup:
    """An HSM group of the operator by its id. Raises `UnknownReference`."""
    query = select(hsm_groups.c.ref, hsm_groups.c.vault).where(
        hsm_groups.c.operator_ref == operator_ref, hsm_groups.c.id == group_id
    )
    row = connection.execute(query).first()
    if row is None:
        raise UnknownReference(f"hsmGroupId {group_id[:80]} is unknown; see GET /hsmGroups")
    return HsmGroup(row.ref, row.vault)


def list_hsm_groups(connection: Connection, operator_ref: int) -> list[HSMGroup]:
    rows = connection.execute(
        select(hsm_groups.c.id, hsm_groups.c.name)
        .where(hsm_groups.c.operator_ref == operator_ref)
        .order_by(hsm_groups.c.ref)
    )
    return [HSMGroup(*row) for row in rows]


def operator_hsm_groups(connection: Connection, operator_ref: int) -> list[Group]:
    rows = connection.execute(
        select(hsm_groups.c.ref, hsm_groups.c.id, hsm_groups.c.name, hsm_groups.c.vault)
        .where(hsm_groups.c.operator_ref == operator_ref)
        .order_by(hsm_groups.c.ref)
    ).all()
    used = {
        row.hsm_group_ref: row.devices
        for row in connection.execute(
            select(devices.c.hsm_group_ref, func.count().label("devices"))
            .where(devices.c.hsm_group_ref.in_([row.ref for row in rows]))
            .group_by(devices.c.hsm_group_ref)
        )
    }
    return [Group(row.id, row.name, row.vault, used.get(row.ref, 0)) for row in rows]


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
