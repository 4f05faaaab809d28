"""Tags of base stations, by which multicast groups choose those that send to them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, delete, func, insert, select

from veldnet.domain.errors import InvalidField
from veldnet.inventory import changes
from veldnet.inventory.names import check_name
from veldnet.store import lock_row
from veldnet.store.schema import base_station_tags, base_stations

from .registration import own_base_station

_MOST = 50


class TagCount(msgspec.Struct, frozen=True):
    """A tag, and how many base stations have it."""

    name: str
    baseStations: int


def station_tags(connection: Connection, operator_ref: int, base_station_id: str) -> list[str]:
    """The tags of a base station of the operator. Raises `NotFound`."""
    ref = own_base_station(connection, operator_ref, base_station_id)
    query = select(base_station_tags.c.tag).where(base_station_tags.c.base_station_ref == ref)
    return list(connection.execute(query.order_by(base_station_tags.c.tag)).scalars())


def set_station_tags(
    connection: Connection, operator_ref: int, base_station_id: str, tags: Sequence[str]
) -> None:
    """Give a base station these tags and no others."""
    wanted = sorted({check_name(tag, what="tags", most=50) for tag in tags})
    if len(wanted) > _MOST:
        raise InvalidField("tags holds at most {most} tags", most=_MOST)
    ref = own_base_station(connection, operator_ref, base_station_id)
    lock_row(connection, base_stations, ref)
    connection.execute(delete(base_station_tags).where(base_station_tags.c.base_station_ref == ref))
    if wanted:
        rows = [{"base_station_ref": ref, "tag": tag} for tag in wanted]
        connection.execute(insert(base_station_tags), rows)
    changes.note(connection, "base_stations", ref)


def known_station_tags(connection: Connection, operator_ref: int) -> list[TagCount]:
    """The tags that base stations of an operator have, in their order."""
    rows = connection.execute(
        select(base_station_tags.c.tag, func.count().label("stations"))
        .join(base_stations, base_stations.c.ref == base_station_tags.c.base_station_ref)
        .where(base_stations.c.operator_ref == operator_ref)
        .group_by(base_station_tags.c.tag)
        .order_by(base_station_tags.c.tag)
        .limit(500)
    )
    return [TagCount(row.tag, row.stations) for row in rows]
