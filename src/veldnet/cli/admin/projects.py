"""`veldnet admin project`: developers' projects."""

from __future__ import annotations

from typing import Annotated

import typer

from veldnet.cli.options import Data, Json
from veldnet.cli.output import console, print_json
from veldnet.cli.running import change_data, settings_of
from veldnet.inventory import accounts

project_app = typer.Typer(help="Developer projects.", no_args_is_help=True)


@project_app.command("create")
def create_project(
    name: Annotated[str, typer.Argument(help="Name of the project.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Create a developer project; its secret is shown only once."""
    credentials = change_data(
        settings_of(data), "project.created", name, lambda c: accounts.create_project(c, name)
    )
    if as_json:
        print_json(credentials)
        return
    console.print(f"client id     [cyan]{credentials.client_id}[/]", highlight=False)
    console.print(f"client secret [cyan]{credentials.client_secret}[/]  (shown this once)", highlight=False)
