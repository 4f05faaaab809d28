"""Sends a response, with what is said at the head of every answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from .response import Response

RawHeaders = list[tuple[bytes, bytes]]
# Gives a part of a body another form; it is told whether it is the last one.
Encode = Callable[[bytes, bool], bytes]
# Given status and headers of an answer, adds to these what else is to be said, and returns how the body is
# encoded; None where it stays as it is.
Finish = Callable[[int, RawHeaders], Encode | None]


async def answer(response: Response[Any], scope: Scope, receive: Receive, send: Send) -> None:
    """Send a response. Raises what its content raises, before anything is sent where that is possible."""
    made = response.made()
    try:
        await made(scope, receive, send)
    finally:
        close = getattr(response.content, "aclose", None)
        if close is not None:
            # A stream whose client went may wait at a piece that nobody takes, and holds what it reads from.
            await close()


def finished(finish: Finish, send: Send) -> Send:
    """Sends what it is given with a head, and a body in the form, that `finish` says."""
    encode: Encode | None = None
    held: Message | None = None

    async def send_finished(message: Message) -> None:
        nonlocal encode, held
        if message["type"] == "http.response.start":
            headers = message["headers"]
            encode = finish(message["status"], headers)
            if encode is None or not _without_length(headers):
                await send(message)
            else:
                # How long it becomes is known with the body.
                held = message
            return
        if encode is not None:
            message["body"] = encode(message.get("body", b""), not message.get("more_body", False))
        if held is not None:
            held["headers"].append((b"content-length", str(len(message["body"])).encode()))
            await send(held)
            held = None
        await send(message)

    return send_finished


def _without_length(headers: RawHeaders) -> bool:
    """Take the length away; whether there was one, as there is where a body comes at once."""
    before = len(headers)
    headers[:] = [header for header in headers if header[0] != b"content-length"]
    return len(headers) < before
