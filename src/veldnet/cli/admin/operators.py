"""`veldnet admin operator-...`: network operators."""

from __future__ import annotations

from veldnet.cli.options import Data, Json
from veldnet.cli.output import console, print_rows
from veldnet.cli.running import change_data, read_data, settings_of
from veldnet.inventory import accounts


def create_operator(code: str, name: str, data: Data = None) -> None:
    """Create a network operator, and the data directory if it does not exist."""
    change_data(
        settings_of(data),
        "operator.created",
        code,
        lambda c: accounts.create_operator(c, code, name),
        create=True,
    )
    console.print(f"operator {code} created")


def list_operators(data: Data = None, as_json: Json = False) -> None:
    """List network operators."""
    print_rows("Operators", accounts.Operator, read_data(data, accounts.list_operators), as_json=as_json)
