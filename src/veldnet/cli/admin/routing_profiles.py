"""`veldnet admin routing-profile`: where the messages of a customer's devices go."""

from __future__ import annotations

from typing import Annotated

import msgspec
import typer

from veldnet.cli.options import CustomerOption, Data, Json
from veldnet.cli.output import fail, print_members, print_rows, report
from veldnet.cli.running import administrator, change_data, read_data, settings_of
from veldnet.domain.resources import Route, RoutingProfile
from veldnet.inventory import accounts, routing_profiles
from veldnet.store import Connection

routing_profile_app = typer.Typer(
    help="Routing profiles. Their keys are given and shown over the API and in the console alone.",
    no_args_is_help=True,
)

Reference = Annotated[str, typer.Argument(help="Ref of the routing profile, as list shows it.")]


class OneRoute(msgspec.Struct, frozen=True):
    """Where all messages go, and how."""

    url: Annotated[
        list[str], typer.Option(help="URL of the application server; repeat it for failover, in this order.")
    ]
    content_type: Annotated[str, typer.Option(help="Form of the messages: JSON or XML.")] = "JSON"
    as_id: Annotated[str | None, typer.Option(help="AS ID in the messages.")] = None

    def route(self) -> Route:
        if self.content_type not in ("JSON", "XML"):
            fail(f"--content-type {self.content_type!r} must be JSON or XML")
        made = Route(contentType="XML" if self.content_type == "XML" else "JSON", addresses=self.url)
        if self.as_id is not None:
            made.asId = self.as_id
        return made


@routing_profile_app.command("create")
def create_routing_profile(
    name: Annotated[str, typer.Argument(help="Name of the routing profile.")],
    customer_id: CustomerOption,
    to: OneRoute,
    default: Annotated[
        bool, typer.Option("--default", help="Make it the default one, which new devices get.")
    ] = False,
    data: Data = None,
) -> None:
    """Create a routing profile that sends all messages to an application server, without an AS key."""
    settings, route = settings_of(data), to.route()
    body = RoutingProfile(name=name, default=default)

    def write(connection: Connection) -> RoutingProfile:
        scope = accounts.customer_scope(connection, customer_id, administrator())
        allow_private = settings.routing.allow_private_destinations
        checked = routing_profiles.check_routes([route], allow_private=allow_private)
        return routing_profiles.create_routing_profile(
            connection, scope, body, routing_profiles.Prepared(checked, [None])
        )

    made = change_data(settings, "routingProfile.created", f"{customer_id}: {name[:100]}", write)
    report(f"routing profile {made.ref} created: {made.id}", ref=made.ref, id=made.id)


@routing_profile_app.command("list")
def list_routing_profiles(customer_id: CustomerOption, data: Data = None, as_json: Json = False) -> None:
    """List the routing profiles of a customer."""
    listed = read_data(
        data,
        lambda c: routing_profiles.list_routing_profiles(
            c, accounts.customer_scope(c, customer_id, administrator())
        ),
    )
    print_rows("Routing profiles", RoutingProfile, listed, as_json=as_json)


@routing_profile_app.command("show")
def show_routing_profile(
    ref: Reference, customer_id: CustomerOption, data: Data = None, as_json: Json = False
) -> None:
    """Show a routing profile with its routes, without keys."""
    found = read_data(
        data,
        lambda c: routing_profiles.get_routing_profile(
            c, accounts.customer_scope(c, customer_id, administrator()), ref
        ),
    )
    print_members(found, as_json=as_json)


@routing_profile_app.command("change")
def change_routing_profile(
    ref: Reference,
    customer_id: CustomerOption,
    name: Annotated[str | None, typer.Option(help="New name.")] = None,
    default: Annotated[
        bool, typer.Option("--default", help="Make it the default one, which new devices get.")
    ] = False,
    data: Data = None,
) -> None:
    """Change name or default of a routing profile; its routes are changed over the API or in the console."""
    if name is None and not default:
        fail("name what changes: --name or --default")
    body = RoutingProfile()
    if name is not None:
        body.name = name
    if default:
        body.default = True

    def write(connection: Connection) -> None:
        scope = accounts.customer_scope(connection, customer_id, administrator())
        routing_profiles.update_routing_profile(connection, scope, ref, body, routing_profiles.Prepared())

    change_data(settings_of(data), "routingProfile.changed", f"{customer_id}: {ref}", write)
    report(f"routing profile {ref} changed", ref=ref)


@routing_profile_app.command("delete")
def delete_routing_profile(ref: Reference, customer_id: CustomerOption, data: Data = None) -> None:
    """Delete a routing profile that no device uses."""
    change_data(
        settings_of(data),
        "routingProfile.removed",
        f"{customer_id}: {ref}",
        lambda c: routing_profiles.delete_routing_profile(
            c, accounts.customer_scope(c, customer_id, administrator()), ref
        ),
    )
    report(f"routing profile {ref} deleted", ref=ref)
