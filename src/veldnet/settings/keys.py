"""Settings of vaults."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from .values import about


class ModuleSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A token of a PKCS#11 module that serves a vault."""

    module: str
    token: str = ""
    pin_file: str = ""
    sessions: Annotated[int, Meta(ge=1, le=64)] = 1


class VaultSettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """A vault for HSM groups: tokens with the same master keys, with failover."""

    modules: Annotated[tuple[ModuleSettings, ...], Meta(min_length=1)]
    key_label: str = "veldnet-master"


class KeySettings(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The vault."""

    vault: Annotated[
        str,
        about("Default vault: software, pkcs11 for the module below, or the name of one of `vaults`."),
    ] = "software"
    vaults: Annotated[
        dict[str, VaultSettings],
        about(
            "Further vaults for HSM groups: each with `modules` (module, token, pin_file, sessions) "
            "and `key_label`; JSON in the environment."
        ),
    ] = {}
    process: Annotated[
        bool,
        about(
            "Whether the vault runs in a separate process, so that root keys are not in the server's memory."
        ),
    ] = True
    user: Annotated[str, about("User of the vault process if the server starts as root.")] = ""
    module: Annotated[str, about("Shared library of the PKCS#11 module.")] = ""
    token: Annotated[str, about("Label of the token; may be empty if there is only one.")] = ""
    key_label: Annotated[str, about("Label of the master key on the token.")] = "veldnet-master"
    pin_file: Annotated[
        str, about("File with the PIN; otherwise the environment variable PKCS11_PIN, or a prompt.")
    ] = ""
    sessions: Annotated[
        int, about("Parallel sessions with the module, if it supports them.", ge=1, le=64)
    ] = 1
    ask_plaintext: Annotated[
        Literal["raw", "hex"],
        about("Encoding of the AS key before RSA encryption: 16 raw bytes, or 32 hexadecimal digits."),
    ] = "raw"
    ask_padding: Annotated[
        Literal["pkcs1v15", "oaep-sha1", "oaep-sha256"],
        about("RSA padding of the AS key. KPN uses pkcs1v15; SoftHSM 2 does not support oaep-sha256."),
    ] = "pkcs1v15"
    master_key: Annotated[
        str, about("File of the master key; empty uses vault/master.key in the data directory.")
    ] = ""

    def vault_of(self, name: str) -> VaultSettings | None:
        """The settings of a vault by its name, empty for the default one; None for the software vault."""
        wanted = name or self.vault
        if wanted == "software":
            return None
        if wanted == "pkcs11":
            module = ModuleSettings(self.module, self.token, self.pin_file, self.sessions)
            return VaultSettings((module,), self.key_label)
        return self.vaults[wanted]
