"""`veldnet admin user` and `operator-user-create`: users with passwords."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, cast, get_args

import typer
from rich.prompt import Prompt

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.cli.options import Data, Json, Operator
from veldnet.cli.output import console, fail, print_rows
from veldnet.cli.running import administrator, read_data, settings_of, with_data
from veldnet.domain.errors import BadRequest
from veldnet.domain.scope import Role
from veldnet.inventory import accounts, audit
from veldnet.store import Connection

user_app = typer.Typer(help="ThingPark users.", no_args_is_help=True)

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
    return Prompt.ask("Password", password=True, console=console)


def _role(role: str) -> Role:
    if role not in get_args(Role):
        fail(f"--role {role!r} must be admin, rw or ro")
    return cast(Role, role)


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

    with_data(settings_of(data), create)
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

    with_data(settings_of(data), create)
    console.print(f"user {username} created")


@user_app.command("list")
def list_users(data: Data = None, as_json: Json = False) -> None:
    """List ThingPark users."""
    listed = read_data(data, accounts.list_user_names)
    print_rows("Users", accounts.UserName, listed, as_json=as_json)


@user_app.command("reset-second-factor")
def reset_second_factor(
    username: Annotated[str, typer.Argument(help="User of a subscriber or of an operator.")],
    data: Data = None,
) -> None:
    """Remove the second factor of a user who has lost it, and end the user's sessions."""

    def write(connection: Connection) -> None:
        account = accounts.find_account(connection, username)
        if account is None:
            raise BadRequest(f"there is no user {username}")
        if not accounts.remove_second_factor(connection, account.user):
            raise BadRequest(f"user {username} has no second factor")
        accounts.end_sessions(connection, account.user)
        subscriber, operator = accounts.places_of(connection, account.user)
        what = f"user {username}"
        audit.note(connection, administrator(), subscriber, "user.secondFactorReset", what, None, operator)

    with_data(settings_of(data), lambda opened: opened.store.write(write))
    console.print(f"second factor of {username} removed")
