"""Campaigns over the API: created, followed to the end, stopped, and whatever cannot be."""

from __future__ import annotations

import base64
import itertools
import random
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from tests.api.antenna import Antenna
from tests.api.hosting import HostedServer
from tests.api.submissions import Submissions, statements
from tests.customers import KPN
from tests.e2e import radio
from tests.person import Person
from veldnet.campaigns import KeysUnavailable, machine, runner
from veldnet.campaigns.states import Progress, Situation, Step
from veldnet.domain.devices import SHADOW
from veldnet.domain.documents import ProfileSettings
from veldnet.domain.resources import timestamp
from veldnet.inventory import offers
from veldnet.lorawan import DevEui
from veldnet.network.core import SubmissionRefusal
from veldnet.simulator.customer import Account
from veldnet.simulator.update_client import UpdateClient
from veldnet.store import StoreError
from veldnet.store.schema import (
    campaign_devices,
    device_profiles,
    devices,
    hearing,
)

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
V1 = "/api/v1/campaigns"
LAMPS = {"EUI": "0059AC00CAFFFFFF", "name": "Lamps", "deviceClass": "C", "multicastKey": KEY}
FILE = random.Random(9).randbytes(130)
_numbers = itertools.count(1)


def create(user: Person, account: Account, **changes: Any) -> str:
    body = {
        "EUI": f"0059AC00CA{next(_numbers):06X}",
        "applicationEUI": "0059AC0000000001",
        "applicationKey": KEY,
        "deviceProfileId": account.device_profile_id,
    } | changes
    tags = body.pop("tags", [])
    made = user.call("POST", f"{KPN}/devices", body, headers={"api-version": "v1.1.1"})
    user.call("PUT", f"/api/v1/devices/{made['ref']}", {"tags": tags})
    return str(body["EUI"])


def body(*euis: str, **changes: Any) -> dict[str, Any]:
    content = base64.b64encode(FILE).decode()
    return {"name": "Lamps 2.1", "content": content, "devices": list(euis), "answerTimeout": 60} | changes


def states(user: Person, ref: str) -> list[tuple[str, str | None]]:
    page = user.call("GET", f"{V1}/{ref}/devices")
    return [(each["state"], each["reason"]) for each in page["devices"]]


def refusal(user: Person, given: dict[str, Any]) -> str:
    answer = user.request("POST", V1, given)
    assert answer.status_code == 400
    return str(answer.json()["message"])


def test_a_device_gets_a_file_and_starts_it(
    server: HostedServer, account: Account, user: Person, outsider: Person, antenna: Antenna
) -> None:
    eui = create(user, account)
    device = radio.device(eui, KEY)
    radio.join(antenna, device)
    client = UpdateClient(device.identity.app_key, random.Random(1))
    made = user.call("POST", V1, body(eui, redundancy=50))
    assert (made["state"], made["fragments"], made["devices"]) == ("scheduled", 3, {"pending": 1})
    ref = made["ref"]
    server.pass_time(6)
    answers: list[tuple[int, bytes]] = []
    for _ in range(40):
        server.run(server.platform.campaigns.run())
        fport, payload = answers.pop(0) if answers else (2, b"reading")
        antenna.hear(device.uplink(fport, payload))
        down = antenna.downlink(4)
        received = None if down is None else device.receive(down)
        if received is not None:
            told = client.take(received.fport, received.payload, server.clock())
            answers += [(each.fport, each.payload) for each in told]
        if (found := user.call("GET", f"{V1}/{ref}"))["state"] == "complete":
            break
    assert found["devices"] == {"applied": 1} and found["endedAt"]
    assert client.files == [FILE] and client.reboots == 1
    [row] = user.call("GET", f"{V1}/{ref}/devices?state=applied")["devices"]
    assert (row["deviceEUI"], row["sent"], row["target"], row["missing"]) == (eui, 5, 5, 0)
    report = user.request("GET", f"{V1}/{ref}/report").text.splitlines()
    assert len(report) == 2 and report[0].startswith("deviceRef,deviceEUI,") and eui in report[1]
    # Another subscriber neither sees nor changes it.
    for method, path in (("GET", ""), ("GET", "/devices"), ("GET", "/report"), ("POST", "/abort")):
        assert outsider.request(method, f"{V1}/{ref}{path}").status_code == 404
    assert outsider.call("GET", V1) == []
    assert user.request("DELETE", f"{V1}/{ref}").status_code == 204
    assert user.request("GET", f"{V1}/{ref}").status_code == 404


def test_it_is_paused_resumed_and_aborted(server: HostedServer, account: Account, user: Person) -> None:
    eui = create(user, account)
    ref = user.call("POST", V1, body(eui, retries=0))["ref"]
    assert user.call("POST", f"{V1}/{ref}/pause")["state"] == "paused"
    server.pass_time(10)
    assert states(user, ref) == [("pending", None)]
    assert user.request("POST", f"{V1}/{ref}/pause").status_code == 400
    assert user.request("DELETE", f"{V1}/{ref}").status_code == 400
    assert user.call("POST", f"{V1}/{ref}/resume")["state"] == "running"
    # While it is under way the device can be in no other campaign.
    other = user.call("POST", V1, body(eui))
    assert states(user, other["ref"]) == [("refused", "busy")]
    assert user.call("POST", f"{V1}/{ref}/abort")["state"] == "aborted"
    assert states(user, ref) == [("aborted", "aborted")]
    assert user.request("POST", f"{V1}/{ref}/resume").status_code == 400
    server.pass_time(10)
    server.run(server.platform.campaigns.run())
    assert user.call("GET", f"{V1}/{other['ref']}")["state"] == "complete"
    listed = [each["ref"] for each in user.call("GET", V1)]
    assert listed[:2] == [other["ref"], ref]


def test_a_device_that_was_never_heard_and_a_window_that_ends(
    server: HostedServer, account: Account, user: Person
) -> None:
    tagged = create(user, account, tags=["lamp"])
    silent = user.call(
        "POST", V1, body(retries=1, matching={"tag": "lamp"}) | {"devices": None, "name": "By tag"}
    )
    assert silent["devices"] == {"pending": 1}
    for _ in range(4):
        server.pass_time(65)
        server.run(server.platform.campaigns.run())
    assert states(user, silent["ref"]) == [("timedOut", "noAnswer")]
    now = server.clock()
    window = {"startsAt": moment(now + 60), "endsAt": moment(now + 120)}
    later = user.call("POST", V1, body(tagged, answerTimeout=86_400) | window)
    assert later["state"] == "scheduled"
    server.pass_time(125)
    server.run(server.platform.campaigns.run())
    [device] = user.call("GET", f"{V1}/{later['ref']}/devices", headers={"accept-language": "nl"})["devices"]
    assert (device["state"], device["reason"]) == ("timedOut", "windowOver")
    assert device["reasonText"] == "De campagne eindigde voordat het apparaat klaar was"


def moment(seconds: float) -> str:
    return timestamp(round(seconds * 1000))


def test_devices_of_an_hsm_group_are_refused(account: Account, user: Person) -> None:
    eui = create(user, account, hsmGroupId=account.hsm_group_id)
    made = user.call("POST", V1, body(eui))
    assert states(user, made["ref"]) == [("refused", "hsm")]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"content": "%%%"}, "content must be the file in base64"),
        ({"content": base64.b64encode(bytes(524_289)).decode()}, "content must have 1 to 524288 octets"),
        ({"content": base64.b64encode(bytes(80_000)).decode(), "fragmentSize": 8}, "10000 fragments"),
        ({"name": " "}, "name must have"),
        ({"fragmentSize": 220}, "fragmentSize"),
        ({"redundancy": -1}, "redundancy"),
        ({"dutyCycleShare": 0}, "dutyCycleShare"),
        ({"dutyCycleShare": 1e-300}, "dutyCycleShare"),
        ({"devices": ["0059AC0000FFFFFF"]}, "1 of the devices do not exist, such as 0059AC0000FFFFFF"),
        ({"devices": []}, "no device matches"),
        ({"devices": None}, "devices or matching"),
        ({"matching": {"tag": "x"}}, "not both"),
        ({"devices": None, "matching": {"tag": "none has it"}}, "no device matches"),
        ({"endsAt": "2020-01-01T00:00:00Z"}, "endsAt must be after startsAt"),
        ({"startsAt": "tomorrow"}, "startsAt"),
        ({"devices": [f"{n:016X}" for n in range(10_001)]}, "10000 devices at most"),
    ],
    ids=lambda value: value if isinstance(value, str) else next(iter(value)),
)
def test_what_is_no_campaign(account: Account, user: Person, changes: dict[str, Any], message: str) -> None:
    assert message in refusal(user, body("0059AC00CA000001") | changes)


@pytest.mark.parametrize(
    ("code", "state"),
    [
        (114, ("refused", "downlink")),
        (115, ("pending", None)),
        (116, ("pending", None)),
        (119, ("refused", "hsm")),
        (121, ("pending", None)),
    ],
)
def test_what_the_network_refuses(
    server: HostedServer,
    account: Account,
    user: Person,
    submissions: Submissions,
    code: int,
    state: tuple[str, str | None],
) -> None:
    ref = user.call("POST", V1, body(create(user, account), retries=1))["ref"]
    submissions.answer = SubmissionRefusal(code, "refused")
    server.pass_time(6)
    server.run(server.platform.campaigns.run())
    assert len(submissions.sent) == 1 and states(user, ref) == [state]
    server.pass_time(61)
    server.run(server.platform.campaigns.run())
    ends = {115: ("timedOut", "noAnswer"), 116: ("refused", "payloadSize")}
    assert states(user, ref) == [ends.get(code, state)]
    user.request("POST", f"{V1}/{ref}/abort")


def test_a_store_that_fails_leaves_a_device_as_it_was(
    server: HostedServer, account: Account, user: Person, submissions: Submissions
) -> None:
    ref = user.call("POST", V1, body(create(user, account)))["ref"]
    submissions.answer = StoreError("disk I/O error")
    server.pass_time(6)
    server.run(server.platform.campaigns.run())
    assert states(user, ref) == [("pending", None)]
    submissions.answer = None
    server.run(server.platform.campaigns.run())
    assert states(user, ref) == [("settingUp", None)] and len(submissions.sent) == 2
    user.call("POST", f"{V1}/{ref}/abort")


def test_statements_do_not_grow_with_devices(
    server: HostedServer, account: Account, user: Person, submissions: Submissions
) -> None:
    counted = []
    for number in (1, 12):
        euis = [create(user, account) for _ in range(number)]
        ref = user.call("POST", V1, body(*euis))["ref"]
        server.pass_time(6)
        with statements() as executed:
            server.run(server.platform.campaigns.run())
        counted.append(len(executed))
        assert states(user, ref) == [("settingUp", None)] * number
        user.call("POST", f"{V1}/{ref}/abort")
    assert counted[0] == counted[1] <= 20


def group_plan(operator: Person) -> None:
    rules = {"id": "campaign-cs/groups", "name": "Groups", "communicationType": "MULTICAST"}
    listed = operator.call("GET", "/api/v1/operator/plans")
    if all(each["id"] != rules["id"] for each in listed):
        operator.call("POST", "/api/v1/operator/plans", rules)
        listed = operator.call("GET", "/api/v1/operator/plans")
    plan = next(each for each in listed if each["id"] == rules["id"])
    customer = operator.call("GET", "/api/v1/operator/subscribers")[0]["customerId"]
    grant = {"customerId": customer, "granted": 1}
    operator.call("PUT", f"/api/v1/operator/plans/{plan['ref']}/grants", grant)


def test_a_campaign_makes_a_group_of_its_own_and_removes_it(
    server: HostedServer, account: Account, user: Person, operator: Person
) -> None:
    eui = create(user, account)
    asked = body(eui, multicast={"lead": 60})
    # Without a plan for groups there is none.
    assert "MULTICAST" in refusal(user, asked)
    group_plan(operator)
    assert "fragmentSize 200 does not fit" in refusal(user, body(eui, fragmentSize=200, multicast={}))
    assert "pingSlotPeriod" in refusal(user, body(eui, multicast={"deviceClass": "B"}))
    assert "region" in refusal(user, body(eui, multicast={"region": "MARS"}))
    unheard = user.call("POST", V1, asked)
    assert unheard["group"]["setUpTime"] is None and unheard["estimate"]["time"] is None
    user.call("POST", f"{V1}/{unheard['ref']}/abort")
    # A base station that hears it at the slowest data rate has air time for 22 questions an hour.
    server.run(server.platform.store.write(lambda c: hear_weakly(c, eui)))
    group_of = {"lead": 60, "gathering": 400}
    refused = refusal(user, body(eui, multicast=group_of))
    assert (
        "lets 1 devices join the group, beside 0 of other campaigns, in 4" in refused
        and "gathering is 400" in refused
    )
    soon = timestamp(round(server.platform.clock() * 1000) + 300_000)
    assert "so endsAt must be later" in refusal(user, body(eui, multicast={"lead": 60}, endsAt=soon))
    # Begins in time, and cannot end: four fragments at SF12, of which each takes four minutes of the share.
    begun = timestamp(round(server.platform.clock() * 1000) + 1_100_000)
    assert "and be over at" in refusal(user, body(eui, multicast={"lead": 60}, endsAt=begun))
    made = user.call("POST", V1, asked)
    group = made["group"]
    assert (group["deviceClass"], group["plannedSessions"], group["sessions"]) == ("C", 2, [])
    assert 400 < group["setUpTime"] < 500
    needs = made["estimate"]
    assert (needs["uplinks"], needs["heardDevices"], needs["unheardDevices"]) == (9, 1, 0)
    assert group["setUpTime"] < needs["time"] < 2000 and 5 < needs["airtime"] < 15
    path = f"/api/v1/multicastGroups/{group['groupRef']}"
    shown = user.call("GET", path)
    assert (shown["memberCount"], shown["baseStationCoverage"]) == (1, "MEMBERS")
    assert user.request("DELETE", path).status_code == 400
    # Its device has no GenAppKey.
    server.pass_time(6)
    server.run(server.platform.campaigns.run())
    assert states(user, made["ref"]) == [("refused", "noRootKey")]
    found = user.call("GET", f"{V1}/{made['ref']}")
    assert (found["state"], found["group"]["groupRef"]) == ("complete", None)
    assert user.request("GET", path).status_code == 404
    # An aborted one gives its connection back, too.
    again = user.call("POST", V1, asked)
    user.call("POST", f"{V1}/{again['ref']}/abort")
    assert user.request("GET", f"/api/v1/multicastGroups/{again['group']['groupRef']}").status_code == 404
    # A device of another region cannot hear the group.
    elsewhere = create(user, account)
    server.run(server.platform.store.write(lambda c: move_abroad(c, elsewhere)))
    both = user.call("POST", V1, body(eui, elsewhere, multicast={"lead": 60}))
    assert sorted(states(user, both["ref"])) == [("pending", None), ("refused", "region")]
    assert user.call("GET", f"/api/v1/multicastGroups/{both['group']['groupRef']}")["memberCount"] == 1
    report = user.request("GET", f"{V1}/{both['ref']}/report").text
    assert "The device is for another region than the group" in report and ",session," in report
    user.call("POST", f"{V1}/{both['ref']}/abort")


def hear_weakly(connection: Connection, dev_eui: str) -> None:
    """One base station hears a device, at the slowest data rate."""
    device = connection.execute(
        select(devices.c.ref, devices.c.subscriber_ref).where(devices.c.dev_eui == dev_eui)
    ).one()
    row = {"device_ref": device.ref, "subscriber_ref": device.subscriber_ref, "margin": 1.0}
    heard = row | {"base_station": 7, "frames": 1, "weight": 1.0, "last_at": 0}
    connection.execute(insert(hearing).values(heard))


def move_abroad(connection: Connection, dev_eui: str) -> None:
    """Give a device a profile of another region."""
    operator = connection.execute(select(device_profiles.c.operator_ref).limit(1)).scalar_one()
    settings = ProfileSettings(region="US915")
    ref = offers.create_device_profile(connection, operator, "abroad", "Abroad", settings)
    change = update(devices).where(devices.c.dev_eui == dev_eui)
    connection.execute(change.values(profile_ref=ref))


class InSession:
    """A campaign whose device waits for a session of its group, which begins after a minute."""

    def __init__(self, server: HostedServer, user: Person, submissions: Submissions, eui: str) -> None:
        self.server, self.submissions = server, submissions
        window = {"endsAt": moment(server.clock() + 600)}
        multicast = {"lead": 60, "downlinkDataRate": 3}
        rules = {"redundancy": 200, "inFlight": 8, "answerTimeout": 3600, "dutyCycleShare": 10}
        asked = body(eui, multicast=multicast, **rules, **window)
        made = user.call("POST", V1, asked)
        self.ref, self.group = made["ref"], made["group"]["groupRef"]
        due = round(server.clock() * 1000) + 3_600_000
        waits = update(campaign_devices).where(campaign_devices.c.campaign_ref == int(self.ref))
        server.run(
            server.platform.store.write(lambda c: c.execute(waits.values(state="waitingSession", due_at=due)))
        )
        self.after(6)

    def after(self, seconds: float) -> int:
        """How many fragments are sent to the group once so much time has passed."""
        before = len(self.submissions.sent)
        self.server.pass_time(seconds)
        self.server.run(self.server.platform.campaigns.run())
        return sum(request.fport == 201 for _eui, request in self.submissions.sent[before:])


@pytest.mark.parametrize("ended_by", ["abort", "window"])
def test_a_session_is_paused_resumed_and_cut_off(
    server: HostedServer,
    account: Account,
    user: Person,
    operator: Person,
    submissions: Submissions,
    ended_by: str,
) -> None:
    group_plan(operator)
    there = InSession(server, user, submissions, create(user, account))
    path = f"{V1}/{there.ref}"
    assert (there.after(0), there.after(65), there.after(6)) == (0, 0, 1)
    user.call("POST", f"{path}/pause")
    assert there.after(20) == 0
    assert user.call("POST", f"{path}/resume")["state"] == "running"
    # What was missed is made up for, in the session that devices listen to.
    assert there.after(1) > 1
    [session] = user.call("GET", path)["group"]["sessions"]
    assert 1 < session["sent"] < session["lastFragment"]
    if ended_by == "abort":
        user.call("POST", f"{path}/abort")
    else:
        there.after(600)
    assert there.after(10) == 0
    found = user.call("GET", path)
    ends = {"abort": ("aborted", ("aborted", "aborted")), "window": ("complete", ("timedOut", "windowOver"))}
    assert (found["state"], states(user, there.ref)[0]) == ends[ended_by]
    # With the group its connection is given back.
    assert found["group"]["groupRef"] is None
    assert user.request("GET", f"/api/v1/multicastGroups/{there.group}").status_code == 404


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (RuntimeError("boom"), "unexpected"),
        (OverflowError(), "unexpected"),
        (KeysUnavailable("away"), "keys"),
    ],
)
def test_a_campaign_that_fails_rests_and_the_others_go_on(
    server: HostedServer,
    account: Account,
    user: Person,
    submissions: Submissions,
    fault: Exception,
    reason: str,
) -> None:
    euis = [create(user, account) for _ in range(3)]
    first, bad, last = (user.call("POST", V1, body(eui))["ref"] for eui in euis)
    submissions.faults[DevEui.parse(euis[1])] = fault
    before = submissions.campaigns.failures[reason]
    server.pass_time(6)
    server.run(server.platform.campaigns.run())
    assert [states(user, ref) for ref in (first, bad, last)] == [
        [("settingUp", None)],
        [("pending", None)],
        [("settingUp", None)],
    ]
    shown = user.call("GET", f"{V1}/{bad}")["failure"]
    assert (shown["reason"], shown["failures"]) == (reason, 1) and shown["retryAt"] > shown["since"]
    assert ("vault" if reason == "keys" else "Unexpected") in shown["reasonText"]
    assert user.call("GET", f"{V1}/{first}")["failure"] is None
    assert submissions.campaigns.failures[reason] == before + 1
    assert f'veldnet_campaign_failures_total{{reason="{reason}"}}' in user.request("GET", "/metrics").text
    # It rests, for twice as long the second time, and works again.
    server.run(server.platform.campaigns.run())
    server.pass_time(31)
    server.run(server.platform.campaigns.run())
    assert user.call("GET", f"{V1}/{bad}")["failure"]["failures"] == 2
    submissions.faults.clear()
    server.pass_time(31)
    server.run(server.platform.campaigns.run())
    assert states(user, bad) == [("pending", None)]
    server.pass_time(30)
    server.run(server.platform.campaigns.run())
    assert states(user, bad) == [("settingUp", None)]
    assert user.call("GET", f"{V1}/{bad}")["failure"] is None
    for ref in (first, bad, last):
        user.call("POST", f"{V1}/{ref}/abort")


def test_what_one_device_sends_does_not_hold_up_its_campaign(
    server: HostedServer,
    account: Account,
    user: Person,
    submissions: Submissions,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ref = user.call("POST", V1, body(create(user, account), create(user, account), retries=0))["ref"]
    usual, turns = machine.on_time, itertools.count()

    def on_time(at: Situation, progress: Progress) -> Step:
        if next(turns) == 0:
            raise ValueError
        return usual(at, progress)

    monkeypatch.setattr(runner, "on_time", on_time)
    server.pass_time(6)
    server.run(server.platform.campaigns.run())
    assert sorted(states(user, ref)) == [("refused", "fault"), ("settingUp", None)]
    assert user.call("GET", f"{V1}/{ref}")["failure"] is None
    user.call("POST", f"{V1}/{ref}/abort")


def test_a_device_in_shadow_takes_no_part(
    server: HostedServer, account: Account, user: Person, operator: Person
) -> None:
    eui, other = create(user, account), create(user, account)

    def into_shadow(connection: Connection) -> None:
        connection.execute(update(devices).where(devices.c.dev_eui == eui).values(processing_strategy=SHADOW))

    server.run(server.platform.store.write(into_shadow))
    ref = user.call("POST", V1, body(eui, other))["ref"]
    assert sorted(states(user, ref)) == [("pending", None), ("refused", "shadow")]
    assert "in shadow" in user.request("GET", f"{V1}/{ref}/report").text
    user.call("POST", f"{V1}/{ref}/abort")
    group_plan(operator)
    group = user.call("POST", "/api/v1/multicastGroups", LAMPS)
    path = f"/api/v1/multicastGroups/{group['ref']}"
    answer = user.request("POST", f"{path}/members", {"deviceEUIs": [eui]})
    assert answer.status_code == 400
    assert f"device {eui} is in shadow" in answer.json()["message"]
    assert user.call("GET", f"{path}/members")["members"] == []
    user.request("DELETE", path)
