"""HEAD wherever there is GET (RFC 9110 §9.3.2)."""

from __future__ import annotations

from typing import Any


class HeadAsGet:
    """An application that answers HEAD as it answers GET; the server leaves the body out."""

    def __init__(self, application: Any) -> None:
        self._application = application

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._application(scope, receive, send)
            return
        ended = False

        async def headers_only(message: Any) -> None:
            nonlocal ended
            if message["type"] == "http.response.start":
                await send(message)
                # A stream would never end by itself.
                await send({"type": "http.response.body", "body": b"", "more_body": False})
                ended = True
            elif not ended:
                await send(message)

        await self._application(dict(scope, method="GET"), receive, headers_only)
