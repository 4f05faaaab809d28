"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Data = Annotated[Path | None, typer.Option(help="Directory of the database and the vault.")]
Http = Annotated[str | None, typer.Option(metavar="HOST:PORT", help="Listen address for HTTP.")]
Udp = Annotated[
    str | None, typer.Option(metavar="HOST:PORT", help="Listen address for Semtech UDP packet forwarders.")
]
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config", help="Settings file instead of veldnet.toml; VELDNET_CONFIG names one, too."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Days = Annotated[float, typer.Option(min=0.01, max=4000, help="How many days to look back.")]
CustomerOption = Annotated[str, typer.Option("--customer-id", help="Customer, by its nine digits.")]
Limit = Annotated[int, typer.Option(min=1, max=10_000, help="Rows at most.")]
Operator = Annotated[str, typer.Option(help="Code of the operator.")]
Setting = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting; can be repeated.")
]
VirtualTime = Annotated[
    bool,
    typer.Option(
        "--virtual-clock",
        help="For tests, on sandbox data: POST /api/v1/clock moves time, uplinks can be injected.",
    ),
]
