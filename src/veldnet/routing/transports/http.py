"""Messages as signed HTTP requests, and what the application server answers."""

from __future__ import annotations

from veldnet.connections import Outcome, address_refused, described, refusal_of, seconds_of
from veldnet.outgoing import (
    AddressRefused,
    Answer,
    HttpClient,
    RequestFailed,
    Resolver,
    masked,
    parse_address,
    text_of,
)
from veldnet.routing.messages import time_text
from veldnet.routing.tokens import uplink_token
from veldnet.texts import Text

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
        self._client = HttpClient(
            Resolver(allow_private=settings.allow_private),
            connect_timeout=settings.connect_timeout,
            total_timeout=settings.total_timeout,
        )

    async def deliver(self, address: str, attempt: Attempt, *, keep_answer: bool = False) -> Outcome:
        url = masked(address)
        try:
            answer = await self._post(address, attempt, whole=keep_answer)
        except AddressRefused as error:
            return address_refused(Text("the address {why}", why=text_of(error)), url)
        except RequestFailed as error:
            if error.refused:
                return address_refused(text_of(error), url)
            return Outcome(False, "Timeout" if error.timed_out else "Error", text_of(error), url)
        shown = None
        if keep_answer:
            shown = f"HTTP {answer.status}\n{answer.body.decode(errors='replace')}"
        if 200 <= answer.status < 300:
            return Outcome(True, "Ok", None, url, shown)
        return Outcome(
            False,
            "Error",
            described(answer),
            url,
            shown,
            refusal_of(answer.status),
            seconds_of(answer.retry_after, attempt.now),
        )

    async def _post(self, text: str, attempt: Attempt, *, whole: bool) -> Answer:
        address, message = parse_address(text, stored=True), attempt.message
        headers = _HEADERS | {"Content-Type": _CONTENT_TYPES[message.content_type]}
        target = address.with_query(signed_query(attempt))
        return await self._client.post(address, target, headers, message.body, whole=whole)

    async def close(self) -> None:
        await self._client.close()
