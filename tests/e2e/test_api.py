"""The API over real HTTP: what only threads and sockets can show. The rest is in `tests/api`."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.e2e.running import KPN, Client, RunningServer, command

# The tests of this file share a server.

AS_KEY = "46ab678cd45df4a4e4b375Eacd096acc"
ROUTE = {"addresses": ["http://127.0.0.1:9/up"], "asId": "my.as", "asKey": AS_KEY, "contentType": "JSON"}


def test_oversize_bodies_are_refused_while_they_come(client: Client) -> None:
    def endless() -> Any:
        for _ in range(40):
            yield b" " * 65_536

    answer = client.http.post(f"{KPN}/devices", content=endless())
    assert answer.status_code == 400 and "larger than" in answer.json()["message"]


def test_connections_are_granted_once_however_many_ask_at_the_same_time(
    server: RunningServer, client: Client
) -> None:
    data = ("--data", str(server.data))
    command("admin", "plan", "create", "sandbox-ope-cs/five", "Five", "--operator", "sandbox-ope", *data)
    command("admin", "plan", "grant", "sandbox-ope-cs/five", "100000001", "5", *data)
    bodies = [client.device_body(0x700 + n, connectivityPlanId="sandbox-ope-cs/five") for n in range(24)]
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda body: client.request("POST", "/devices", body), bodies))
    assert Counter(a.status_code for a in answers) == {201: 5, 400: 19}
    assert {a.json()["errorId"] for a in answers if a.status_code == 400} == {"LDM-406"}

    def used() -> int:
        plans = client.call("GET", "/connectivityPlans")
        (plan,) = [plan for plan in plans if plan["id"] == "sandbox-ope-cs/five"]
        return int(plan["usedConnections"])

    assert used() == 5
    created = [a.json()["ref"] for a in answers if a.status_code == 201]
    with ThreadPoolExecutor(12) as pool:
        gone = list(pool.map(lambda ref: client.request("DELETE", f"/devices/{ref}"), created * 2))
    assert Counter(a.status_code for a in gone) == {204: 5, 404: 5}
    assert used() == 0, "each is given back once"


def test_pages_for_people_and_machines(client: Client) -> None:
    assert "swagger-ui" in client.http.get("/docs").text
    assert client.http.get("/docs/ui/swagger-ui-bundle.js").status_code == 200
    assert client.http.get("/", follow_redirects=True).url.path == "/console/"
    assert "veldnet_uplinks_committed_total" in client.http.get("/metrics").text
    assert (client.http.get("/healthz").text, client.http.get("/readyz").text) == ("ok", "ready")
    client.call("POST", "/routingProfiles", {"name": "Signed", "routes": [ROUTE]})
    secrets = [client.account.client_secret, client.account.thingpark_password, client.token, AS_KEY]
    log = client.server.log.read_text()
    assert not any(secret in log for secret in secrets)
