"""`veldnet demo`: the platform, a sandbox, a town of virtual devices, and their readings as they arrive."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
import signal
import tempfile
from contextlib import closing
from pathlib import Path
from typing import Annotated

import aiohttp
import msgspec
import typer

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.data_directory.lock import DirectoryLock
from veldnet.assembly.data_directory.takeover import holding
from veldnet.assembly.listening import Addresses, Ports
from veldnet.cli.serving import Moments, serve
from veldnet.inventory.sandbox import Sandbox
from veldnet.logs import configure_logs
from veldnet.settings import Settings
from veldnet.simulator.backhaul import Backhaul, NotConnected
from veldnet.simulator.customer import Account, ApiProblem
from veldnet.simulator.town import Town, TownPlan

from .options import Http, Json, Udp
from .output import console, fail
from .running import readable_errors, run, settings_or_fail
from .sandbox import make_sandbox
from .town_view import TownView


async def _prepare(settings: Settings, lock: DirectoryLock) -> Sandbox:
    data = await DataDirectory.open(settings, create=True, lock=lock)
    try:
        return await make_sandbox(data)
    finally:
        await data.close()


async def _demo(
    settings: Settings,
    lock: DirectoryLock,
    ports: Ports,
    plan: TownPlan,
    duration: float | None,
    as_json: bool,
) -> int:
    """Run until stopped, or for `duration` seconds; returns the number of readings."""
    sandbox = await _prepare(settings, lock)
    listening: asyncio.Future[Addresses] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(settings, lock, ports, Moments(listening.set_result)))
    serving.add_done_callback(lambda _task: listening.cancel())
    try:
        addresses = await listening
    except asyncio.CancelledError:
        await serving
        raise
    host, _colon, port = addresses.udp.rpartition(":")
    if host == "0.0.0.0":  # noqa: S104 - compared, not bound
        host = "127.0.0.1"
    account = msgspec.convert(msgspec.structs.asdict(sandbox), Account)
    view = TownView(as_json=as_json)
    backhaul = Backhaul(("semtech-udp",), udp=(host, int(port)))
    town = Town(account, f"http://{addresses.http}", backhaul, plan, random.SystemRandom(), view)
    try:
        if not as_json:
            _introduce(settings, addresses, sandbox)
        await view.settle(town)
        with view:
            await asyncio.wait({serving}, timeout=duration)
    finally:
        await town.leave()
        if not serving.done():
            os.kill(os.getpid(), signal.SIGTERM)
        await serving
    return view.readings


def _introduce(settings: Settings, addresses: Addresses, sandbox: Sandbox) -> None:
    console.print(f"[bold]Veldnet demo[/] on [cyan]{settings.data}[/]; Ctrl-C stops it")
    console.print(f"  console         [bold]http://{addresses.http}/console/[/]", highlight=False)
    console.print(f"  HTTP API        http://{addresses.http}  (description: /docs)", highlight=False)
    console.print(f"  base stations   udp://{addresses.udp}", highlight=False)
    console.print(f"  client id       {sandbox.client_id}", highlight=False)
    console.print(f"  client secret   {sandbox.client_secret}", highlight=False)
    console.print(f"  ThingPark user  {sandbox.thingpark_username}", highlight=False)
    console.print(f"  its password    {sandbox.thingpark_password}", highlight=False)
    console.print(f"  operator        {sandbox.operator_username}  (same password)\n", highlight=False)


def demo_command(
    data: Annotated[Path | None, typer.Option(help="Data directory; a temporary one if omitted.")] = None,
    http: Http = None,
    udp: Udp = None,
    devices: Annotated[int, typer.Option(min=1, max=500, help="Virtual devices.")] = 8,
    base_station_count: Annotated[
        int, typer.Option("--base-stations", min=1, max=20, help="Virtual base stations.")
    ] = 3,
    period: Annotated[float, typer.Option(min=1, help="Seconds between readings of a device.")] = 10,
    duration: Annotated[float | None, typer.Option(help="Stop after this many seconds.")] = None,
    as_json: Json = False,
) -> None:
    """Run a demo: virtual devices join over UDP and their signed readings are delivered."""
    directory = Path(tempfile.mkdtemp(prefix="veldnet-demo-")) if data is None else data
    settings = settings_or_fail(
        {
            "data": str(directory),
            "api.http": http,
            "gateways.udp": udp if udp is not None else "127.0.0.1:1700",
            # The application server of the demo is on this machine.
            "routing.allow_private_destinations": True,
            "api.rate_limit": 0,
            "log.level": "error",
        }
    )
    configure_logs(settings.log)
    try:
        with readable_errors(), holding(settings) as lock, closing(Ports.open(settings)) as ports:
            plan = TownPlan(base_station_count, devices, period)
            readings = run(_demo(settings, lock, ports, plan, duration, as_json))
    except (ApiProblem, NotConnected, aiohttp.ClientError, TimeoutError) as error:
        fail(str(error) or "the server did not answer")
    finally:
        if data is None:
            shutil.rmtree(directory, ignore_errors=True)
    if not as_json:
        console.print(f"\n{readings} readings arrived.")
