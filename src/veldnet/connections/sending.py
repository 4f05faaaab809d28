"""Messages as requests of HTTP, and what came of each: one sender for routes and connections."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from veldnet.outgoing import (
    Address,
    AddressRefused,
    Answer,
    HttpClient,
    RequestFailed,
    Resolver,
    masked,
    parse_address,
    text_of,
)
from veldnet.texts import Text

from .answers import address_refused, described, refusal_of, seconds_of
from .model import Outcome


class Request(msgspec.Struct, frozen=True, gc=False):
    """A message for a URL; `now` in Unix seconds. `query` comes after that of the URL."""

    url: str
    headers: Mapping[str, str]
    body: bytes
    now: float
    query: str = ""

    def target(self, address: Address) -> str:
        return address.with_query(self.query) if self.query else address.target


class HttpSender:
    """Posts messages over keep-alive connections."""

    def __init__(self, *, allow_private: bool, connect_timeout: float, total_timeout: float) -> None:
        self._client = HttpClient(
            Resolver(allow_private=allow_private),
            connect_timeout=connect_timeout,
            total_timeout=total_timeout,
        )

    async def send(self, request: Request, *, keep_answer: bool = True) -> Outcome:
        """Post a message; no failure is an exception. `keep_answer` has the whole answer kept for somebody to
        read."""
        shown = masked(request.url)
        try:
            address = parse_address(request.url, stored=True)
            answer = await self._client.post(
                address, request.target(address), request.headers, request.body, whole=keep_answer
            )
        except AddressRefused as error:
            return address_refused(Text("the address {why}", why=text_of(error)), shown)
        except RequestFailed as error:
            if error.refused:
                return address_refused(text_of(error), shown)
            return Outcome(False, "Timeout" if error.timed_out else "Error", text_of(error), shown)
        return _outcome(answer, shown, request.now, said=_said(answer) if keep_answer else None)

    async def close(self) -> None:
        await self._client.close()


def _said(answer: Answer) -> str:
    return f"HTTP {answer.status}\n{answer.body.decode(errors='replace')}"


def _outcome(answer: Answer, shown: str, now: float, said: str | None) -> Outcome:
    if 200 <= answer.status < 300:
        return Outcome(True, "Ok", None, shown, said)
    after = seconds_of(answer.retry_after, now)
    return Outcome(False, "Error", described(answer), shown, said, refusal_of(answer.status), after)
