"""Which vault seals the keys of an HSM group: remembered, for each new device is asked for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from sqlalchemy import Connection

from veldnet.domain.scope import Scope
from veldnet.inventory.offers import find_hsm_group

# Groups that are remembered; an operator has a handful.
_MOST = 10_000


class OtherVault(Exception):
    """The group has another vault than the one that was remembered: the key is to be sealed again."""


class SealedKey(NamedTuple):
    """A root key of a new device as a vault has sealed it; None where the device has none. Whoever writes it
    calls `check` in the same transaction."""

    octets: bytes | None
    check: Callable[[Connection], None] = lambda _connection: None


class GroupVaults:
    """By the operator and the group. What is remembered is checked by whoever writes a key."""

    def __init__(self, read: Callable[[Callable[[Connection], Any]], Awaitable[Any]]) -> None:
        self._read = read
        self._names: dict[tuple[int, str], str] = {}

    async def name(self, scope: Scope, group_id: str) -> str:
        """The name of the vault of a group of the caller's operator. Raises `UnknownReference`."""
        key = scope.operator_ref, group_id
        known = self._names.get(key)
        if known is None:
            group = await self._read(lambda c: find_hsm_group(c, scope.operator_ref, group_id))
            if len(self._names) >= _MOST:
                self._names.clear()
            known = self._names[key] = group.vault
        return known

    def check(self, scope: Scope, group_id: str, vault: str, connection: Connection) -> None:
        """Raises `OtherVault`, after which the vault is not remembered, and `UnknownReference`."""
        if find_hsm_group(connection, scope.operator_ref, group_id).vault != vault:
            self.forget(scope, group_id)
            raise OtherVault

    def forget(self, scope: Scope, group_id: str) -> None:
        """Read the group again for the next device."""
        self._names.pop((scope.operator_ref, group_id), None)
