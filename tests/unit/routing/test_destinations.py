"""Which destinations are allowed without the operator's word."""

from __future__ import annotations

import asyncio

import pytest

from veldnet.routing.destinations import DestinationRefused, PublicResolver, check_literal, is_public


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://10.1.2.3:8080/x",
        "http://192.168.0.1/",
        "http://172.16.0.1/",
        "http://169.254.169.254/latest",
        "http://[::1]/",
        "http://[fd00::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://0.0.0.0/",
        "http://224.0.0.1/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://a.localhost/",
    ],
)
def test_private_literals_are_refused(url: str) -> None:
    with pytest.raises(DestinationRefused):
        check_literal(url)


def test_public_literals_and_names_pass() -> None:
    check_literal("http://8.8.8.8/")
    check_literal("https://as.example/")
    assert is_public("2001:4860:4860::8888") and not is_public("not an address")


def test_names_that_resolve_to_this_machine_are_refused_when_connecting() -> None:
    async def resolve() -> None:
        with pytest.raises(OSError, match="no public address"):
            await PublicResolver().resolve("localhost", 80)

    asyncio.run(resolve())
