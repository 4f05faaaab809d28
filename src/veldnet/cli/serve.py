"""`veldnet serve`: the whole platform in one process."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veldnet.api.server import Addresses, CannotListen, serve
from veldnet.app import Platform
from veldnet.logs import configure_logs
from veldnet.serving import holding
from veldnet.settings import SettingsError

from .exits import Exit
from .output import console, fail, print_json
from .running import errors_in_words, run, settings_or_fail, tune_garbage_collection, tune_threads

Data = Annotated[Path | None, typer.Option(help="Directory of the database and the vault.")]
Http = Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Where HTTP is served.")]
Udp = Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Where UDP packet forwarders send to.")]
ConfigFile = Annotated[Path | None, typer.Option("--config", help="Settings file instead of veldnet.toml.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def serve_command(
    data: Data = None,
    http: Http = None,
    udp: Udp = None,
    basics_station: Annotated[
        str | None,
        typer.Option(metavar="HOST:PORT", help="Reserved: Basics Station is not served by this version."),
    ] = None,
    config: ConfigFile = None,
    take_over: Annotated[
        bool,
        typer.Option("--take-over", help="Take the data directory from another server; that one stops."),
    ] = False,
    as_json: Json = False,
) -> None:
    """Run the whole platform until SIGTERM or Ctrl-C."""
    settings = settings_or_fail(
        {
            "data": None if data is None else str(data),
            "api.http": http,
            "gateways.udp": udp,
            "gateways.basics_station": basics_station,
        },
        config,
    )
    configure_logs(settings.log)

    def started(_platform: Platform, addresses: Addresses) -> None:
        if as_json:
            print_json(addresses)
            return
        console.print(f"[bold]Veldnet[/] on [cyan]{settings.data}[/]")
        console.print(f"  HTTP API        http://{addresses.http}  (description: /docs)")
        console.print(f"  base stations   udp://{addresses.udp}  (Semtech UDP)", highlight=False)

    tune_garbage_collection()
    tune_threads()
    try:
        with errors_in_words(), holding(settings, take_over=take_over) as lock:
            run(serve(settings, lock, started, take_over=take_over))
    except SettingsError as error:
        fail(str(error), Exit.SETTINGS)
    except CannotListen as error:
        fail(str(error), Exit.CANNOT_LISTEN)
