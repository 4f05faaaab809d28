"""`veldnet admin subscriber`: customers."""

from __future__ import annotations

from typing import Annotated

import typer

from veldnet.cli.options import Data, Json, Operator
from veldnet.cli.output import print_members, print_rows, report
from veldnet.cli.running import change_data, read_data, settings_of
from veldnet.inventory import accounts
from veldnet.store import Connection

subscriber_app = typer.Typer(help="Customers.", no_args_is_help=True)

CustomerId = Annotated[str, typer.Argument(help="Customer id, nine digits.")]


@subscriber_app.command("create")
def create_subscriber(
    customer_id: CustomerId,
    name: Annotated[str, typer.Argument(help="Name of the customer.")],
    operator: Operator,
    data: Data = None,
) -> None:
    """Create a customer; CUSTOMER_ID has nine digits."""
    change_data(
        settings_of(data),
        "subscriber.created",
        customer_id,
        lambda c: accounts.create_subscriber(c, accounts.find_operator(c, operator), customer_id, name),
    )
    report(f"subscriber {customer_id} created", customerId=customer_id, name=name)


@subscriber_app.command("list")
def list_subscribers(data: Data = None, as_json: Json = False) -> None:
    """List customers."""
    listed = read_data(data, accounts.list_customers)
    print_rows("Subscribers", accounts.Customer, listed, as_json=as_json)


@subscriber_app.command("show")
def show_subscriber(customer_id: CustomerId, data: Data = None, as_json: Json = False) -> None:
    """Show a customer with the number of its devices and users."""

    def read(connection: Connection) -> accounts.Subscriber:
        _ref, operator = accounts.find_subscriber(connection, customer_id)
        listed = accounts.list_subscribers(connection, operator)
        return next(each for each in listed if each.customerId == customer_id)

    print_members(read_data(data, read), as_json=as_json)


@subscriber_app.command("change")
def change_subscriber(
    customer_id: CustomerId,
    name: Annotated[str | None, typer.Option(help="New name of the customer.")] = None,
    suspended: Annotated[
        bool | None, typer.Option("--suspend/--resume", help="Whether it and its devices get no service.")
    ] = None,
    data: Data = None,
) -> None:
    """Give a customer another name, suspend or resume it."""
    change_data(
        settings_of(data),
        "subscriber.changed",
        customer_id,
        lambda c: accounts.change_subscriber(c, accounts.find_subscriber(c, customer_id)[0], name, suspended),
    )
    report(f"subscriber {customer_id} changed", customerId=customer_id)


@subscriber_app.command("delete")
@subscriber_app.command("remove", hidden=True)
def delete_subscriber(customer_id: CustomerId, data: Data = None) -> None:
    """Delete a customer that has no devices, with its users, routing profiles and undelivered messages."""
    change_data(
        settings_of(data),
        "subscriber.removed",
        customer_id,
        lambda c: accounts.remove_subscriber(c, customer_id),
    )
    report(f"subscriber {customer_id} deleted", customerId=customer_id)
