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
from pkcs11 import Attribute, Mechanism, MechanismFlag, ObjectClass
from pkcs11.exceptions import (
    PinIncorrect,
    PinLocked,
    PKCS11Error,
    UserAlreadyLoggedIn,
)

from veldnet.keys import seals
from veldnet.keys.interface import VaultError
from veldnet.texts import Text

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
    `key` is the label of the master key on it, with `.2`, `.3` behind it for later generations."""

    module: str
    token: str = ""
    key: str = "veldnet-master"
    sessions: int = 1


class Token:
    """An open token. Sessions belong to threads; one that fails is reopened the next time."""

    def __init__(self, settings: TokenSettings, pin: PinSource) -> None:
        self.settings = settings
        self._pin = pin
        self._local = threading.local()
        self._opening = threading.Lock()
        self._login: Any = None
        # Newest generation of master keys, 0 where there is none.
        self.newest = 0
        self._token = self._find()
        self.check()
        self._log_in()
        self.find_master_keys()
        self.sessions = self._sessions()

    @property
    def name(self) -> str:
        return str(self._token.label)

    @property
    def writable(self) -> Any:
        """The session that may make objects of the token."""
        return self._login

    def _sessions(self) -> int:
        """SoftHSM 2.6 loses the token's key when several threads use private objects: from then on every call
        fails with CKR_GENERAL_ERROR."""
        wanted = self.settings.sessions
        if wanted > 1 and "SoftHSM" in _text(self._token.model):
            log.warning("softhsm_limited_to_one_session", wanted=wanted)
            return 1
        return wanted

    def _find(self) -> Any:
        path = Path(self.settings.module)
        if not path.is_file():
            raise VaultError("no_module", Text("there is no PKCS#11 module {path}", path=str(path)))
        try:
            module = pkcs11.lib(os.fspath(path))
            tokens = [token for token in module.get_tokens() if token.label]
        except (PKCS11Error, RuntimeError) as error:
            words = Text(
                "the PKCS#11 module {path} cannot be used: {error}", path=str(path), error=_words(error)
            )
            raise VaultError("no_module", words) from None
        wanted = self.settings.token
        fitting = [token for token in tokens if not wanted or token.label == wanted]
        if len(fitting) == 1:
            return fitting[0]
        names = ", ".join(sorted(token.label for token in tokens)) or "none"
        if not fitting:
            words = Text(
                "the module {path} has no token {wanted!r}; there are: {names}",
                path=str(path),
                wanted=wanted,
                names=names,
            )
        else:
            words = Text(
                "the module {path} has several tokens, name one of: {names}", path=str(path), names=names
            )
        raise VaultError("no_token", words)

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
        except UserAlreadyLoggedIn:
            # By another token object of this process, which logs in for all of them.
            self._login = self._token.open(rw=True)
        except PinIncorrect:
            raise VaultError(
                "wrong_pin", Text("the PIN of token {name!r} is wrong", name=self._token.label)
            ) from None
        except PinLocked:
            raise VaultError(
                "locked_pin",
                Text("the PIN of token {name!r} is locked after too many wrong ones", name=self._token.label),
            ) from None
        except PKCS11Error as error:
            words = Text(
                "token {name!r} cannot be opened: {error}", name=self._token.label, error=_words(error)
            )
            raise VaultError("no_session", words) from None

    def session(self) -> Any:
        """The session of the calling thread."""
        local = self._local
        if getattr(local, "session", None) is None:
            with self._opening:
                try:
                    local.session = self._token.open()
                except PKCS11Error as error:
                    words = Text("no session with the module: {error}", error=_words(error))
                    raise VaultError("no_session", words) from None
        return local.session

    def failed(self) -> None:
        """The calling thread's session has failed; the next call opens another."""
        self._local.session = None
        self._local.masters = {}

    # Master keys.

    def find_master_keys(self) -> None:
        """Take up master keys that were made or destroyed since."""
        self._local.masters = {}
        self.newest = max(self.generations(), default=0)

    def generations(self) -> list[int]:
        """Generations of the master keys on the token, in order."""
        try:
            return sorted(number for number, _key in self.master_keys())
        except PKCS11Error as error:
            words = Text("token {name!r} cannot be read: {error}", name=self.name, error=_words(error))
            raise VaultError("no_session", words) from None

    def master_keys(self) -> list[tuple[int, Any]]:
        """Handles that may be destroyed, each with its generation."""
        return self._master_keys(self._login)

    def _master_keys(self, session: Any) -> list[tuple[int, Any]]:
        wanted = {Attribute.CLASS: ObjectClass.SECRET_KEY, Attribute.TOKEN: True}
        found = []
        for key in session.get_objects(wanted):
            stem, _dot, number = str(key.label).partition(f"{self.settings.key}.")
            if key.label == self.settings.key:
                found.append((seals.FIRST, key))
            elif not stem and number.isascii() and number.isdigit():
                found.append((int(number), key))
        return found

    def master_key(self, generation: int) -> Any:
        """A handle of a master key in the calling thread's session. Raises `VaultError`."""
        masters = getattr(self._local, "masters", None)
        if masters is None:
            masters = self._local.masters = {}
        key = masters.get(generation)
        if key is None:
            fitting = [key for number, key in self._master_keys(self.session()) if number == generation]
            if len(fitting) != 1:
                raise VaultError("no_master_key", self._no_master_key(generation, len(fitting)))
            key = masters[generation] = fitting[0]
        return key

    def _no_master_key(self, generation: int, found: int) -> str:
        if found:
            return f"token {self.name!r} has several keys {self.label(generation)!r}"
        if self.newest == 0:
            return (
                f"token {self.name!r} has no key {self.settings.key!r}; "
                "run: veldnet admin vault create-master-key"
            )
        return f"token {self.name!r} has no master key of generation {generation}"

    def label(self, generation: int) -> str:
        """The label of a master key on the token."""
        return self.settings.key if generation == seals.FIRST else f"{self.settings.key}.{generation}"

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
