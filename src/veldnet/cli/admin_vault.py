"""`veldnet admin vault`: the hardware module behind the network's keys."""

from __future__ import annotations

from pathlib import Path

import typer

from veldnet.keys import VaultError
from veldnet.settings import Settings

from .output import console, fail, print_json, print_table
from .running import settings_or_fail
from .serve import Data, Json

vault_app = typer.Typer(help="The vault of root keys.", no_args_is_help=True)


def _settings(data: Path | None) -> Settings:
    return settings_or_fail({} if data is None else {"data": str(data)})


@vault_app.command("create-master-key")
def create_master_key_command(data: Data = None) -> None:
    """Make the master key on the token; it never leaves the module."""
    settings = _settings(data)
    if settings.keys.vault != "pkcs11":
        fail("keys.vault is software: its master key is made with the data directory")
    from veldnet.hardware import open_token

    try:
        token = open_token(settings.keys)
        token.create_master_key()
        token.close()
    except VaultError as error:
        fail(str(error))
    console.print(f"master key {settings.keys.key_label!r} made; back up the token as its maker says")


@vault_app.command("status")
def status_command(data: Data = None, as_json: Json = False) -> None:
    """Show where root keys are used, and whether the module can do all that is needed."""
    keys = _settings(data).keys
    shown: dict[str, str] = {"vault": keys.vault}
    if keys.vault == "pkcs11":
        from veldnet.hardware import open_token

        try:
            token = open_token(keys)
            shown |= token.described() | {"master key": "there" if token.has_master_key() else "missing"}
            token.close()
        except VaultError as error:
            fail(str(error))
    if as_json:
        print_json(shown)
    else:
        print_table("Vault", ("", ""), list(shown.items()))
