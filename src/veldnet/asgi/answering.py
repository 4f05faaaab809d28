"""Sends a response."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from .request import Receive, Send
from .response import RawHeaders, Response, Stream

# Gives a part of a body another form; it is told whether it is the last one.
Encode = Callable[[bytes, bool], bytes]
# Given status and headers of an answer, adds to these what else is to be said, and returns how the body is
# encoded; None where it stays as it is.
Finish = Callable[[int, RawHeaders], Encode | None]


async def answer(response: Response[Any], finish: Finish, receive: Receive, send: Send) -> None:
    """Send a response. Raises what its content raises, before anything is sent where that is possible."""
    if isinstance(response, Stream):
        headers = response.head(None)
        encode = finish(response.status, headers)
        await send({"type": "http.response.start", "status": response.status, "headers": headers})
        await _stream(response, encode, receive, send)
        return
    body = response.body() if response.has_body else b""
    headers = response.head(body)
    encode = finish(response.status, headers)
    if encode is not None:
        body = encode(body, True)
        headers[:] = [each for each in headers if each[0] != b"content-length"]
        headers.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def _stream(response: Stream, encode: Encode | None, receive: Receive, send: Send) -> None:
    """Send the pieces of a body as they come, until the client goes."""
    watch = _Watch(receive)
    try:
        async for piece in response.content:
            body = piece if encode is None else encode(piece, False)
            await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b"" if encode is None else encode(b"", True)})
    except asyncio.CancelledError:
        if not watch.ends_alone():
            raise
    finally:
        watch.close()
        close = getattr(response.content, "aclose", None)
        if close is not None:
            # It may wait at a piece that nobody takes, and holds what it reads from.
            await close()


class _Watch:
    """Cancels the task that streams once its client is gone."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._gone = False
        self._streaming = asyncio.current_task()
        self._task = asyncio.get_running_loop().create_task(self._wait())

    async def _wait(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        if self._streaming is not None:
            self._streaming.cancel()

    def ends_alone(self) -> bool:
        """Whether a cancellation was that of this watch, and of nobody else."""
        return self._gone and self._streaming is not None and not self._streaming.uncancel()

    def close(self) -> None:
        self._task.cancel()
