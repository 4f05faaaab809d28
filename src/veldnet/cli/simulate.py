"""`veldnet simulate`: virtual base stations and devices against any server, over its real protocols."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from veldnet.simulator.backhaul import NotConnected
from veldnet.simulator.customer import Account, ApiProblem
from veldnet.simulator.town import Town, TownPlan

from .options import Json
from .output import console, fail
from .simulate_backhaul import Reach
from .simulate_device import device_command
from .simulate_network import adr_command, network_command
from .simulate_week import week_command
from .starting import run
from .town_view import TownView


async def _live(town: Town, view: TownView, duration: float | None) -> None:
    try:
        await view.settle(town)
        with view:
            await asyncio.sleep(duration if duration is not None else float("inf"))
    finally:
        await town.leave()


simulate = typer.Typer(
    help="Virtual base stations and devices, against any server.",
    no_args_is_help=True,
)

simulate.command("network")(network_command)
simulate.command("adr")(adr_command)
simulate.command("week")(week_command)


class Plan(msgspec.Struct, frozen=True):
    """The options that say what there is in the town."""

    base_stations: Annotated[
        int | None, typer.Option(min=1, max=50, help="Base stations; 3 for mixed, else 1.")
    ] = None
    devices: Annotated[int, typer.Option(min=1, max=1000, help="Virtual devices.")] = 5
    period: Annotated[float, typer.Option(min=1, help="Seconds between readings of a device.")] = 10
    seed: Annotated[int | None, typer.Option(help="Random seed for locations, payloads, channels.")] = None


@simulate.command("town")
def town_command(
    account: Annotated[Path, typer.Option(help="Output of `veldnet sandbox --json`.")],
    *,
    http: Annotated[str, typer.Option(help="Base URL of the API.")] = "http://127.0.0.1:8080",
    reach: Reach,
    plan: Plan,
    duration: Annotated[float | None, typer.Option(min=1, help="Stop after this many seconds.")] = None,
    as_json: Json = False,
) -> None:
    """Create devices over the API, let them send, and show their readings as they arrive. The server must
    allow private destinations, because the application server is on this machine. Base stations beside the
    account's are registered by its operator."""
    try:
        loaded = msgspec.json.decode(account.read_bytes(), type=Account)
        backhaul = reach.backhaul()
    except (OSError, msgspec.MsgspecError, ValueError, NotConnected) as error:
        fail(str(error))
    town = TownPlan(plan.base_stations or len(backhaul.protocols), plan.devices, plan.period)
    rng = random.SystemRandom() if plan.seed is None else random.Random(plan.seed)  # noqa: S311 - not for keys
    view = TownView(as_json=as_json)
    try:
        run(_live(Town(loaded, http, backhaul, town, rng, view), view, duration))
    except (ApiProblem, NotConnected, OSError, TimeoutError) as error:
        fail(str(error) or "the server did not answer")
    except KeyboardInterrupt:
        return
    if not as_json:
        console.print(f"\n{view.readings} readings arrived.")


simulate.command("device")(device_command)
