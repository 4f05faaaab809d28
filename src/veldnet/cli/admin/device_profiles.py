"""`veldnet admin device-profile`: models of devices."""

from __future__ import annotations

from typing import Annotated

import typer

from veldnet.cli.options import Data, Json, Operator, Setting
from veldnet.cli.output import print_members, print_rows, report
from veldnet.cli.running import change_data, read_data, settings_of
from veldnet.domain.documents import ProfileSettings
from veldnet.inventory import accounts, offers
from veldnet.store import Connection

from .documents import change_settings, named, read_settings

profile_app = typer.Typer(help="Device profiles.", no_args_is_help=True)

ProfileId = Annotated[str, typer.Argument(help="Id of the profile, such as LORA/GenericA.1_ETSI_Rx2-SF12.")]


@profile_app.command("create")
def create_profile(
    profile_id: ProfileId,
    name: Annotated[str, typer.Argument(help="Name of the profile.")],
    operator: Operator,
    settings: Setting = None,
    data: Data = None,
) -> None:
    """Create a device profile."""
    document = read_settings(ProfileSettings, settings)
    change_data(
        settings_of(data),
        "deviceProfile.created",
        profile_id,
        lambda c: offers.create_device_profile(
            c, accounts.find_operator(c, operator), profile_id, name, document
        ),
    )
    report(f"device profile {profile_id} created", id=profile_id, name=name)


@profile_app.command("list")
def list_profiles(operator: Operator, data: Data = None, as_json: Json = False) -> None:
    """List the device profiles of an operator."""
    listed = read_data(data, lambda c: offers.operator_profiles(c, accounts.find_operator(c, operator)))
    print_rows("Device profiles", offers.Profile, listed, as_json=as_json, without=("settings", "ref"))


@profile_app.command("show")
def show_profile(profile_id: ProfileId, operator: Operator, data: Data = None, as_json: Json = False) -> None:
    """Show a device profile with its settings."""
    found = read_data(data, lambda c: _profile(c, accounts.find_operator(c, operator), profile_id))
    print_members(found, as_json=as_json)


def _profile(connection: Connection, operator_ref: int, profile_id: str) -> offers.Profile:
    return named(offers.operator_profiles(connection, operator_ref), "device profile", profile_id)


@profile_app.command("change")
def change_profile(
    profile_id: ProfileId,
    operator: Operator,
    name: Annotated[str | None, typer.Option(help="New name of the profile.")] = None,
    settings: Setting = None,
    data: Data = None,
) -> None:
    """Change name or settings of a device profile; the others are kept."""

    def write(connection: Connection) -> None:
        ref = accounts.find_operator(connection, operator)
        before = _profile(connection, ref, profile_id)
        document = change_settings(ProfileSettings, before.settings, settings)
        offers.change_profile(connection, ref, before.ref, name or before.name, document)

    change_data(settings_of(data), "deviceProfile.changed", profile_id, write)
    report(f"device profile {profile_id} changed", id=profile_id)


@profile_app.command("delete")
def delete_profile(profile_id: ProfileId, operator: Operator, data: Data = None) -> None:
    """Delete a device profile that no device has."""

    def write(connection: Connection) -> None:
        ref = accounts.find_operator(connection, operator)
        offers.remove_profile(connection, ref, _profile(connection, ref, profile_id).ref)

    change_data(settings_of(data), "deviceProfile.removed", profile_id, write)
    report(f"device profile {profile_id} deleted", id=profile_id)
