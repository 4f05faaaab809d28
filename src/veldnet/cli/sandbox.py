"""Creates sample accounts, plans, profiles and a base station, and serves them for tests. A server loads
nothing of the commands, so it starts soon."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec

# First, since it loads structlog without rich.
from veldnet.logs import configure_logs

# isort: split
from veldnet.assembly.data_directory import clock_mark
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.data_directory.takeover import holding
from veldnet.assembly.listening import Addresses, Ports
from veldnet.inventory import accounts
from veldnet.inventory.sandbox import Sandbox, create_sandbox
from veldnet.lorawan import GatewayEui, InvalidIdentifier
from veldnet.settings import Settings

from .output import fail, print_json
from .running import readable_errors, run, settings_or_fail, with_data
from .sandbox_arguments import SandboxArguments


async def make_sandbox(data: DataDirectory, gateway_eui: GatewayEui | None = None) -> Sandbox:
    """Create a sandbox in a data directory, also while a server runs on it."""
    password = accounts.random_text(20)
    password_hash = await asyncio.to_thread(accounts.hash_password, password)
    return await data.store.write(lambda c: create_sandbox(c, password, password_hash, gateway_eui))


def sandbox_with(arguments: SandboxArguments) -> None:
    """Create operator, subscriber, user, project, plan, profiles, HSM group and base station, and serve them
    where that is wanted."""
    eui = _eui(arguments.base_station_eui)
    if arguments.serve:
        with _directory(arguments.data) as directory:
            _serve(_served_settings(directory, arguments), eui, arguments)
        return
    if arguments.http is not None or arguments.udp is not None:
        fail("--http and --udp go with --serve")
    data = None if arguments.data is None else str(arguments.data)
    settings = settings_or_fail({"data": data}, arguments.config)

    async def create(opened: DataDirectory) -> Sandbox:
        if arguments.virtual_clock:
            await opened.store.read(lambda c: clock_mark.check_clock(c, virtual=True))
        return await make_sandbox(opened, eui)

    sandbox = with_data(settings, create, create=True)
    _print(sandbox, {"console_url": f"http://{settings.api.http}/console/"}, as_json=arguments.as_json)


def _eui(given: str | None) -> GatewayEui | None:
    try:
        return None if given is None else GatewayEui.parse(given)
    except InvalidIdentifier as error:
        fail(f"--base-station-eui: {error}")


@contextmanager
def _directory(data: Path | None) -> Iterator[Path]:
    """The one that is named, or a temporary one, which is removed in the end."""
    directory = Path(tempfile.mkdtemp(prefix="veldnet-sandbox-")) if data is None else data
    try:
        yield directory
    finally:
        if data is None:
            shutil.rmtree(directory, ignore_errors=True)


def _served_settings(directory: Path, arguments: SandboxArguments) -> Settings:
    return settings_or_fail(
        {
            "data": str(directory),
            "api.http": arguments.http,
            "gateways.udp": arguments.udp if arguments.udp is not None else "127.0.0.1:1700",
            # Application servers under test are on this machine, and tests ask as often as they like.
            "routing.allow_private_destinations": True,
            "api.rate_limit": 0,
            "console.rate_limit": 0,
            "log.level": "error",
        },
        arguments.config,
    )


def _serve(settings: Settings, eui: GatewayEui | None, arguments: SandboxArguments) -> None:
    from .serving import Moments, serve
    from .virtual_serving import serve_virtually, virtual_settings

    configure_logs(settings.log)
    if arguments.virtual_clock:
        settings = virtual_settings(settings)
    made: list[Sandbox] = []

    async def opened(data: DataDirectory) -> None:
        made.append(await make_sandbox(data, eui))

    def started(addresses: Addresses) -> None:
        base_url = f"http://{addresses.http}"
        more = {"console_url": f"{base_url}/console/", "base_url": base_url, "udp": addresses.udp}
        _print(made[0], more, as_json=arguments.as_json)

    moments = Moments(started, opened)
    with readable_errors(), holding(settings) as lock, closing(Ports.open(settings)) as ports:
        if arguments.virtual_clock:
            serve_virtually(settings, lock, ports, moments)
        else:
            run(serve(settings, lock, ports, moments))


def _print(sandbox: Sandbox, more: dict[str, Any], *, as_json: bool) -> None:
    printed = msgspec.structs.asdict(sandbox) | more
    if as_json:
        print_json(printed)
        return
    from .output import console

    for name, value in printed.items():
        console.print(f"{name:22} [cyan]{value}[/]", highlight=False)
    console.print("\nPassword and client secret are shown this once. First steps: docs/first-steps.md")
