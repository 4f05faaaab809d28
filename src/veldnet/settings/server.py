"""Settings of the server as a program."""

from __future__ import annotations

from typing import Annotated

import msgspec

from .values import Processes, about


class ServerSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The server's processes."""

    processes: Annotated[
        Processes,
        about(
            "How many processes serve: 1 does everything in one; with more the others send the messages for "
            "application servers, each those of a part of the devices. auto is 1. Vaults and payload "
            "decoders have processes of their own besides."
        ),
    ] = Processes("auto")
