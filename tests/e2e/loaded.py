"""Loaded last by the process that programs are forked from, and what else each of them would load or make for
itself. Nothing of it starts a thread or opens a file."""

from __future__ import annotations

from importlib import import_module

from veldnet.api.routers import routers
from veldnet.api.routes import operations_of
from veldnet.settings import load_settings

for _name in (
    "litestar.plugins.attrs",
    "litestar.plugins.pydantic.dto",
    "segno",
    "typer.rich_utils",
    "uvicorn.lifespan.off",
    "uvicorn.lifespan.on",
    "uvloop",
    "veldnet.api.front.server",
    "veldnet.assembly.inspection",
    "veldnet.assembly.platform",
    "veldnet.cli.admin.devices",
    "veldnet.cli.admin.subscribers",
    "veldnet.cli.admin.vaults",
    "veldnet.cli.check",
    "veldnet.cli.init",
    "veldnet.cli.main",
    "veldnet.cli.sandbox",
    "veldnet.cli.server",
    "veldnet.cli.serving",
    "veldnet.gateways.basics_station.server",
    "veldnet.store.alembic_chain",
    "zoneinfo",
):
    import_module(_name)

for router in routers():
    for operation in operations_of(router):
        operation.inputs()
load_settings({}, environment={})
