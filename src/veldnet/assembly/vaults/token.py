"""Opens the token of a configured PKCS#11 module with its PIN."""

from __future__ import annotations

import getpass
import os
import sys
from pathlib import Path

from veldnet.keys import VaultError
from veldnet.keys.pkcs11 import Token, TokenSettings
from veldnet.settings import ModuleSettings

PIN_VARIABLE = "PKCS11_PIN"


def open_token(module: ModuleSettings, key_label: str) -> Token:
    """Open the token. Raises `VaultError` that says what to do."""
    if not module.module:
        raise VaultError(
            "no_module", "keys.vault is pkcs11, and keys.module does not say where the module is"
        )
    settings = TokenSettings(module.module, module.token, key_label, module.sessions)
    return Token(settings, lambda: _pin(module))


def _pin(module: ModuleSettings) -> str:
    """From the file, the environment, or whoever sits at the terminal."""
    if module.pin_file:
        path = Path(module.pin_file)
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
        return getpass.getpass(f"PIN of token {module.token or module.module}: ")
    raise VaultError("no_pin", f"the PIN of the token is missing: set keys.pin_file or {PIN_VARIABLE}")
