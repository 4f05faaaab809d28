"""Settings of the database."""

from __future__ import annotations

from typing import Annotated

import msgspec

from .values import about


class StoreSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The database."""

    url: Annotated[
        str,
        about(
            "URL of a PostgreSQL database, postgresql://USER:PASSWORD@HOST:PORT/DATABASE; empty is the "
            "SQLite file of the data directory."
        ),
    ] = ""
