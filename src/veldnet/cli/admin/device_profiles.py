"""`veldnet admin device-profile`: models of devices."""

from __future__ import annotations

import typer

from veldnet.cli.options import Data, Operator, Setting
from veldnet.cli.output import console
from veldnet.cli.running import change_data, settings_of
from veldnet.domain.documents import ProfileSettings
from veldnet.inventory import accounts, offers

from .documents import read_settings

profile_app = typer.Typer(help="Device profiles.", no_args_is_help=True)


@profile_app.command("create")
def create_profile(
    profile_id: str, name: str, operator: Operator, settings: Setting = None, data: Data = None
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
    console.print(f"device profile {profile_id} created")
