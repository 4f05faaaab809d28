"""`veldnet admin plan`: connectivity plans."""

from __future__ import annotations

import typer

from veldnet.cli.options import Data, Operator, Setting
from veldnet.cli.output import console
from veldnet.cli.running import change_data, settings_of
from veldnet.domain.documents import PlanSettings
from veldnet.inventory import accounts, offers

from .documents import read_settings

plan_app = typer.Typer(help="Connectivity plans.", no_args_is_help=True)


@plan_app.command("create")
def create_plan(
    plan_id: str, name: str, operator: Operator, settings: Setting = None, data: Data = None
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
    console.print(f"connectivity plan {plan_id} created")


@plan_app.command("change")
def change_plan(plan_id: str, operator: Operator, settings: Setting = None, data: Data = None) -> None:
    """Replace the settings of a connectivity plan; settings not given return to their defaults."""
    document = read_settings(PlanSettings, settings)
    change_data(
        settings_of(data),
        "connectivityPlan.changed",
        plan_id,
        lambda c: offers.change_connectivity_plan(c, accounts.find_operator(c, operator), plan_id, document),
    )
    console.print(f"connectivity plan {plan_id} changed")


@plan_app.command("grant")
def grant_plan(plan_id: str, customer_id: str, connections: int, data: Data = None) -> None:
    """Grant a customer connections of a plan."""
    change_data(
        settings_of(data),
        "connectivityPlan.granted",
        f"{plan_id} to {customer_id}: {connections}",
        lambda c: offers.grant_plan_by_id(c, customer_id, plan_id, connections),
    )
    console.print(f"{customer_id} may use {plan_id} for {connections} devices")
