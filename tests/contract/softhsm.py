"""SoftHSM 2 with a fresh token, for this process; Debian's package softhsm2."""

from __future__ import annotations

import functools
import os
import subprocess
import tempfile
from pathlib import Path

from veldnet.keys.master import new_master_key
from veldnet.keys.pkcs11 import Pkcs11Vault, Token, TokenMasterKeys, TokenSettings

PIN = "5678"
LABEL = "veldnet-test"
# Tokens without a master key, each for one test.
FURTHER = ("twin-1", "twin-2", "other", "moving", "backup")
_PLACES = ("/usr/lib/softhsm", "/usr/lib/x86_64-linux-gnu/softhsm", "/usr/lib/aarch64-linux-gnu/softhsm",
           "/usr/lib64/softhsm", "/opt/homebrew/lib/softhsm")  # fmt: skip


def module() -> Path:
    """The module's shared library; fails with what to install where there is none."""
    for place in _PLACES:
        path = Path(place) / "libsofthsm2.so"
        if path.exists():
            return path
    raise AssertionError("SoftHSM 2 is missing: apt-get install softhsm2")


def configure(directory: Path) -> dict[str, str]:
    """A configuration of its own; returns the environment that names it."""
    tokens = directory / "tokens"
    tokens.mkdir(parents=True, exist_ok=True)
    configuration = directory / "softhsm2.conf"
    configuration.write_text(
        f"directories.tokendir = {tokens}\nobjectstore.backend = file\nlog.level = ERROR\n"
    )
    return {"SOFTHSM2_CONF": str(configuration)}


def create_token(environment: dict[str, str], label: str = LABEL) -> None:
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "1234", "--pin", PIN],
        env=os.environ | environment,
        check=True,
        capture_output=True,
    )


@functools.cache
def _environment() -> dict[str, str]:
    """A module is initialised once in a process, with all the tokens that it will know."""
    environment = configure(Path(tempfile.mkdtemp(prefix="softhsm-")))
    for label in (LABEL, *FURTHER):
        create_token(environment, label)
    os.environ.update(environment)
    return environment


@functools.cache
def bare_token(label: str) -> Token:
    """An open token as it is."""
    _environment()
    return Token(TokenSettings(module=str(module()), token=label), lambda: PIN)


@functools.cache
def token() -> Token:
    """An open token with a master key."""
    opened = bare_token(LABEL)
    new_master_key("", [TokenMasterKeys(opened)], 1, 1)
    return opened


def vault() -> Pkcs11Vault:
    return Pkcs11Vault(token())
