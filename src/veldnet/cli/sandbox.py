"""`veldnet sandbox`: creates sample accounts, plans, profiles and a base station."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
import typer

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.inventory import accounts
from veldnet.inventory.sandbox import Sandbox, create_sandbox
from veldnet.lorawan import GatewayEui, InvalidIdentifier

from .options import Data, Json
from .output import console, fail, print_json
from .running import settings_or_fail, with_data


async def make_sandbox(data: DataDirectory, gateway_eui: GatewayEui | None = None) -> Sandbox:
    """Create a sandbox in a data directory, also while a server runs on it."""
    password = accounts.random_text(20)
    password_hash = await asyncio.to_thread(accounts.hash_password, password)
    return await data.store.write(lambda c: create_sandbox(c, password, password_hash, gateway_eui))


def sandbox_command(
    data: Data = None,
    base_station_eui: Annotated[
        str | None, typer.Option(help="EUI of a real base station to register, 16 hexadecimal digits.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Create operator, subscriber, user, project, plan, profiles, HSM group and base station."""
    settings = settings_or_fail({"data": None if data is None else str(data)})
    try:
        eui = None if base_station_eui is None else GatewayEui.parse(base_station_eui)
    except InvalidIdentifier as error:
        fail(f"--base-station-eui: {error}")
    sandbox = with_data(settings, lambda opened: make_sandbox(opened, eui), create=True)
    printed = msgspec.structs.asdict(sandbox) | {
        "console_url": f"http://{settings.api.http}/console/",
    }
    if as_json:
        print_json(printed)
        return
    for name, value in printed.items():
        console.print(f"{name:22} [cyan]{value}[/]", highlight=False)
    console.print("\nPassword and client secret are shown this once. First steps: docs/first-steps.md")
