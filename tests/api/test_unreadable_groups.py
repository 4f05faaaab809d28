"""Multicast groups that cannot be sent to any more: what is stored does not open, or counters are used up."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import update

from tests.api.hosting import HostedServer
from tests.api.test_multicast_groups import GROUPS, V1, Lights
from tests.person import Person
from veldnet.lorawan import DevAddr
from veldnet.lorawan.counters import MAX_FCNT
from veldnet.network.core.multicast import GroupState, encode_group_state
from veldnet.simulator.customer import Account
from veldnet.store.coverage import HearingRow, add_hearing
from veldnet.store.schema import multicast_groups


@pytest.fixture(scope="module")
def lights(server: HostedServer, account: Account, user: Person, operator: Person) -> Lights:
    return Lights(server, account, user, operator)


@pytest.mark.parametrize(
    "damage",
    [
        {"sealed_keys": b"?"},
        {"sealed_keys": b""},
        {"state": b"\xc1"},
        {"data_rate": 99},
        {"coverage": "TAGS", "tags": "{"},
    ],
    ids=["seal", "empty", "state", "data rate", "tags"],
)
def test_a_group_that_cannot_be_read_does_not_hold_up_the_others(
    lights: Lights, damage: dict[str, Any]
) -> None:
    lights.keep_alive()
    broken, sound = (lights.group(baseStationCoverage="MEMBERS") for _ in range(2))
    lamp = lights.device()
    heard = HearingRow(int(lamp["ref"]), int(lights.masts[0], 16), 1, 5, 1.0, 30.0, 1)
    lights.server.run(lights.server.platform.store.write(lambda c: add_hearing(c, [heard])))
    for group in (broken, sound):
        lights.user.call("POST", f"{GROUPS}/{group['ref']}/members", {"deviceEUIs": [lamp["EUI"]]})
        # While it is being sent, as after the end of a process.
        lights.user.call("POST", f"{GROUPS}/{group['ref']}/downlinks", {"fPort": 5, "payload": "01"})
    of_broken = update(multicast_groups).where(multicast_groups.c.ref == int(broken["ref"]))
    lights.server.run(lights.server.platform.store.write(lambda c: c.execute(of_broken.values(**damage))))

    async def again() -> None:
        lights.server.platform.network.groups.failed()

    lights.server.run(again())
    heard_frames = [octets for _at, _station, octets in lights.heard(8)]
    address = DevAddr.parse(sound["networkAddress"]).to_bytes(4, "little")
    assert [octets for octets in heard_frames if octets[1:5] == address]
    log = lights.server.log
    assert "multicast_group_unreadable" in log or "task_failed" in log
    lights.server.run(lights.server.platform.store.write(lambda c: c.execute(of_broken.values(busy=None))))
    assert lights.user.request("DELETE", f"{GROUPS}/{broken['ref']}").status_code == 204


def test_a_group_whose_tags_cannot_be_read_is_refused_with_the_reason(lights: Lights) -> None:
    """It alone: a group with the same tag that can be read is sent to."""
    mast = lights.masts[0]
    lights.operator.call("PUT", f"{V1}/operator/baseStations/{mast}/tags", {"tags": ["quay"]})
    coverage = {"baseStationCoverage": "TAGS", "baseStationTags": ["quay"]}
    broken, sound = lights.group(**coverage), lights.group(**coverage)
    mine = update(multicast_groups).where(multicast_groups.c.ref == int(broken["ref"]))
    lights.server.run(
        lights.server.platform.store.write(lambda c: c.execute(mine.values(tags='["quay", 1]')))
    )
    lights.keep_alive()
    path, downlink = f"{GROUPS}/{broken['ref']}", {"fPort": 5, "payload": "01"}
    refused = lights.user.request("POST", f"{path}/downlinks", downlink)
    assert refused.status_code == 400
    assert "cannot be read, so nothing can be sent to it: the tags" in refused.json()["message"]
    dutch = lights.user.request("POST", f"{path}/downlinks", downlink, headers={"accept-language": "nl"})
    assert "is niet te lezen, dus er kan niets naartoe worden gestuurd" in dutch.json()["message"]
    chosen = lights.user.request("GET", f"{path}/baseStations")
    assert chosen.status_code == 400 and "stored tags" in chosen.json()["message"]
    v2 = f"/thingpark/lrc/rest/v2/downlink?DevEUI={broken['EUI']}&FPort=5&Payload=01"
    assert "the tags of the group are damaged" in lights.server.connect().post(v2).text
    lights.user.call("POST", f"{GROUPS}/{sound['ref']}/downlinks", downlink)
    ((_at, station, octets),) = lights.heard(2)
    assert station == mast and octets[1:5] == DevAddr.parse(sound["networkAddress"]).to_wire()
    assert lights.user.request("DELETE", path).status_code == 204


def test_a_group_with_a_data_rate_of_no_region_is_refused_with_the_reason(lights: Lights) -> None:
    group = lights.group()
    path = f"{GROUPS}/{group['ref']}"
    mine = update(multicast_groups).where(multicast_groups.c.ref == int(group["ref"]))
    damage = mine.values(data_rate=99)
    lights.server.run(lights.server.platform.store.write(lambda c: c.execute(damage)))
    refused = lights.user.request("POST", f"{path}/downlinks", {"fPort": 5, "payload": "01"})
    assert refused.status_code == 400 and "data rate 99 of the group is none of EU868" in refused.text
    chosen = lights.user.request("GET", f"{path}/baseStations")
    assert chosen.status_code == 400 and "none of its region" in chosen.json()["message"]
    assert lights.user.request("DELETE", path).status_code == 204


def test_what_does_not_fit_and_counters_that_are_used_up_are_said_in_any_language(lights: Lights) -> None:
    group = lights.group()
    path, dutch = f"{GROUPS}/{group['ref']}/downlinks", {"accept-language": "nl"}
    mine = update(multicast_groups).where(multicast_groups.c.ref == int(group["ref"]))
    state = encode_group_state(GroupState(fcnt_down=MAX_FCNT))
    lights.server.run(lights.server.platform.store.write(lambda c: c.execute(mine.values(state=state))))

    def refused(body: dict[str, Any], headers: dict[str, str] | None = None) -> str:
        answer = lights.user.request("POST", path, {"fPort": 5} | body, headers=headers or {})
        assert answer.status_code == 400
        return str(answer.json()["message"])

    assert "51 octets at most (code 116)" in refused({"payload": "00" * 200})
    assert "ten hoogste 51 octetten (code 116)" in refused({"payload": "00" * 200}, dutch)
    lights.keep_alive()
    lights.user.call("POST", path, {"fPort": 5, "payload": "01"})
    assert "create another group, with other keys (code 102)" in refused({"payload": "01"})
    assert "maak een andere groep" in refused({"payload": "01"}, dutch)
    lights.heard(8)
    assert "create another group" in refused({"payload": "01", "fCntDown": MAX_FCNT})
    assert lights.user.call("GET", f"{GROUPS}/{group['ref']}")["lastFCntDown"] == MAX_FCNT
