"""`veldnet remote`: commands and shells on base stations, through a running server."""

from __future__ import annotations

import base64
import os
import sys
import threading
from pathlib import Path
from typing import Annotated

import typer

from .api_client import ApiClient, read_key
from .output import errors, report

remote = typer.Typer(
    help="Run commands and open shells on base stations, through the API of a running server.",
    no_args_is_help=True,
)

_STATIONS = "/api/v1/operator/baseStations"
# Octets of input in one request.
_PIECE = 1024
_ENDS = {
    "closed": "the shell was closed",
    "exited": "the shell has ended",
    "idle": "the shell was closed: nothing was typed for too long",
    "disconnected": "the base station has lost its connection",
    "too_much": "the shell was closed: it wrote too much",
    "withdrawn": "the shell was closed: you have no access to base stations any more",
    "stopped": "the shell was closed: the server stops",
    "failed": "the base station did not start the shell",
}

StationId = Annotated[str, typer.Argument(help="LRR id, eight hexadecimal digits.")]
Server = Annotated[str, typer.Option(help="Address of the server, such as https://veldnet.example.org.")]
KeyFile = Annotated[
    Path | None,
    typer.Option(help="File with an API key of the scope stations; VELDNET_API_KEY if absent."),
]
Authority = Annotated[
    Path | None,
    typer.Option(
        "--ca", help="File with the authorities of the server's certificate; the system's if absent."
    ),
]
_LOCAL = "http://127.0.0.1:8080"


@remote.command("run")
def run_command(
    base_station_id: StationId,
    command: Annotated[str, typer.Argument(help="Program on the base station.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(help="What it is given, at most 64; put -- before options.")
    ] = None,
    server: Server = _LOCAL,
    key_file: KeyFile = None,
    ca: Authority = None,
) -> None:
    """Run a program on a base station. Its output and how it ends are not known: use it to start a script."""
    client = ApiClient(server, read_key(key_file), ca)
    identifier = base_station_id.upper()
    body = {"command": command, "arguments": arguments or []}
    client.call("POST", f"{_STATIONS}/{identifier}/commands", body)
    report(f"command sent to base station {identifier}", id=identifier, command=command)


@remote.command("shell")
def open_shell(
    base_station_id: StationId,
    server: Server = _LOCAL,
    key_file: KeyFile = None,
    ca: Authority = None,
) -> None:
    """Open a shell on a base station: lines of the standard input go to it, until the shell or the input
    ends. Your terminal edits and shows the lines; the base station's does not."""
    client = ApiClient(server, read_key(key_file), ca)
    path = f"{_STATIONS}/{base_station_id.upper()}/shells"
    shell = client.call("POST", path, {"terminal": "dumb"})
    path += f"/{shell['id']}"
    errors.print(f"shell on base station {base_station_id.upper()}; exit or Ctrl-D ends it")
    typing = threading.Thread(target=_type, args=(client, path), daemon=True)
    typing.start()
    for event in client.events(f"{path}/live"):
        if event.name == "output":
            sys.stdout.buffer.write(base64.b64decode(event.data["data"]))
            sys.stdout.buffer.flush()
        elif event.name == "dropped":
            errors.print(f"{event.data['dropped']} octets of output were left out so far")
        elif event.name in ("closed", "expired"):
            errors.print(_ENDS.get(event.data.get("reason", ""), "your API key is not valid any more"))


def _type(client: ApiClient, path: str) -> None:
    """Pass the standard input on; at its end, let the shell end by itself."""
    while octets := os.read(0, _PIECE):
        _give(client, path, octets)
    _give(client, path, b"exit\n")


def _give(client: ApiClient, path: str, octets: bytes) -> None:
    client.call("POST", f"{path}/input", {"data": base64.b64encode(octets).decode()})
