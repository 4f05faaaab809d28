"""A request of each operation of the API, on a server that has something of everything."""

from __future__ import annotations

from typing import Any

import httpx

from tests.api.operations import accounts, kpn, operators, passkeys, subscribers
from tests.api.operations.example import Example, Make
from tests.api.operations.world import PASSWORD, World

__all__ = ["EXAMPLES", "PASSWORD", "World", "ask"]

# In an order in which they can be carried out.
EXAMPLES: dict[str, Make] = {
    **kpn.EXAMPLES,
    **subscribers.EXAMPLES,
    **operators.EXAMPLES,
    **accounts.EXAMPLES,
    **passkeys.EXAMPLES,
    **accounts.ENDING,
}


def ask(world: World, method: str, path: str, example: Example) -> httpx.Response:
    person: Any = world.client
    headers: dict[str, str] = {}
    if path.startswith("/api/v1"):
        person = world.operator if path.startswith("/api/v1/operator") else world.user
        headers = person.headers(method.upper())
    address = path.format(**example.path) + (f"?{example.query}" if example.query else "")
    content = {"content": example.text} if example.text is not None else {"json": example.body}
    http = world.server.connect(cookies=example.cookies) if example.anonymous else person.http
    answer: httpx.Response = http.request(
        (example.method or method).upper(), address, headers=headers, **content
    )
    assert answer.status_code < 300, f"{method} {address}: {answer.status_code} {answer.text}"
    return answer
