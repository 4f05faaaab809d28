"""`veldnet admin base-station-profile`: what base stations of a kind hear and how they send."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from veldnet.assembly.network_settings import network_parameters
from veldnet.cli.options import Data, Operator
from veldnet.domain.documents import StationProfileSettings
from veldnet.inventory import base_stations
from veldnet.settings import Settings

from .operator_documents import Documents, Id


def _check(settings: Settings, document: StationProfileSettings) -> None:
    base_stations.check_settings(document, network_parameters(settings.network).channel_plans)


_profiles = Documents(
    noun="base station profile",
    plural="Base station profiles",
    action="baseStationProfile",
    example="roof-us915-2",
    settings=StationProfileSettings,
    row=base_stations.StationProfile,
    listed=base_stations.operator_profiles,
    create=base_stations.create_profile,
    change=lambda c, operator, before, name, settings: base_stations.change_profile(
        c, operator, before.ref, name, settings
    ),
    check=_check,
)
station_profile_app = _profiles.commands()


@station_profile_app.command("delete")
def delete_profile(
    id: Id,
    operator: Operator,
    move_to: Annotated[
        str | None, typer.Option(help="Id of the profile that its base stations get before.")
    ] = None,
    data: Data = None,
) -> None:
    """Delete a base station profile that no base station has."""
    _profiles.delete(id, operator, data, partial(base_stations.remove_profile, move_to=move_to))
