"""`veldnet sandbox`: creates sample accounts, plans, profiles and a base station, and serves them for
tests."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import ConfigFile, Data, Http, Json, Udp, VirtualTime
from .sandbox import sandbox_with
from .sandbox_arguments import SandboxArguments


def sandbox_command(
    data: Data = None,
    base_station_eui: Annotated[
        str | None, typer.Option(help="EUI of a real base station to register, 16 hexadecimal digits.")
    ] = None,
    serve: Annotated[
        bool,
        typer.Option(
            "--serve", help="Serve it until SIGTERM or Ctrl-C; without --data in a temporary directory."
        ),
    ] = False,
    virtual_clock: VirtualTime = False,
    http: Http = None,
    udp: Udp = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Create operator, subscriber, user, project, plan, profiles, HSM group and base station."""
    sandbox_with(
        SandboxArguments(data, base_station_eui, serve, virtual_clock, http, udp, config, as_json),
    )
