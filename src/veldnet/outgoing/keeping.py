"""Connections that are made again and again, and the words for why there is none."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import Awaitable, Callable

import msgspec

from veldnet.texts import Text

from .addresses import AddressRefused
from .failures import said_by_system, said_of_certificate, text_of


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
        return Text("the address {why}", why=text_of(error))
    if isinstance(error, ssl.SSLCertVerificationError):
        return Text("the certificate of the server is not accepted: {why}", why=said_of_certificate(error))
    if isinstance(error, ssl.SSLError) and "CERTIFICATE_REQUIRED" in str(error.reason):
        return Text("the server asks for a client certificate")
    if isinstance(error, ssl.SSLError):
        return Text("TLS failed: {why}", why=error.reason or str(error))
    if isinstance(error, TimeoutError):
        return Text("the server does not answer")
    if isinstance(error, OSError) and (error.strerror or error.errno):
        return Text("connection failed: {why}", why=said_by_system(error))
    return text_of(error) or type(error).__name__
