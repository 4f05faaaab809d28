"""A `Vault` whose keys are used inside a PKCS#11 module.

The database holds root keys wrapped under keys of the module, one for each purpose and device, so a sealed
key opens nowhere else. A join unwraps the AppKey into a session object, uses it there, and destroys it.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from typing import Any, TypeVar

import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import (
    RSAPublicKey,
    RSAPublicNumbers,
    generate_private_key,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pkcs11 import MGF, Attribute, KeyType, Mechanism, ObjectClass
from pkcs11.exceptions import NoSuchKey, PKCS11Error
from pkcs11.util.rsa import decode_rsa_public_key

from veldnet.domain.groups import MemberKeys
from veldnet.domain.joins import JoinKeys, JoinOrder, JoinRefusal
from veldnet.keys import group_keys, labels
from veldnet.keys.group_orders import GroupKeyOrder, GroupSessionKeys, McKey, Member
from veldnet.keys.interface import (
    ClearKey,
    ExchangeKey,
    GeneratedAsKey,
    Health,
    Sealed,
    Transported,
    VaultError,
)
from veldnet.keys.joining import serve
from veldnet.keys.rsa import AskForm, parse_rsa_public_key
from veldnet.lorawan import AesKey, DevEui
from veldnet.texts import Text

from .opened import LEAVING, SEALED, WRAPPER, Opened, destroy
from .token import Token

log = structlog.get_logger(__name__)

T = TypeVar("T")

_EXCHANGE_BITS = 2048
# Orders that one session serves before the next batch gets its turn.
_PIECE = 16

_PADDINGS: dict[str, tuple[Mechanism, Any]] = {
    "pkcs1v15": (Mechanism.RSA_PKCS, None),
    "oaep-sha1": (Mechanism.RSA_PKCS_OAEP, (Mechanism.SHA_1, MGF.SHA1, None)),
    "oaep-sha256": (Mechanism.RSA_PKCS_OAEP, (Mechanism.SHA256, MGF.SHA256, None)),
}


class Pkcs11Vault:
    """A `Vault` on an open token. Calls run in threads, each with a session of its own. The code
    module_failed says that the module does nothing any more; call_failed, that it did not do this."""

    def __init__(self, token: Token, *, ask: AskForm | None = None) -> None:
        self._ask = ask or AskForm()
        if self._ask.plaintext != "raw":
            raise VaultError(
                "unsupported", "a PKCS#11 module wraps AS keys as 16 raw bytes; set keys.ask_plaintext to raw"
            )
        token.master_key(token.newest)
        self._token = token
        # What the last call said, if the module failed in it.
        self._failure: str | None = None
        self._check_padding()
        self._threads = ThreadPoolExecutor(token.sessions, thread_name_prefix="hsm")

    def _check_padding(self) -> None:
        """A module may know OAEP and not the hash; only trying tells."""
        if self._ask.padding == "pkcs1v15":
            return
        public_key = generate_private_key(public_exponent=65537, key_size=2048).public_key()
        try:
            self._work(lambda opened: self._generate(opened, public_key, labels.AS_TRANSPORT_KEY))
        except VaultError:
            raise VaultError(
                "missing_mechanism",
                f"the module cannot wrap with CKM_RSA_PKCS_OAEP as keys.ask_padding {self._ask.padding} asks",
            ) from None
        self._failure = None

    async def _run(self, work: Callable[[Opened], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._work, work)

    def _work(self, work: Callable[[Opened], T]) -> T:
        try:
            with ExitStack() as stack:
                result = work(Opened(self._token, stack))
            self._failure = None
            return result
        except PKCS11Error as error:
            self._token.failed()
            words = Text("the module failed: {error}", error=type(error).__name__)
            log.error("hsm_failed", error=f"{type(error).__name__}: {error}")
            if self._answers():
                raise VaultError("call_failed", words) from None
            self._failure = words
            raise VaultError("module_failed", words) from None

    def _answers(self) -> bool:
        """Whether the module does a simple thing: then the call was at fault, not the module."""
        try:
            with ExitStack() as stack:
                opened = Opened(self._token, stack)
                return opened.unseal("probe", opened.seal("probe", b"probe")) == b"probe"
        except (PKCS11Error, VaultError):
            self._token.failed()
            return False

    async def join(self, orders: Sequence[JoinOrder]) -> list[JoinKeys | JoinRefusal]:
        loop = asyncio.get_running_loop()
        size = min(_PIECE, max(1, -(-len(orders) // self._token.sessions)))
        pieces = [orders[start : start + size] for start in range(0, len(orders), size)]
        served = await asyncio.gather(
            *(loop.run_in_executor(self._threads, self._serve, piece) for piece in pieces)
        )
        return [answer for answers in served for answer in answers]

    def _serve(self, orders: Sequence[JoinOrder]) -> list[JoinKeys | JoinRefusal]:
        return [self._serve_one(order) for order in orders]

    def _serve_one(self, order: JoinOrder) -> JoinKeys | JoinRefusal:
        try:
            return self._work(lambda opened: serve(order, opened))
        except VaultError as error:
            return JoinRefusal(error.code, str(error))

    async def import_app_key(self, dev_eui: DevEui, app_key: AesKey) -> bytes:
        label = labels.app_key(dev_eui)
        return await self._run(lambda opened: opened.wrap(label, opened.take(bytes(app_key))))

    async def import_nwk_key(self, dev_eui: DevEui, nwk_key: AesKey) -> bytes:
        label = labels.nwk_key(dev_eui)
        return await self._run(lambda opened: opened.wrap(label, opened.take(bytes(nwk_key))))

    async def import_keys(self, keys: Sequence[ClearKey]) -> list[bytes]:
        def seal(piece: Sequence[ClearKey], opened: Opened) -> list[bytes]:
            return [opened.wrap(key.label, opened.take(key.octets)) for key in piece]

        pieces = [keys[start : start + _PIECE] for start in range(0, len(keys), _PIECE)]
        sealed = await asyncio.gather(*(self._run(partial(seal, piece)) for piece in pieces))
        return [octets for piece in sealed for octets in piece]

    async def generate_as_key(self, rsa_public_key_pem: str) -> GeneratedAsKey:
        public_key = parse_rsa_public_key(rsa_public_key_pem)
        return await self._run(lambda opened: self._generate(opened, public_key, labels.AS_TRANSPORT_KEY))

    async def create_transport_key(self, rsa_public_key_pem: str) -> GeneratedAsKey:
        public_key = parse_rsa_public_key(rsa_public_key_pem)
        return await self._run(lambda opened: self._generate(opened, public_key, labels.TRANSPORT_KEY))

    def _generate(self, opened: Opened, public_key: RSAPublicKey, label: str) -> GeneratedAsKey:
        """A new AES key, wrapped under a customer's RSA key and sealed."""
        session = opened.session
        described = decode_rsa_public_key(public_key.public_bytes(Encoding.DER, PublicFormat.PKCS1))
        key = session.generate_key(KeyType.AES, 128, store=False, template=LEAVING)
        customer = session.create_object(described | {Attribute.TOKEN: False, Attribute.WRAP: True})
        mechanism, parameter = _PADDINGS[self._ask.padding]
        try:
            encrypted = customer.wrap_key(key, mechanism=mechanism, mechanism_param=parameter)
            return GeneratedAsKey(opened.wrap(label, key), bytes(encrypted).hex())
        finally:
            destroy(key)
            destroy(customer)

    async def create_exchange_key(self) -> ExchangeKey:
        return await self._run(self._create_exchange_key)

    def _create_exchange_key(self, opened: Opened) -> ExchangeKey:
        """The private key is an object of the token and never leaves it; what is sealed is its name."""
        identifier = uuid.uuid4().bytes
        public, _private = self._token.writable.generate_keypair(
            KeyType.RSA,
            _EXCHANGE_BITS,
            id=identifier,
            label="veldnet-exchange",
            store=True,
            public_template={Attribute.WRAP: True, Attribute.ENCRYPT: True, Attribute.VERIFY: False},
            private_template={
                Attribute.PRIVATE: True,
                Attribute.SENSITIVE: True,
                Attribute.EXTRACTABLE: False,
                Attribute.UNWRAP: True,
                Attribute.DECRYPT: False,
                Attribute.SIGN: False,
            },
        )
        numbers = (public[name] for name in (Attribute.PUBLIC_EXPONENT, Attribute.MODULUS))
        key = RSAPublicNumbers(*(int.from_bytes(number, "big") for number in numbers)).public_key()
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        return ExchangeKey(pem, opened.seal(labels.EXCHANGE_KEY, identifier))

    async def receive(self, transported: Transported) -> bytes:
        return await self._run(lambda opened: self._receive(opened, transported))

    def _receive(self, opened: Opened, transported: Transported) -> bytes:
        if transported.form == "AES":
            wrapper = opened.unwrap(labels.TRANSPORT_KEY, transported.sealed, WRAPPER).handle
        else:
            identifier = opened.unseal(labels.EXCHANGE_KEY, transported.sealed)
            try:
                wrapper = opened.session.get_key(ObjectClass.PRIVATE_KEY, id=identifier)
            except NoSuchKey:
                raise VaultError(
                    "no_exchange_key", "the exchange key is not on this token; make another one"
                ) from None
        key = opened.unwrap_with(wrapper, transported.encrypted, LEAVING, "bad_transport")
        try:
            sealed = opened.wrap(transported.label, key)
        finally:
            destroy(key)
        # Not all modules know the length of a key that they have unwrapped.
        if len(sealed) != SEALED:
            raise VaultError("bad_transport", Text("the encrypted key is not an AES-128 key"))
        return sealed

    async def seal(self, label: str, secret: bytes) -> bytes:
        return await self._run(lambda opened: opened.seal(labels.secret(label), secret))

    async def unseal(self, label: str, sealed: bytes) -> bytes:
        return await self._run(lambda opened: opened.unseal(labels.secret(label), sealed))

    async def seal_mc_key(self, group: DevEui, clear: bytes | None = None) -> bytes:
        def seal(opened: Opened) -> bytes:
            return opened.seal(labels.mc_key(group), clear or bytes(opened.session.generate_random(128)))

        return await self._run(seal)

    async def group_keys(self, order: GroupKeyOrder) -> GroupSessionKeys:
        return await self._run(lambda opened: group_keys.session_keys(order, opened))

    async def member_keys(self, members: Sequence[Member], mc_key: McKey | None) -> list[MemberKeys | None]:
        pieces = [members[start : start + _PIECE] for start in range(0, len(members), _PIECE)]
        answers = await asyncio.gather(
            *(self._run(partial(group_keys.member_keys, piece, mc_key)) for piece in pieces)
        )
        return [keys for piece in answers for keys in piece]

    async def refresh(self) -> bytes:
        def look(opened: Opened) -> bytes:
            self._token.find_master_keys()
            return opened.header()

        return await self._run(look)

    async def reseal(self, items: Sequence[Sealed]) -> list[bytes | None]:
        def work(opened: Opened) -> list[bytes | None]:
            return [opened.reseal(item) for item in items]

        return await self._run(work)

    @property
    def health(self) -> list[Health]:
        return [Health(self._token.name, self._failure)]

    @property
    def problem(self) -> str | None:
        return self._failure

    async def close(self) -> None:
        self._threads.shutdown(wait=True)
        self._token.close()
