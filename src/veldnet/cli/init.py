"""`veldnet init`: an empty installation."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from veldnet.assembly.data_directory.directory import (
    DataDirectory,
    database_exists,
    database_of,
    expect_database,
)
from veldnet.assembly.vaults.opening import master_key_of

from . import deployment
from .exits import Exit
from .given import on_the_same
from .options import Data
from .output import errors, fail, report
from .running import quiet, readable_errors, run, settings_or_fail

_HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,62}(\.[A-Za-z0-9][A-Za-z0-9-]{0,62}){0,9}")


def init_command(
    data: Data = None,
    keep_key: Annotated[
        bool,
        typer.Option("--keep-key", help="Create an empty database under the existing master key."),
    ] = False,
    systemd: Annotated[
        bool, typer.Option("--systemd", help="Only print a systemd unit for this installation.")
    ] = False,
    nginx: Annotated[
        str, typer.Option(metavar="NAME", help="Only print an nginx site for this host name.")
    ] = "",
    caddy: Annotated[
        str, typer.Option(metavar="NAME", help="Only print a Caddyfile for this host name.")
    ] = "",
) -> None:
    """Create a data directory with an empty database and a master key, or print files for the system."""
    if systemd or nginx or caddy:
        _print_files(systemd, nginx, caddy, data or deployment.DATA)
        return
    settings = quiet(settings_or_fail({"data": None if data is None else str(data)}))
    key = master_key_of(settings)
    with readable_errors():
        exists = database_exists(settings)
    if exists:
        where = f"the {database_of(settings).name}" if settings.store.url else Path(settings.data).absolute()
        fail(f"there is an installation in {where} already", Exit.DATA_DIRECTORY)
    if keep_key and not key.exists():
        fail(f"there is no master key {key} to keep", Exit.DATA_DIRECTORY)

    async def create() -> None:
        await (await DataDirectory.open(settings, create=True, vaults=False, vault_process=True)).close()

    with readable_errors():
        if keep_key:
            expect_database(settings)
        run(create())
    database = database_of(settings).name
    steps = ("veldnet check", "veldnet admin operator create CODE NAME", "veldnet serve")
    report(
        f"{database} created; without {key} its keys cannot be opened: keep a copy\n"
        f"Next: {', then '.join(map(on_the_same, steps))}",
        database=database,
        masterKey=str(key),
    )


def _print_files(systemd: bool, nginx: str, caddy: str, data: Path) -> None:
    if (systemd, bool(nginx), bool(caddy)).count(True) > 1:
        raise typer.BadParameter("print one file at a time")
    for name in filter(None, (nginx, caddy)):
        if not _HOST.fullmatch(name):
            raise typer.BadParameter(f"{name!r} is not a host name")
    try:
        text = deployment.systemd_unit(data) if systemd else ""
    except ValueError as error:
        raise typer.BadParameter(f"--data: {error}") from error
    if systemd and (closed := deployment.unreachable_command()) is not None:
        errors.print(
            f"[bold]warning:[/] the service cannot run this Python, because {closed} is closed to other "
            "users; install with /usr/bin/python3 -m venv /opt/veldnet",
            highlight=False,
            soft_wrap=True,
        )
    print(text or (deployment.nginx_site(nginx) if nginx else deployment.caddy_site(caddy)), end="")
