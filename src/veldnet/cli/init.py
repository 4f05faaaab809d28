"""`veldnet init`: an empty installation."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veldnet.assembly.data_directory.directory import DataDirectory, database_of, expect_database
from veldnet.assembly.vaults.opening import master_key_of

from .exits import Exit
from .options import Data
from .output import console, fail
from .running import readable_errors, run, settings_or_fail


def init_command(
    data: Data = None,
    keep_key: Annotated[
        bool,
        typer.Option("--keep-key", help="Create an empty database under the existing master key."),
    ] = False,
) -> None:
    """Create a data directory with an empty database and a master key."""
    settings = settings_or_fail({"data": None if data is None else str(data)})
    database, key = database_of(settings), master_key_of(settings)
    if database.exists():
        fail(f"there is an installation in {Path(settings.data).absolute()} already", Exit.DATA_DIRECTORY)
    if keep_key and not key.exists():
        fail(f"there is no master key {key} to keep", Exit.DATA_DIRECTORY)

    async def create() -> None:
        await (await DataDirectory.open(settings, create=True, vaults=False, vault_process=True)).close()

    with readable_errors():
        if keep_key:
            expect_database(settings)
        run(create())
    console.print(f"{database} created; without {key} its keys cannot be opened: keep a copy", soft_wrap=True)
