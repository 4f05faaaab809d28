"""Interface of a vault: root keys go in and are never returned.

The network server sends it join orders and receives session keys; with an HSM group the application
session key leaves only wrapped under the AS transport key that the vault and the customer share.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol

import msgspec

from veldnet.domain.groups import MemberKeys
from veldnet.domain.joins import JoinKeys, JoinOrder, JoinRefusal
from veldnet.lorawan import AesKey, DevEui

from .group_orders import GroupKeyOrder, GroupSessionKeys, McKey, Member


class VaultError(Exception):
    """The vault could not do what was asked. `code` is a stable word."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


# What a module says that cannot work: the same call may succeed elsewhere, or later.
UNAVAILABLE = frozenset(
    {"module_failed", "no_session", "no_module", "no_token", "no_vault", "vault_gone", "vault_silent"}
)


class GeneratedAsKey(msgspec.Struct, frozen=True):
    """A new AS transport key: sealed for the vault, encrypted for the customer (hexadecimal)."""

    sealed: bytes
    rsa_encrypted: str


class ClearKey(msgspec.Struct, frozen=True, array_like=True):
    """A root key and the label that it is to be sealed as."""

    label: str
    octets: bytes

    def __repr__(self) -> str:
        return f"ClearKey({self.label!r})"


class Sealed(msgspec.Struct, frozen=True, array_like=True):
    """A sealed key and the label that it opens under (see `labels`)."""

    label: str
    octets: bytes


class ExchangeKey(msgspec.Struct, frozen=True):
    """An RSA key pair for root keys on their way here: the public key as PEM, and what the vault needs to
    find the private one again."""

    public_key_pem: str
    sealed: bytes


Form = Literal["RSA", "AES"]


class Transported(msgspec.Struct, frozen=True, kw_only=True):
    """A root key on its way here. RSA: encrypted with an exchange key, PKCS#1 v1.5; AES: wrapped under a
    transport key (RFC 3394). `sealed` is that key, `label` what the root key is to be sealed as."""

    form: Form
    label: str
    encrypted: bytes
    sealed: bytes


class Health(msgspec.Struct, frozen=True):
    """How a module does: its name, and what is wrong with it, None where nothing is."""

    name: str
    problem: str | None


class Vault(Protocol):
    """Keeper of root keys. Calls may take as long as a hardware module takes. A module that cannot work just
    now raises `VaultError` with a code of `UNAVAILABLE`."""

    async def import_app_key(self, dev_eui: DevEui, app_key: AesKey) -> bytes:
        """Seal the AppKey of a device; the result may be stored anywhere."""

    async def import_nwk_key(self, dev_eui: DevEui, nwk_key: AesKey) -> bytes:
        """Seal the NwkKey of a device of LoRaWAN 1.1."""

    async def import_keys(self, keys: Sequence[ClearKey]) -> list[bytes]:
        """Seal the root keys of many devices at once, in order."""

    async def join(self, orders: Sequence[JoinOrder]) -> list[JoinKeys | JoinRefusal]:
        """Serve many join-requests at once, in order."""

    async def generate_as_key(self, rsa_public_key_pem: str) -> GeneratedAsKey:
        """Make an AS transport key for the holder of an RSA key. Raises `VaultError` for a bad key."""

    async def seal(self, label: str, secret: bytes) -> bytes:
        """Seal a secret that the server itself must be able to read again, such as a tunnel key."""

    async def unseal(self, label: str, sealed: bytes) -> bytes:
        """The secret that was sealed under the same label. Raises `VaultError` if it was not."""

    async def create_exchange_key(self) -> ExchangeKey:
        """Make an RSA key pair for root keys that are not to cross the API in clear."""

    async def create_transport_key(self, rsa_public_key_pem: str) -> GeneratedAsKey:
        """Make an AES-128 key for the same, encrypted for the holder of an RSA key."""

    async def receive(self, transported: Transported) -> bytes:
        """Seal a root key that came encrypted. Raises `VaultError` bad_transport if it does not open."""

    async def seal_mc_key(self, group: DevEui, clear: bytes | None = None) -> bytes:
        """Seal the McKey of a multicast group: one that is known, or a new one that is made here."""

    async def group_keys(self, order: GroupKeyOrder) -> GroupSessionKeys:
        """The session keys of a multicast group. Raises `VaultError` bad_seal."""

    async def member_keys(self, members: Sequence[Member], mc_key: McKey | None) -> list[MemberKeys | None]:
        """What devices of this vault need for set-up and updates, in order; None where the root key of one
        does not open. Raises `VaultError` bad_seal for the McKey."""

    async def refresh(self) -> bytes:
        """Look again for master keys; returns how all that is sealed from now on begins."""

    async def reseal(self, items: Sequence[Sealed]) -> list[bytes | None]:
        """Seal under the newest master key; None in place of what does not open here."""

    @property
    def health(self) -> list[Health]:
        """How each module does."""

    @property
    def problem(self) -> str | None:
        """Why the vault cannot work just now, in words; None where it can."""

    async def close(self) -> None:
        """Let go of what is open."""
