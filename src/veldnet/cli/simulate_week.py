"""`veldnet simulate week`: failures on purpose, and the alarms that follow."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from veldnet.logs import configure_logs
from veldnet.monitoring import DEVICE_TYPES
from veldnet.settings import LogSettings
from veldnet.simulator.virtual_time import run_virtually
from veldnet.virtual import InvariantBroken, Week, WeekResult

from .options import Json
from .output import console, errors, fail, print_json, print_table

_DAY = 86_400


def week_command(
    devices: Annotated[int, typer.Option(min=60, max=100_000, help="Devices in the network.")] = 500,
    days: Annotated[float, typer.Option(min=6.5, max=30, help="Days of virtual time.")] = 7,
    each: Annotated[int | None, typer.Option(min=1, help="Devices affected by each failure.")] = None,
    base_stations: Annotated[int, typer.Option(min=2, max=200, help="Base stations.")] = 6,
    seed: Annotated[int, typer.Option(help="Random seed; the same seed gives the same run.")] = 1,
    as_json: Json = False,
) -> None:
    """Simulate a week with injected failures and compare expected with raised alarms."""
    share = each if each is not None else max(devices // 100, 2)
    if share * 30 > devices:
        fail(f"{share} devices for each failure are too many of {devices}")
    configure_logs(LogSettings(level="error"))
    with Progress(console=errors, transient=True) as bar:
        building = bar.add_task("building", total=devices)
        living = bar.add_task("living", total=days * _DAY)

        async def story(directory: Path) -> WeekResult:
            week = Week(directory, seed, share, base_stations)
            await week.build_week(devices, lambda done: bar.update(building, completed=done))
            await week.live(days, lambda now: bar.update(living, completed=now))
            await week.check_at_rest()
            result = await week.result(days)
            await week.close()
            return result

        try:
            with tempfile.TemporaryDirectory(prefix="veldnet-week-") as directory:
                result = run_virtually(story(Path(directory)))
        except InvariantBroken as broken:
            fail(f"an invariant is broken: {broken}; the same seed shows it again")
    _show(result, as_json)


def _show(result: WeekResult, as_json: bool) -> None:
    if as_json:
        print_json(result)
    else:
        print_table(
            f"A week of {result.devices:,} devices: {result.uplinks:,} uplinks, "
            f"{result.servers_killed} servers killed",
            ("Device", "Devices", "Alarm", "Had it", "Had others"),
            [
                (
                    outcome.failure,
                    outcome.devices,
                    ", ".join(f"{code} {_label(code)}" for code in outcome.expected) or "none",
                    ", ".join(str(count) for count in outcome.expected.values()),
                    ", ".join(f"{code}: {count}" for code, count in outcome.others.items()),
                )
                for outcome in (*result.outcomes, result.village, result.healthy)
            ],
        )
        console.print(
            f"Messages: {len(result.customer_messages)} to the customer, "
            f"{len(result.operator_messages)} to the operator."
        )
    surprises = result.surprises()
    if surprises:
        fail("; ".join(surprises))


def _label(code: str) -> str:
    return DEVICE_TYPES[int(code)].label
