"""Access tokens of OAuth 2.0 by client credentials (RFC 6749 4.4), kept for as long as they last."""

from __future__ import annotations

import asyncio
from urllib.parse import urlencode

import msgspec
from msgspec.structs import replace

from veldnet.texts import Text

from .model import Outcome
from .sending import HttpSender, Request

# Seconds before its end in which a token is not used any more, and for which one lasts that says nothing.
_EARLIER, _LASTS = 30.0, 300.0
_HEADERS = {
    "User-Agent": "Veldnet",
    "Accept": "application/json",
    "Content-Type": "application/x-www-form-urlencoded",
}


class Credentials(msgspec.Struct, frozen=True):
    """Who asks for tokens, and where."""

    url: str
    client_id: str
    client_secret: str
    scope: str = ""

    def __repr__(self) -> str:
        return "Credentials(…)"


class _Answer(msgspec.Struct):
    access_token: str
    expires_in: float | None = None


class AccessTokens:
    """Asks for one at a time."""

    def __init__(self, credentials: Credentials, sender: HttpSender) -> None:
        self._credentials, self._sender = credentials, sender
        self._token, self._until = "", 0.0
        self._asking = asyncio.Lock()

    def forget(self, token: str) -> None:
        """A token was refused."""
        if token == self._token:
            self._token = ""

    async def get(self, now: float) -> str | Outcome:
        """A token, or why there is none; `now` in Unix seconds."""
        async with self._asking:
            if self._token and now < self._until:
                return self._token
            return await self._ask(now)

    async def _ask(self, now: float) -> str | Outcome:
        given = self._credentials
        form = {
            "grant_type": "client_credentials",
            "client_id": given.client_id,
            "client_secret": given.client_secret,
            "scope": given.scope,
        }
        body = urlencode({name: value for name, value in form.items() if value}).encode()
        outcome = await self._sender.send(Request(given.url, _HEADERS, body, now))
        if not outcome.delivered:
            words = Text("no access token: {why}", why=outcome.error or outcome.status)
            # The message is not to blame, so it is tried again, unless the address may not be used.
            return replace(outcome, error=words, refusal=outcome.refusal if outcome.reason else None)
        try:
            answer = msgspec.json.decode(
                (outcome.answer or "").partition("\n")[2], type=_Answer, strict=False
            )
        except msgspec.MsgspecError:
            answer = _Answer("")
        if (
            not answer.access_token.isascii()
            or not answer.access_token.isprintable()
            or not answer.access_token
        ):
            return Outcome(False, "Error", Text("the answer has no access token"), outcome.url)
        self._token = answer.access_token
        self._until = now + (_LASTS if answer.expires_in is None else answer.expires_in) - _EARLIER
        return self._token
