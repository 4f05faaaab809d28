"""`veldnet admin statistics`: hourly totals."""

from __future__ import annotations

import time
from typing import Annotated

import msgspec
import typer
from rich.progress import Progress

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.cli.options import Data, Days, Json
from veldnet.cli.output import errors, fail, print_json, print_table
from veldnet.cli.running import settings_of, with_data
from veldnet.domain.resources import timestamp
from veldnet.inventory import accounts, offers
from veldnet.lorawan import BaseStationId, InvalidIdentifier
from veldnet.monitoring.statistics import totals
from veldnet.monitoring.statistics.frame_statistics import Span
from veldnet.monitoring.statistics.recompute import Difference, recompute
from veldnet.monitoring.statistics.rollups import BASE_STATION, HOUR, PLAN
from veldnet.monitoring.statistics.rollups import SUBSCRIBER as FLEET
from veldnet.store import Connection

statistics_app = typer.Typer(help="Hourly totals.", no_args_is_help=True)


class Subject(msgspec.Struct, frozen=True):
    """Whose totals: those of a fleet, a connectivity plan or a base station."""

    customer_id: Annotated[str | None, typer.Option(help="Fleet of a customer.")] = None
    plan: Annotated[str | None, typer.Option(help="Connectivity plan, by id.")] = None
    base_station: Annotated[str | None, typer.Option(help="Base station, by id.")] = None
    operator: Annotated[str | None, typer.Option(help="Operator of the plan, if several have it.")] = None

    def find(self, connection: Connection) -> tuple[int, int]:
        """Its kind, and its number."""
        if self.customer_id is not None:
            return FLEET, accounts.find_subscriber(connection, self.customer_id)[0]
        if self.plan is not None:
            owner = None if self.operator is None else accounts.find_operator(connection, self.operator)
            return PLAN, offers.find_plan(connection, self.plan, owner)
        try:
            return BASE_STATION, int(BaseStationId.parse(self.base_station or ""))
        except InvalidIdentifier as error:
            fail(f"--base-station: {error}")


@statistics_app.command("show")
def show_statistics(
    subject: Subject,
    days: Days = 1,
    hours: Annotated[int, typer.Option(min=1, max=24, help="Length of a slot.")] = 1,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show hourly totals of a fleet, a connectivity plan or a base station."""
    if sum(value is not None for value in (subject.customer_id, subject.plan, subject.base_station)) != 1:
        fail("name one of --customer-id, --plan and --base-station")
    end = round(time.time() * 1000)
    span = Span(end - int(days * 86_400_000), end)

    def read(connection: Connection) -> list[totals.Totals]:
        return totals.of_scope(connection, *subject.find(connection), span, hours)

    found = with_data(settings_of(data), lambda d: d.store.read(read))
    if as_json:
        print_json(found)
        return
    _print_totals(found)


def _print_totals(found: list[totals.Totals]) -> None:
    print_table(
        "Totals",
        (
            "From",
            "Uplinks",
            "Late",
            "Lost",
            "PER",
            "RSSI",
            "SNR",
            "Airtime s",
            "SF",
            "Down",
            "Failed",
            "Joins",
        ),
        [
            (
                t.date,
                t.uplinks,
                t.uplinksLate,
                t.lostUplinks,
                "" if t.packetErrorRate is None else f"{t.packetErrorRate:.1%}",
                "" if t.rssi is None else f"{t.rssi:.1f}",
                "" if t.snr is None else f"{t.snr:.1f}",
                f"{t.uplinkAirtime:.1f}",
                " ".join(f"{name}:{count}" for name, count in t.spreadingFactors.items()),
                t.downlinksSent,
                t.downlinksFailed,
                t.joins,
            )
            for t in found
        ],
    )


@statistics_app.command("recompute")
def recompute_command(days: Days = 1, data: Data = None, as_json: Json = False) -> None:
    """Recompute past hourly totals from the frame rows and report differences."""
    now = round(time.time() * 1000) // HOUR
    hours = range(now - max(1, round(days * 24)), now)

    async def work(opened: DataDirectory) -> list[Difference]:
        found = []
        with Progress(console=errors, transient=True) as bar:
            for hour in bar.track(hours, description="recomputing"):
                found += (await recompute(opened.store, hour))[0]
        return found

    found = with_data(settings_of(data), work)
    if as_json:
        print_json(found)
    else:
        print_table(
            f"{len(hours)} hours made again, {len(found)} counters differed",
            ("Hour", "Scope", "Ref", "Counter", "Was", "Is"),
            [
                (
                    timestamp(d.hour * HOUR),
                    {FLEET: "customer", PLAN: "plan", BASE_STATION: "base station"}[d.scope],
                    f"{d.scope_ref:08X}" if d.scope == BASE_STATION else d.scope_ref,
                    d.counter,
                    d.stored,
                    d.computed,
                )
                for d in found
            ],
        )
