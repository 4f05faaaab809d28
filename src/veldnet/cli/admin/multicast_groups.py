"""`veldnet admin multicast-group`: multicast groups of customers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import msgspec
import typer
from msgspec import UNSET

from veldnet.assembly import multicast
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.network_settings import network_parameters
from veldnet.cli.api_client import ApiClient, read_key
from veldnet.cli.options import CustomerOption, Data, Json
from veldnet.cli.output import fail, print_members, print_rows, report
from veldnet.cli.running import administrator, change_data, read_data, settings_of, with_data
from veldnet.domain.scope import Scope
from veldnet.inventory import accounts, audit, groups
from veldnet.inventory.groups import MulticastGroup
from veldnet.network.core.addressing import AddressSpace
from veldnet.settings import Settings
from veldnet.store import Connection

multicast_group_app = typer.Typer(help="Multicast groups.", no_args_is_help=True)

Reference = Annotated[str, typer.Argument(help="Ref of the group, or e and its DevEUI.")]
_LOCAL = "http://127.0.0.1:8080"


class Rules(msgspec.Struct, frozen=True):
    """What may change of a group."""

    plan: Annotated[str | None, typer.Option(help="Id of a plan of communicationType MULTICAST.")] = None
    routing_profile: Annotated[str | None, typer.Option(help="Id of a routing profile.")] = None
    frequency: Annotated[float | None, typer.Option(help="MHz; that of the region if absent.")] = None
    data_rate: Annotated[int | None, typer.Option(help="Index; that of the region if absent.")] = None
    coverage: Annotated[
        Literal["ALL", "TAGS", "MEMBERS"] | None, typer.Option(help="Which base stations send.")
    ] = None
    tag: Annotated[list[str] | None, typer.Option(help="Tag of base stations; may be repeated.")] = None

    def body(self, name: str | None) -> MulticastGroup:
        return MulticastGroup(
            name=UNSET if name is None else name,
            connectivityPlanId=UNSET if self.plan is None else self.plan,
            routingProfileId=UNSET if self.routing_profile is None else self.routing_profile,
            downlinkFrequency=UNSET if self.frequency is None else self.frequency,
            downlinkDataRate=UNSET if self.data_rate is None else self.data_rate,
            baseStationCoverage=UNSET if self.coverage is None else self.coverage,
            baseStationTags=self.tag or UNSET,
        )


class Identity(msgspec.Struct, frozen=True):
    """What its devices know of a group, and what cannot change."""

    key_file: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help="File with the McKey, 32 hexadecimal digits."),
    ] = None
    hsm_group: Annotated[
        str | None, typer.Option(help="Id of an HSM group, whose vault makes the keys, instead of a McKey.")
    ] = None
    ping_period: Annotated[
        int | None, typer.Option(help="Seconds between ping slots: a group of class B; else of class C.")
    ] = None

    def enter(self, body: MulticastGroup) -> None:
        if self.key_file is not None:
            try:
                body.multicastKey = self.key_file.read_text().strip()
            except (OSError, UnicodeDecodeError) as error:
                fail(f"--key-file {self.key_file} cannot be read: {error}")
        if self.hsm_group is not None:
            body.hsmGroupId = self.hsm_group
        body.deviceClass = "C" if self.ping_period is None else "B"
        if self.ping_period is not None:
            body.pingSlotPeriod = self.ping_period


# Columns of the table of groups; the others are in JSON and the view of one group.
_SHOWN = (
    "ref",
    "name",
    "EUI",
    "networkAddress",
    "deviceClass",
    "region",
    "connectivityPlanId",
    "baseStationCoverage",
    "memberCount",
    "lastFCntDown",
    "lastDownlinkStatus",
)
_WITHOUT = tuple(name for name in MulticastGroup.__struct_fields__ if name not in _SHOWN)


def _scope(connection: Connection, customer_id: str) -> Scope:
    return accounts.customer_scope(connection, customer_id, administrator())


@multicast_group_app.command("list")
def list_groups(customer_id: CustomerOption, data: Data = None, as_json: Json = False) -> None:
    """List the multicast groups of a customer."""
    page = read_data(data, lambda c: groups.list_groups(c, _scope(c, customer_id), limit=1000))
    print_rows("Multicast groups", MulticastGroup, page.groups, as_json=as_json, without=_WITHOUT)


@multicast_group_app.command("show")
def show_group(ref: Reference, customer_id: CustomerOption, data: Data = None, as_json: Json = False) -> None:
    """Show a multicast group."""
    found = read_data(data, lambda c: groups.get_group(c, _scope(c, customer_id), ref))
    print_members(found, as_json=as_json)


@multicast_group_app.command("create")
def create_group(
    dev_eui: Annotated[str, typer.Argument(help="DevEUI of the group.")],
    name: Annotated[str, typer.Argument(help="Its name.")],
    customer_id: CustomerOption,
    identity: Identity,
    rules: Rules,
    data: Data = None,
) -> None:
    """Create a multicast group whose keys are derived of a McKey, or made in the vault of an HSM group."""
    settings = settings_of(data)
    body = rules.body(name)
    body.EUI = dev_eui
    identity.enter(body)

    async def create(opened: DataDirectory) -> MulticastGroup:
        return await _create(opened, settings, customer_id, body)

    made = with_data(settings, create, vaults=True)
    report(
        f"multicast group {made.ref} created with address {made.networkAddress}",
        ref=str(made.ref),
        networkAddress=str(made.networkAddress),
    )


async def _create(
    opened: DataDirectory, settings: Settings, customer_id: str, body: MulticastGroup
) -> MulticastGroup:
    network = network_parameters(settings.network)
    new = groups.check_new_group(body, network.channel_plans)
    allocate = multicast.allocator(AddressSpace(network.net_id))
    dev_addr = await opened.store.read(lambda c: groups.choose_address(c, new, allocate))
    operator = await opened.store.read(lambda c: _scope(c, customer_id).operator_ref)
    keys = await multicast.make_keys(opened.store, opened.vault, operator, new, dev_addr)

    def write(connection: Connection) -> MulticastGroup:
        scope = _scope(connection, customer_id)
        made = groups.create_group(connection, scope, new, dev_addr, keys)
        author = audit.Author(administrator(), scope.subscriber_ref)
        audit.note(connection, author, "multicastGroup.created", f"multicastGroup {new.dev_eui}")
        return made

    return await opened.store.write(write)


@multicast_group_app.command("change")
def change_group(
    ref: Reference,
    customer_id: CustomerOption,
    rules: Rules,
    name: Annotated[str | None, typer.Option(help="New name.")] = None,
    data: Data = None,
) -> None:
    """Change a multicast group; what is not given stays."""
    settings = settings_of(data)
    plans = network_parameters(settings.network).channel_plans
    body = rules.body(name)
    change_data(
        settings,
        "multicastGroup.changed",
        f"{customer_id}: multicastGroup {ref}",
        lambda c: groups.update_group(c, _scope(c, customer_id), ref, body, plans),
    )
    report(f"multicast group {ref} changed", ref=ref)


@multicast_group_app.command("delete")
def delete_group(ref: Reference, customer_id: CustomerOption, data: Data = None) -> None:
    """Delete a multicast group; its members stay."""
    change_data(
        settings_of(data),
        "multicastGroup.deleted",
        f"{customer_id}: multicastGroup {ref}",
        lambda c: groups.delete_group(c, _scope(c, customer_id), ref),
    )
    report(f"multicast group {ref} deleted", ref=ref)


@multicast_group_app.command("downlink")
def send_downlink(
    ref: Reference,
    fport: Annotated[int, typer.Argument(help="Port, 1 to 223.")],
    payload: Annotated[str, typer.Argument(help="Payload as hexadecimal digits.")],
    server: Annotated[str, typer.Option(help="Address of the running server.")] = _LOCAL,
    token_file: Annotated[
        Path | None,
        typer.Option(help="File with an access token of the customer; VELDNET_API_KEY if absent."),
    ] = None,
) -> None:
    """Queue a downlink to a multicast group, through the API of a running server."""
    client = ApiClient(server, read_key(token_file), None)
    body = {"fPort": fport, "payload": payload}
    sent = client.call("POST", f"/api/v1/multicastGroups/{ref}/downlinks", body)
    report(f"downlink {sent['id']} queued", id=sent["id"])
