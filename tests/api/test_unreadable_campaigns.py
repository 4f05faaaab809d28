"""Campaigns of which something that is stored cannot be read: they are shown, and hold up no others."""

from __future__ import annotations

import msgspec
import pytest
from sqlalchemy import Connection, insert, select, update

from tests.api.hosting import HostedServer
from tests.api.submissions import Submissions
from tests.api.test_campaigns import V1, body, create, group_plan, states
from tests.person import Person
from veldnet.campaigns import planning
from veldnet.campaigns.planning import Around
from veldnet.campaigns.states import Session
from veldnet.simulator.customer import Account
from veldnet.store.schema import (
    campaign_devices,
    campaign_sessions,
    campaigns,
    device_profiles,
    devices,
    multicast_groups,
)


@pytest.mark.parametrize("stored", ["{", "[]", '{"group": 7}', '{"fragmentSize": "many"}'])
def test_a_campaign_whose_options_cannot_be_read_is_listed_aborted_and_deleted(
    server: HostedServer, account: Account, user: Person, submissions: Submissions, stored: str
) -> None:
    euis = [create(user, account) for _ in range(3)]
    running, paused, good = (user.call("POST", V1, body(eui))["ref"] for eui in euis)
    user.call("POST", f"{V1}/{paused}/pause")

    def damage(connection: Connection) -> None:
        bad = campaigns.c.ref.in_([int(running), int(paused)])
        connection.execute(update(campaigns).where(bad).values(options=stored))

    server.run(server.platform.store.write(damage))
    server.pass_time(6)
    server.run(server.platform.campaigns.run())
    assert states(user, good) == [("settingUp", None)]
    listed = {each["ref"]: each["failure"] for each in user.call("GET", V1)}
    assert listed[good] is None
    assert (listed[running]["reason"], listed[running]["failures"]) == ("options", 1)
    assert listed[running]["retryAt"] is not None
    assert (listed[paused]["reason"], listed[paused]["retryAt"]) == ("options", None)
    assert "cannot be read" in listed[paused]["reasonText"]
    assert user.request("GET", f"{V1}/{running}/report").status_code == 200
    for ref in (running, paused, good):
        user.call("POST", f"{V1}/{ref}/abort")
        user.request("DELETE", f"{V1}/{ref}")
    assert not {running, paused, good} & {each["ref"] for each in user.call("GET", V1)}


def test_a_session_is_planned_beside_one_that_cannot_be_read(
    server: HostedServer, account: Account, user: Person, operator: Person
) -> None:
    group_plan(operator)
    ref = user.call("POST", V1, body(create(user, account), multicast={"lead": 60}))["ref"]
    store, now = server.platform.store, round(server.clock() * 1000)
    session = Session(1, now, now + 600_000, 8, 1, 5, 0, 10_000)

    def damage(connection: Connection) -> None:
        row = msgspec.structs.asdict(session) | {"campaign_ref": int(ref)}
        connection.execute(insert(campaign_sessions).values(row))
        connection.execute(update(campaigns).where(campaigns.c.ref == int(ref)).values(options="{"))

    around = Around(now, server.platform.network.parameters.channel_plans, {})
    server.run(store.write(damage))
    assert server.run(store.read(lambda c: planning._taken(c, 0, around))) == []
    user.call("POST", f"{V1}/{ref}/abort")


def test_a_device_whose_profile_cannot_be_read_is_refused_and_the_others_go_on(
    server: HostedServer, account: Account, user: Person, submissions: Submissions
) -> None:
    class_c = "LORA/GenericC.1_ETSI_Rx2-SF9"
    late = create(user, account, deviceProfileId=class_c)
    ref = user.call("POST", V1, body(create(user, account), late))["ref"]

    def damage(connection: Connection, settings: str) -> str:
        used = select(devices.c.profile_ref).where(devices.c.dev_eui == late)
        mine = device_profiles.c.ref.in_(used)
        before = connection.execute(select(device_profiles.c.settings).where(mine)).scalar_one()
        connection.execute(update(device_profiles).where(mine).values(settings=settings))
        return str(before)

    settings = server.run(server.platform.store.write(lambda c: damage(c, "{")))
    server.pass_time(6)
    server.run(server.platform.campaigns.run())
    assert sorted(states(user, ref)) == [("refused", "profile"), ("settingUp", None)]
    assert user.call("GET", f"{V1}/{ref}")["failure"] is None
    early = user.call("POST", V1, body(create(user, account), late))["ref"]
    assert sorted(states(user, early)) == [("pending", None), ("refused", "profile")]
    server.run(server.platform.store.write(lambda c: damage(c, settings)))
    for each in (ref, early):
        user.call("POST", f"{V1}/{each}/abort")


@pytest.mark.parametrize("state", ["pending", "waitingSession"])
def test_a_campaign_whose_group_cannot_be_read_rests_and_says_so(
    server: HostedServer, account: Account, user: Person, operator: Person, state: str
) -> None:
    """While its device is to join the group, and while fragments are to be sent to it."""
    group_plan(operator)
    asked = body(create(user, account), multicast={"lead": 60, "downlinkDataRate": 3}, dutyCycleShare=10)
    made = user.call("POST", V1, asked)
    ref, group = made["ref"], made["group"]["groupRef"]

    def damage(connection: Connection) -> None:
        mine = update(campaign_devices).where(campaign_devices.c.campaign_ref == int(ref))
        due = round(server.clock() * 1000) + (0 if state == "pending" else 3_600_000)
        connection.execute(mine.values(state=state, due_at=due))
        of_group = update(multicast_groups).where(multicast_groups.c.ref == int(group))
        connection.execute(of_group.values(state=b"\xc1"))

    server.run(server.platform.store.write(damage))
    for _ in range(3):
        server.pass_time(40)
        server.run(server.platform.campaigns.run())
    failure = user.call("GET", f"{V1}/{ref}")["failure"]
    assert (failure["reason"], failure["failures"] > 0) == ("group", True)
    assert failure["reasonText"] == "What is stored of the multicast group of the campaign cannot be read"
    user.call("POST", f"{V1}/{ref}/abort")
