"""Imports of devices: start, list, undo."""

from __future__ import annotations

import msgspec

from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.domain.scope import Scope
from veldnet.inventory import imports
from veldnet.inventory.imports import Import

# Devices deleted by one request, so that it ends soon.
_AT_ONCE = 500


class NewImport(msgspec.Struct):
    """What an import is called, such as the name of its file."""

    name: str


class Undone(msgspec.Struct):
    """How many devices were deleted, and how many are left: ask again until there is none."""

    deleted: int
    left: int


@SUBSCRIBER.get("/imports", "listImports", "Device", "The newest imports.")
async def list_imports(services: Services, scope: Scope) -> list[Import]:
    """The subscriber's newest imports."""
    return await services.read(lambda c: imports.list_imports(c, scope))


@SUBSCRIBER.post("/imports", "beginImport", "Device", "Start an import in parts.", status=201)
async def begin_import(services: Services, scope: Scope, body: NewImport) -> Import:
    """Begin an import; its rows follow with `POST /devices/import?import=<ref>`, in as many parts as
    wanted."""
    return await services.change(
        lambda c: imports.begin_import(c, scope, body.name),
        by=scope,
        action="import.begun",
        what=f"import {body.name[:100]}",
    )


@SUBSCRIBER.post(
    "/imports/{importRef}/undo",
    "undoImport",
    "Device",
    "Undo an import: delete the devices it created, 500 at a time.",
)
async def undo_import(import_ref: str, services: Services, scope: Scope) -> Undone:
    """Delete the devices that an import created, up to 500 at a time. Devices it deleted do not come back:
    their keys are gone."""
    deleted, left = await services.change(
        lambda c: imports.undo_import(c, scope, import_ref, _AT_ONCE),
        by=scope,
        action="import.undone",
        what=f"import {import_ref}",
    )
    return Undone(deleted, left)
