"""`veldnet admin backup` and `restore`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veldnet.assembly.data_directory.backups import BackupError, back_up, note_restore, restore, verify
from veldnet.assembly.vaults.opening import master_key_of
from veldnet.cli.exits import Exit
from veldnet.cli.options import Data
from veldnet.cli.output import errors, fail, report
from veldnet.cli.running import quiet, readable_errors, settings_of
from veldnet.store import has_checksum


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
    ignore_checksum: Annotated[
        bool,
        typer.Option(
            "--ignore-checksum",
            help="Restore also what does not match its checksum, where there is no better backup.",
        ),
    ] = False,
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
            kept = restore(settings, source, ignore_checksum=ignore_checksum)
            summed = has_checksum(source)
    except BackupError as error:
        fail(str(error), Exit.DATA_DIRECTORY)
    before = "" if kept is None else f"the database before is kept as {kept}\n"
    report(
        f"{before}{source} restored{_how_checked(summed, ignore_checksum)}",
        restored=str(source),
        kept=None if kept is None else str(kept),
        checksum=summed and not ignore_checksum,
    )


def verify_command(
    source: Annotated[Path, typer.Argument(help="A backup of `veldnet admin backup`, or of the server.")],
) -> None:
    """Make sure that a backup is whole: its content matches its checksum, and it is a database that this
    version can take up. Needs no data directory. Whether the master key fits is checked by `restore`."""
    try:
        with readable_errors(), errors.status("reading"):
            summed = verify(source)
    except BackupError as error:
        fail(str(error), Exit.DATA_DIRECTORY)
    said = "its content matches its checksum" if summed else _NO_CHECKSUM
    report(f"{source} is whole: {said}", backup=str(source), checksum=summed)


_NO_CHECKSUM = "it has no checksum, as backups of earlier versions; damaged values are not noticed"


def _how_checked(summed: bool, ignored: bool) -> str:
    if ignored:
        return "; its checksum was ignored"
    return "" if summed else f"; {_NO_CHECKSUM}"
