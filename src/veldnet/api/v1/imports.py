"""Imports of devices: begun, listed, and undone."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, get, post

from veldnet.api.auth.bearer import require_scope
from veldnet.api.body import read_resource
from veldnet.api.services import Services
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


@get("/imports")
async def list_imports(request: Request[Any, Any, Any], services: Services) -> list[Import]:
    """The subscriber's newest imports."""
    scope = await require_scope(request, services)
    return await services.read(lambda c: imports.list_imports(c, scope))


@post("/imports", status_code=201)
async def begin_import(request: Request[Any, Any, Any], services: Services) -> Import:
    """Begin an import; its rows follow with `POST /devices/import?import=<ref>`, in as many parts as
    wanted."""
    scope = await require_scope(request, services)
    body = await read_resource(request, NewImport, services.settings.max_body)
    return await services.change(
        lambda c: imports.begin_import(c, scope, body.name),
        by=scope,
        action="import.begun",
        what=f"import {body.name[:100]}",
    )


@post("/imports/{import_ref:str}/undo", status_code=200)
async def undo_import(import_ref: str, request: Request[Any, Any, Any], services: Services) -> Undone:
    """Delete the devices that an import created, up to 500 at a time. Devices it deleted do not come back:
    their keys are gone."""
    scope = await require_scope(request, services)
    deleted, left = await services.change(
        lambda c: imports.undo_import(c, scope, import_ref, _AT_ONCE),
        by=scope,
        action="import.undone",
        what=f"import {import_ref}",
    )
    return Undone(deleted, left)


HANDLERS = (list_imports, begin_import, undo_import)
