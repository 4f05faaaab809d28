"""Name, colour and logo of the server, as its operator has set them."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, delete, func, select

from veldnet.domain.errors import Forbidden
from veldnet.store import put
from veldnet.store.schema import branding, operators

from .names import check_name

_REF = 1
MOST_NAME = 60


class StoredBranding(msgspec.Struct, frozen=True):
    """What was set. `logo` is None where that of the settings stays, and empty for the built-in one."""

    name: str
    colour: str
    logo: bytes | None = None
    logo_type: str = ""


def read_branding(connection: Connection) -> StoredBranding | None:
    """None where nothing was set, and the settings hold."""
    row = connection.execute(select(branding).where(branding.c.ref == _REF)).first()
    return None if row is None else StoredBranding(row.name, row.colour, row.logo, row.logo_type or "")


def network_name(connection: Connection) -> str | None:
    """The name that was set, if any."""
    name: str | None = connection.execute(select(branding.c.name).where(branding.c.ref == _REF)).scalar()
    return name


def write_branding(connection: Connection, wanted: StoredBranding) -> None:
    """Present the server in another way. Raises `InvalidField`, and `Forbidden` where operators share it."""
    name = check_name(wanted.name, most=MOST_NAME)
    _check_sole(connection)
    row = {"ref": _REF, "name": name, "colour": wanted.colour}
    put(connection, branding, {**row, "logo": wanted.logo, "logo_type": wanted.logo_type})


def remove_branding(connection: Connection) -> None:
    """Go back to the settings. Raises `Forbidden` where operators share the server."""
    _check_sole(connection)
    connection.execute(delete(branding))


def _check_sole(connection: Connection) -> None:
    if int(connection.execute(select(func.count()).select_from(operators)).scalar_one()) > 1:
        raise Forbidden(
            "several operators share this server; its name, logo and colour stand in its settings"
        )
