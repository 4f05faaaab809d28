"""Connections over HTTP with access tokens of OAuth 2.0."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from tests.unit.outgoing.servers import serving
from veldnet.connections import KINDS, Connection, Outgoing, Surroundings
from veldnet.domain.errors import InvalidField, MissingField
from veldnet.domain.flows import ConnectionSecrets, ConnectionSettings
from veldnet.inventory import flows
from veldnet.outgoing import Resolver
from veldnet.supervision import Supervisor

_OK, _UNAUTHORIZED = (
    f"HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n".encode() for status in ("204 Ok", "401 No")
)


def _said(document: str, status: str = "200 Ok") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(document)}\r\n\r\n{document}".encode()


async def _deliver(answers: Sequence[bytes], moments: Sequence[float]) -> tuple[list[object], list[str]]:
    """What becomes of messages that are sent at these moments, and the requests that the server got."""
    async with serving(lambda number: [answers[number]]) as server:
        options: dict[str, str | int | bool] = {
            "tokenUrl": server.address,
            "oauthClientId": "me",
            "scope": "a b",
        }
        settings = ConnectionSettings(type="HTTP", address=server.address, options=options)
        around = Surroundings(
            True, Resolver(allow_private=True), Supervisor(), time.time, lambda _in: None, lambda _ref: None
        )
        secrets = ConnectionSecrets(options={"oauthClientSecret": "s&1"})
        made = KINDS["HTTP"].make(Connection(1, 1, "1", "x", True, settings, secrets), around)
        found: list[object] = []
        for moment in moments:
            outcome = await made.deliver(Outgoing("up", {}, b"{}", moment))
            found.append(
                True if outcome.delivered else (outcome.error, outcome.refusal, made.condition.status)
            )
        await made.close()
        return found, [request.decode() for request in server.requests]


async def test_a_token_serves_until_it_ends_or_is_refused() -> None:
    one, two, three = (
        _said(f'{{"access_token": "{name}", "expires_in": "600"}}') for name in ("one", "two", "three")
    )
    found, requests = await _deliver(
        [one, _OK, _OK, _UNAUTHORIZED, two, _OK, three, _OK], [0, 500, 501, 1200]
    )
    assert found == [True] * 4
    assert requests[0].endswith("grant_type=client_credentials&client_id=me&client_secret=s%261&scope=a+b")
    given = [request.partition("Bearer ")[2].partition("\r\n")[0] for request in requests]
    assert given == ["", "one", "one", "one", "", "two", "", "three"]


@pytest.mark.parametrize(
    ("answers", "reason"),
    [
        ([_said('{"error": "invalid_client"}', "400 No")], "no access token: HTTP status 400"),
        ([_said("<html>")], "the answer has no access token"),
        ([_said('{"access_token": "a\\r\\nX: y"}')], "the answer has no access token"),
        ([_said('{"access_token": "a"}'), _UNAUTHORIZED] * 2, "HTTP status 401"),
    ],
)
async def test_without_a_token_messages_wait(answers: Sequence[bytes], reason: str) -> None:
    found, _requests = await _deliver(answers, [0])
    assert found == [(reason, None, "ERROR")]


def test_what_is_missing_is_said() -> None:
    body = flows.Connection(
        name="x", type="HTTP", address="https://a.example", options={"tokenUrl": "https://b.example"}
    )
    with pytest.raises(MissingField, match="oauthClientId"):
        flows.prepare(body, None, allow_private=False)
    body.options = {"tokenUrl": "mqtt://b", "oauthClientId": "me"}
    with pytest.raises(InvalidField, match="address"):
        flows.prepare(body, None, allow_private=False)
