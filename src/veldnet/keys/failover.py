"""Several modules with the same master keys as one vault, with load sharing and failover."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from time import monotonic
from typing import TypeVar

import structlog

from veldnet.domain.groups import MemberKeys
from veldnet.domain.joins import JoinKeys, JoinOrder, JoinRefusal
from veldnet.lorawan import AesKey, DevEui
from veldnet.texts import Text

from .group_orders import GroupKeyOrder, GroupSessionKeys, McKey, Member
from .interface import (
    UNAVAILABLE,
    ClearKey,
    ExchangeKey,
    GeneratedAsKey,
    Health,
    Sealed,
    Transported,
    Vault,
    VaultError,
)

log = structlog.get_logger(__name__)

T = TypeVar("T")

# How long a call waits for any module to come back.
_TIMEOUT = 60.0
_LOOK_AGAIN = 0.1
_LEAST_PIECE = 8
# What one module lacks and another may have: a master key that was restored in one of them only, the private
# half of an exchange key.
_ELSEWHERE = frozenset({"no_master_key", "no_exchange_key"})


class FailoverVault:
    """A `Vault` over others that hold the same master keys."""

    def __init__(self, members: Sequence[Vault], *, timeout: float = _TIMEOUT) -> None:
        self._members = list(members)
        self._timeout = timeout
        self._turn = 0
        # Whether any member has worked yet.
        self._worked = bool(self._healthy())

    def _healthy(self) -> list[Vault]:
        """Members that can work."""
        return [member for member in self._members if member.problem is None]

    def _in_turn(self) -> list[Vault]:
        """Members that can work, another one first each time."""
        healthy = self._healthy()
        self._worked = self._worked or bool(healthy)
        self._turn += 1
        turn = self._turn % max(len(healthy), 1)
        return healthy[turn:] + healthy[:turn]

    async def _ask(self, work: Callable[[Vault], Awaitable[T]]) -> T:
        """Ask a member, and the next where one cannot work or lacks a key; wait where none can work."""
        # Whoever starts must not wait for modules that have never been there.
        until = monotonic() + (self._timeout if self._worked else 0.0)
        last: VaultError | None = None
        while True:
            for member in self._in_turn():
                try:
                    return await work(member)
                except VaultError as error:
                    if error.code not in UNAVAILABLE | _ELSEWHERE:
                        raise
                    last = error
                    log.warning("vault_failover", module=_name(member), error=str(error))
            if last is not None and last.code in _ELSEWHERE:
                raise last
            if monotonic() > until:
                raise last or VaultError("no_vault", self.problem or "no module can work")
            await asyncio.sleep(_LOOK_AGAIN)

    async def join(self, orders: Sequence[JoinOrder]) -> list[JoinKeys | JoinRefusal]:
        sharing = max(len(self._healthy()), 1)
        size = max(-(-len(orders) // sharing), _LEAST_PIECE)
        pieces = [orders[start : start + size] for start in range(0, len(orders), size)]
        answers = await asyncio.gather(*(self._ask(partial(_join, orders=piece)) for piece in pieces))
        served = [answer for piece in answers for answer in piece]
        lacking = _lacking(served)
        if lacking:
            for place, answer in await self._join_elsewhere([(place, orders[place]) for place in lacking]):
                served[place] = answer
        return served

    async def _join_elsewhere(
        self, placed: Sequence[tuple[int, JoinOrder]]
    ) -> list[tuple[int, JoinKeys | JoinRefusal]]:
        """Ask every member for joins that one had no master key for; the first that has it serves them."""
        found: list[tuple[int, JoinKeys | JoinRefusal]] = []
        for member in self._in_turn():
            if not placed:
                break
            log.warning("master_key_in_other_directory", module=_name(member), orders=len(placed))
            try:
                answers = await _join(member, [order for _place, order in placed])
            except VaultError as error:
                log.warning("vault_failover", module=_name(member), error=str(error))
                continue
            lacking = set(_lacking(answers))
            found += [(placed[n][0], answer) for n, answer in enumerate(answers) if n not in lacking]
            placed = [each for n, each in enumerate(placed) if n in lacking]
        return found

    async def import_app_key(self, dev_eui: DevEui, app_key: AesKey) -> bytes:
        return await self._ask(lambda member: member.import_app_key(dev_eui, app_key))

    async def import_nwk_key(self, dev_eui: DevEui, nwk_key: AesKey) -> bytes:
        return await self._ask(lambda member: member.import_nwk_key(dev_eui, nwk_key))

    async def import_keys(self, keys: Sequence[ClearKey]) -> list[bytes]:
        return await self._ask(lambda member: member.import_keys(keys))

    async def generate_as_key(self, rsa_public_key_pem: str) -> GeneratedAsKey:
        return await self._ask(lambda member: member.generate_as_key(rsa_public_key_pem))

    async def create_exchange_key(self) -> ExchangeKey:
        return await self._ask(lambda member: member.create_exchange_key())

    async def create_transport_key(self, rsa_public_key_pem: str) -> GeneratedAsKey:
        return await self._ask(lambda member: member.create_transport_key(rsa_public_key_pem))

    async def receive(self, transported: Transported) -> bytes:
        return await self._ask(lambda member: member.receive(transported))

    async def seal(self, label: str, secret: bytes) -> bytes:
        return await self._ask(lambda member: member.seal(label, secret))

    async def unseal(self, label: str, sealed: bytes) -> bytes:
        return await self._ask(lambda member: member.unseal(label, sealed))

    async def seal_mc_key(self, group: DevEui, clear: bytes | None = None) -> bytes:
        return await self._ask(lambda member: member.seal_mc_key(group, clear))

    async def group_keys(self, order: GroupKeyOrder) -> GroupSessionKeys:
        return await self._ask(lambda member: member.group_keys(order))

    async def member_keys(self, members: Sequence[Member], mc_key: McKey | None) -> list[MemberKeys | None]:
        return await self._ask(lambda vault: vault.member_keys(members, mc_key))

    async def refresh(self) -> bytes:
        """Of all that can work; the oldest answer counts, for all must open what any of them seals."""
        answers = await asyncio.gather(
            *(member.refresh() for member in self._healthy()), return_exceptions=True
        )
        headers = [answer for answer in answers if isinstance(answer, bytes)]
        return min(headers) if headers else await self._ask(lambda member: member.refresh())

    async def reseal(self, items: Sequence[Sealed]) -> list[bytes | None]:
        return await self._ask(lambda member: member.reseal(items))

    @property
    def health(self) -> list[Health]:
        return [health for member in self._members for health in member.health]

    @property
    def problem(self) -> str | None:
        """None while any module can work."""
        told: Text | None = None
        for member in self._members:
            if member.problem is None:
                return None
            one = Text("{name}: {problem}", name=_name(member), problem=member.problem)
            told = one if told is None else Text("{told}; {one}", told=told, one=one)
        return told

    async def close(self) -> None:
        await asyncio.gather(*(member.close() for member in self._members))


async def _join(member: Vault, orders: Sequence[JoinOrder]) -> list[JoinKeys | JoinRefusal]:
    """Joins of a member; what it could not do for want of its module is an error, for another to do."""
    answers = await member.join(orders)
    for answer in answers:
        if isinstance(answer, JoinRefusal) and answer.code in UNAVAILABLE:
            raise VaultError(answer.code, answer.message)
    return answers


def _lacking(answers: Sequence[JoinKeys | JoinRefusal]) -> list[int]:
    """Places of the orders that a member had no key for."""
    return [
        place
        for place, answer in enumerate(answers)
        if isinstance(answer, JoinRefusal) and answer.code in _ELSEWHERE
    ]


def _name(member: Vault) -> str:
    return ", ".join(health.name for health in member.health)
