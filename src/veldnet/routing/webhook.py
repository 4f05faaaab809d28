"""A single signed POST to an address that a customer chose, under the same rules as tunnel messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import aiohttp

from .destinations import DestinationRefused, PublicResolver, check_literal

_TIMEOUT = aiohttp.ClientTimeout(total=15, sock_connect=5)


def post_signed(*, allow_private: bool) -> Callable[[str, dict[str, str], bytes], Awaitable[str | None]]:
    """A function that posts a body to a URL and returns None, or what went wrong."""

    async def post(url: str, headers: dict[str, str], body: bytes) -> str | None:
        try:
            if not allow_private:
                check_literal(url)
            connector = aiohttp.TCPConnector(resolver=None if allow_private else PublicResolver())
            async with (
                aiohttp.ClientSession(
                    connector=connector, timeout=_TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()
                ) as session,
                session.post(url, data=body, headers=headers, allow_redirects=False) as response,
            ):
                return None if 200 <= response.status < 300 else f"HTTP status {response.status}"
        except TimeoutError:
            return "no answer in time"
        except (DestinationRefused, aiohttp.ClientError, OSError, ValueError) as error:
            return f"{type(error).__name__}: {error}"[:300]

    return post
