"""`veldnet admin plan`: connectivity plans."""

from __future__ import annotations

from typing import Annotated

import typer

from veldnet.cli.options import Data, Operator, Setting
from veldnet.cli.output import counted, report
from veldnet.cli.running import change_data, settings_of
from veldnet.domain.documents import PlanSettings
from veldnet.inventory import accounts, devices, offers
from veldnet.store import Connection

from .documents import read_settings
from .operator_documents import Documents, Id

plan_app = Documents(
    noun="connectivity plan",
    plural="Connectivity plans",
    action="connectivityPlan",
    example="supplier-cs/plan-key",
    settings=PlanSettings,
    row=offers.Plan,
    listed=offers.operator_plans,
    create=offers.create_connectivity_plan,
    change=lambda c, operator, before, name, settings: offers.change_connectivity_plan(
        c, operator, before.id, settings, name=name
    ),
    remove=offers.remove_plan,
    move=devices.move_to_plan,
).commands()


@plan_app.command("create-multicast")
def create_multicast_plan(
    id: Id,
    name: Annotated[str, typer.Argument(help="Its name.")],
    operator: Operator,
    settings: Setting = None,
    data: Data = None,
) -> None:
    """Create a connectivity plan for multicast groups; its id looks like supplier-cs/plan-key."""
    rules = read_settings(PlanSettings, settings)

    def write(connection: Connection) -> None:
        ref = accounts.find_operator(connection, operator)
        offers.create_connectivity_plan(connection, ref, id, name, rules, "MULTICAST")

    change_data(settings_of(data), "connectivityPlan.created", id, write)
    report(f"connectivity plan {id} created", id=id, name=name)


@plan_app.command("grant")
def grant_plan(
    id: Id,
    customer_id: Annotated[str, typer.Argument(help="Customer id, nine digits.")],
    connections: Annotated[int, typer.Argument(help="How many devices may use it.")],
    data: Data = None,
) -> None:
    """Grant a customer connections of a plan."""
    change_data(
        settings_of(data),
        "connectivityPlan.granted",
        f"{id} to {customer_id}: {connections}",
        lambda c: offers.grant_plan_by_id(c, customer_id, id, connections),
    )
    report(
        f"{customer_id} may use {id} for {counted(connections, 'device')}",
        id=id,
        customerId=customer_id,
        granted=connections,
    )
