"""`veldnet admin hsm-group`: HSM groups, exchange keys, moves between groups."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.vaults.opening import openings
from veldnet.cli.options import Data, Json, Operator
from veldnet.cli.output import counted, errors, fail, print_members, print_rows, report
from veldnet.cli.running import administrator, change_data, read_data, settings_of, with_data
from veldnet.inventory import accounts, audit, offers
from veldnet.inventory.keys import exchange_keys, group_moves
from veldnet.keys import Form, VaultError, moving
from veldnet.settings import Settings
from veldnet.store import Connection

GroupId = Annotated[str, typer.Argument(help="Id of the group.")]

hsm_group_app = typer.Typer(help="HSM groups.", no_args_is_help=True)


@hsm_group_app.command("create")
def create_hsm_group(
    name: Annotated[str, typer.Argument(help="Name of the group.")],
    operator: Annotated[str, typer.Option(help="Code of the operator.")],
    vault: Annotated[
        str, typer.Option(help="Name of a vault in keys.vaults; default vault if omitted.")
    ] = "",
    data: Data = None,
) -> None:
    """Create an HSM group; its id is printed."""
    settings = settings_of(data)
    if vault and vault not in settings.keys.vaults:
        fail(f"keys.vaults has no vault {vault!r}; there are: {', '.join(settings.keys.vaults) or 'none'}")

    def create(connection: Connection) -> str:
        ref = accounts.find_operator(connection, operator)
        return offers.create_hsm_group(connection, ref, name, vault)

    identifier = change_data(settings, "hsmGroup.created", name, create)
    report(identifier, id=identifier, name=name)


@hsm_group_app.command("list")
def list_hsm_groups(data: Data = None, as_json: Json = False) -> None:
    """List HSM groups with their vaults and number of devices."""
    listed = read_data(data, offers.list_all_hsm_groups)
    print_rows("HSM groups", offers.GroupDevices, listed, as_json=as_json)


@hsm_group_app.command("show")
def show_hsm_group(group: GroupId, data: Data = None, as_json: Json = False) -> None:
    """Show an HSM group with its vault and number of devices."""
    found = [each for each in read_data(data, offers.list_all_hsm_groups) if each.id == group]
    if not found:
        fail(f"there is no HSM group {group}")
    print_members(found[0], as_json=as_json)


def _mover(settings: Settings, vault: str) -> moving.Source | moving.Destination:
    """An end of a channel: the first module of a vault."""
    (way, *_others) = openings(settings, vault)
    if way.module is None:
        from veldnet.keys import SoftwareVault

        return moving.SoftwareMover(SoftwareVault.open(Path(way.master_key)))
    from veldnet.assembly.vaults.token import open_token
    from veldnet.keys.pkcs11.moving import TokenMover

    return TokenMover(open_token(way.module, way.key_label))


@hsm_group_app.command("change")
def change_hsm_group(
    group: GroupId,
    operator: Operator,
    name: Annotated[str, typer.Option(help="New name of the group.")],
    data: Data = None,
) -> None:
    """Give an HSM group another name."""

    def write(connection: Connection) -> None:
        offers.change_group(connection, accounts.find_operator(connection, operator), group, name, None)

    change_data(settings_of(data), "hsmGroup.changed", group, write)
    report(f"HSM group {group} changed", id=group, name=name)


@hsm_group_app.command("delete")
def delete_hsm_group(group: GroupId, operator: Operator, data: Data = None) -> None:
    """Delete an HSM group that holds no keys any more."""

    def write(connection: Connection) -> None:
        offers.remove_group(connection, accounts.find_operator(connection, operator), group)

    change_data(settings_of(data), "hsmGroup.removed", group, write)
    report(f"HSM group {group} deleted", id=group)


@hsm_group_app.command("move")
def move_command(
    source: Annotated[str, typer.Argument(help="Id of the group that the devices leave.")],
    target: Annotated[str, typer.Argument(help="Id of the group that they join.")],
    customer_id: Annotated[str | None, typer.Option(help="Only the devices of this customer.")] = None,
    data: Data = None,
) -> None:
    """Move the devices of HSM group SOURCE to TARGET; their keys are re-wrapped and never in clear.
    Also while a server runs. Started again after an interruption, it goes on."""
    settings = settings_of(data)

    async def work(opened: DataDirectory) -> group_moves.Moved:
        plan = await opened.store.read(lambda c: group_moves.plan(c, source, target, customer_id))
        channel = None
        if plan.source.vault != plan.target.vault:
            giving, taking = _mover(settings, plan.source.vault), _mover(settings, plan.target.vault)
            moving.connect(giving, taking)  # type: ignore[arg-type]
            channel = group_moves.Channel(giving, taking)  # type: ignore[arg-type]
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=errors,
            transient=True,
        ) as progress:
            task = progress.add_task("moving devices", total=plan.devices)
            moved = await group_moves.move(
                opened.store, plan, channel, lambda done: progress.update(task, completed=done)
            )
        what = f"{source} to {target}: {counted(moved.devices, 'device')}, {counted(moved.as_keys, 'AS key')}"
        await opened.store.write(
            lambda c: audit.note(c, audit.Author(administrator()), "hsmGroup.moved", what)
        )
        return moved

    try:
        moved = with_data(settings, work)
    except VaultError as error:
        fail(str(error))
    report(
        f"{counted(moved.devices, 'device')} and {counted(moved.as_keys, 'AS key')} moved "
        f"from {source} to {target}",
        devices=moved.devices,
        asKeys=moved.as_keys,
    )
    if moved.unopened:
        fail(f"{len(moved.unopened)} keys do not open and stay: {', '.join(moved.unopened[:5])}")


@hsm_group_app.command("create-exchange-key")
def create_exchange_key(group: GroupId, data: Data = None) -> None:
    """Create an RSA key pair in the vault of the group, for encrypted AppKeys from customers."""
    _create(settings_of(data), group, None, None)


@hsm_group_app.command("create-transport-key")
def create_transport_key(
    group: GroupId,
    public_key: Annotated[Path, typer.Option(help="RSA public key of the customer, PEM.")],
    customer_id: Annotated[str, typer.Option(help="The customer.")],
    data: Data = None,
) -> None:
    """Create an AES key shared by the vault of the group and a customer, for encrypted AppKeys. It is
    shown once, encrypted for the customer."""
    try:
        pem = public_key.read_text()
    except (OSError, UnicodeDecodeError) as error:
        fail(f"--public-key {public_key} cannot be read: {error}")
    _create(settings_of(data), group, pem, customer_id)


def _create(settings: Settings, group: str, pem: str | None, customer_id: str | None) -> None:
    async def work(opened: DataDirectory) -> tuple[int, str]:
        found = await opened.store.read(lambda c: group_moves.find_group(c, group))
        vault = opened.vault.of(found.vault)
        if pem is None:
            made = await vault.create_exchange_key()
            sealed, public, shown = made.sealed, made.public_key_pem, made.public_key_pem
        else:
            generated = await vault.create_transport_key(pem)
            sealed, public, shown = generated.sealed, "", generated.rsa_encrypted

        def write(connection: Connection) -> int:
            subscriber = None
            if customer_id is not None:
                subscriber, _operator = accounts.find_subscriber(connection, customer_id)
            form: Form = "RSA" if pem is None else "AES"
            version = exchange_keys.add_key(connection, found.vault, form, public, sealed, subscriber)
            what = f"{group}, {form} version {version}"
            audit.note(connection, audit.Author(administrator(), subscriber), "exchangeKey.created", what)
            return version

        return await opened.store.write(write), shown

    try:
        version, shown = with_data(settings, work, vaults=True)
    except VaultError as error:
        fail(str(error))
    report(f"version {version}\n{shown}", version=version, key=shown)
