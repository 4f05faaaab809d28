"""`veldnet admin alarms`, `statistics` and `audit`: how the network is doing, and who changed what."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.progress import Progress
from sqlalchemy import Connection, func, select

from veldnet.domain.resources import timestamp
from veldnet.inventory import accounts, audit, changes
from veldnet.lorawan import BaseStationId, InvalidIdentifier
from veldnet.monitoring import (
    BASE_STATION_TYPES,
    DEVICE_TYPES,
    Level,
    NotificationSettings,
    SeverityError,
    SilenceRules,
    check_settings,
    read_settings,
    with_severities,
    write_settings,
)
from veldnet.monitoring.alarms import listing
from veldnet.monitoring.backtest import Rules, backtest
from veldnet.monitoring.base_stations import acknowledge_stored
from veldnet.monitoring.notification.events import OPERATOR, SUBSCRIBER
from veldnet.monitoring.statistics import totals
from veldnet.monitoring.statistics.frame_statistics import Span
from veldnet.monitoring.statistics.recompute import recompute
from veldnet.monitoring.statistics.rollups import BASE_STATION, HOUR, PLAN
from veldnet.monitoring.statistics.rollups import SUBSCRIBER as FLEET
from veldnet.store.schema import connectivity_plans, devices

from .output import console, errors, fail, print_json, print_table
from .running import administrator, change_data, settings_or_fail, with_data
from .serve import Data, Json

alarms_app = typer.Typer(help="Alarms of devices and base stations.", no_args_is_help=True)
statistics_app = typer.Typer(help="Hourly totals.", no_args_is_help=True)

Days = Annotated[float, typer.Option(min=0.01, max=4000, help="How many days to look back.")]
_COLOURS = {
    "CLEARED": "green",
    "UNCLEARED": "magenta",
    "WARNING": "blue",
    "MINOR": "yellow",
    "MAJOR": "dark_orange",
    "CRITICAL": "red",
}


def _coloured(state: str) -> str:
    return f"[{_COLOURS[state]}]{state}[/]"


def _read_settings(data: Path | None):  # type: ignore[no-untyped-def]
    return settings_or_fail({"data": None if data is None else str(data)})


@alarms_app.command("list")
def list_alarms(
    least: Annotated[str, typer.Option("--state", help="Minimum state: CLEARED to CRITICAL.")] = "UNCLEARED",
    unacknowledged: Annotated[bool, typer.Option(help="Only unacknowledged alarms.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List the alarms of all devices, newest first."""
    if least.upper() not in Level.__members__:
        fail(f"--state {least} is not one of {', '.join(Level.__members__)}")
    level = Level[least.upper()]
    found = with_data(
        _read_settings(data),
        lambda d: d.store.read(
            lambda c: listing.list_fleet_alarms(c, level, limit, unacknowledged=unacknowledged)
        ),
    )
    if as_json:
        print_json(found)
        return
    print_table(
        "Device alarms",
        ("State", "Device", "Name", "Alarm", "Times", "Acked", "Updated"),
        [
            (
                _coloured(a.state),
                a.device_eui,
                a.name,
                f"{a.type:03d} {a.label}" + (f" ({', '.join(a.infos)})" if a.infos else ""),
                a.occurrence,
                "yes" if a.acked else "",
                a.updated,
            )
            for a in found
        ],
    )


@alarms_app.command("modules")
def list_module_alarms(
    cleared: Annotated[bool, typer.Option(help="Include cleared alarms.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List the alarms of HSM modules."""
    found = with_data(
        _read_settings(data),
        lambda d: d.store.read(lambda c: listing.list_module_alarms(c, cleared=cleared)),
    )
    if as_json:
        print_json(found)
        return
    print_table(
        "Module alarms",
        ("State", "Module", "Alarm", "Updated"),
        [
            (
                _coloured(a.alarmState),
                a.module,
                a.alarmType + (f" ({', '.join(a.additionalInfos)})" if a.additionalInfos else ""),
                a.lastUpdateTime,
            )
            for a in found
        ],
    )


@alarms_app.command("base-stations")
def list_base_station_alarms(
    cleared: Annotated[bool, typer.Option(help="Include cleared alarms.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List the alarms of base stations."""
    found = with_data(
        _read_settings(data),
        lambda d: d.store.read(lambda c: listing.list_base_station_alarms(c, cleared=cleared)),
    )
    if as_json:
        print_json(found)
        return
    print_table(
        "Base station alarms",
        ("State", "Base station", "Name", "Alarm", "Updated"),
        [
            (
                _coloured(a.alarmState),
                a.baseStationId,
                a.name,
                f"{a.alarmTypeId} {a.alarmType}"
                + (f" ({', '.join(a.additionalInfos)})" if a.additionalInfos else ""),
                a.lastUpdateTime,
            )
            for a in found
        ],
    )


@alarms_app.command("acknowledge")
def acknowledge_base_station_alarm(
    base_station: Annotated[str, typer.Argument(help="Base station, by id.")],
    alarm: Annotated[int, typer.Argument(help="Type of the alarm, such as 102.")],
    data: Data = None,
) -> None:
    """Acknowledge an alarm of a base station. Customers acknowledge alarms of devices."""
    try:
        station = BaseStationId.parse(base_station)
    except InvalidIdentifier as error:
        fail(f"BASE_STATION: {error}")

    def write(connection: Connection) -> None:
        now = changes.now_ms()
        if not acknowledge_stored(connection, station, alarm, now, administrator()):
            fail(f"base station {station} has no alarm {alarm}")
        changes.note(connection, "base_station_alarms", 0)

    change_data(_read_settings(data), "alarm.acknowledged", f"base station {station}, alarm {alarm}", write)
    console.print(f"alarm {alarm} of {station} is acknowledged")


@alarms_app.command("types")
def list_types(data: Data = None, as_json: Json = False) -> None:
    """List alarm types and their effective severities."""
    settings = _read_settings(data)
    try:
        kinds = with_severities(
            DEVICE_TYPES, settings.alarms.severities, others=BASE_STATION_TYPES
        ) | with_severities(BASE_STATION_TYPES, settings.alarms.severities, others=DEVICE_TYPES)
    except SeverityError as error:
        fail(f"settings: alarms.severities: {error}")
    if as_json:
        print_json(list(kinds.values()))
        return
    print_table(
        "Alarm types",
        ("Id", "Alarm", "Kind", "Severity"),
        [
            (
                kind.code,
                kind.label,
                "event" if kind.event_driven else "state",
                ", ".join(
                    _coloured(level.name) + (f" from {count}" if count > 1 else "")
                    for count, level in kind.severity
                ),
            )
            for kind in kinds.values()
        ],
    )


@alarms_app.command("backtest")
def backtest_command(
    days: Days = 7,
    inactive_after: Annotated[
        float,
        typer.Option(
            "--inactive-after",
            "--unheard",
            min=0.01,
            help="Days without an uplink after which a device is lost.",
        ),
    ] = 7,
    learnt_factor: Annotated[
        float, typer.Option(min=0, help="Times the longest usual interval; 0 is off.")
    ] = 0,
    threshold: Annotated[
        list[str] | None,
        typer.Option(metavar="HOURS=LEVEL", help="Thresholds of alarm 004 for every device; at most two."),
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Back-test alarm rules on stored records and report how often each alarm would have been raised."""
    settings = _read_settings(data)
    steps = None if not threshold else tuple(sorted(_step(text) for text in threshold))
    try:
        kinds = with_severities(DEVICE_TYPES, settings.alarms.severities, others=BASE_STATION_TYPES)
    except SeverityError as error:
        fail(f"settings: alarms.severities: {error}")
    rules = Rules(kinds, SilenceRules(inactive_after * 86_400, learnt_factor), steps)
    end = round(time.time() * 1000)
    with Progress(console=errors, transient=True) as bar:
        task = bar.add_task("replaying", total=None)

        def run(connection: Connection):  # type: ignore[no-untyped-def]
            bar.update(task, total=connection.execute(select(func.count()).select_from(devices)).scalar_one())
            return backtest(
                connection, rules, end - int(days * 86_400_000), end, lambda n: bar.update(task, completed=n)
            )

        found = with_data(settings, lambda d: d.store.read(run))
    if as_json:
        print_json(found)
        return
    print_table(
        f"Alarms that {days:g} days of records would have raised",
        ("Id", "Alarm", "Raised", "Devices", "Cleared"),
        [(f"{f.type:03d}", f.label, f.raised, f.devices, f.cleared) for f in found],
    )


def _step(text: str) -> tuple[int, int]:
    hours, _equals, level = text.partition("=")
    names = ("WARNING", "MINOR", "MAJOR", "CRITICAL")
    try:
        return round(float(hours) * 3600), int(Level[names[names.index(level.upper())]])
    except ValueError:
        fail(f"--threshold {text!r} must look like 24=WARNING; levels are {', '.join(names)}")


@alarms_app.command("recipients")
def set_recipients(
    to: Annotated[list[str] | None, typer.Option(help="Address notified of every state.")] = None,
    state_to: Annotated[
        list[str] | None, typer.Option(metavar="STATE=ADDRESS", help="Address for one state, or ACKED.")
    ] = None,
    customer_id: Annotated[str | None, typer.Option(help="Customer, for alarms of its devices.")] = None,
    operator: Annotated[str | None, typer.Option(help="Operator, for alarms of its base stations.")] = None,
    data: Data = None,
) -> None:
    """Set the alarm e-mail recipients; no --to clears the list. A webhook is kept."""
    if (customer_id is None) == (operator is None):
        fail("name either --customer-id or --operator")
    by_state: dict[str, list[str]] = {}
    for text in state_to or []:
        state, equals, address = text.partition("=")
        if not equals:
            fail(f"--state-to {text!r} must look like MAJOR=someone@example.org")
        by_state.setdefault(state.upper(), []).append(address)
    settings = _read_settings(data)
    mode = "ADVANCED" if by_state else "BASIC" if to else "OFF"
    try:
        wanted = msgspec.convert(
            {"mode": mode, "recipients": to or [], "recipientsByState": by_state}, NotificationSettings
        )
    except msgspec.ValidationError as error:
        fail(f"--state-to: {error}")

    def write(connection: Connection) -> None:
        check_settings(wanted, mail=bool(settings.mail.host))
        if operator is not None:
            scope, ref = OPERATOR, accounts.find_operator(connection, operator)
        else:
            scope, ref = SUBSCRIBER, accounts.find_subscriber(connection, customer_id or "")[0]
        before = read_settings(connection, scope, ref)
        write_settings(
            connection, scope, ref, msgspec.structs.replace(wanted, webhook=before.webhook), keep_secret=True
        )
        changes.note(connection, "recipients", ref)

    change_data(settings, "notifications.changed", customer_id or operator or "", write)
    console.print(f"e-mails: {mode}")


@statistics_app.command("show")
def show_statistics(
    customer_id: Annotated[str | None, typer.Option(help="Fleet of a customer.")] = None,
    plan: Annotated[str | None, typer.Option(help="Connectivity plan, by id.")] = None,
    base_station: Annotated[str | None, typer.Option(help="Base station, by id.")] = None,
    operator: Annotated[str | None, typer.Option(help="Operator of the plan, if several have it.")] = None,
    days: Days = 1,
    hours: Annotated[int, typer.Option(min=1, max=24, help="Length of a slot.")] = 1,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show hourly totals of a fleet, a connectivity plan or a base station."""
    if sum(value is not None for value in (customer_id, plan, base_station)) != 1:
        fail("name one of --customer-id, --plan and --base-station")
    end = round(time.time() * 1000)
    span = Span(end - int(days * 86_400_000), end)

    def read(connection: Connection) -> list[totals.Totals]:
        if customer_id is not None:
            scope, ref = FLEET, accounts.find_subscriber(connection, customer_id)[0]
        elif plan is not None:
            scope, ref = PLAN, _plan(connection, plan, operator)
        else:
            try:
                scope, ref = BASE_STATION, int(BaseStationId.parse(base_station or ""))
            except InvalidIdentifier as error:
                fail(f"--base-station: {error}")
        return totals.of_scope(connection, scope, ref, span, hours)

    found = with_data(_read_settings(data), lambda d: d.store.read(read))
    if as_json:
        print_json(found)
        return
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


def _plan(connection: Connection, plan_id: str, operator: str | None) -> int:
    """The ref of a connectivity plan."""
    query = select(connectivity_plans.c.ref).where(connectivity_plans.c.id == plan_id)
    if operator is not None:
        owner = accounts.find_operator(connection, operator)
        query = query.where(connectivity_plans.c.operator_ref == owner)
    found = list(connection.execute(query).scalars())
    if not found:
        fail(f"there is no connectivity plan {plan_id}")
    if len(found) > 1:
        fail(f"several operators have a connectivity plan {plan_id}: add --operator")
    return int(found[0])


@statistics_app.command("recompute")
def recompute_command(days: Days = 1, data: Data = None, as_json: Json = False) -> None:
    """Recompute past hourly totals from the frame rows and report differences."""
    now = round(time.time() * 1000) // HOUR
    hours = range(now - max(1, round(days * 24)), now)

    async def work(opened):  # type: ignore[no-untyped-def]
        found = []
        with Progress(console=errors, transient=True) as bar:
            for hour in bar.track(hours, description="recomputing"):
                found += (await recompute(opened.store, hour))[0]
        return found

    found = with_data(_read_settings(data), work)
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


def audit_command(
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show the audit log, newest first."""
    found = with_data(
        _read_settings(data), lambda d: d.store.read(lambda c: audit.list_entries(c, None, limit))
    )
    if as_json:
        print_json(found)
        return
    print_table(
        "Audit log",
        ("Time", "Who", "What", "Object", "Details"),
        [(e.time, e.actor, e.action, e.object, msgspec.json.encode(e.details).decode()[:80]) for e in found],
    )
