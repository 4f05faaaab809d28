"""`veldnet admin alarms`: alarms of devices, base stations and modules, and who is notified."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Annotated

import msgspec
import typer
from rich.progress import Progress

from veldnet.cli.options import Data, Days, Json, Limit
from veldnet.cli.output import errors, fail, print_json, print_table, report
from veldnet.cli.running import administrator, change_data, read_data, settings_of, with_data
from veldnet.inventory import accounts, changes, devices
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
from veldnet.monitoring.backtest import Finding, Rules, backtest
from veldnet.monitoring.base_stations import acknowledge_stored
from veldnet.monitoring.notification.events import OPERATOR, SUBSCRIBER
from veldnet.store import Connection, moment

alarms_app = typer.Typer(help="Alarms of devices and base stations.", no_args_is_help=True)

_COLOURS = {
    "CLEARED": "green",
    "UNCLEARED": "magenta",
    "WARNING": "blue",
    "MINOR": "yellow",
    "MAJOR": "dark_orange",
    "CRITICAL": "red",
}


Cleared = Annotated[bool, typer.Option(help="Include cleared alarms.")]


def _alarm(label: str, infos: Sequence[str]) -> str:
    return f"{label} ({', '.join(infos)})" if infos else label


def _coloured(state: str) -> str:
    return f"[{_COLOURS[state]}]{state}[/]"


@alarms_app.command("list")
def list_alarms(
    least: Annotated[str, typer.Option("--state", help="Minimum state: CLEARED to CRITICAL.")] = "UNCLEARED",
    unacknowledged: Annotated[bool, typer.Option(help="Only unacknowledged alarms.")] = False,
    limit: Limit = 100,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List the alarms of all devices, newest first."""
    if least.upper() not in Level.__members__:
        fail(f"--state {least} is not one of {', '.join(Level.__members__)}")
    level = Level[least.upper()]
    found = with_data(
        settings_of(data),
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
                _alarm(f"{a.type:03d} {a.label}", a.infos),
                a.occurrence,
                "yes" if a.acked else "",
                a.updated,
            )
            for a in found
        ],
    )


@alarms_app.command("modules")
def list_module_alarms(
    cleared: Cleared = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List the alarms of HSM modules."""
    found = read_data(data, lambda c: listing.list_module_alarms(c, cleared=cleared))
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
                _alarm(a.alarmType, a.additionalInfos),
                a.lastUpdateTime,
            )
            for a in found
        ],
    )


@alarms_app.command("base-stations")
def list_base_station_alarms(
    cleared: Cleared = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List the alarms of base stations."""
    found = read_data(data, lambda c: listing.list_base_station_alarms(c, cleared=cleared))
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
                _alarm(f"{a.alarmTypeId} {a.alarmType}", a.additionalInfos),
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
        now = moment(connection)
        if not acknowledge_stored(connection, station, alarm, now, administrator()):
            fail(f"base station {station} has no alarm {alarm}")
        changes.note(connection, "base_station_alarms", 0)

    change_data(settings_of(data), "alarm.acknowledged", f"base station {station}, alarm {alarm}", write)
    report(f"alarm {alarm} of {station} is acknowledged", baseStationId=str(station), alarmTypeId=alarm)


@alarms_app.command("types")
def list_types(data: Data = None, as_json: Json = False) -> None:
    """List alarm types and their effective severities."""
    settings = settings_of(data)
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
    settings = settings_of(data)
    steps = None if not threshold else tuple(sorted(_step(text) for text in threshold))
    try:
        kinds = with_severities(DEVICE_TYPES, settings.alarms.severities, others=BASE_STATION_TYPES)
    except SeverityError as error:
        fail(f"settings: alarms.severities: {error}")
    rules = Rules(kinds, SilenceRules(inactive_after * 86_400, learnt_factor), steps)
    end = round(time.time() * 1000)
    with Progress(console=errors, transient=True) as bar:
        task = bar.add_task("replaying", total=None)

        def run(connection: Connection) -> list[Finding]:
            bar.update(task, total=devices.count_devices(connection))
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
    settings = settings_of(data)
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
    everybody = [*(to or []), *(f"{one} ({state})" for state, named in by_state.items() for one in named)]
    told = f"alarm e-mails go to {', '.join(everybody)}" if everybody else "no alarm e-mails are sent"
    report(told, mode=mode, recipients=to or [], recipientsByState=by_state)
