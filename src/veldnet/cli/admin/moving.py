"""`veldnet admin migrate-store`."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer
from rich.progress import Progress

from veldnet.assembly.data_directory.moving import MoveError, move_store
from veldnet.cli.exits import Exit
from veldnet.cli.given import on_the_same
from veldnet.cli.options import Data
from veldnet.cli.output import errors, fail, report
from veldnet.cli.running import readable_errors, settings_of


def migrate_store_command(
    to: Annotated[str, typer.Option("--to", metavar="URL", help="An empty PostgreSQL database.")],
    data: Data = None,
) -> None:
    """Move the installation from its SQLite file to PostgreSQL; stop the server first. The copy is one
    transaction, and is proven by counts and digests of each table. The file is kept as veldnet.moved.db."""
    settings = settings_of(data)
    try:
        with readable_errors(), Progress(console=errors, transient=True) as progress:
            tasks = {}

            def show(table: str, rows: int) -> None:
                if table not in tasks:
                    tasks[table] = progress.add_task(table, total=None)
                progress.update(tasks[table], completed=rows, description=f"{table}: {rows}")

            moved = move_store(settings, to, show)
    except MoveError as error:
        fail(str(error), Exit.DATA_DIRECTORY)
    lines = [f"{table.rows:>10} {table.digest} {table.name}" for table in moved.tables]
    report(
        "\n".join(
            [
                *lines,
                f"moved to the {moved.target}; the file is kept as {moved.kept}",
                "Next: set store.url (VELDNET_STORE__URL), "
                f"{on_the_same('veldnet check')}, {on_the_same('veldnet serve')}",
            ]
        ),
        target=moved.target,
        kept=str(moved.kept),
        tables=[msgspec.structs.asdict(table) for table in moved.tables],
    )
