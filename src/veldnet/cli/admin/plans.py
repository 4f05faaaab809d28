"""`veldnet admin plan`: connectivity plans."""

from __future__ import annotations

from typing import Annotated

import typer

from veldnet.cli.options import Data, Json, Operator, Setting
from veldnet.cli.output import print_members, print_rows, report
from veldnet.cli.running import change_data, read_data, settings_of
from veldnet.domain.documents import PlanSettings
from veldnet.inventory import accounts, offers
from veldnet.store import Connection

from .documents import change_settings, read_settings

plan_app = typer.Typer(help="Connectivity plans.", no_args_is_help=True)

PlanId = Annotated[str, typer.Argument(help="Id of the plan, such as supplier-cs/plan-key.")]


@plan_app.command("create")
def create_plan(
    plan_id: PlanId,
    name: Annotated[str, typer.Argument(help="Name of the plan.")],
    operator: Operator,
    settings: Setting = None,
    data: Data = None,
) -> None:
    """Create a connectivity plan; PLAN_ID looks like supplier-cs/plan-key."""
    document = read_settings(PlanSettings, settings)
    change_data(
        settings_of(data),
        "connectivityPlan.created",
        plan_id,
        lambda c: offers.create_connectivity_plan(
            c, accounts.find_operator(c, operator), plan_id, name, document
        ),
    )
    report(f"connectivity plan {plan_id} created", id=plan_id, name=name)


@plan_app.command("list")
def list_plans(operator: Operator, data: Data = None, as_json: Json = False) -> None:
    """List the connectivity plans of an operator."""
    listed = read_data(data, lambda c: offers.operator_plans(c, accounts.find_operator(c, operator)))
    print_rows("Connectivity plans", offers.Plan, listed, as_json=as_json, without=("settings", "ref"))


@plan_app.command("show")
def show_plan(plan_id: PlanId, operator: Operator, data: Data = None, as_json: Json = False) -> None:
    """Show a connectivity plan with its settings and grants."""
    print_members(read_data(data, lambda c: _plan(c, operator, plan_id)), as_json=as_json)


def _plan(connection: Connection, operator: str, plan_id: str) -> offers.Plan:
    ref = accounts.find_operator(connection, operator)
    offers.find_plan(connection, plan_id, ref)
    return next(plan for plan in offers.operator_plans(connection, ref) if plan.id == plan_id)


@plan_app.command("change")
def change_plan(
    plan_id: PlanId,
    operator: Operator,
    settings: Setting = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Settings that are not given return to their defaults.")
    ] = False,
    data: Data = None,
) -> None:
    """Change settings of a connectivity plan; the others are kept, unless --replace is given."""

    def write(connection: Connection) -> None:
        before = {} if replace else _plan(connection, operator, plan_id).settings
        document = change_settings(PlanSettings, before, settings)
        ref = accounts.find_operator(connection, operator)
        offers.change_connectivity_plan(connection, ref, plan_id, document)

    change_data(settings_of(data), "connectivityPlan.changed", plan_id, write)
    report(f"connectivity plan {plan_id} changed", id=plan_id)


@plan_app.command("delete")
def delete_plan(plan_id: PlanId, operator: Operator, data: Data = None) -> None:
    """Delete a connectivity plan that no device has, with its grants."""

    def write(connection: Connection) -> None:
        found = _plan(connection, operator, plan_id)
        offers.remove_plan(connection, accounts.find_operator(connection, operator), found.ref)

    change_data(settings_of(data), "connectivityPlan.removed", plan_id, write)
    report(f"connectivity plan {plan_id} deleted", id=plan_id)


@plan_app.command("grant")
def grant_plan(
    plan_id: PlanId,
    customer_id: Annotated[str, typer.Argument(help="Customer id, nine digits.")],
    connections: Annotated[int, typer.Argument(help="How many devices may use it.")],
    data: Data = None,
) -> None:
    """Grant a customer connections of a plan."""
    change_data(
        settings_of(data),
        "connectivityPlan.granted",
        f"{plan_id} to {customer_id}: {connections}",
        lambda c: offers.grant_plan_by_id(c, customer_id, plan_id, connections),
    )
    report(
        f"{customer_id} may use {plan_id} for {connections} devices",
        id=plan_id,
        customerId=customer_id,
        granted=connections,
    )
