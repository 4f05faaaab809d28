"""Bearer tokens and API keys, looked up in the store and cached briefly."""

from __future__ import annotations

import time
from collections import OrderedDict

from veldnet.inventory.accounts import Bearer, bearer_of, is_api_key, key_holder, token_digest, touch_key
from veldnet.store import Store

_REMEMBERED = 10_000


class TokenCache:
    """The holders of tokens. What other processes change is seen within so many seconds."""

    def __init__(self, store: Store, seconds: float) -> None:
        self._store = store
        self._seconds = seconds
        self._found: OrderedDict[bytes, tuple[float, Bearer]] = OrderedDict()

    async def bearer(self, token: str) -> Bearer | None:
        digest = token_digest(token)
        found = self._found.get(digest)
        if found is not None and found[0] > time.monotonic() and found[1].expires_at > time.time() * 1000:
            return found[1]
        bearer = await (self._key(digest) if is_api_key(token) else self._token(digest))
        if bearer is not None:
            self._found[digest] = (time.monotonic() + self._seconds, bearer)
            while len(self._found) > _REMEMBERED:
                self._found.popitem(last=False)
        return bearer

    async def _token(self, digest: bytes) -> Bearer | None:
        return await self._store.read(lambda connection: bearer_of(connection, digest))

    async def _key(self, digest: bytes) -> Bearer | None:
        found = await self._store.read(lambda connection: key_holder(connection, digest))
        if found is None:
            return None
        if found.touch:
            await self._store.write(lambda connection: touch_key(connection, digest))
        return found.bearer

    def forget(self) -> None:
        """Rights have changed."""
        self._found.clear()
