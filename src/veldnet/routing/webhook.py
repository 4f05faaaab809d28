"""A single signed POST to an address that a customer chose, under the same rules as tunnel messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from veldnet.outgoing import AddressRefused, HttpClient, RequestFailed, Resolver, parse_address

_TIMEOUT = 15.0


def post_signed(*, allow_private: bool) -> Callable[[str, dict[str, str], bytes], Awaitable[str | None]]:
    """A function that posts a body to a URL and returns None, or what went wrong."""

    async def post(url: str, headers: dict[str, str], body: bytes) -> str | None:
        client = HttpClient(Resolver(allow_private=allow_private), total_timeout=_TIMEOUT)
        try:
            address = parse_address(url, stored=True)
            answer = await client.post(address, address.target, headers, body)
        except AddressRefused as error:
            return f"the address {error}"
        except RequestFailed as error:
            return str(error)
        finally:
            await client.close()
        return None if 200 <= answer.status < 300 else f"HTTP status {answer.status}"

    return post
