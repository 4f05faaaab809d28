"""`veldnet admin subscriber`: customers."""

from __future__ import annotations

import typer

from veldnet.cli.options import Data, Json, Operator
from veldnet.cli.output import console, print_rows
from veldnet.cli.running import change_data, read_data, settings_of
from veldnet.inventory import accounts

subscriber_app = typer.Typer(help="Customers.", no_args_is_help=True)


@subscriber_app.command("create")
def create_subscriber(customer_id: str, name: str, operator: Operator, data: Data = None) -> None:
    """Create a customer; CUSTOMER_ID has nine digits."""
    change_data(
        settings_of(data),
        "subscriber.created",
        customer_id,
        lambda c: accounts.create_subscriber(c, accounts.find_operator(c, operator), customer_id, name),
    )
    console.print(f"subscriber {customer_id} created")


@subscriber_app.command("remove")
def remove_subscriber(customer_id: str, data: Data = None) -> None:
    """Remove a customer that has no devices, with its users, routing profiles and undelivered messages."""
    change_data(
        settings_of(data),
        "subscriber.removed",
        customer_id,
        lambda c: accounts.remove_subscriber(c, customer_id),
    )
    console.print(f"subscriber {customer_id} removed")


@subscriber_app.command("list")
def list_subscribers(data: Data = None, as_json: Json = False) -> None:
    """List customers."""
    listed = read_data(data, accounts.list_customers)
    print_rows("Subscribers", accounts.Customer, listed, as_json=as_json)
