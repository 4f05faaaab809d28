"""A dead application server, as the operator and its subscriber find it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.antenna import Antenna
from tests.api.hosting import HostedServer
from tests.customers import KPN
from tests.e2e import radio
from tests.installation import sandbox
from tests.person import Person
from veldnet.assembly.redelivery import redeliver
from veldnet.connections import Outcome
from veldnet.domain.resources import timestamp
from veldnet.routing import Attempt
from veldnet.simulator.customer import Account
from veldnet.texts import Text

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
V1 = "/api/v1"


async def _dead(_attempt: Attempt) -> Outcome:
    return Outcome(False, "Error", Text("HTTP status {status}", status=503))


def test_a_dead_application_server_is_found_from_both_homes(
    server: HostedServer, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server.inbox, "send", _dead)
    word = account.thingpark_password
    user = Person(server, account.thingpark_username, word)
    operator = Person(server, account.thingpark_username.replace("sandbox", "operator"), word)
    routing = {"name": "Pumps", "routes": [{"addresses": ["http://127.0.0.1:9/dead"]}]}
    profile = user.call("POST", f"{KPN}/routingProfiles", routing)
    body = {
        "EUI": "0059AC0000C0FFEE",
        "applicationEUI": "0059AC0000000001",
        "applicationKey": KEY,
        "deviceProfileId": account.device_profile_id,
        "routingProfileId": profile["id"],
    }
    made = user.call("POST", f"{KPN}/devices", body, headers={"api-version": "v1.1.1"})
    antenna, virtual = Antenna(server, account.base_station_eui), radio.device(body["EUI"], KEY)
    radio.join(antenna, virtual)
    begun = server.clock()
    antenna.hear(virtual.uplink(1, b"x"))
    found = server.until(lambda: operator.call("GET", f"{V1}/operator/overview")["destinations"])
    assert "HTTP status 503" in found[0]["lastError"], "found with the first failure"
    assert server.clock() - begun < 60, "before it has waited for a minute"
    explanation = f"{V1}/devices/{made['ref']}/explanation"
    assert "HTTP status 503" in str(user.call("GET", explanation)["findings"])
    server.pass_time(120)
    (waiting,) = operator.call("GET", f"{V1}/operator/overview")["destinations"]
    assert (waiting["routingProfileRef"], waiting["routingProfileName"]) == (profile["ref"], "Pumps")
    assert waiting["waiting"] >= 1 and "HTTP status 503" in waiting["lastError"] and waiting["nextAttemptAt"]
    assert user.call("GET", f"{V1}/overview")["deliveries"]["destinations"] == [waiting]
    assert user.signed_in["customerId"] == waiting["customerId"]
    dutch = {"Accept-Language": "nl"}
    for person, path in ((operator, f"{V1}/operator/overview"), (user, f"{V1}/overview")):
        told = person.call("GET", path, headers=dutch)
        (there,) = told.get("destinations") or told["deliveries"]["destinations"]
        assert there["lastError"] == "HTTP-status 503"
    listed = user.call("GET", f"{V1}/undelivered?includePending=true", headers=dutch)
    assert {message["lastError"] for message in listed} == {"HTTP-status 503"}
    told = user.call("GET", f"{V1}/devices/{made['ref']}/explanation", headers=dutch)["findings"]
    assert any("laatste antwoord: HTTP-status 503" in finding["text"] for finding in told)
    explained = user.call("GET", f"{V1}/devices/{made['ref']}/explanation")["findings"]
    assert any(
        "HTTP status 503" in finding["text"] and "next attempt" in finding["text"] for finding in explained
    )
    other = sandbox(server.data)
    outsider = Person(
        server, other.thingpark_username.replace("sandbox", "operator"), other.thingpark_password
    )
    assert outsider.call("GET", f"{V1}/operator/overview")["destinations"] == []


def test_what_was_refused_is_delivered_once_it_is_asked_for(
    server: HostedServer, account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the command, which writes into the database beside the server, and by the API."""
    refused = Outcome(False, "Error", "HTTP 410", refusal="never")
    monkeypatch.setattr(server.inbox, "answer", refused)
    user = Person(server, account.thingpark_username, account.thingpark_password)
    routing = {"name": "Gates", "routes": [{"addresses": [server.inbox.url]}]}
    profile = user.call("POST", f"{KPN}/routingProfiles", routing)
    eui = "0059AC0000C0FFED"
    body = {
        "EUI": eui,
        "applicationEUI": "0059AC0000000001",
        "applicationKey": KEY,
        "deviceProfileId": account.device_profile_id,
        "routingProfileId": profile["id"],
    }
    user.call("POST", f"{KPN}/devices", body, headers={"api-version": "v1.1.1"})
    antenna, virtual = Antenna(server, account.base_station_eui), radio.device(eui, KEY)
    radio.join(antenna, virtual)
    now = int(server.clock() * 1000)
    begin, end = now - 3_600_000, now + 3_600_000

    def undelivered(options: str = "") -> list[dict[str, Any]]:
        return [m for m in user.call("GET", f"{V1}/undelivered{options}") if m["deviceEUI"] == eui]

    for ask in ("command", "API"):
        monkeypatch.setattr(server.inbox, "answer", refused)
        antenna.hear(virtual.uplink(1, b"x"))
        server.pass_time(5)
        assert {message["reason"] for message in undelivered()} == {"refused"}, ask
        before, waiting = len(server.inbox.messages()), len(undelivered())
        monkeypatch.setattr(server.inbox, "answer", Outcome(True, "Ok"))
        if ask == "command":
            store = server.platform.store
            assert server.run(store.write(lambda c: redeliver(c, None, begin, end, end)))
        else:
            times = {"from": timestamp(begin), "to": timestamp(end)}
            assert user.call("POST", f"{V1}/undelivered/redeliveries", times)["queues"]
        server.until(lambda: undelivered("?includePending=true") == [])
        assert len(server.inbox.messages()) >= before + waiting, ask
