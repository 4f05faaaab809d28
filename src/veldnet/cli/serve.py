"""`veldnet serve`: the whole platform in one process."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import ConfigFile, Data, Http, Json, Udp, VirtualTime
from .serve_arguments import ServeArguments
from .server import serve_with


def serve_command(
    data: Data = None,
    http: Http = None,
    udp: Udp = None,
    basics_station: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Listen address for LoRa Basics Station (LNS)."),
    ] = None,
    config: ConfigFile = None,
    take_over: Annotated[
        bool,
        typer.Option("--take-over", help="Take over the data directory from another server, which stops."),
    ] = False,
    virtual_clock: VirtualTime = False,
    as_json: Json = False,
) -> None:
    """Run the server until SIGTERM or Ctrl-C."""
    serve_with(
        ServeArguments(data, http, udp, basics_station, config, take_over, as_json, virtual_clock),
    )
