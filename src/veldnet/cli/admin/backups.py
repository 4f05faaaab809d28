"""`veldnet admin backup` and `restore`."""

from __future__ import annotations

from pathlib import Path

from veldnet.assembly.data_directory.backups import BackupError, back_up, restore
from veldnet.assembly.vaults.opening import master_key_of
from veldnet.cli.exits import Exit
from veldnet.cli.options import Data
from veldnet.cli.output import console, fail
from veldnet.cli.running import readable_errors, settings_of


def backup_command(target: Path, data: Data = None) -> None:
    """Copy the database to TARGET, also while a server runs. The master key is not part of it: keep a copy
    of it elsewhere, for without it the keys in the backup cannot be opened."""
    settings = settings_of(data)
    try:
        with readable_errors(), console.status("copying"):
            back_up(settings, target)
    except BackupError as error:
        fail(str(error), Exit.DATA_DIRECTORY)
    console.print(f"{target} written; the master key is {master_key_of(settings)}", soft_wrap=True)


def restore_command(source: Path, data: Data = None) -> None:
    """Put a backup in place of the database, which is kept; stop the server first. Counters jump ahead, so
    that none is used twice. Uplinks accepted since the backup could be accepted once more if somebody
    replays them."""
    settings = settings_of(data)
    try:
        with readable_errors(), console.status("copying"):
            kept = restore(settings, source)
    except BackupError as error:
        fail(str(error), Exit.DATA_DIRECTORY)
    if kept is not None:
        console.print(f"the database before is kept as {kept}", soft_wrap=True)
    console.print(f"{source} restored", soft_wrap=True)
