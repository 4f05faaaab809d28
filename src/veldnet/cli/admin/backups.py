"""`veldnet admin backup` and `restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veldnet.assembly.data_directory.backups import BackupError, back_up, note_restore, restore
from veldnet.assembly.vaults.opening import master_key_of
from veldnet.cli.exits import Exit
from veldnet.cli.options import Data
from veldnet.cli.output import errors, fail, report
from veldnet.cli.running import quiet, readable_errors, settings_of


def backup_command(
    target: Annotated[Path, typer.Argument(help="New file for the copy.")], data: Data = None
) -> None:
    """Copy the database to TARGET, also while a server runs. The master key is not part of it: keep a copy
    of it elsewhere, for without it the keys in the backup cannot be opened."""
    settings = quiet(settings_of(data))
    try:
        with readable_errors(), errors.status("copying"):
            back_up(settings, target)
    except BackupError as error:
        fail(str(error), Exit.DATA_DIRECTORY)
    key = master_key_of(settings)
    report(f"{target} written; the master key is {key}", backup=str(target), masterKey=str(key))


def restore_command(
    source: Annotated[
        Path | None,
        typer.Argument(
            help="A backup of `veldnet admin backup`; none where PostgreSQL has restored its own.",
            show_default=False,
        ),
    ] = None,
    data: Data = None,
) -> None:
    """Put a backup in place of the database, which is kept; stop the server first. Counters jump ahead, so
    that none is used twice. Uplinks accepted since the backup could be accepted once more if somebody
    replays them."""
    settings = quiet(settings_of(data))
    try:
        with readable_errors(), errors.status("copying"):
            if source is None:
                note_restore(settings)
                report("counters jump ahead with the next start", restored=None, kept=None)
                return
            kept = restore(settings, source)
    except BackupError as error:
        fail(str(error), Exit.DATA_DIRECTORY)
    before = "" if kept is None else f"the database before is kept as {kept}\n"
    report(f"{before}{source} restored", restored=str(source), kept=None if kept is None else str(kept))
