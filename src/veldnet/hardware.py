"""The PKCS#11 module of the settings: its token, opened with the PIN from where it is."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path

from veldnet.keys import VaultError
from veldnet.keys.pkcs11 import Pkcs11Vault, Token, TokenSettings
from veldnet.settings import KeySettings

PIN_VARIABLE = "PKCS11_PIN"


def open_token(keys: KeySettings) -> Token:
    """Open the token. Raises `VaultError` that says what to do."""
    if not keys.module:
        raise VaultError(
            "no_module", "keys.vault is pkcs11, and keys.module does not say where the module is"
        )
    settings = TokenSettings(keys.module, keys.token, keys.key_label, keys.sessions)
    return Token(settings, lambda: _pin(keys))


def vault_on(token: Token, keys: KeySettings) -> Pkcs11Vault:
    return Pkcs11Vault(token, ask_plaintext=keys.ask_plaintext)


def _pin(keys: KeySettings) -> str:
    """From the file, the environment, or whoever sits at the terminal."""
    if keys.pin_file:
        path = Path(keys.pin_file)
        try:
            exposed = path.stat().st_mode & 0o077
            pin = path.read_text().strip()
        except OSError as error:
            raise VaultError("no_pin", f"cannot read the PIN in {path}: {error.strerror}") from None
        if exposed:
            raise VaultError("exposed_pin", f"{path} is readable by others; run: chmod 600 {path}")
        return pin
    if pin := os.environ.get(PIN_VARIABLE, ""):
        return pin
    if sys.stdin.isatty():
        return getpass.getpass("PIN of the token: ")
    raise VaultError("no_pin", f"the PIN of the token is missing: set keys.pin_file or {PIN_VARIABLE}")
