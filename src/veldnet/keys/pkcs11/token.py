"""A token of a PKCS#11 module: found, checked for what it must be able to do, logged in to, its sessions."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pkcs11
import structlog
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11.exceptions import (
    MultipleObjectsReturned,
    NoSuchKey,
    PinIncorrect,
    PinLocked,
    PKCS11Error,
)

from veldnet.keys.interface import VaultError

log = structlog.get_logger(__name__)

PinSource = Callable[[], str]

# What a module must be able to do, and what for.
NEEDED: tuple[tuple[Mechanism, MechanismFlag, str], ...] = (
    (Mechanism.AES_KEY_GEN, MechanismFlag.GENERATE, "make AS keys"),
    (Mechanism.AES_ECB_ENCRYPT_DATA, MechanismFlag.DERIVE, "derive AppSKeys inside"),
    (Mechanism.AES_KEY_WRAP, MechanismFlag.WRAP, "seal root keys"),
    (Mechanism.AES_KEY_WRAP, MechanismFlag.UNWRAP, "open root keys"),
    (Mechanism.AES_CBC, MechanismFlag.WRAP, "wrap AppSKeys under the AS key"),
    (Mechanism.AES_CMAC, MechanismFlag.SIGN, "check join-requests"),
    (Mechanism.AES_ECB, MechanismFlag.ENCRYPT, "derive network session keys"),
    (Mechanism.AES_ECB, MechanismFlag.DECRYPT, "encrypt join-accepts"),
    (Mechanism.AES_GCM, MechanismFlag.ENCRYPT, "seal tunnel keys"),
    (Mechanism.AES_GCM, MechanismFlag.DECRYPT, "open tunnel keys"),
    (Mechanism.RSA_PKCS, MechanismFlag.WRAP, "wrap AS keys for customers"),
)


class TokenSettings(msgspec.Struct, frozen=True):
    """`module` is the path of the shared library. The token is that with the label, or the only one there is;
    `key` is the label of the master key on it."""

    module: str
    token: str = ""
    key: str = "veldnet-master"
    sessions: int = 1


class Token:
    """An open token. Sessions belong to threads; one that fails is opened anew the next time."""

    def __init__(self, settings: TokenSettings, pin: PinSource) -> None:
        self.settings = settings
        self._pin = pin
        self._local = threading.local()
        self._opening = threading.Lock()
        self._login: Any = None
        self._token = self._find()
        self.check()
        self._log_in()
        self.sessions = self._sessions()

    def _sessions(self) -> int:
        """SoftHSM 2.6 loses the token's key when several threads use private objects: from then on every call
        fails with CKR_GENERAL_ERROR."""
        wanted = self.settings.sessions
        if wanted > 1 and "SoftHSM" in _text(self._token.model):
            log.warning("one_session_with_softhsm", wanted=wanted)
            return 1
        return wanted

    def _find(self) -> Any:
        path = Path(self.settings.module)
        if not path.is_file():
            raise VaultError("no_module", f"there is no PKCS#11 module {path}")
        try:
            module = pkcs11.lib(os.fspath(path))
            tokens = [token for token in module.get_tokens() if token.label]
        except (PKCS11Error, RuntimeError) as error:
            raise VaultError(
                "no_module", f"the PKCS#11 module {path} cannot be used: {_words(error)}"
            ) from None
        wanted = self.settings.token
        fitting = [token for token in tokens if not wanted or token.label == wanted]
        if len(fitting) == 1:
            return fitting[0]
        names = ", ".join(sorted(token.label for token in tokens)) or "none"
        if not fitting:
            raise VaultError("no_token", f"the module {path} has no token {wanted!r}; there are: {names}")
        raise VaultError("no_token", f"the module {path} has several tokens, name one of: {names}")

    def check(self) -> None:
        """Refuse a module that would have to give keys away."""
        slot = self._token.slot
        there = slot.get_mechanisms()
        for mechanism, flag, purpose in NEEDED:
            if mechanism not in there or not slot.get_mechanism_info(mechanism).flags & flag:
                way = (flag.name or "").lower()
                raise VaultError(
                    "missing_mechanism",
                    f"the module {self.settings.module} cannot {way} with CKM_{mechanism.name}, "
                    f"which is needed to {purpose}",
                )

    def _log_in(self) -> None:
        """The first session logs in for all of them."""
        try:
            self._login = self._token.open(rw=True, user_pin=self._pin())
        except PinIncorrect:
            raise VaultError("wrong_pin", f"the PIN of token {self._token.label!r} is wrong") from None
        except PinLocked:
            raise VaultError(
                "locked_pin", f"the PIN of token {self._token.label!r} is locked after too many wrong ones"
            ) from None
        except PKCS11Error as error:
            raise VaultError(
                "no_session", f"token {self._token.label!r} cannot be opened: {_words(error)}"
            ) from None

    def session(self) -> Any:
        """The session of the calling thread."""
        local = self._local
        if getattr(local, "session", None) is None:
            with self._opening:
                try:
                    local.session = self._token.open()
                except PKCS11Error as error:
                    raise VaultError("no_session", f"no session with the module: {_words(error)}") from None
        return local.session

    def failed(self) -> None:
        """The calling thread's session has failed; the next call opens another."""
        self._local.session = self._local.master = None

    # The master key.

    def master_key(self) -> Any:
        """A handle of the master key in the calling thread's session. Raises `VaultError`."""
        if getattr(self._local, "master", None) is None:
            self._local.master = self._find_master_key(self.session())
        return self._local.master

    def _find_master_key(self, session: Any) -> Any:
        try:
            return session.get_key(ObjectClass.SECRET_KEY, KeyType.AES, label=self.settings.key)
        except NoSuchKey:
            raise VaultError(
                "no_master_key",
                f"token {self._token.label!r} has no key {self.settings.key!r}; "
                "run: veldnet admin vault create-master-key",
            ) from None
        except MultipleObjectsReturned:
            raise VaultError(
                "no_master_key", f"token {self._token.label!r} has several keys {self.settings.key!r}"
            ) from None

    def has_master_key(self) -> bool:
        try:
            self.master_key()
        except VaultError as error:
            if error.code == "no_master_key" and "has no key" in str(error):
                return False
            raise
        return True

    def create_master_key(self) -> None:
        """Make a master key that never leaves the module. Refuses where there is one."""
        if self.has_master_key():
            raise VaultError("master_key_exists", f"token {self._token.label!r} has a master key already")
        try:
            self._login.generate_key(
                KeyType.AES,
                256,
                label=self.settings.key,
                store=True,
                template={
                    Attribute.TOKEN: True,
                    Attribute.PRIVATE: True,
                    Attribute.SENSITIVE: True,
                    Attribute.EXTRACTABLE: False,
                    Attribute.DERIVE: True,
                    Attribute.ENCRYPT: False,
                    Attribute.DECRYPT: False,
                    Attribute.WRAP: False,
                    Attribute.UNWRAP: False,
                    Attribute.SIGN: False,
                    Attribute.VERIFY: False,
                },
            )
        except PKCS11Error as error:
            raise VaultError("module_failed", f"the module made no master key: {_words(error)}") from None

    def described(self) -> dict[str, str]:
        """What people want to know of it."""
        token = self._token
        return {
            "module": self.settings.module,
            "token": str(token.label),
            "manufacturer": _text(token.manufacturer_id),
            "model": _text(token.model),
            "serial number": _text(token.serial),
        }

    def close(self) -> None:
        if self._login is not None:
            self._login.close()
            self._login = None


def _text(value: object) -> str:
    return value.decode("utf-8", "replace").strip() if isinstance(value, bytes) else str(value).strip()


def _words(error: BaseException) -> str:
    text = str(error)
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
