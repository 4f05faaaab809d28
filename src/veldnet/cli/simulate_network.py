"""`veldnet simulate network` and `adr`: a whole network under a virtual clock, with a report."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from veldnet.domain.documents import PlanSettings
from veldnet.logs import configure_logs
from veldnet.settings import LogSettings
from veldnet.simulator.backhaul import NotConnected, ProtocolName
from veldnet.simulator.virtual_time import run_virtually
from veldnet.virtual import MIXED, Conditions, Faults, InvariantBroken, Kind, VirtualNetwork
from veldnet.virtual.faults import STORMY
from veldnet.virtual.report import write_plots, write_report
from veldnet.virtual.results import Clock, Results, results_of

from .options import Json
from .output import console, errors, fail, print_json, print_table
from .simulate_backhaul import protocols_named

Devices = Annotated[int, typer.Option(min=1, max=100_000, help="Devices of every class and version.")]
Stations = Annotated[int, typer.Option(min=1, max=200, help="Base stations in each region.")]
Period = Annotated[float, typer.Option(min=5, help="Seconds between the readings of a device.")]


class Extent(msgspec.Struct, frozen=True):
    """The options that say how much is simulated."""

    devices: Devices = 500
    hours: Annotated[float, typer.Option(min=0.1, help="Hours of virtual time.")] = 6
    seed: Annotated[int, typer.Option(help="Random seed; the same seed gives the same run.")] = 1
    base_stations: Stations = 8
    radius: Annotated[float, typer.Option(min=0.1, max=50, help="Radius in kilometres.")] = 4
    period: Period = 1800


class City(Extent, frozen=True):
    """The same of a city, in which ADR has something to do."""

    devices: Annotated[int, typer.Option(min=1, max=20_000, help="Devices in the city.")] = 300
    hours: Annotated[float, typer.Option(min=0.1, help="Hours of virtual time.")] = 12
    base_stations: Stations = 6
    period: Period = 300


class Output(msgspec.Struct, frozen=True):
    """The options that say what becomes of the results."""

    report: Annotated[Path | None, typer.Option(help="Write an HTML page with plots.")] = None
    plots: Annotated[Path | None, typer.Option(help="Write each plot as SVG into a directory.")] = None
    as_json: Json = False


class Scenario(msgspec.Struct, frozen=True):
    """A network to simulate."""

    name: str
    extent: Extent
    conditions: Conditions
    faults: Faults = Faults()
    adr: bool = True


def _conditions(
    extent: Extent, kinds: tuple[Kind, ...], plan: PlanSettings, protocols: tuple[ProtocolName, ...] = ()
) -> Conditions:
    return Conditions(
        kinds=kinds,
        plan=plan,
        downlinks_every=(5.0, 20.0),
        radius=extent.radius,
        shadowing=7.0,
        protocols=protocols,
    )


def _simulate(scenario: Scenario, bar: Progress) -> Results:
    """Run a scenario; the task of the bar counts virtual seconds. Raises `InvariantBroken`."""
    extent = scenario.extent
    building = bar.add_task(f"{scenario.name}: building", total=extent.devices)
    running = bar.add_task(f"{scenario.name}: running", total=extent.hours * 3600, start=False)

    async def story(directory: Path) -> Results:
        network = VirtualNetwork(
            directory,
            extent.seed,
            faults=scenario.faults,
            conditions=scenario.conditions,
        )
        await network.build(
            extent.devices,
            extent.base_stations,
            extent.period,
            confirmed_share=0.1,
            first=min(extent.period, 1800.0),
            progress=lambda done: bar.update(building, completed=done),
        )
        for life in network.lives:
            life.device.adr = scenario.adr
        bar.start_task(running)
        clock = Clock(network)

        def progress(now: float) -> None:
            clock.tick(now)
            bar.update(running, completed=now)

        await network.run(extent.hours * 3600, progress)
        await network.check_at_rest()
        results = results_of(network, extent.seed, extent.hours, clock)
        await network.close()
        return results

    with tempfile.TemporaryDirectory(prefix="veldnet-virtual-") as directory:
        return run_virtually(story(Path(directory)))


def _run_all(scenarios: list[Scenario], output: Output) -> None:
    # Faults are part of it, and the results say what became of them.
    configure_logs(LogSettings(level="error"))
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f} %"))
    try:
        with Progress(*columns, TimeElapsedColumn(), console=errors) as bar:
            runs = {scenario.name: _simulate(scenario, bar) for scenario in scenarios}
    except InvariantBroken as broken:
        fail(f"an invariant is broken: {broken}; the same seed shows it again")
    if output.report is not None:
        write_report(output.report, runs)
    if output.plots is not None:
        write_plots(output.plots, runs)
    if output.as_json:
        print_json(runs)
        return
    print_table(
        "Simulated networks",
        ("", "joined", "sent", "delivered", "share", "airtime", "energy", "killed"),
        [
            (
                name,
                f"{run.joined}/{run.devices}",
                run.sent,
                run.delivered,
                f"{run.delivered_share:.2%}",
                f"{run.airtime_per_reading:.3f} s",
                f"{1000 * run.energy_per_reading:.1f} mJ",
                run.server_deaths,
            )
            for name, run in runs.items()
        ],
    )
    console.print("[green]All invariants held.[/]")
    if output.report is not None:
        console.print(f"Report: {output.report}")


def network_command(
    extent: Extent,
    *,
    faults: Annotated[
        bool, typer.Option(help="Loss, duplicates, late copies, dead base stations, killed servers.")
    ] = True,
    protocol: Annotated[
        str | None,
        typer.Option(
            help="Connect base stations by semtech-udp, basics-station, chirpstack-mqtt, or mixed; else the "
            "network hears what they hear."
        ),
    ] = None,
    output: Output,
) -> None:
    """Devices of mixed class, version and region under a virtual clock; every invariant is checked after
    each commit and transmission."""
    try:
        protocols = () if protocol is None else protocols_named(protocol)
    except NotConnected as error:
        fail(str(error))
    conditions = _conditions(extent, MIXED, PlanSettings(allowClassB=True), protocols)
    _run_all([Scenario("mixed", extent, conditions, STORMY if faults else Faults())], output)


def adr_command(city: City, output: Output) -> None:
    """Compare the ADR algorithms in a simulated city: delivered share, airtime and energy."""
    versions: list[tuple[str, PlanSettings, bool]] = [
        ("no ADR", PlanSettings(), False),
        ("v2 (SNR)", PlanSettings(adrVersion=2), True),
        ("v3 (PER)", PlanSettings(adrVersion=3), True),
    ]
    kinds = (Kind(motion="NEAR_STATIC"),)
    scenarios = [
        Scenario(name, city, _conditions(city, kinds, plan), adr=adr) for name, plan, adr in versions
    ]
    _run_all(scenarios, output)
