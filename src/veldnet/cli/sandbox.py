"""`veldnet sandbox`: creates sample accounts, plans, profiles and a base station, and serves them for
tests."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from veldnet.assembly.data_directory import clock_mark
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.data_directory.takeover import holding
from veldnet.assembly.listening import Addresses, Ports
from veldnet.inventory import accounts
from veldnet.inventory.sandbox import Sandbox, create_sandbox
from veldnet.lorawan import GatewayEui, InvalidIdentifier
from veldnet.settings import Settings

from .options import ConfigFile, Data, Http, Json, Udp, VirtualTime
from .output import console, fail, print_json
from .running import readable_errors, run, settings_or_fail, with_data


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
    serve: Annotated[
        bool,
        typer.Option(
            "--serve", help="Serve it until SIGTERM or Ctrl-C; without --data in a temporary directory."
        ),
    ] = False,
    virtual_clock: VirtualTime = False,
    http: Http = None,
    udp: Udp = None,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Create operator, subscriber, user, project, plan, profiles, HSM group and base station."""
    try:
        eui = None if base_station_eui is None else GatewayEui.parse(base_station_eui)
    except InvalidIdentifier as error:
        fail(f"--base-station-eui: {error}")
    if serve:
        with _directory(data) as directory:
            settings = _served_settings(directory, http, udp, config)
            _serve(settings, eui, virtual=virtual_clock, as_json=as_json)
        return
    if http is not None or udp is not None:
        fail("--http and --udp go with --serve")
    settings = settings_or_fail({"data": None if data is None else str(data)}, config)

    async def create(opened: DataDirectory) -> Sandbox:
        if virtual_clock:
            await opened.store.read(lambda c: clock_mark.check_clock(c, virtual=True))
        return await make_sandbox(opened, eui)

    sandbox = with_data(settings, create, create=True)
    _print(sandbox, {"console_url": f"http://{settings.api.http}/console/"}, as_json=as_json)


@contextmanager
def _directory(data: Path | None) -> Iterator[Path]:
    """The one that is named, or a temporary one, which is removed in the end."""
    directory = Path(tempfile.mkdtemp(prefix="veldnet-sandbox-")) if data is None else data
    try:
        yield directory
    finally:
        if data is None:
            shutil.rmtree(directory, ignore_errors=True)


def _served_settings(directory: Path, http: str | None, udp: str | None, config: Path | None) -> Settings:
    return settings_or_fail(
        {
            "data": str(directory),
            "api.http": http,
            "gateways.udp": udp if udp is not None else "127.0.0.1:1700",
            # Application servers under test are on this machine, and tests ask as often as they like.
            "routing.allow_private_destinations": True,
            "api.rate_limit": 0,
            "console.rate_limit": 0,
            "log.level": "error",
        },
        config,
    )


def _serve(settings: Settings, eui: GatewayEui | None, *, virtual: bool, as_json: bool) -> None:
    from veldnet.cli.serving import serve
    from veldnet.cli.virtual_serving import serve_virtually, virtual_settings
    from veldnet.logs import configure_logs

    configure_logs(settings.log)
    if virtual:
        settings = virtual_settings(settings)
    with readable_errors(), holding(settings) as lock, closing(Ports.open(settings)) as ports:

        async def create() -> Sandbox:
            opened = await DataDirectory.open(settings, create=True, vaults=False, lock=lock)
            try:
                await opened.store.read(lambda c: clock_mark.check_clock(c, virtual=virtual))
                return await make_sandbox(opened, eui)
            finally:
                await opened.close()

        sandbox = run(create())

        def started(addresses: Addresses) -> None:
            base_url = f"http://{addresses.http}"
            more = {"console_url": f"{base_url}/console/", "base_url": base_url, "udp": addresses.udp}
            _print(sandbox, more, as_json=as_json)

        if virtual:
            serve_virtually(settings, lock, ports, started)
        else:
            run(serve(settings, lock, ports, started))


def _print(sandbox: Sandbox, more: dict[str, Any], *, as_json: bool) -> None:
    printed = msgspec.structs.asdict(sandbox) | more
    if as_json:
        print_json(printed)
        return
    for name, value in printed.items():
        console.print(f"{name:22} [cyan]{value}[/]", highlight=False)
    console.print("\nPassword and client secret are shown this once. First steps: docs/first-steps.md")
