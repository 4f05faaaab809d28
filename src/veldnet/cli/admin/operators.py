"""`veldnet admin operator-...`: network operators."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from veldnet.cli.options import Data, Json
from veldnet.cli.output import print_members, print_rows, report
from veldnet.cli.running import change_data, read_data, settings_of
from veldnet.inventory import accounts
from veldnet.store import Connection

operator_app = typer.Typer(help="Network operators.", no_args_is_help=True)


@operator_app.command("create")
def create_operator(
    code: Annotated[str, typer.Argument(help="Code of the operator, such as acme-ope.")],
    name: Annotated[str, typer.Argument(help="Its name.")],
    data: Data = None,
) -> None:
    """Create a network operator, and the data directory if it does not exist."""
    change_data(
        settings_of(data),
        "operator.created",
        code,
        lambda c: accounts.create_operator(c, code, name),
        create=True,
    )
    report(f"operator {code} created", code=code, name=name)


@operator_app.command("list")
def list_operators(data: Data = None, as_json: Json = False) -> None:
    """List network operators."""
    print_rows("Operators", accounts.Operator, read_data(data, accounts.list_operators), as_json=as_json)


@operator_app.command("show")
def show_operator(
    code: Annotated[str, typer.Argument(help="Code of the operator.")],
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show an operator with the number of its customers."""

    def read(connection: Connection) -> OperatorView:
        ref = accounts.find_operator(connection, code)
        name = next(each.name for each in accounts.list_operators(connection) if each.code == code)
        return OperatorView(code, name, len(accounts.list_subscribers(connection, ref)))

    print_members(read_data(data, read), as_json=as_json)


class OperatorView(msgspec.Struct):
    """An operator."""

    code: str
    name: str
    subscribers: int
