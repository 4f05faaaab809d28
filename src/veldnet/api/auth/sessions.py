"""Console sessions, looked up by their cookie and cached briefly."""

from __future__ import annotations

import time
from collections import OrderedDict

from veldnet.inventory import accounts
from veldnet.inventory.accounts import Session, token_digest
from veldnet.store import Store

COOKIE = "veldnet_session"
_REMEMBERED = 10_000


class SessionCache:
    """Who is signed in. What other processes change is seen within so many seconds."""

    def __init__(self, store: Store, idle: float, seconds: float) -> None:
        self._store = store
        self._seconds = seconds
        self._idle = idle
        self._found: OrderedDict[bytes, tuple[float, Session]] = OrderedDict()

    async def session(self, token: str, *, use: bool = True) -> Session | None:
        """The session of a cookie; `use` keeps it from ending for want of use."""
        digest = token_digest(token)
        found = self._found.get(digest)
        if found is not None and found[0] > time.monotonic() and found[1].expires_at > time.time() * 1000:
            return found[1]
        session = await self._store.read(lambda c: accounts.session_of(c, token, self._idle))
        if session is None:
            return None
        if session.touch:
            if not use:
                # Not remembered: the next who uses it must be seen to.
                return session
            await self._store.write(lambda c: accounts.touch_session(c, digest))
        self._found[digest] = (time.monotonic() + self._seconds, session)
        while len(self._found) > _REMEMBERED:
            self._found.popitem(last=False)
        return session

    def forget(self) -> None:
        """Rights have changed."""
        self._found.clear()
