"""The command `veldnet`."""

from __future__ import annotations

from typing import Annotated

import typer

from veldnet import __version__

from .admin import admin
from .bench import bench
from .client import client
from .demo import demo_command
from .init import init_command
from .sandbox import sandbox_command
from .serve import serve_command
from .simulate import simulate

app = typer.Typer(
    name="veldnet",
    help="A LoRaWAN operator's platform that speaks the KPN / ThingPark device management API.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_show_locals=False,
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def main(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A LoRaWAN operator's platform that speaks the KPN / ThingPark device management API."""


app.command("init")(init_command)
app.command("serve")(serve_command)
app.command("demo")(demo_command)
app.command("sandbox")(sandbox_command)
app.add_typer(bench, name="bench")
app.add_typer(simulate, name="simulate")
app.add_typer(admin, name="admin")
app.add_typer(client, name="client")
