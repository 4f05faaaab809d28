"""Orders of firmware: for base stations of its model, handed out some times, confirmed or failed."""

from __future__ import annotations

from typing import Literal

from sqlalchemy import Connection, select, update

from veldnet.domain.errors import BadRequest, NotFound
from veldnet.store.schema import base_station_updates, base_stations, cups_contacts

from .firmware import Firmware
from .updates import Contact, replace_order

# How often it is handed out: connections break, and power fails.
MOST_ATTEMPTS = 5
Obstacle = Literal["key", "model"]


def order_firmware(connection: Connection, base_station_ref: int, firmware: Firmware, by: str) -> None:
    """Let a base station of the same operator fetch firmware. Raises `NotFound`; `BadRequest` where it is not
    for its model, or not signed."""
    columns, stations = cups_contacts.c, base_stations.c
    owned = select(stations.ref).where(
        stations.ref == base_station_ref, stations.operator_ref == firmware.operator_ref
    )
    if connection.execute(owned).first() is None:
        raise NotFound("Firmware", str(firmware.ref))
    contact = connection.execute(
        select(columns.model).where(columns.base_station_ref == base_station_ref)
    ).first()
    if contact is not None and contact.model != firmware.model:
        raise BadRequest(
            "the firmware is for {model}; the base station reports {reported}",
            model=firmware.model,
            reported=contact.model or "no model",
        )
    if not firmware.keys:
        raise BadRequest("the firmware has no signature yet; base stations would not run it")
    replace_order(
        connection, base_station_ref, "firmware", by, value=firmware.version, firmware_ref=firmware.ref
    )


def of_model(connection: Connection, firmware: Firmware) -> list[str]:
    """The ids of the base stations that report the model of firmware, of its operator."""
    query = (
        select(base_stations.c.id)
        .join(cups_contacts, cups_contacts.c.base_station_ref == base_stations.c.ref)
        .where(cups_contacts.c.model == firmware.model, base_stations.c.operator_ref == firmware.operator_ref)
    )
    return list(connection.execute(query.order_by(base_stations.c.ref)).scalars())


def note_attempt(connection: Connection, ref: int) -> None:
    """Note that firmware is handed out."""
    columns = base_station_updates.c
    connection.execute(
        update(base_station_updates).where(columns.ref == ref).values(attempts=columns.attempts + 1)
    )


def note_taken(connection: Connection, ref: int, at: int) -> None:
    """Note that a base station has all of the firmware."""
    connection.execute(
        update(base_station_updates).where(base_station_updates.c.ref == ref).values(fetched_at=at)
    )


def note_failed(connection: Connection, ref: int, at: int) -> None:
    """Note that firmware is not handed out again."""
    connection.execute(
        update(base_station_updates).where(base_station_updates.c.ref == ref).values(failed_at=at)
    )


def obstacle(firmware: Firmware, contact: Contact | None) -> Obstacle | None:
    """Why a base station is not given firmware, as far as it has said."""
    if contact is None:
        return None
    if contact.model != firmware.model:
        return "model"
    return None if set(contact.keys) & set(firmware.keys) else "key"
