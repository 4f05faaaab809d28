"""Until when a downlink is wanted, as seconds or as a time, of a device and of a group."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.api.hosting import HostedServer
from tests.api.test_multicast_groups import GROUPS, V1, Lights
from tests.person import Person
from veldnet.simulator.customer import Account

OSS = "/thingpark/wireless/rest/subscriptions/mine/multicastGroups"


@pytest.fixture(scope="module")
def lights(server: HostedServer, account: Account, user: Person, operator: Person) -> Lights:
    return Lights(server, account, user, operator)


def in_seconds(lights: Lights, seconds: float) -> str:
    return datetime.fromtimestamp(lights.server.clock() + seconds, UTC).isoformat()


def test_a_group_does_not_send_what_is_no_longer_wanted(lights: Lights) -> None:
    lights.keep_alive()
    group = lights.group()
    path = f"{GROUPS}/{group['ref']}/downlinks"
    first = lights.user.call("POST", path, {"fPort": 5, "payload": "01"})
    body = {"fPort": 5, "payload": "02", "validityTime": in_seconds(lights, 2)}
    late = lights.user.call("POST", path, body)
    by_oss = f"{OSS}/{group['ref']}/admins/downlink?payload=03&fPort=5&validityTime="
    # A + in a query arrives as a blank.
    assert lights.user.request("POST", by_oss + in_seconds(lights, 2)).status_code == 204
    assert lights.user.request("POST", by_oss + "3600").status_code == 204
    lights.heard(30)
    found = {one["id"]: one for one in lights.user.call("GET", path)["frames"]}
    assert found[first["id"]]["status"] == "SUCCESS"
    assert (found[late["id"]]["causes"], found[late["id"]]["status"]) == ({"E3": 0}, "DISCARDED")
    assert [one["status"] for one in found.values()].count("DISCARDED") == 2


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (
            {"validityTime": "2020-01-31T12:00:00Z"},
            "validityTime '2020-01-31T12:00:00Z' must be later than now",
        ),
        ({"validityTime": "2999-01-31T12:00:00Z"}, "by a year at most"),
        ({"validityTime": "0"}, "must be later than now"),
        ({"validityTime": "tomorrow"}, "validityTime 'tomorrow' must be seconds, or a time such as"),
        ({"validityTime": "60", "validity": 60}, "validity and validityTime are the same; give one"),
        ({"validity": 0}, "validity must be seconds from 1 to 31536000"),
    ],
)
def test_what_is_no_validity(lights: Lights, given: dict[str, Any], words: str) -> None:
    group, device = lights.group(), lights.device()
    for path in (f"{GROUPS}/{group['ref']}", f"{V1}/devices/{device['ref']}"):
        answer = lights.user.request("POST", f"{path}/downlinks", {"fPort": 5, "payload": "01"} | given)
        assert answer.status_code == 400 and words in answer.text


def test_the_counter_that_is_expected_is_named_in_dutch(lights: Lights) -> None:
    group = lights.group()
    lights.keep_alive()
    path = f"{GROUPS}/{group['ref']}/downlinks"
    lights.user.call("POST", path, {"fPort": 5, "payload": "01", "fCntDown": 7})
    again = {"fPort": 5, "payload": "01", "fCntDown": 7}
    answer = lights.user.request("POST", path, again, headers={"accept-language": "nl"})
    assert "Downlinkteller is al gebruikt. Verwacht=8 (code 101)" in answer.text
