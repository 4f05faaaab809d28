"""`veldnet admin audit`: who changed what."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from veldnet.cli.options import Data, Json, Limit
from veldnet.cli.output import print_json, print_table
from veldnet.cli.running import read_data
from veldnet.inventory import audit


def audit_command(
    limit: Limit = 100,
    device: Annotated[
        int | None,
        typer.Option(min=1, help="Only changes of the device with this ref, also once it is deleted."),
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show the audit log, newest first."""
    found = read_data(data, lambda c: audit.list_entries(c, None, limit, device_ref=device))
    if as_json:
        print_json(found)
        return
    print_table(
        "Audit log",
        ("Time", "Who", "What", "Object", "Details"),
        [(e.time, e.actor, e.action, _named(e), msgspec.json.encode(e.details).decode()[:80]) for e in found],
    )


def _named(entry: audit.AuditEntry) -> str:
    """What was changed; a device by DevEUI and name, too."""
    if entry.deviceEUI is None:
        return entry.object
    return f"{entry.object}: {entry.deviceEUI} {entry.deviceName}".rstrip()
