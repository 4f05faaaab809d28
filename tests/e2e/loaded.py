"""Loaded by the process that programs are forked from: what each of them would load or make for itself, such
as compiled statements and the tables of a new database. No thread goes on, and no file is open."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import ExitStack
from importlib import import_module

from tests.databases import copied_databases, statements_compiled_once
from tests.passwords import quick_passwords
from veldnet.api import create_application
from veldnet.api.routers import routers
from veldnet.api.routes import operations_of
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.platform import Platform
from veldnet.settings import load_settings

for _name in (
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


async def _start_once(folder: str) -> None:
    """The statements of a start, compiled, and a database without rows to copy."""
    settings = load_settings({"data": f"{folder}/data", "keys.process": False}, environment={})
    platform = Platform(settings, await DataDirectory.open(settings, create=True))
    await platform.start()
    create_application(platform)
    await platform.stop()


# Of a process that ends with its tests.
_kept = ExitStack()
_kept.enter_context(copied_databases())
_kept.enter_context(statements_compiled_once())
_kept.enter_context(quick_passwords())
with tempfile.TemporaryDirectory(prefix="veldnet-loaded-") as _folder:
    asyncio.run(_start_once(_folder))
