"""The vault process of the settings: how the server starts it, and what it does.

It is handed its end of a socket pair and where its keys are; PIN and master key are read here alone.
"""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from pathlib import Path

import msgspec
import structlog

from veldnet.keys import SoftwareVault, Vault, VaultError, create_master_key
from veldnet.keys.process import Starter, serve_vault, tell_why
from veldnet.keys.process.hardening import drop_privileges, harden
from veldnet.logs import configure_logs
from veldnet.settings import KeySettings, LogSettings, Settings

log = structlog.get_logger(__name__)

# Exit status of a process that could not open its vault.
_NOT_OPENED = 3


class Orders(msgspec.Struct, frozen=True):
    """What the process needs to know. `create` makes a software master key where there is none."""

    keys: KeySettings
    master_key: str
    create: bool
    log: LogSettings = LogSettings()


def starter(settings: Settings, master_key: Path, *, create: bool) -> Starter:
    """Starts vault processes after these settings."""
    orders = msgspec.json.encode(Orders(settings.keys, str(master_key), create, settings.log)).decode()

    def start(theirs: socket.socket) -> subprocess.Popen[bytes]:
        descriptor = theirs.fileno()
        return subprocess.Popen(  # noqa: S603 - this program
            [sys.executable, "-m", "veldnet.vault_process", str(descriptor), orders],
            pass_fds=(descriptor,),
        )

    return start


def open_vault(orders: Orders) -> Vault:
    """The vault itself. Raises `VaultError`."""
    keys = orders.keys
    if keys.vault == "software":
        path = Path(orders.master_key)
        if orders.create and not path.exists():
            create_master_key(path)
        return SoftwareVault.open(path, ask_plaintext=keys.ask_plaintext)
    # Loaded where there is a module only: it brings a library of its own.
    from veldnet.hardware import open_token, vault_on

    return vault_on(open_token(keys), keys)


async def _serve(connection: socket.socket, vault: Vault) -> None:
    connection.setblocking(False)
    await serve_vault(vault, connection)


def main(arguments: list[str]) -> int:
    """Serve until the other side is gone; returns the exit status."""
    descriptor, text = arguments
    orders = msgspec.json.decode(text, type=Orders)
    configure_logs(orders.log)
    for problem in harden():
        log.warning("vault_not_hardened", problem=problem)
    with socket.socket(fileno=int(descriptor)) as connection:
        try:
            if orders.keys.user:
                drop_privileges(orders.keys.user)
            vault = open_vault(orders)
        except VaultError as error:
            tell_why(connection, error.code, str(error))
            return _NOT_OPENED
        except (KeyError, PermissionError) as error:
            tell_why(connection, "no_user", f"keys.user {orders.keys.user!r}: {error}")
            return _NOT_OPENED
        # A terminal, or a service manager, tells all processes to end; this one ends with its server.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        asyncio.run(_serve(connection, vault))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
