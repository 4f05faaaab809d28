"""The network server's side: a `Vault` that asks another process."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from veldnet.domain.groups import MemberKeys
from veldnet.domain.joins import JoinKeys, JoinOrder, JoinRefusal
from veldnet.keys.group_orders import GroupKeyOrder, GroupSessionKeys, McKey, Member
from veldnet.keys.interface import (
    UNAVAILABLE,
    ClearKey,
    ExchangeKey,
    GeneratedAsKey,
    Health,
    Sealed,
    Transported,
    VaultError,
)
from veldnet.lorawan import AesKey, DevEui

from .vault_process import FIRST_CALL, Starter, VaultProcess
from .wire import Answer, Call, Method, order_to_wire, served_from_wire

# Checks a vault before it is used. Raises `VaultError`.
Proof = Callable[["RemoteVault"], Awaitable[None]]

# A process that owes answers and gives none for so long hangs with its module.
_SILENCE = 10.0
# Keys of one call.
_PIECE = 64


class RemoteVault:
    """All calls mean the same when they are made twice, so those under way when the process dies are asked of
    the next one. Without `hold` they fail at once instead, with the code vault_gone, for another vault to do.

    `name` is that of the module. `proof` is asked of each new process before it is used.
    """

    def __init__(
        self,
        start: Starter,
        *,
        name: str = "vault",
        hold: bool = True,
        proof: Proof | None = None,
        silence: float = _SILENCE,
    ) -> None:
        self._proof = proof
        self._ids = itertools.count(FIRST_CALL + 1)
        self._process = VaultProcess(start, name, self._prove, hold=hold, silence=silence)

    @classmethod
    async def open(cls, start: Starter, *, name: str = "vault", proof: Proof | None = None) -> RemoteVault:
        """Start the process and wait until it answers. Raises `VaultError` with what it said."""
        vault = cls(start, name=name, proof=proof)
        await vault.begin()
        if not await vault.settled():
            refusal = vault.refusal
            await vault.close()
            raise refusal
        return vault

    @property
    def refusal(self) -> VaultError:
        """Why the process does not work, once it has settled."""
        reason = self._process.reason
        return VaultError(
            *(reason or ("no_vault", "the vault process does not work: it did not answer in time"))
        )

    @property
    def away(self) -> bool:
        """Whether it does not work for want of its module, so that it may by itself later."""
        return self.problem is not None and self.refusal.code in UNAVAILABLE

    async def begin(self) -> None:
        """Start the process, and keep on with that until it works."""
        await self._process.begin()

    async def settled(self) -> bool:
        """Wait until the process can be used, or has said why not; returns which."""
        return await self._process.settled()

    def refuse_until_ready(self) -> None:
        """Let calls fail at once, as without `hold`, until the process can be used."""
        self._process.refuse_until_ready()

    async def _prove(self) -> None:
        if self._proof is not None:
            await self._proof(self)

    @property
    def problem(self) -> str | None:
        return self._process.problem

    @property
    def health(self) -> list[Health]:
        return [Health(self._process.name, self.problem)]

    @property
    def pid(self) -> int | None:
        return self._process.pid

    @property
    def restarts(self) -> int:
        """Number of restarts of the process."""
        return self._process.restarts

    async def prove(self, label: str, sealed: bytes) -> bytes:
        """`unseal` of a process that is not used yet; for a proof."""
        call = Call(next(self._ids), "unseal", label=label, octets=sealed)
        return (await self._process.ask(call, urgent=True)).octets

    async def _ask(self, method: Method, **values: Any) -> Answer:
        return await self._process.ask(Call(next(self._ids), method, **values))

    async def _octets(self, method: Method, **values: Any) -> bytes:
        return (await self._ask(method, **values)).octets

    async def import_app_key(self, dev_eui: DevEui, app_key: AesKey) -> bytes:
        return await self._octets("app_key", dev_eui=int(dev_eui), octets=bytes(app_key))

    async def import_nwk_key(self, dev_eui: DevEui, nwk_key: AesKey) -> bytes:
        return await self._octets("nwk_key", dev_eui=int(dev_eui), octets=bytes(nwk_key))

    async def import_keys(self, keys: Sequence[ClearKey]) -> list[bytes]:
        """In pieces: a module that is slow at many keys is not one that hangs."""
        pieces = [list(keys[start : start + _PIECE]) for start in range(0, len(keys), _PIECE)]
        answers = await asyncio.gather(*(self._ask("keys", keys=piece) for piece in pieces))
        return [octets for answer in answers for octets in answer.sealed]

    async def join(self, orders: Sequence[JoinOrder]) -> list[JoinKeys | JoinRefusal]:
        wired = [order_to_wire(order) for order in orders]
        answer = await self._ask("join", orders=wired)
        return [served_from_wire(served) for served in answer.served]

    async def generate_as_key(self, rsa_public_key_pem: str) -> GeneratedAsKey:
        answer = await self._ask("as_key", label=rsa_public_key_pem)
        return GeneratedAsKey(answer.octets, answer.text)

    async def create_exchange_key(self) -> ExchangeKey:
        answer = await self._ask("exchange_key")
        return ExchangeKey(answer.text, answer.octets)

    async def create_transport_key(self, rsa_public_key_pem: str) -> GeneratedAsKey:
        answer = await self._ask("transport_key", label=rsa_public_key_pem)
        return GeneratedAsKey(answer.octets, answer.text)

    async def receive(self, transported: Transported) -> bytes:
        return await self._octets(
            "receive",
            form=transported.form,
            label=transported.label,
            octets=transported.encrypted,
            sealed=transported.sealed,
        )

    async def seal_mc_key(self, group: DevEui, clear: bytes | None = None) -> bytes:
        return await self._octets("mc_key", dev_eui=int(group), octets=clear or b"")

    async def group_keys(self, order: GroupKeyOrder) -> GroupSessionKeys:
        answered = (await self._ask("group_keys", group=order)).group
        assert answered is not None
        return answered

    async def member_keys(self, members: Sequence[Member], mc_key: McKey | None) -> list[MemberKeys | None]:
        """In pieces, as keys are imported."""
        pieces = [list(members[start : start + _PIECE]) for start in range(0, len(members), _PIECE)]
        asked = (self._ask("member_keys", members=piece, mc_key=mc_key) for piece in pieces)
        return [keys for answer in await asyncio.gather(*asked) for keys in answer.members]

    async def refresh(self) -> bytes:
        return await self._octets("refresh")

    async def reseal(self, items: Sequence[Sealed]) -> list[bytes | None]:
        return (await self._ask("reseal", items=list(items))).resealed

    async def seal(self, label: str, secret: bytes) -> bytes:
        return await self._octets("seal", label=label, octets=secret)

    async def unseal(self, label: str, sealed: bytes) -> bytes:
        return await self._octets("unseal", label=label, octets=sealed)

    async def close(self) -> None:
        await self._process.close()
