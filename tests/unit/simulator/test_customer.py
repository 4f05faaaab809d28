"""A virtual customer before a server that serves so many requests per second."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestServer

from veldnet.simulator.customer import Account, ApiProblem, Customer

ACCOUNT = Account("user", "password", "id", "secret", "plan", "profile", "group", "0059AC0000000001")


async def asked(monkeypatch: pytest.MonkeyPatch, refusals: int) -> tuple[Any, list[float]]:
    """The answer of a server that refuses so many times, and the seconds that the customer waited."""
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    async def answer(_request: web.Request) -> web.Response:
        if len(waited) < refusals:
            return web.json_response({"message": "reduce the request rate"}, status=429)
        return web.json_response({"ref": 7})

    application = web.Application()
    application.router.add_get("/data/lora/thingpark/devices", answer)
    async with TestServer(application) as server, ClientSession() as http:
        customer = Customer(str(server.make_url("/")), ACCOUNT, http)
        with monkeypatch.context() as patched:
            patched.setattr(asyncio, "sleep", wait)
            return await customer.call("GET", "/devices"), waited


async def test_it_asks_again_at_the_pace_that_the_server_allows(monkeypatch: pytest.MonkeyPatch) -> None:
    assert await asked(monkeypatch, 2) == ({"ref": 7}, [1, 1])


async def test_it_gives_up_on_a_server_that_allows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ApiProblem, match=r"429 .*reduce the request rate"):
        await asked(monkeypatch, 1_000)
