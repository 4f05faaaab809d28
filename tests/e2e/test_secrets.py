"""One limit for every place that checks a password or secret; what a new password does to projects."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from tests.e2e.running import KPN, Client, RunningServer, command, sandbox
from veldnet.simulator.customer import Account

_addresses = (f"198.51.{high}.{low}" for high, low in itertools.product(range(100), range(1, 250)))
TOKENS = (
    "/oauth/client_credential/accesstoken",
    "/thingpark/dx/admin/latest/api/oauth/token",
    "/admin/v155/api/oauth/token",
    "/users-auth/protocol/openid-connect/token",
)
PLACES = (*TOKENS, *(f"basic {path}" for path in TOKENS[:2]), "console", "activation")
OPERATOR, PASSWORD = "operator@a8.example", "a password of the operator"
_http = httpx.Client(timeout=30)


def guess(client: Client, place: str, name: str, address: str, secret: str = "x" * 12) -> httpx.Response:
    """One guess from an address, as a proxy on this machine reports it."""
    headers = {"x-forwarded-for": address}
    http = client.server.http
    form = {"grant_type": "client_credentials"}
    if place == "console":
        body = {"username": name, "password": secret}
        return _http.post(f"{http}/api/v1/session", json=body, headers=headers)
    if place == "activation":
        body = {"thingpark_username": name, "thingpark_password": secret}
        return client.http.post(f"{KPN}/activate", json=body, headers=headers)
    if place.startswith("basic "):
        return _http.post(
            http + place.removeprefix("basic "), data=form, auth=(name, secret), headers=headers
        )
    form |= {"client_id": name, "client_secret": secret}
    return _http.post(http + place, data=form, headers=headers)


@pytest.mark.parametrize("place", PLACES)
def test_a8_guesses_for_one_name(client: Client, place: str) -> None:
    """Ten are wrong, the next is not looked at, wherever each comes from. (One more is let in after six
    seconds, which a busy machine may take.)"""
    name = f"nobody-{PLACES.index(place)}"
    answers = [guess(client, place, name, next(_addresses)) for _ in range(12)]
    statuses = [answer.status_code for answer in answers]
    assert statuses[:10] == [401] * 10 and statuses[-1] == 429 and statuses[10] in (401, 429)
    assert "wait a minute" in answers[-1].json()["message"] and answers[-1].headers["retry-after"]


@pytest.mark.parametrize("place", [TOKENS[0], TOKENS[1], "console"])
def test_a8_guesses_from_one_address(client: Client, place: str) -> None:
    """Sixty, and one a second."""
    address = next(_addresses)
    with ThreadPoolExecutor(4) as pool:
        statuses = list(
            pool.map(
                lambda number: guess(client, place, f"{place}-{number}", address).status_code, range(120)
            )
        )
    assert set(statuses) == {401, 429}
    assert 60 <= statuses.count(401) < 115
    assert guess(client, place, "somebody", next(_addresses)).status_code == 401, "another address may"


def test_a8_all_places_count_together(client: Client) -> None:
    name = "counted-together"
    places = ["console", "activation", *TOKENS[1:]] * 2
    assert [guess(client, place, name, next(_addresses)).status_code for place in places] == [401] * 10
    for place in ("console", "activation", *TOKENS[1:]):
        assert guess(client, place, name, next(_addresses)).status_code in (401, 429)
    assert guess(client, "console", name, next(_addresses)).status_code == 429


def test_a8_guesses_at_once_do_not_slip_through(client: Client) -> None:
    with ThreadPoolExecutor(30) as pool:
        statuses = list(
            pool.map(lambda _: guess(client, TOKENS[1], "at-once", next(_addresses)).status_code, range(60))
        )
    assert statuses.count(401) <= 13 and statuses.count(429) >= 47


def test_a8_right_ones_do_not_count(client: Client, account: Account) -> None:
    address = next(_addresses)
    for _ in range(70):
        answer = guess(client, TOKENS[0], account.client_id, address, account.client_secret)
        assert answer.status_code == 200
    for _ in range(15):
        right = guess(client, TOKENS[1], account.thingpark_username, address, account.thingpark_password)
        assert right.status_code == 200


@pytest.fixture(scope="module")
def desk(client: Client, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., httpx.Response]:
    """Requests of an operator's user."""
    secret = tmp_path_factory.mktemp("a8") / "password"
    secret.write_text(PASSWORD)
    command(
        *("admin", "operator-user-create", OPERATOR, "--operator", "sandbox-ope", "--role", "rw"),
        *("--password-file", str(secret), "--data", str(client.server.data)),
    )
    http = httpx.Client(base_url=client.server.http, timeout=30)
    signed = http.post("/api/v1/session", json={"username": OPERATOR, "password": PASSWORD})
    assert signed.status_code == 200, signed.text
    http.headers["x-csrf-token"] = signed.json()["csrfToken"]

    def request(method: str, path: str, body: Any = None) -> httpx.Response:
        return http.request(method, f"/api/v1/operator{path}", json=body)

    return request


def _user(desk: Callable[..., httpx.Response], account: Account) -> dict[str, Any]:
    listed: list[dict[str, Any]] = desk("GET", "/users").json()["subscribers"]
    return next(user for user in listed if user["username"] == account.thingpark_username)


def _devices(client: Client) -> int:
    return client.request("GET", "/devices").status_code


def test_a8_a_new_password_or_role_asks_for_a_new_activation(
    client: Client, account: Account, desk: Callable[..., httpx.Response]
) -> None:
    user = _user(desk, account)
    path = f"/users/subscriber/{user['ref']}"
    passwords = (account.thingpark_password, "another password")
    # Another administrator: the last one keeps its role.
    colleague = {
        "username": "another@a8.example",
        "password": PASSWORD,
        "displayName": "Another",
        "customerId": user["customerId"],
        "role": "admin",
    }
    assert desk("POST", "/users", colleague).status_code == 201
    assert _devices(client) == 200
    assert desk("PUT", path, {"role": user["role"]}).status_code == 204
    assert _devices(client) == 200, "the role that it has already"
    for change in ({"password": passwords[1]}, {"role": "ro"}, {"role": "rw", "password": passwords[0]}):
        assert desk("PUT", path, change).status_code == 204
        refused = client.request("GET", "/devices")
        assert refused.status_code == 403 and "activate" in refused.json()["message"]
        password = change.get("password", passwords[1])
        old = passwords[1] if password == passwords[0] else passwords[0]
        assert guess(client, "activation", user["username"], next(_addresses), old).status_code == 401
        right = guess(client, "activation", user["username"], next(_addresses), password)
        assert right.status_code == 200 and _devices(client) == 200


def test_a8_the_setting_keeps_activations(tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tmp_path_factory.mktemp("kept") / "data"
    account = sandbox(data)
    server = RunningServer(data, VELDNET_API__RENEW_ACTIVATIONS="false")
    try:
        customer = Client(server, account)
        customer.activate()
        http = httpx.Client(base_url=server.http, timeout=30)
        signed = http.post(
            "/api/v1/session",
            json={"username": account.thingpark_username, "password": account.thingpark_password},
        )
        http.headers["x-csrf-token"] = signed.json()["csrfToken"]
        body = {"currentPassword": account.thingpark_password, "newPassword": "another password"}
        assert http.put("/api/v1/session/password", json=body).status_code == 204
        assert _devices(customer) == 200
    finally:
        assert server.stop() == 0
