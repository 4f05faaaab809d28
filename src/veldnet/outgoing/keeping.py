"""Connections that are made again and again, and the words for why there is none."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable

import msgspec

from .addresses import AddressRefused


class ConnectionFailed(Exception):
    """There is no connection, or none any more; the text says why."""


class Pauses(msgspec.Struct, frozen=True):
    """Seconds between two tries, twice as long each time."""

    soonest: float = 1.0
    latest: float = 60.0


async def keep(session: Callable[[], Awaitable[bool]], pauses: Pauses) -> None:
    """Hold one session after the other, until this is cancelled. A session returns whether there was a
    connection, and raises nothing."""
    pause = pauses.soonest
    while True:
        if await session():
            pause = pauses.soonest
        await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311 - not for keys
        pause = min(pause * 2, pauses.latest)


def words_of(error: BaseException) -> str:
    """Why a connection failed, for who has set it up."""
    if isinstance(error, AddressRefused):
        return f"the address {error}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"the certificate of the server is not accepted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed: {error.reason or error}"
    if isinstance(error, TimeoutError):
        return "the server does not answer"
    if isinstance(error, OSError) and error.strerror:
        return f"connection failed: {error.strerror}"
    return str(error) or type(error).__name__
