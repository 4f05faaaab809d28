"""The software vault: keys sealed with AES-256-GCM under a master key that lives outside the database.

It has the shape of a hardware module, so that one can take its place: what goes out is sealed, derived
or wrapped, never a root key.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_der_private_key,
)

from veldnet.domain.groups import MemberKeys
from veldnet.domain.joins import JoinKeys, JoinOrder, JoinRefusal
from veldnet.lorawan import AesKey, DevEui
from veldnet.lorawan.crypto import aes_decrypt, aes_encrypt, cmac
from veldnet.texts import Text

from . import group_keys, labels, seals
from .group_orders import GroupKeyOrder, GroupSessionKeys, McKey, Member
from .interface import ClearKey, ExchangeKey, GeneratedAsKey, Health, Sealed, Transported, VaultError
from .joining import RootKey, serve
from .master_files import MasterFiles
from .rsa import AskForm, encrypt_for, parse_rsa_public_key

_NONCE = 12
EXCHANGE_BITS = 2048


class SoftKey:
    """A key in memory."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = AesKey(key)

    def cmac(self, message: bytes) -> bytes:
        return cmac(self._key, message)

    def encrypt(self, blocks: bytes) -> bytes:
        return aes_encrypt(self._key, blocks)

    def decrypt(self, blocks: bytes) -> bytes:
        return aes_decrypt(self._key, blocks)

    def derive(self, block: bytes) -> SoftKey:
        return SoftKey(self.encrypt(block))

    def wrapped_under(self, other: RootKey) -> bytes:
        return other.encrypt(bytes(self._key))


class SoftwareVault:
    """A `Vault` in this process; `master_keys` are those of 32 octets by their generation."""

    def __init__(
        self,
        master_keys: bytes | Mapping[int, bytes],
        *,
        ask: AskForm | None = None,
        files: MasterFiles | None = None,
    ) -> None:
        self._ask = ask or AskForm()
        self._files = files
        if isinstance(master_keys, bytes):
            master_keys = {seals.FIRST: master_keys}
        self.use(master_keys)

    def use(self, master_keys: Mapping[int, bytes]) -> None:
        """Seal under the newest of these from now on, and open what any of them has sealed."""
        if not master_keys or any(len(key) != 32 for key in master_keys.values()):
            raise VaultError("bad_master_key", "the master key must be 32 bytes")
        self._aeads = {generation: AESGCM(key) for generation, key in master_keys.items()}
        self._newest = max(master_keys)

    @classmethod
    def open(cls, path: Path, *, ask: AskForm | None = None) -> SoftwareVault:
        """Use the master keys in a file and those beside it. Raises `VaultError` if there is none, or if one
        is readable by others."""
        files = MasterFiles(path)
        return cls(files.read(), ask=ask, files=files)

    def seal_as(self, label: str, octets: bytes) -> bytes:
        """Seal under a label of `labels`."""
        nonce = secrets.token_bytes(_NONCE)
        text = self._aeads[self._newest].encrypt(nonce, octets, label.encode())
        return seals.header(seals.SOFTWARE, self._newest) + nonce + text

    def unseal_as(self, label: str, sealed: bytes) -> bytes:
        generation, rest = seals.split(seals.SOFTWARE, sealed)
        aead = self._aeads.get(generation)
        if aead is None:
            raise VaultError("no_master_key", f"there is no master key of generation {generation}")
        try:
            return aead.decrypt(rest[:_NONCE], rest[_NONCE:], label.encode())
        except (InvalidTag, ValueError):
            raise VaultError("bad_seal", "the sealed key does not belong to this vault") from None

    async def seal(self, label: str, secret: bytes) -> bytes:
        return self.seal_as(labels.secret(label), secret)

    async def unseal(self, label: str, sealed: bytes) -> bytes:
        return self.unseal_as(labels.secret(label), sealed)

    async def import_app_key(self, dev_eui: DevEui, app_key: AesKey) -> bytes:
        return self.seal_as(labels.app_key(dev_eui), app_key)

    async def import_nwk_key(self, dev_eui: DevEui, nwk_key: AesKey) -> bytes:
        return self.seal_as(labels.nwk_key(dev_eui), nwk_key)

    async def import_keys(self, keys: Sequence[ClearKey]) -> list[bytes]:
        return [self.seal_as(key.label, key.octets) for key in keys]

    async def generate_as_key(self, rsa_public_key_pem: str) -> GeneratedAsKey:
        return self._generate(rsa_public_key_pem, labels.AS_TRANSPORT_KEY)

    async def create_transport_key(self, rsa_public_key_pem: str) -> GeneratedAsKey:
        return self._generate(rsa_public_key_pem, labels.TRANSPORT_KEY)

    def _generate(self, rsa_public_key_pem: str, label: str) -> GeneratedAsKey:
        public_key = parse_rsa_public_key(rsa_public_key_pem)
        key = secrets.token_bytes(16)
        return GeneratedAsKey(self.seal_as(label, key), encrypt_for(public_key, key, self._ask).hex())

    async def create_exchange_key(self) -> ExchangeKey:
        private = generate_private_key(public_exponent=65537, key_size=EXCHANGE_BITS)
        der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        pem = private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        return ExchangeKey(pem, self.seal_as(labels.EXCHANGE_KEY, der))

    async def receive(self, transported: Transported) -> bytes:
        try:
            key = self._open_transported(transported)
        except (InvalidUnwrap, ValueError):
            key = b""
        if len(key) != 16:
            raise VaultError("bad_transport", Text("the encrypted key does not open with this exchange key"))
        if len(set(key.hex())) == 1:
            raise VaultError("weak_key", Text("the encrypted key is one digit repeated; use a random key"))
        return self.seal_as(transported.label, key)

    def _open_transported(self, transported: Transported) -> bytes:
        if transported.form == "AES":
            wrapping = self.unseal_as(labels.TRANSPORT_KEY, transported.sealed)
            return aes_key_unwrap(wrapping, transported.encrypted)
        private = load_der_private_key(self.unseal_as(labels.EXCHANGE_KEY, transported.sealed), None)
        assert isinstance(private, RSAPrivateKey)
        return private.decrypt(transported.encrypted, padding.PKCS1v15())

    async def join(self, orders: Sequence[JoinOrder]) -> list[JoinKeys | JoinRefusal]:
        return [self._join(order) for order in orders]

    def _join(self, order: JoinOrder) -> JoinKeys | JoinRefusal:
        try:
            return serve(order, self)
        except VaultError as error:
            return JoinRefusal(error.code, str(error))

    async def seal_mc_key(self, group: DevEui, clear: bytes | None = None) -> bytes:
        return self.seal_as(labels.mc_key(group), clear or secrets.token_bytes(16))

    async def group_keys(self, order: GroupKeyOrder) -> GroupSessionKeys:
        return group_keys.session_keys(order, self)

    async def member_keys(self, members: Sequence[Member], mc_key: McKey | None) -> list[MemberKeys | None]:
        return group_keys.member_keys(members, mc_key, self)

    async def refresh(self) -> bytes:
        if self._files is not None:
            self.use(self._files.read())
        return seals.header(seals.SOFTWARE, self._newest)

    async def reseal(self, items: Sequence[Sealed]) -> list[bytes | None]:
        return [self._reseal(item) for item in items]

    def _reseal(self, item: Sealed) -> bytes | None:
        try:
            return self.seal_as(item.label, self.unseal_as(item.label, item.octets))
        except VaultError:
            return None

    @property
    def health(self) -> list[Health]:
        return [Health("software", None)]

    @property
    def problem(self) -> str | None:
        return None

    async def close(self) -> None:
        """Nothing is open."""

    # As a `Keyring` and `GroupKeyring`.

    def key(self, label: str, sealed: bytes) -> SoftKey:
        return SoftKey(self.unseal_as(label, sealed))

    def octets(self, label: str, sealed: bytes) -> bytes:
        return self.unseal_as(label, sealed)

    def hold(self, octets: bytes) -> SoftKey:
        return SoftKey(octets)

    def app_key(self, order: JoinOrder) -> SoftKey:
        return SoftKey(self.unseal_as(labels.app_key(order.dev_eui), order.sealed_app_key))

    def nwk_key(self, order: JoinOrder) -> SoftKey:
        return SoftKey(self.unseal_as(labels.nwk_key(order.dev_eui), order.sealed_nwk_key or b""))

    def transport_key(self, sealed: bytes) -> SoftKey:
        return SoftKey(self.unseal_as(labels.AS_TRANSPORT_KEY, sealed))
