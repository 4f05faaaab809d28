"""`veldnet admin`: the operator's work on a data directory, also while a server runs on it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
import typer
from rich.prompt import Prompt
from sqlalchemy import Connection, Select, select

from veldnet.assembly.data_directory.backups import BackupError, back_up, restore
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.vaults.opening import master_key_of
from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.domain.errors import BadRequest, Refusal
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import Role
from veldnet.inventory import accounts, audit, base_stations, offers
from veldnet.inventory.offers import read_document
from veldnet.lorawan import BaseStationId, GatewayEui, InvalidIdentifier
from veldnet.routing import deliver_again, list_undelivered
from veldnet.settings import Settings
from veldnet.store.schema import connectivity_plans, operators, subscribers, users

from .admin_device import device_app
from .admin_hsm_group import hsm_group_app
from .admin_monitoring import alarms_app, audit_command, statistics_app
from .admin_vault import vault_app
from .exits import Exit
from .output import console, fail, print_json, print_table
from .running import administrator, change_data, errors_in_words, settings_or_fail, with_data
from .serve import Data, Json

T = TypeVar("T", PlanSettings, ProfileSettings)

admin = typer.Typer(
    help="Manage accounts, plans, base stations, keys and backups of a data directory.", no_args_is_help=True
)
subscriber_app = typer.Typer(help="Customers.", no_args_is_help=True)
user_app = typer.Typer(help="ThingPark users.", no_args_is_help=True)
project_app = typer.Typer(help="Developer projects.", no_args_is_help=True)
plan_app = typer.Typer(help="Connectivity plans.", no_args_is_help=True)
profile_app = typer.Typer(help="Device profiles.", no_args_is_help=True)
base_station_app = typer.Typer(help="Base stations.", no_args_is_help=True)
undelivered_app = typer.Typer(help="Undelivered messages.", no_args_is_help=True)
for name, sub in (
    ("subscriber", subscriber_app),
    ("user", user_app),
    ("project", project_app),
    ("plan", plan_app),
    ("device-profile", profile_app),
    ("base-station", base_station_app),
    ("hsm-group", hsm_group_app),
    ("undelivered", undelivered_app),
    ("device", device_app),
    ("alarms", alarms_app),
    ("statistics", statistics_app),
    ("vault", vault_app),
):
    admin.add_typer(sub, name=name)
admin.command("audit")(audit_command)

Operator = Annotated[str, typer.Option(help="Code of the operator.")]
Setting = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting; can be repeated.")
]


def _settings(data: Path | None) -> Settings:
    return settings_or_fail({"data": None if data is None else str(data)})


def _document(kind: type[T], given: list[str] | None) -> T:
    """A plan's or profile's settings from NAME=VALUE pairs."""
    values: dict[str, Any] = {}
    for pair in given or []:
        name, equals, value = pair.partition("=")
        if not equals:
            fail(f"--set {pair!r} must look like NAME=VALUE")
        try:
            # Lists and objects are written as JSON.
            values[name] = msgspec.json.decode(value) if value[:1] in ("[", "{") else value
        except msgspec.DecodeError as error:
            fail(f"--set {name}: {error}")
    try:
        return read_document(kind, values)
    except Refusal as error:
        fail(f"--set: {error.message}")


@admin.command("operator-create")
def create_operator(code: str, name: str, data: Data = None) -> None:
    """Create a network operator, and the data directory if it does not exist."""
    change_data(
        _settings(data),
        "operator.created",
        code,
        lambda c: accounts.create_operator(c, code, name),
        create=True,
    )
    console.print(f"operator {code} created")


def _show(data: Path | None, as_json: bool, title: str, query: Select[*tuple[Any, ...]]) -> None:
    """Print the rows of a query; its column names are the members of the JSON."""
    names = query.selected_columns.keys()
    rows = with_data(
        _settings(data), lambda d: d.store.read(lambda c: [tuple(row) for row in c.execute(query)])
    )
    if as_json:
        print_json([dict(zip(names, row, strict=True)) for row in rows])
    else:
        print_table(title, [name.replace("_", " ").capitalize() for name in names], rows)


@admin.command("operator-list")
def list_operators(data: Data = None, as_json: Json = False) -> None:
    """List network operators."""
    _show(data, as_json, "Operators", select(operators.c.code, operators.c.name))


@subscriber_app.command("create")
def create_subscriber(customer_id: str, name: str, operator: Operator, data: Data = None) -> None:
    """Create a customer; CUSTOMER_ID has nine digits."""

    def create(connection: Connection) -> None:
        ref = accounts.find_operator(connection, operator)
        accounts.create_subscriber(connection, ref, customer_id, name)

    change_data(_settings(data), "subscriber.created", customer_id, create)
    console.print(f"subscriber {customer_id} created")


@subscriber_app.command("remove")
def remove_subscriber(customer_id: str, data: Data = None) -> None:
    """Remove a customer that has no devices, with its users, routing profiles and undelivered messages."""
    change_data(
        _settings(data),
        "subscriber.removed",
        customer_id,
        lambda c: accounts.remove_subscriber(c, customer_id),
    )
    console.print(f"subscriber {customer_id} removed")


@subscriber_app.command("list")
def list_subscribers(data: Data = None, as_json: Json = False) -> None:
    """List customers."""
    query = select(subscribers.c.customer_id, subscribers.c.name, operators.c.code.label("operator"))
    _show(data, as_json, "Subscribers", query.join(operators))


PasswordFile = Annotated[Path | None, typer.Option(help="File with the password; prompts if omitted.")]
RoleOption = Annotated[str, typer.Option(help="rw (read-write) or ro (read-only).")]


def _password(file: Path | None) -> str:
    if file is not None:
        try:
            return file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            fail(f"--password-file {file} cannot be read: {error}")
    return Prompt.ask("Password", password=True, console=console)


def _role(role: str) -> Role:
    if role not in ("rw", "ro"):
        fail(f"--role {role!r} must be rw or ro")
    return "rw" if role == "rw" else "ro"


@admin.command("operator-user-create")
def create_operator_user(
    username: str,
    operator: Operator,
    display_name: Annotated[str, typer.Option(help="Display name in the audit log.")] = "",
    role: RoleOption = "rw",
    password_file: PasswordFile = None,
    data: Data = None,
) -> None:
    """Create an operator user, who can sign in to the operator pages of the console."""
    password = _password(password_file)

    async def create(opened: DataDirectory) -> None:
        password_hash = await asyncio.to_thread(accounts.hash_password, password)

        def write(connection: Connection) -> None:
            ref = accounts.find_operator(connection, operator)
            accounts.create_operator_user(
                connection, ref, username, password_hash, display_name or username, _role(role)
            )
            audit.note(connection, administrator(), None, "user.created", username, None, operator_ref=ref)

        await opened.store.write(write)

    with_data(_settings(data), create)
    console.print(f"operator user {username} created")


@user_app.command("create")
def create_user(
    username: str,
    customer_id: Annotated[str, typer.Option(help="Customer the user belongs to.")],
    display_name: Annotated[str, typer.Option(help="Display name in the audit log.")] = "",
    role: RoleOption = "rw",
    password_file: PasswordFile = None,
    data: Data = None,
) -> None:
    """Create a ThingPark user."""
    password = _password(password_file)

    async def create(opened: DataDirectory) -> None:
        password_hash = await asyncio.to_thread(accounts.hash_password, password)

        def write(connection: Connection) -> None:
            subscriber, _operator = accounts.find_subscriber(connection, customer_id)
            accounts.create_subscriber_user(
                connection, subscriber, username, password_hash, display_name or username, _role(role)
            )
            audit.note(connection, administrator(), subscriber, "user.created", username)

        await opened.store.write(write)

    with_data(_settings(data), create)
    console.print(f"user {username} created")


@user_app.command("list")
def list_users(data: Data = None, as_json: Json = False) -> None:
    """List ThingPark users."""
    query = select(users.c.username, users.c.display_name, subscribers.c.customer_id)
    _show(data, as_json, "Users", query.join(subscribers))


@project_app.command("create")
def create_project(name: str, data: Data = None, as_json: Json = False) -> None:
    """Create a developer project; its secret is shown only once."""
    credentials = change_data(
        _settings(data), "project.created", name, lambda c: accounts.create_project(c, name)
    )
    if as_json:
        print_json(credentials)
        return
    console.print(f"client id     [cyan]{credentials.client_id}[/]", highlight=False)
    console.print(f"client secret [cyan]{credentials.client_secret}[/]  (shown this once)", highlight=False)


@plan_app.command("create")
def create_plan(
    plan_id: str, name: str, operator: Operator, settings: Setting = None, data: Data = None
) -> None:
    """Create a connectivity plan; PLAN_ID looks like supplier-cs/plan-key."""
    document = _document(PlanSettings, settings)

    def create(connection: Connection) -> None:
        ref = accounts.find_operator(connection, operator)
        offers.create_connectivity_plan(connection, ref, plan_id, name, document)

    change_data(_settings(data), "connectivityPlan.created", plan_id, create)
    console.print(f"connectivity plan {plan_id} created")


@plan_app.command("change")
def change_plan(plan_id: str, operator: Operator, settings: Setting = None, data: Data = None) -> None:
    """Replace the settings of a connectivity plan; settings not given return to their defaults."""
    document = _document(PlanSettings, settings)

    def change(connection: Connection) -> None:
        ref = accounts.find_operator(connection, operator)
        offers.change_connectivity_plan(connection, ref, plan_id, document)

    change_data(_settings(data), "connectivityPlan.changed", plan_id, change)
    console.print(f"connectivity plan {plan_id} changed")


@plan_app.command("grant")
def grant_plan(plan_id: str, customer_id: str, connections: int, data: Data = None) -> None:
    """Grant a customer connections of a plan."""

    def grant(connection: Connection) -> None:
        subscriber, operator = accounts.find_subscriber(connection, customer_id)
        plan = connection.execute(
            select(connectivity_plans.c.ref).where(
                connectivity_plans.c.operator_ref == operator, connectivity_plans.c.id == plan_id
            )
        ).scalar()
        if plan is None:
            fail(f"the operator of {customer_id} has no connectivity plan {plan_id}")
        offers.grant_connectivity_plan(connection, subscriber, plan, connections)

    change_data(
        _settings(data), "connectivityPlan.granted", f"{plan_id} to {customer_id}: {connections}", grant
    )
    console.print(f"{customer_id} may use {plan_id} for {connections} devices")


@profile_app.command("create")
def create_profile(
    profile_id: str, name: str, operator: Operator, settings: Setting = None, data: Data = None
) -> None:
    """Create a device profile."""
    document = _document(ProfileSettings, settings)

    def create(connection: Connection) -> None:
        ref = accounts.find_operator(connection, operator)
        offers.create_device_profile(connection, ref, profile_id, name, document)

    change_data(_settings(data), "deviceProfile.created", profile_id, create)
    console.print(f"device profile {profile_id} created")


_MAX_POWER = "Highest power in dBm that its radio takes, without the antenna."
_ANTENNA_GAIN = "Gain of its antenna in dBi, cable losses taken off; 2 if absent."


@base_station_app.command("create")
def create_base_station(
    eui: str,
    name: str,
    operator: Operator,
    base_station_id: Annotated[str | None, typer.Option("--id", help="LRR id, eight hex digits.")] = None,
    latitude: Annotated[float | None, typer.Option(min=-90, max=90)] = None,
    longitude: Annotated[float | None, typer.Option(min=-180, max=180)] = None,
    altitude: Annotated[float | None, typer.Option(help="Metres.")] = None,
    max_power: Annotated[int | None, typer.Option(help=_MAX_POWER)] = None,
    antenna_gain: Annotated[float | None, typer.Option(help=_ANTENNA_GAIN)] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Register a base station by its EUI, 16 hexadecimal digits."""
    try:
        gateway = GatewayEui.parse(eui)
        identifier = None if base_station_id is None else BaseStationId.parse(base_station_id)
    except InvalidIdentifier as error:
        fail(str(error))

    def create(connection: Connection) -> base_stations.BaseStation:
        return base_stations.create_base_station(
            connection,
            accounts.find_operator(connection, operator),
            gateway,
            name,
            base_station_id=identifier,
            latitude=latitude,
            longitude=longitude,
            altitude=altitude,
            max_tx_power=max_power,
            antenna_gain=antenna_gain,
        )

    created = change_data(_settings(data), "baseStation.created", eui, create)
    if as_json:
        print_json(created)
    else:
        console.print(f"base station {created.id} created")


@base_station_app.command("update")
def update_base_station(
    base_station_id: str,
    name: Annotated[str | None, typer.Option()] = None,
    latitude: Annotated[float | None, typer.Option(min=-90, max=90)] = None,
    longitude: Annotated[float | None, typer.Option(min=-180, max=180)] = None,
    altitude: Annotated[float | None, typer.Option(help="Metres.")] = None,
    max_power: Annotated[int | None, typer.Option(help=_MAX_POWER)] = None,
    no_max_power: Annotated[bool, typer.Option("--no-max-power", help="Remove the power limit.")] = False,
    antenna_gain: Annotated[float | None, typer.Option(help=_ANTENNA_GAIN)] = None,
    data: Data = None,
) -> None:
    """Update the given attributes; others are kept."""
    identifier = base_station_id.upper()

    def change(connection: Connection) -> None:
        listed = base_stations.list_base_stations(connection)
        station = next((station for station in listed if station.id == identifier), None)
        if station is None:
            raise BadRequest(f"there is no base station {identifier}")
        kept = None if no_max_power else station.max_tx_power
        base_stations.change_base_station(
            connection,
            station.operator_ref,
            identifier,
            station.name if name is None else name,
            latitude=station.latitude if latitude is None else latitude,
            longitude=station.longitude if longitude is None else longitude,
            altitude=station.altitude if altitude is None else altitude,
            max_tx_power=kept if max_power is None else max_power,
            antenna_gain=station.antenna_gain if antenna_gain is None else antenna_gain,
        )

    change_data(_settings(data), "baseStation.changed", identifier, change)
    console.print(f"base station {identifier} changed")


@base_station_app.command("list")
def list_base_stations(
    unknown: Annotated[
        bool, typer.Option("--unknown", help="Only unregistered base stations that contacted the server.")
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List base stations with last contact and refused or irregular frames."""
    if unknown:
        knocks = with_data(_settings(data), lambda d: d.store.read(base_stations.list_unknown))
        if as_json:
            print_json(knocks)
            return
        print_table(
            "Unknown base stations",
            ("EUI", "Address", "Datagrams", "Last seen"),
            [(k.gateway_eui, k.address, k.datagrams, timestamp(k.last_seen_at)) for k in knocks],
        )
        return
    listed = with_data(_settings(data), lambda d: d.store.read(base_stations.list_base_stations))
    if as_json:
        print_json(listed)
        return
    print_table(
        "Base stations",
        (
            "Id",
            "EUI",
            "Name",
            "Latitude",
            "Longitude",
            "Max. power",
            "Last seen",
            "Refused",
            "Last refusal",
            "Remarks",
        ),
        [
            (
                s.id,
                s.gateway_eui,
                s.name,
                s.latitude,
                s.longitude,
                "" if s.max_tx_power is None else f"{s.max_tx_power} dBm",
                "never" if s.last_seen_at is None else timestamp(s.last_seen_at),
                s.refused_frames,
                "" if s.last_refusal_at is None else f"{timestamp(s.last_refusal_at)} {s.last_refusal}",
                "; ".join(base_stations.remarks(s)),
            )
            for s in listed
        ],
    )


@base_station_app.command("remove")
def remove_base_station(base_station_id: str, data: Data = None) -> None:
    """Remove a base station; its frames are kept in the journal."""
    identifier = base_station_id.upper()
    change_data(
        _settings(data),
        "baseStation.removed",
        identifier,
        lambda c: base_stations.remove_base_station(c, identifier),
    )
    console.print(f"base station {base_station_id} removed")


@undelivered_app.command("list")
def undelivered(
    hours: Annotated[float, typer.Option(help="How far to look back.")] = 24,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 100,
    pending: Annotated[bool, typer.Option("--pending", help="Include messages being retried.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List undelivered messages."""
    now = int(time.time() * 1000)
    found = with_data(
        _settings(data),
        lambda d: d.store.read(
            lambda c: list_undelivered(
                c, None, now - int(hours * 3_600_000), now + 1, limit, include_pending=pending
            )
        ),
    )
    if as_json:
        print_json(found)
        return
    print_table(
        "Undelivered messages",
        ("Created", "DevEUI", "AS id", "Message", "State", "Last error"),
        [(timestamp(m.created_at), m.dev_eui, m.as_id, m.message, m.state, m.last_error) for m in found],
    )


@undelivered_app.command("redeliver")
def redeliver(
    hours: Annotated[float, typer.Option(help="How far to look back.")] = 24,
    retention: Annotated[float, typer.Option(help="Hours to retry.")] = 24,
    data: Data = None,
) -> None:
    """Queue undelivered messages again; a running server delivers them after a restart."""
    now = int(time.time() * 1000)
    lanes = with_data(
        _settings(data),
        lambda d: d.store.write(
            lambda c: deliver_again(
                c, None, now - int(hours * 3_600_000), now + 1, now + int(retention * 3_600_000)
            )
        ),
    )
    console.print(f"{len(lanes)} device lanes have messages to deliver again")


@admin.command("backup")
def backup_command(target: Path, data: Data = None) -> None:
    """Copy the database to TARGET, also while a server runs. The master key is not part of it: keep a copy
    of it elsewhere, for without it the keys in the backup cannot be opened."""
    settings = _settings(data)
    try:
        with errors_in_words(), console.status("copying"):
            back_up(settings, target)
    except BackupError as error:
        fail(str(error), Exit.DATA_DIRECTORY)
    console.print(f"{target} written; the master key is {master_key_of(settings)}", soft_wrap=True)


@admin.command("restore")
def restore_command(source: Path, data: Data = None) -> None:
    """Put a backup in place of the database, which is kept; stop the server first. Counters jump ahead, so
    that none is used twice. Uplinks accepted since the backup could be accepted once more if somebody
    replays them."""
    settings = _settings(data)
    try:
        with errors_in_words(), console.status("copying"):
            kept = restore(settings, source)
    except BackupError as error:
        fail(str(error), Exit.DATA_DIRECTORY)
    if kept is not None:
        console.print(f"the database before is kept as {kept}", soft_wrap=True)
    console.print(f"{source} restored", soft_wrap=True)
