"""Messages as signed HTTP requests, and what the application server answers."""

from __future__ import annotations

from veldnet.connections import HttpSender, Outcome, Request
from veldnet.routing.messages import time_text
from veldnet.routing.tokens import uplink_token

from .interface import Attempt, TransportSettings

_CONTENT_TYPES = {"JSON": "application/json", "XML": "text/xml; charset=utf-8"}
# Application servers have been seen to look for this name.
_HEADERS = {"User-Agent": "ACTILITY-LRCLRN-DEVICE-AGENT/1.0 (Veldnet)", "Accept": "*/*"}


def signed_query(attempt: Attempt) -> str:
    """The query of a delivery, percent-encoded. The token covers the decoded values."""
    message, route = attempt.message, attempt.route
    plain = (
        f"LrnDevEui={message.lrn_dev_eui}&LrnFPort={message.lrn_fport}"
        f"&LrnInfos=TWA_{attempt.profile.customer_id}.{attempt.profile.ref}"
        f".AS-{route.index}-{attempt.delivery_id % 1_000_000_000}"
    )
    if route.as_id is None or route.as_key is None:
        return plain
    plain += f"&AS_ID={route.as_id}&Time={time_text(attempt.now)}"
    token = uplink_token(message.elements, plain, route.as_key)
    # Only the time holds characters that a query must escape: AS ids are checked when they are set.
    return f"{plain.replace(':', '%3A').replace('+', '%2B')}&Token={token}"


class HttpTransport:
    """Posts messages over keep-alive connections."""

    def __init__(self, settings: TransportSettings) -> None:
        self._sender = HttpSender(
            allow_private=settings.allow_private,
            connect_timeout=settings.connect_timeout,
            total_timeout=settings.total_timeout,
        )

    async def deliver(self, address: str, attempt: Attempt, *, keep_answer: bool = False) -> Outcome:
        message = attempt.message
        headers = (
            _HEADERS | dict(attempt.profile.headers) | {"Content-Type": _CONTENT_TYPES[message.content_type]}
        )
        request = Request(address, headers, message.body, attempt.now, signed_query(attempt))
        return await self._sender.send(request, keep_answer=keep_answer)

    async def close(self) -> None:
        await self._sender.close()
