"""`veldnet admin base-station-profile`: what base stations of a kind hear and how they send."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from veldnet.assembly.network_settings import network_parameters
from veldnet.cli.options import Data, Json, Operator, Setting
from veldnet.cli.output import print_members, print_rows, report
from veldnet.cli.running import change_data, read_data, settings_of
from veldnet.domain.documents import StationProfileSettings
from veldnet.inventory import accounts, base_stations
from veldnet.store import Connection

from .documents import change_settings, named, read_settings

station_profile_app = typer.Typer(help="Base station profiles.", no_args_is_help=True)

ProfileId = Annotated[str, typer.Argument(help="Id of the profile, such as roof-us915-2.")]


def _check(data: Path | None, settings: StationProfileSettings) -> None:
    plans = network_parameters(settings_of(data).network).channel_plans
    base_stations.check_settings(settings, plans)


@station_profile_app.command("create")
def create_profile(
    profile_id: ProfileId,
    name: Annotated[str, typer.Argument(help="Name of the profile.")],
    operator: Operator,
    settings: Setting = None,
    data: Data = None,
) -> None:
    """Create a base station profile."""
    document = read_settings(StationProfileSettings, settings)

    def write(connection: Connection) -> str:
        _check(data, document)
        ref = accounts.find_operator(connection, operator)
        return base_stations.create_profile(connection, ref, profile_id, name, document)

    change_data(settings_of(data), "baseStationProfile.created", profile_id, write)
    report(f"base station profile {profile_id} created", id=profile_id, name=name)


@station_profile_app.command("list")
def list_profiles(operator: Operator, data: Data = None, as_json: Json = False) -> None:
    """List the base station profiles of an operator."""
    listed = read_data(
        data, lambda c: base_stations.operator_profiles(c, accounts.find_operator(c, operator))
    )
    print_rows(
        "Base station profiles",
        base_stations.StationProfile,
        listed,
        as_json=as_json,
        without=("settings", "ref"),
    )


@station_profile_app.command("show")
def show_profile(profile_id: ProfileId, operator: Operator, data: Data = None, as_json: Json = False) -> None:
    """Show a base station profile with its settings."""
    found = read_data(data, lambda c: _profile(c, accounts.find_operator(c, operator), profile_id))
    print_members(found, as_json=as_json)


def _profile(connection: Connection, operator_ref: int, profile_id: str) -> base_stations.StationProfile:
    listed = base_stations.operator_profiles(connection, operator_ref)
    return named(listed, "base station profile", profile_id)


@station_profile_app.command("change")
def change_profile(
    profile_id: ProfileId,
    operator: Operator,
    name: Annotated[str | None, typer.Option(help="New name of the profile.")] = None,
    settings: Setting = None,
    data: Data = None,
) -> None:
    """Change name or settings of a base station profile; the others are kept."""

    def write(connection: Connection) -> None:
        ref = accounts.find_operator(connection, operator)
        before = _profile(connection, ref, profile_id)
        document = change_settings(StationProfileSettings, before.settings, settings)
        _check(data, document)
        base_stations.change_profile(connection, ref, before.ref, name or before.name, document)

    change_data(settings_of(data), "baseStationProfile.changed", profile_id, write)
    report(f"base station profile {profile_id} changed", id=profile_id)


@station_profile_app.command("delete")
def delete_profile(
    profile_id: ProfileId,
    operator: Operator,
    move_to: Annotated[
        str | None, typer.Option(help="Id of the profile that its base stations get before.")
    ] = None,
    data: Data = None,
) -> None:
    """Delete a base station profile that no base station has."""

    def write(connection: Connection) -> None:
        ref = accounts.find_operator(connection, operator)
        base_stations.remove_profile(connection, ref, _profile(connection, ref, profile_id).ref, move_to)

    change_data(settings_of(data), "baseStationProfile.removed", profile_id, write)
    report(f"base station profile {profile_id} deleted", id=profile_id)
