"""The command `veldnet` before it has commands."""

from __future__ import annotations

from typing import Annotated

import typer

from veldnet import __version__

_HELP = "A LoRaWAN operator's platform that speaks the KPN / ThingPark device management API."


def new_app() -> typer.Typer:
    app = typer.Typer(
        name="veldnet",
        help=_HELP,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_show_locals=False,
    )
    app.callback(help=_HELP)(_main)
    return app


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


def _main(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """What holds for every command."""
