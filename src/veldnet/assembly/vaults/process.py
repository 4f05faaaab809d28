"""Starts and runs a vault process, which serves the software vault or one token.

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

# First, since it loads structlog without rich: that is a quarter of what a vault process loads.
from veldnet.logs import configure_logs

# isort: split
import structlog

from veldnet.keys import AskForm, SoftwareVault, Vault, VaultError, create_master_key
from veldnet.keys.process import Starter, send_failure, serve_vault
from veldnet.keys.process.hardening import drop_privileges, harden
from veldnet.settings import LogSettings, ModuleSettings

log = structlog.get_logger(__name__)

# Exit status of a process that could not open its vault.
_NOT_OPENED = 3


class Opening(msgspec.Struct, frozen=True, kw_only=True):
    """How a vault is opened: the token of `module`, or without one the software vault, whose master key is
    made where `create` says so and there is none. `user` is whom the process becomes."""

    module: ModuleSettings | None = None
    key_label: str = ""
    master_key: str = ""
    create: bool = False
    ask: AskForm = AskForm()
    user: str = ""
    log: LogSettings = LogSettings()

    @property
    def name(self) -> str:
        """What people call it."""
        if self.module is None:
            return "software"
        return self.module.token or Path(self.module.module).name


def starter(opening: Opening) -> Starter:
    """Starts processes that serve this vault."""
    text = msgspec.json.encode(opening).decode()

    def start(theirs: socket.socket) -> subprocess.Popen[bytes]:
        descriptor = theirs.fileno()
        command = [sys.executable, "-m", "veldnet.assembly.vaults.process", str(descriptor), text]
        try:
            return subprocess.Popen(command, pass_fds=(descriptor,))  # noqa: S603 - this program
        except OSError as error:
            raise VaultError("no_vault", f"{sys.executable} cannot be run: {error.strerror}") from None

    return start


def open_here(opening: Opening) -> Vault:
    """The vault itself, in this process. Raises `VaultError`."""
    if opening.module is None:
        path = Path(opening.master_key)
        if opening.create and not path.exists():
            create_master_key(path)
        return SoftwareVault.open(path, ask=opening.ask)
    # Loaded where there is a module only: it brings a library of its own.
    from veldnet.assembly.vaults.token import open_token
    from veldnet.keys.pkcs11 import Pkcs11Vault

    return Pkcs11Vault(open_token(opening.module, opening.key_label), ask=opening.ask)


async def _serve(connection: socket.socket, vault: Vault) -> None:
    connection.setblocking(False)
    await serve_vault(vault, connection)


def main(arguments: list[str]) -> int:
    """Serve until the other side is gone; returns the exit status."""
    descriptor, text = arguments
    opening = msgspec.json.decode(text, type=Opening)
    configure_logs(opening.log)
    for problem in harden():
        log.warning("vault_not_hardened", problem=problem)
    with socket.socket(fileno=int(descriptor)) as connection:
        try:
            if opening.user:
                drop_privileges(opening.user)
            vault = open_here(opening)
        except VaultError as error:
            send_failure(connection, error.code, str(error))
            return _NOT_OPENED
        except (KeyError, PermissionError) as error:
            send_failure(connection, "no_user", f"keys.user {opening.user!r}: {error}")
            return _NOT_OPENED
        # A terminal, or a service manager, signals all processes; this one ends with its server.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        asyncio.run(_serve(connection, vault))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
