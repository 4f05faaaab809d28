"""Asks identity providers, within bounds: no redirects, 64 KiB, ten seconds."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from veldnet.outgoing import AddressRefused, Answer, HttpClient, RequestFailed, Resolver, parse_address

from .exchange import (
    Attempt,
    Metadata,
    Person,
    ProviderProblem,
    Registration,
    authorization_address,
    key_id_of,
    read_callback,
    read_id_token,
    read_keys,
    read_metadata,
    read_tokens,
)

if TYPE_CHECKING:
    from joserfc.jwk import KeySet

# Seconds for which a discovery document is used again, and before keys are asked for again.
_KEPT = 3600.0
_KEYS_AGAIN = 60.0
_TIMEOUT = 10.0


class OpenIdClient:
    """Remembers discovery documents and keys. `clock` is that which tokens are checked by."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._metadata: dict[str, tuple[float, Metadata]] = {}
        self._keys: dict[str, tuple[float, KeySet]] = {}

    async def begin(self, registration: Registration, attempt: Attempt) -> str:
        """Where to send the browser. Raises `ProviderProblem`."""
        metadata = await self._discover(registration.issuer)
        return authorization_address(metadata, registration, attempt)

    async def finish(self, registration: Registration, attempt: Attempt, query: dict[str, str]) -> Person:
        """Who the browser's answer is for. Raises `ProviderProblem`."""
        code = read_callback(query, registration.issuer, attempt)
        metadata = await self._discover(registration.issuer)
        headers = {"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"}
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": registration.redirect_uri,
            "code_verifier": attempt.verifier,
        }
        secret, methods = registration.client_secret, metadata.token_endpoint_auth_methods_supported
        if secret and ("client_secret_basic" in methods or "client_secret_post" not in methods):
            pair = f"{quote(registration.client_id, safe='')}:{quote(secret, safe='')}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form |= {"client_id": registration.client_id} | ({"client_secret": secret} if secret else {})
        answer = await _fetch(metadata.token_endpoint, headers, urlencode(form).encode())
        token = read_tokens(answer.body, answer.status)
        keys = await self._keys_for(metadata, key_id_of(token))
        return read_id_token(token, keys, registration, attempt, self._clock())

    async def _discover(self, issuer: str) -> Metadata:
        known = self._metadata.get(issuer)
        if known is not None and known[0] + _KEPT > self._clock():
            return known[1]
        answer = await _document(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        found = read_metadata(answer.body, issuer)
        self._metadata[issuer] = (self._clock(), found)
        return found

    async def _keys_for(self, metadata: Metadata, key_id: str | None) -> KeySet:
        """The provider's keys; asked for again where the one that is named is new."""
        known = self._keys.get(metadata.issuer)
        now = self._clock()
        if known is not None:
            fresh = known[0] + _KEPT > now
            named = key_id is None or any(key.kid == key_id for key in known[1].keys)
            if (fresh and named) or known[0] + _KEYS_AGAIN > now:
                return known[1]
        found = read_keys((await _document(metadata.jwks_uri)).body)
        self._keys[metadata.issuer] = (now, found)
        return found


async def _document(address: str) -> Answer:
    answer = await _fetch(address, {"Accept": "application/json"})
    if answer.status != 200:
        raise ProviderProblem("unreachable", f"{address[:200]}: status {answer.status}")
    return answer


async def _fetch(address: str, headers: dict[str, str], form: bytes | None = None) -> Answer:
    """A whole answer. The operator chose the provider, which may be in a private network."""
    client = HttpClient(Resolver(allow_private=True), total_timeout=_TIMEOUT)
    try:
        answer = await client.fetch(parse_address(address), headers | {"Connection": "close"}, form)
    except AddressRefused as error:
        raise ProviderProblem("endpoint", f"{address[:200]} {error}") from None
    except RequestFailed as error:
        raise ProviderProblem("unreachable", f"{address[:200]}: {error}") from None
    finally:
        await client.close()
    if 300 <= answer.status < 400:
        raise ProviderProblem("redirected", f"{address[:200]}: status {answer.status}")
    if not answer.complete:
        raise ProviderProblem("too_large", address[:200])
    return answer
