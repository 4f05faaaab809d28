"""Downlinks followed from the queue to their end, of one device and of all that one may see."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from tests.api.antenna import Antenna
from tests.api.hosting import HostedServer
from tests.customers import KPN
from tests.e2e import radio
from tests.installation import sandbox
from tests.person import Person
from veldnet.monitoring import Subscription
from veldnet.monitoring.downlinks import Changed
from veldnet.simulator.customer import Account
from veldnet.simulator.device import VirtualDevice

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
V1 = "/api/v1"
_numbers = itertools.count(1)


class Field:
    """Two customers, and a device of the first that has joined."""

    def __init__(self, server: HostedServer, account: Account) -> None:
        self.server = server
        self.account = account
        self.user = Person(server, account.thingpark_username, account.thingpark_password)
        name = account.thingpark_username.replace("sandbox", "operator")
        self.operator = Person(server, name, account.thingpark_password)
        other = sandbox(server.data)
        self.outsider = Person(server, other.thingpark_username, other.thingpark_password)
        self.antenna = Antenna(server, account.base_station_eui)

    def device(self, **changes: Any) -> tuple[str, VirtualDevice]:
        body = {
            "EUI": f"0059AC00DF{next(_numbers):06X}",
            "applicationEUI": "0059AC0000000001",
            "applicationKey": KEY,
            "deviceProfileId": self.account.device_profile_id,
        } | changes
        made = self.user.call("POST", f"{KPN}/devices", body, headers={"api-version": "v1.1.1"})
        virtual = radio.device(body["EUI"], KEY)
        radio.join(self.antenna, virtual)
        self.antenna.hear(virtual.uplink(2, b"first"))
        self.antenna.downlink(3)
        return made["ref"], virtual

    def send(self, ref: str, **body: Any) -> str:
        sent = {"fPort": 3, "payload": "C0FFEE"} | body
        return str(self.user.call("POST", f"{V1}/devices/{ref}/downlinks", sent)["id"])

    def one(self, identifier: str) -> dict[str, Any]:
        found: dict[str, Any] = self.user.call("GET", f"{V1}/downlinks/{identifier}")
        return found

    def states(self, query: str = "", person: Person | None = None) -> list[tuple[str, str]]:
        page = (person or self.user).call("GET", f"{V1}/downlinks?{query}")
        return [(one["id"], one["status"]) for one in page["downlinks"]]

    def subscribe(self) -> Subscription[Changed]:
        ledger = self.server.platform.feeds.downlinks
        # The first of the data directory.
        return ledger.subscribe(1, ledger.operator_of[1])


@pytest.fixture(scope="module")
def field(server: HostedServer, account: Account) -> Field:
    return Field(server, account)


def test_a_confirmed_downlink_is_followed_to_its_acknowledgement(field: Field) -> None:
    ref, virtual = field.device()
    watching = field.subscribe()
    sent = field.send(ref, confirmed=True, validity=3600, priority=4)
    queued = field.one(sent)
    assert (queued["status"], queued["fPort"], queued["payload"]) == ("queued", 3, "c0ffee")
    assert queued["confirmed"] and queued["priority"] == 4 and queued["expires"] > queued["queuedTime"]
    assert queued["deviceRef"] == ref and queued["deviceEUI"].startswith("0059AC00DF")
    field.server.pass_time(30)
    field.antenna.keep_alive()
    field.antenna.hear(virtual.uplink(2, b"x"))
    field.server.pass_time(0.3)
    assert field.one(sent)["status"] == "sending"
    frame = field.antenna.downlink(3)
    assert frame is not None and virtual.receive(frame) is not None
    gone = field.one(sent)
    assert (gone["status"], gone["slot"], gone["baseStationId"]) == ("sent", "RX1", _station(field))
    assert gone["sendingTime"] <= gone["sentTime"] and gone["answerTime"] is None and gone["causes"] == []
    assert field.user.call("GET", f"{V1}/frames/{gone['frameId']}")["id"] == gone["frameId"]
    field.server.pass_time(30)
    field.antenna.hear(virtual.uplink(2, b"y"))
    field.antenna.downlink(2)
    done = field.one(sent)
    assert (done["status"], done["fCntDn"]) == ("acknowledged", gone["fCntDn"])
    assert done["answerTime"] > done["sentTime"] and done["priority"] == 4
    assert field.user.call("GET", f"{V1}/frames/{done['answerFrameId']}")["id"] == done["answerFrameId"]
    changes = field.server.run(watching.take(1))
    assert {change.id for change in changes} == {int(sent)} and len(changes) >= 4
    field.server.platform.feeds.downlinks.leave(watching)


def _station(field: Field) -> str:
    return str(field.operator.call("GET", f"{V1}/operator/baseStations")[0]["id"])


def test_what_ends_otherwise_says_how(field: Field) -> None:
    ref, virtual = field.device()
    # Without the acknowledgement that the next uplink should have brought.
    unheard = field.send(ref, confirmed=True)
    field.antenna.hear(virtual.uplink(2, b"x"))
    assert field.antenna.downlink(3) is not None
    field.server.pass_time(30)
    field.antenna.hear(virtual.uplink(2, b"y"))
    field.antenna.downlink(2)
    assert field.one(unheard)["status"] == "unacknowledged"
    # Refused by the base station in both windows.
    refused = field.send(ref)
    field.server.pass_time(30)
    field.antenna.hear(virtual.uplink(2, b"z"))
    for _window in range(2):
        field.antenna.downlink(3, error="COLLISION_PACKET")
    failed = field.one(refused)
    assert failed["status"] == "failed" and {cause["slot"] for cause in failed["causes"]} == {"RX1", "RX2"}
    assert all(len(cause["code"]) == 2 for cause in failed["causes"])
    # Too late for its validity.
    late = field.send(ref, validity=5)
    field.server.pass_time(60)
    field.antenna.hear(virtual.uplink(2, b"a"))
    field.antenna.downlink(2)
    assert field.one(late)["causes"] == [{"code": "E3", "slot": None}]
    assert field.states(f"deviceRef={ref}&status=failed") == [(late, "failed"), (refused, "failed")]
    # The queue is cleared, and the security context reset with one in it.
    cleared = field.send(ref)
    field.user.call("DELETE", f"{V1}/devices/{ref}/downlinks")
    lost = field.send(ref)
    field.user.call("POST", f"{V1}/devices/{ref}/securityContext/reset")
    assert field.one(cleared)["status"] == "cancelled"
    assert field.one(lost)["causes"] == [{"code": "E4", "slot": None}]


def test_a_queued_downlink_can_be_cancelled_and_a_sent_one_cannot(field: Field) -> None:
    ref, virtual = field.device()
    first, second = field.send(ref), field.send(ref, payload="02")
    assert field.states(f"deviceRef={ref}") == [(second, "queued"), (first, "queued")]
    path = f"{V1}/devices/{ref}/downlinks"
    assert field.user.request("DELETE", f"{path}/{first}").status_code == 204
    assert field.states(f"deviceRef={ref}") == [(second, "queued"), (first, "cancelled")]
    assert [one["id"] for one in field.user.call("GET", path)] == [second]
    field.antenna.hear(virtual.uplink(2, b"x"))
    frame = field.antenna.downlink(3)
    assert frame is not None and field.one(second)["status"] == "sent"
    for gone in (first, second):
        refused = field.user.request("DELETE", f"{path}/{gone}")
        assert refused.status_code == 400 and "only a queued one" in refused.json()["message"]
    other, _virtual = field.device()
    for unknown in ("1", "x" * 40, "9" * 19, "9" * 30):
        assert field.user.request("DELETE", f"{path}/{unknown}").status_code == 404
    assert field.user.request("DELETE", f"{V1}/devices/{other}/downlinks/{second}").status_code == 404


def test_the_list_of_all_devices_is_of_those_one_may_see(field: Field) -> None:
    (one, _first), (two, _second) = field.device(), field.device()
    sent = [field.send(one), field.send(two), field.send(one)]
    assert [identifier for identifier, _state in field.states("limit=3")] == sent[::-1]
    page = field.user.call("GET", f"{V1}/downlinks?limit=2&status=queued")
    assert [found["id"] for found in page["downlinks"]] == sent[:0:-1]
    rest = field.user.call("GET", f"{V1}/downlinks?limit=2&status=queued&before={page['next']}")
    assert rest["downlinks"][0]["id"] == sent[0]
    assert field.states("limit=3", field.operator) == [(found, "queued") for found in sent[::-1]]
    assert field.states("status=acknowledged,cancelled&limit=500", field.operator) != []
    for path in (f"/downlinks/{sent[0]}", f"/devices/{one}/downlinks/{sent[0]}"):
        method = "GET" if path.startswith("/downlinks") else "DELETE"
        assert field.outsider.request(method, f"{V1}{path}").status_code == 404
    assert field.states("", field.outsider) == field.states(f"deviceRef={one}", field.outsider) == []
    for wrong in ("status=gone", "status=sent,,", "limit=0", "before=x", "deviceRef=x"):
        refused = field.user.request("GET", f"{V1}/downlinks?{wrong}")
        assert refused.status_code == 400 and wrong.split("=")[0] in refused.json()["message"]
    # They go with their device.
    field.user.call("DELETE", f"{KPN}/devices/{one}")
    assert field.states("status=queued&limit=1") == [(sent[1], "queued")]
    assert field.user.request("GET", f"{V1}/downlinks/{sent[0]}").status_code == 404


def test_a_class_c_device_is_sent_to_at_once(field: Field) -> None:
    ref, virtual = field.device(deviceProfileId="LORA/GenericC.1_ETSI_Rx2-SF9")
    sent = field.send(ref)
    assert field.one(sent)["status"] in ("queued", "sending")
    assert field.antenna.downlink(5) is not None
    field.server.pass_time(2)
    done = field.one(sent)
    assert (done["status"], done["slot"]) == ("sent", "RX2") and virtual.joined
