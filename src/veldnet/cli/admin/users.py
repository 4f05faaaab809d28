"""`veldnet admin user` and `operator-user-create`: users with passwords."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, TypeVar, cast, get_args

import msgspec
import typer
from rich.prompt import Prompt

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.cli.options import Data, Json, Operator
from veldnet.cli.output import errors, fail, print_members, print_rows, report
from veldnet.cli.running import administrator, change_data, read_data, settings_of, with_data
from veldnet.domain.errors import BadRequest
from veldnet.domain.scope import Role
from veldnet.inventory import accounts, audit, branding
from veldnet.settings import Settings
from veldnet.store import Connection, Store

user_app = typer.Typer(
    help="Users: people with a password, of customers and operators.", no_args_is_help=True
)

T = TypeVar("T")

Username = Annotated[str, typer.Argument(help="User name, such as somebody@example.org.")]
DisplayName = Annotated[str, typer.Option(help="Display name in the audit log.")]
PasswordFile = Annotated[Path | None, typer.Option(help="File with the password; prompts if omitted.")]
RoleOption = Annotated[
    str, typer.Option(help="rw (read-write), ro (read-only), or admin for users of subscribers.")
]


def _password(file: Path | None) -> str:
    if file is not None:
        try:
            return file.read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            fail(f"--password-file {file} cannot be read: {error}")
    return Prompt.ask("Password", password=True, console=errors)


def _role(role: str) -> Role:
    if role not in get_args(Role):
        fail(f"--role {role!r} must be admin, rw or ro")
    return cast(Role, role)


def _with_password(data: Path | None, password: str, write: Callable[[Connection, str], T]) -> T:
    """Write something with the hash of a password, which takes its time."""

    async def work(opened: DataDirectory) -> T:
        password_hash = await asyncio.to_thread(accounts.hash_password, password)
        return await opened.store.write(lambda connection: write(connection, password_hash))

    return with_data(settings_of(data), work)


def create_operator_user(
    username: Username,
    operator: Operator,
    display_name: DisplayName = "",
    role: RoleOption = "rw",
    password_file: PasswordFile = None,
    data: Data = None,
) -> None:
    """Create an operator user, who can sign in to the operator pages of the console."""
    wanted = _role(role)

    def write(connection: Connection, password_hash: str) -> None:
        ref = accounts.find_operator(connection, operator)
        name = display_name or username
        accounts.create_operator_user(connection, ref, username, password_hash, name, wanted)
        audit.note(connection, audit.Author(administrator(), operator_ref=ref), "user.created", username)

    _with_password(data, _password(password_file), write)
    report(f"operator user {username} created", username=username, role=role)


@user_app.command("create")
def create_user(
    username: Username,
    customer_id: Annotated[str, typer.Option(help="Customer the user belongs to.")],
    display_name: DisplayName = "",
    role: RoleOption = "rw",
    password_file: PasswordFile = None,
    data: Data = None,
) -> None:
    """Create a ThingPark user, who belongs to a customer."""
    wanted = _role(role)

    def write(connection: Connection, password_hash: str) -> None:
        subscriber, _operator = accounts.find_subscriber(connection, customer_id)
        name = display_name or username
        accounts.create_subscriber_user(connection, subscriber, username, password_hash, name, wanted)
        audit.note(connection, audit.Author(administrator(), subscriber), "user.created", username)

    _with_password(data, _password(password_file), write)
    report(f"user {username} created", username=username, customerId=customer_id, role=role)


@user_app.command("list")
def list_users(
    operator: Annotated[
        str | None, typer.Option(help="Code of an operator: list its own users instead of customers' users.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List users."""
    if operator is None:
        listed = read_data(data, accounts.list_user_names)
        print_rows("Users", accounts.UserName, listed, as_json=as_json)
        return
    own = read_data(data, lambda c: accounts.list_operator_users(c, accounts.find_operator(c, operator)))
    print_rows("Operator users", accounts.User, own, as_json=as_json)


@user_app.command("show")
def show_user(username: Username, data: Data = None, as_json: Json = False) -> None:
    """Show a user."""
    print_members(read_data(data, lambda c: accounts.find_user(c, username).user), as_json=as_json)


class UserNames(msgspec.Struct, frozen=True):
    """Other names of a user."""

    new_username: Annotated[str | None, typer.Option(help="New user name, to sign in with.")] = None
    display_name: Annotated[str | None, typer.Option(help="New display name.")] = None
    email: Annotated[
        str | None,
        typer.Option(help="New e-mail address; without it, one that is the user name follows."),
    ] = None


class UserRights(msgspec.Struct, frozen=True):
    """What a user may do."""

    role: Annotated[
        str | None,
        typer.Option(help="New role: rw (read-write), ro (read-only) or admin (customers' users)."),
    ] = None
    station_access: Annotated[
        bool | None,
        typer.Option(
            "--station-access/--no-station-access",
            help="Whether an operator's user may run commands and open shells on base stations.",
        ),
    ] = None
    suspended: Annotated[
        bool | None,
        typer.Option("--suspend/--resume", help="Whether the user is signed out and has no access."),
    ] = None


@user_app.command("change")
def change_user(
    username: Username,
    names: UserNames,
    rights: UserRights,
    password: Annotated[
        bool, typer.Option("--password", help="Set a new password; prompts, or see --password-file.")
    ] = False,
    password_file: PasswordFile = None,
    data: Data = None,
) -> None:
    """Rename, suspend or resume a user, give it another role, password or access to base stations. A new
    password ends all sessions and tokens of the user. A suspended user is signed out, cannot sign in, and its
    API keys and projects have no access until it is resumed."""
    if not password and password_file is None and names == UserNames() and rights == UserRights():
        fail(
            "name what changes: --role, --suspend, --resume, --new-username, --display-name, --email, "
            "--station-access, --password or --password-file"
        )
    if rights.role is not None:
        _role(rights.role)

    def write(connection: Connection, password_hash: str) -> accounts.User:
        found = accounts.find_user(connection, username)
        if password_hash:
            accounts.set_password(connection, found.table, found.ref, password_hash)
        _change(connection, found, names, rights)
        details = {"username": names.new_username, "displayName": names.display_name, "email": names.email}
        details |= {"role": rights.role}
        given: dict[str, str | bool] = {name: value for name, value in details.items() if value is not None}
        if rights.station_access is not None:
            given["stationAccess"] = rights.station_access
        if rights.suspended is not None:
            given["suspended"] = rights.suspended
        author = audit.Author(administrator(), found.subscriber_ref, found.operator_ref)
        audit.note(connection, author, "user.changed", username, given)
        return accounts.find_user(connection, names.new_username or username).user

    if password or password_file is not None:
        changed = _with_password(data, _password(password_file), write)
    else:
        changed = with_data(settings_of(data), lambda d: d.store.write(lambda c: write(c, "")))
    report(f"user {username} changed", **msgspec.to_builtins(changed))


def _change(connection: Connection, found: accounts.FoundUser, names: UserNames, rights: UserRights) -> None:
    naming = accounts.Naming(names.new_username, names.display_name, names.email)
    accounts.rename_user(connection, found.table, found.ref, naming)
    if rights.role is not None:
        accounts.set_role(connection, found.table, found.ref, _role(rights.role))
    if rights.station_access is not None:
        accounts.set_station_access(connection, found.table, found.ref, allowed=rights.station_access)
    if rights.suspended is not None:
        accounts.suspend_user(connection, found.table, found.ref, suspended=rights.suspended)


@user_app.command("copy")
def copy_user(
    username: Username,
    new_username: Annotated[str, typer.Argument(help="User name of the copy.")],
    display_name: DisplayName = "",
    email: Annotated[str | None, typer.Option(help="E-mail address, unless the user name is one.")] = None,
    password_file: PasswordFile = None,
    data: Data = None,
) -> None:
    """Create a user like another one: of the same customer or operator, with the same role, language and
    access to base stations, and a password of its own."""

    def write(connection: Connection, password_hash: str) -> accounts.User:
        found = accounts.find_user(connection, username)
        naming = accounts.Naming(new_username, display_name or None, email)
        made = accounts.copy_user(connection, found.table, found.ref, naming, password_hash, stations=True)
        author = audit.Author(administrator(), found.subscriber_ref, found.operator_ref)
        audit.note(connection, author, "user.created", new_username, {"copyOf": username})
        return made

    made = _with_password(data, _password(password_file), write)
    report(f"user {new_username} created like {username}", **msgspec.to_builtins(made))


@user_app.command("delete")
def delete_user(username: Username, data: Data = None) -> None:
    """Delete a user with sessions and tokens; projects that act as the user must be activated again."""

    def write(connection: Connection) -> None:
        found = accounts.find_user(connection, username)
        accounts.remove_user(connection, found.table, found.ref)

    change_data(settings_of(data), "user.removed", username, write)
    report(f"user {username} deleted", username=username)


@user_app.command("reset-second-factor")
def reset_second_factor(
    username: Annotated[str, typer.Argument(help="User of a subscriber or of an operator.")],
    data: Data = None,
) -> None:
    """Remove authenticator app and passkeys of a user who has lost them, end the user's sessions, and tell
    the
    user by e-mail."""
    settings = settings_of(data)
    by = administrator()

    def write(connection: Connection) -> accounts.Addressee | None:
        account = accounts.find_account(connection, username)
        if account is None:
            raise BadRequest("there is no user {username}", username=username)
        if not accounts.remove_second_factor(connection, account.user):
            raise BadRequest("user {username} has no second factor", username=username)
        accounts.end_sessions(connection, account.user)
        author = audit.Author(by, *accounts.places_of(connection, account.user))
        audit.note(connection, author, "user.secondFactorReset", f"user {username}")
        return accounts.addressee(connection, account.user)

    async def work(opened: DataDirectory) -> bool:
        to = await opened.store.write(write)
        network = await opened.store.read(branding.network_name) or settings.console.name
        return to is not None and await _tell_of_reset(settings, opened.store, to, by, network)

    mailed = with_data(settings, work)
    told = "; the user was told by e-mail" if mailed else ""
    report(f"second factor of {username} removed{told}", username=username, mailed=mailed)


async def _tell_of_reset(
    settings: Settings, store: Store, to: accounts.Addressee, by: str, network: str
) -> bool:
    """The letter that the console's reset sends, too. As there, none goes out without a public address."""
    from veldnet.api import letters
    from veldnet.assembly.monitoring import mailer_of

    mailer = mailer_of(settings, store) if settings.sign_in.url else None
    return await letters.send(mailer, to.email, letters.factor_letter(to, by, network, to.language or "en"))
