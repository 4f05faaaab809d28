"""`veldnet simulate`: virtual base stations and devices against any server, over its real protocols."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from veldnet.lorawan import GatewayEui, InvalidIdentifier
from veldnet.settings import Address
from veldnet.simulator.customer import Account, ApiProblem
from veldnet.simulator.town import Town

from .output import console, fail
from .running import run
from .serve import Json
from .town_view import TownView


async def _simulate(
    account: Account,
    http: str,
    udp: Address,
    devices: int,
    period: float,
    duration: float | None,
    seed: int | None,
    as_json: bool,
) -> int:
    view = TownView(as_json=as_json)
    town = Town(
        account,
        http=http,
        udp=(udp.host, udp.port),
        gateways=[GatewayEui.parse(account.base_station_eui)],
        devices=devices,
        period=period,
        rng=random.SystemRandom() if seed is None else random.Random(seed),  # noqa: S311 - not for keys
        decoded=view.decoded,
        event=view.event,
        problem=view.problem,
    )
    view.names = town.names
    try:
        if as_json:
            await town.settle(lambda _step: None)
        else:
            with console.status("Setting up") as status:
                await town.settle(lambda step: status.update(f"Setting up: {step}"))
        with view:
            await asyncio.sleep(duration if duration is not None else float("inf"))
    finally:
        await town.leave()
    return view.readings


def simulate_command(
    account: Annotated[Path, typer.Option(help="What `veldnet sandbox --json` printed.")],
    http: Annotated[str, typer.Option(help="Base URL of the API.")] = "http://127.0.0.1:8080",
    udp: Annotated[str, typer.Option(metavar="HOST:PORT", help="Where base stations send to.")] = (
        "127.0.0.1:1700"
    ),
    devices: Annotated[int, typer.Option(min=1, max=1000, help="Virtual devices.")] = 5,
    period: Annotated[float, typer.Option(min=1, help="Seconds between readings of a device.")] = 10,
    duration: Annotated[float | None, typer.Option(min=1, help="Stop after so many seconds.")] = None,
    seed: Annotated[int | None, typer.Option(help="Repeat a run: places, payloads, channels.")] = None,
    as_json: Json = False,
) -> None:
    """Virtual devices that use a running server like real ones. The server must allow private
    destinations, because their application server is on this machine."""
    try:
        loaded = msgspec.json.decode(account.read_bytes(), type=Account)
        address = Address.parse(udp)
    except (OSError, msgspec.MsgspecError, ValueError, InvalidIdentifier) as error:
        fail(str(error))
    try:
        readings = run(_simulate(loaded, http, address, devices, period, duration, seed, as_json))
    except (ApiProblem, OSError, TimeoutError) as error:
        fail(str(error) or "the server did not answer")
    except KeyboardInterrupt:
        return
    if not as_json:
        console.print(f"\n{readings} readings arrived.")
