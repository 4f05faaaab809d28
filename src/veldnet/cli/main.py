"""The command `veldnet`: which commands there are, and where."""

from __future__ import annotations

from typing import Annotated

import typer

from veldnet import __version__

from .lazy import Lazy, lazy_group

_HELP = "A LoRaWAN operator's platform that speaks the KPN / ThingPark device management API."

app = lazy_group(
    "veldnet",
    _HELP,
    {
        "init": Lazy(
            "veldnet.cli.init:init_command",
            "Create a data directory with an empty database and a master key.",
        ),
        "check": Lazy(
            "veldnet.cli.check:check_command",
            "Check configuration, database, keys, ports, clock and disk, and say what to do.",
        ),
        "serve": Lazy("veldnet.cli.serve:serve_command", "Run the server until SIGTERM or Ctrl-C."),
        "demo": Lazy(
            "veldnet.cli.demo:demo_command",
            "Run a demo with virtual devices.",
        ),
        "sandbox": Lazy(
            "veldnet.cli.sandbox_command:sandbox_command",
            "Create an operator, a subscriber and all they need, to try things out.",
        ),
        "bench": Lazy("veldnet.cli.bench:bench", "Measure, against a real server process."),
        "simulate": Lazy(
            "veldnet.cli.simulate:simulate",
            "Virtual base stations and devices, against any server.",
        ),
        "admin": Lazy(
            "veldnet.cli.admin:admin",
            "Manage accounts, plans, base stations, keys and backups.",
        ),
        "cluster": Lazy("veldnet.cli.cluster:cluster", "The nodes that serve a database together."),
        "remote": Lazy(
            "veldnet.cli.remote:remote",
            "Run commands and open shells on base stations of a running server.",
        ),
        "connection": Lazy(
            "veldnet.cli.flows:connection_app", "Connections to applications, through a running server."
        ),
        "flow": Lazy(
            "veldnet.cli.flows:flow_app", "Flows of messages to applications, through a running server."
        ),
        "fleet": Lazy(
            "veldnet.cli.fleet:fleet_app",
            "Plans, profiles, routing, connections, flows, devices and groups as a YAML file.",
        ),
        "export": Lazy(
            "veldnet.cli.exporting:export_command", "Write a customer's devices for another network server."
        ),
        "migrate": Lazy("veldnet.cli.migrate:migrate_app", "Move in from other network servers."),
        "completion": Lazy(
            "veldnet.cli.completion:completion_command", "Print the tab completion of a shell."
        ),
        "client": Lazy(
            "veldnet.cli.client:client", "Tools for application servers: AS keys, payloads, downlinks."
        ),
    },
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback(help=_HELP)
def _main(
    _version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """What holds for every command."""
