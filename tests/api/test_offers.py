"""Plans, device profiles, HSM groups and subscribers from the operator's desk: copied, suspended, deleted."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from sqlalchemy import update

from tests.api.antenna import Antenna
from tests.api.examples import KEY, V1, create, operator_of
from tests.api.hosting import HostedServer
from tests.e2e import radio
from tests.installation import sandbox
from tests.person import Person
from veldnet.lorawan.gpstime import unix_to_gps
from veldnet.lorawan.packages import CLOCK_SYNC, parse, serialise
from veldnet.lorawan.packages.clock_sync import AppTimeAns, AppTimeReq
from veldnet.simulator.customer import Account
from veldnet.store.schema import flows

# The tests of this file share a server.
DESK = f"{V1}/operator"


@pytest.fixture(scope="module")
def user(server: HostedServer, account: Account) -> Person:
    return Person(server, account.thingpark_username, account.thingpark_password)


@pytest.fixture(scope="module")
def operator(server: HostedServer, account: Account) -> Person:
    return Person(server, operator_of(account), account.thingpark_password)


@pytest.fixture(scope="module")
def outsider(server: HostedServer) -> Person:
    """Staff of another operator."""
    account = sandbox(server.data)
    return Person(server, operator_of(account), account.thingpark_password)


@pytest.fixture(scope="module")
def antenna(server: HostedServer, account: Account) -> Antenna:
    return Antenna(server, account.base_station_eui)


def named(operator: Person, kind: str, identifier: str) -> dict[str, Any]:
    return next(one for one in operator.call("GET", f"{DESK}/{kind}") if one["id"] == identifier)


def refused(person: Person, method: str, path: str, body: Any = None) -> str:
    answer = person.request(method, f"{DESK}/{path}", body)
    assert answer.status_code in (400, 404, 409), answer.text
    return str(answer.json()["message"])


def routing(user: Person) -> str:
    made = user.call(
        "POST",
        "/data/lora/thingpark/routingProfiles",
        {"name": "Somewhere", "routes": [{"addresses": ["http://127.0.0.1:9/"], "contentType": "JSON"}]},
    )
    return str(made["id"])


def test_a_plan_in_use_moves_its_devices_before_it_goes(
    operator: Person, user: Person, account: Account, outsider: Person
) -> None:
    customer = operator.call("GET", f"{DESK}/subscribers")[0]["customerId"]
    copied = operator.call("GET", f"{DESK}/plans")[0]["settings"] | {"uplinkRate": 5}
    for name in ("old", "new"):
        operator.call("POST", f"{DESK}/plans", {"id": f"veld-cs/{name}", "name": name, "settings": copied})
    old = named(operator, "plans", "veld-cs/old")
    grant = {"customerId": customer, "granted": 10}
    operator.call("PUT", f"{DESK}/plans/{old['ref']}/grants", grant)
    ref = create(user, account, 0x100, connectivityPlanId="veld-cs/old")
    uses = operator.call("GET", f"{DESK}/plans/{old['ref']}/uses")
    assert (uses["devices"], uses["grants"]) == (1, 1) and uses["subscribers"][0]["customerId"] == customer
    assert "is used by 1 device (" in refused(operator, "DELETE", f"plans/{old['ref']}")
    assert "veld-cs/new" not in [one["id"] for one in uses["targets"]]
    assert "grant it first" in refused(operator, "DELETE", f"plans/{old['ref']}?moveTo=veld-cs/new")
    for name, kind in (("new", "UNICAST"), ("lights", "MULTICAST")):
        if kind == "MULTICAST":
            body = {"id": f"veld-cs/{name}", "name": name, "communicationType": kind}
            operator.call("POST", f"{DESK}/plans", body)
        ref_of = named(operator, "plans", f"veld-cs/{name}")["ref"]
        operator.call("PUT", f"{DESK}/plans/{ref_of}/grants", grant)
    fitting = operator.call("GET", f"{DESK}/plans/{old['ref']}/uses")["targets"]
    assert {"id": "veld-cs/new", "name": "new"} in fitting
    assert not [one for one in fitting if one["id"] in ("veld-cs/old", "veld-cs/lights")]
    assert "multicast" in refused(operator, "DELETE", f"plans/{old['ref']}?moveTo=veld-cs/lights")
    assert "not the id" in refused(operator, "DELETE", f"plans/{old['ref']}?moveTo=veld-cs/none")
    assert outsider.request("DELETE", f"{DESK}/plans/{old['ref']}").status_code == 404
    operator.call("DELETE", f"{DESK}/plans/{old['ref']}?moveTo=veld-cs/new")
    assert user.call("GET", f"{V1}/devices/{ref}")["connectivityPlanId"] == "veld-cs/new"
    assert "veld-cs/old" not in [plan["id"] for plan in operator.call("GET", f"{DESK}/plans")]
    (held,) = named(operator, "plans", "veld-cs/new")["grants"]
    assert (held["granted"], held["used"]) == (10, 1)


def test_a_profile_moves_its_devices_to_one_like_it_only(
    server: HostedServer, operator: Person, user: Person, account: Account
) -> None:
    settings = {"loRaWANMacVersion": "1.0.3"}
    for name, more in (("One", {}), ("Two", {}), ("Other", {"loRaWANMacVersion": "1.0.4"})):
        operator.call(
            "POST",
            f"{DESK}/deviceProfiles",
            {"id": f"VELD/{name}", "name": name, "settings": settings | more},
        )
    one = named(operator, "deviceProfiles", "VELD/One")
    ref = create(user, account, 0x101, deviceProfileId="VELD/One")
    path = f"deviceProfiles/{one['ref']}"
    uses = operator.call("GET", f"{DESK}/{path}/uses")
    targets = [one["id"] for one in uses["targets"]]
    assert uses["devices"] == 1 and "VELD/Two" in targets
    assert not {"VELD/One", "VELD/Other"} & set(targets)
    assert "LoRaWAN 1.0.3" in refused(operator, "DELETE", f"{path}?moveTo=VELD/Other")
    operator.call("PUT", f"{DESK}/{path}", {"suspended": True})
    answer = user.request(
        "PUT", f"{V1}/devices/{create(user, account, 0x102)}", {"deviceProfileId": "VELD/One"}
    )
    assert answer.status_code == 400 and "suspended" in answer.json()["message"]
    decoder = {"name": "Moving", "kind": "CAYENNE_LPP", "deviceProfileIds": ["VELD/One"]}
    made = user.call("POST", f"{V1}/decoders", decoder)["ref"]
    connection = {"name": "Board", "type": "HTTP", "address": "https://board.example/", "active": False}
    links = [user.call("POST", f"{V1}/connections", connection)["ref"]]
    chosen = {"name": "Some", "deviceProfileIds": ["VELD/Two", "VELD/One"], "connectionRefs": links}
    flow = user.call("POST", f"{V1}/flows", chosen)["ref"]
    assert operator.call("GET", f"{DESK}/{path}/uses")["flows"] == 1
    operator.call("DELETE", f"{DESK}/{path}?moveTo=VELD/Two")
    assert user.call("GET", f"{V1}/flows/{flow}")["deviceProfileIds"] == ["VELD/Two"]
    # A flow holds a profile without devices, too.
    user.call("PUT", f"{V1}/flows/{flow}", {"deviceProfileIds": ["VELD/Other"]})
    path = f"deviceProfiles/{named(operator, 'deviceProfiles', 'VELD/Other')['ref']}"
    assert "VELD/Other is chosen by 1 flow; name in moveTo" in refused(operator, "DELETE", path)
    user.call("PUT", f"{V1}/flows/{flow}", {"deviceProfileIds": ["VELD/Two"]})
    operator.call("DELETE", f"{DESK}/{path}")
    unknown = user.request("PUT", f"{V1}/flows/{flow}", {"deviceProfileIds": ["VELD/Other"]})
    assert unknown.status_code == 400 and "VELD/Other is unknown" in unknown.json()["message"]
    # Earlier versions left such a flow behind: what it names may stay, and nothing else that is gone.
    dead = msgspec.json.encode({"device_profiles": ["VELD/Dead"]}).decode()
    left = update(flows).where(flows.c.ref == int(flow)).values(settings=dead)
    server.run(server.platform.store.write(lambda connection: connection.execute(left).rowcount))
    kept = user.call(
        "PUT", f"{V1}/flows/{flow}", {"deviceProfileIds": ["VELD/Dead", "VELD/Two"], "name": "Kept"}
    )
    assert (kept["name"], kept["deviceProfileIds"]) == ("Kept", ["VELD/Dead", "VELD/Two"])
    both = {"deviceProfileIds": ["VELD/Dead", "VELD/Other"]}
    assert "VELD/Other is unknown" in user.request("PUT", f"{V1}/flows/{flow}", both).json()["message"]
    user.call("PUT", f"{V1}/flows/{flow}", {"deviceProfileIds": ["VELD/Two"]})
    gone = user.request("PUT", f"{V1}/flows/{flow}", {"deviceProfileIds": ["VELD/Dead"]})
    assert gone.status_code == 400 and "VELD/Dead is unknown" in gone.json()["message"]
    assert user.call("GET", f"{V1}/decoders/{made}")["deviceProfileIds"] == ["VELD/Two"]
    assert user.call("GET", f"{V1}/devices/{ref}")["deviceProfileId"] == "VELD/Two"


def test_an_hsm_group_with_keys_stays(operator: Person, user: Person, account: Account) -> None:
    create(user, account, 0x103)
    path = f"hsmGroups/{account.hsm_group_id}"
    assert operator.call("GET", f"{DESK}/{path}/uses")["devices"] >= 1
    assert "hsm-group move" in refused(operator, "DELETE", path)
    made = operator.call("POST", f"{DESK}/hsmGroups", {"name": "Spare"})["id"]
    operator.call("PUT", f"{DESK}/hsmGroups/{made}", {"name": "Renamed", "suspended": True})
    spare = named(operator, "hsmGroups", made)
    assert (spare["name"], spare["suspended"]) == ("Renamed", True)
    operator.call("DELETE", f"{DESK}/hsmGroups/{made}")
    again = operator.call("POST", f"{DESK}/hsmGroups", {"name": "Next"})["id"]
    assert again in [group["id"] for group in operator.call("GET", f"{DESK}/hsmGroups")]


def test_a_suspended_plan_gives_no_service_until_it_is_resumed(
    server: HostedServer, operator: Person, user: Person, account: Account, antenna: Antenna
) -> None:
    ref = create(user, account, 0x104, plain=True, routingProfileId=routing(user))
    device = radio.device("0059AC00CC000104", KEY)
    radio.join(antenna, device)

    def hear(payload: bytes) -> None:
        antenna.hear(device.uplink(2, payload))
        server.pass_time(1)

    hear(b"\x01")

    plan = next(plan for plan in operator.call("GET", f"{DESK}/plans") if plan["id"] == _plan(user, ref))
    operator.call("PUT", f"{DESK}/plans/{plan['ref']}", {"suspended": True})
    assert "suspended" in str(user.call("GET", f"{V1}/devices/{ref}/explanation"))
    hear(b"\x02")
    assert len(_accepted(user, "0059AC00CC000104")) == 1
    operator.call("PUT", f"{DESK}/plans/{plan['ref']}", {"suspended": False})
    hear(b"\x03")
    assert len(_accepted(user, "0059AC00CC000104")) == 2, "the session went on"


def test_a_profile_with_a_port_for_it_gives_devices_the_time(
    server: HostedServer, operator: Person, user: Person, account: Account, antenna: Antenna
) -> None:
    settings = {"clockSyncPort": 202}
    operator.call(
        "POST", f"{DESK}/deviceProfiles", {"id": "VELD/Clock", "name": "Clock", "settings": settings}
    )
    create(
        user,
        account,
        0x105,
        plain=True,
        deviceProfileId="VELD/Clock",
        routingProfileId=routing(user),
        connectivityPlanId=account.connectivity_plan_id,
    )
    device = radio.device("0059AC00CC000105", KEY)
    radio.join(antenna, device)
    slow = round(unix_to_gps(server.clock())) - 1000
    antenna.hear(device.uplink(202, serialise((AppTimeReq(slow, 7, False),))))
    frame = antenna.downlink(3)
    received = None if frame is None else device.receive(frame)
    assert received is not None and received.fport == 202
    (answer,) = parse(received.payload, CLOCK_SYNC.downlink).commands
    assert isinstance(answer, AppTimeAns) and answer.token == 7 and abs(answer.correction - 1000) <= 1
    server.pass_time(1)
    frames = user.call("GET", f"{V1}/frames?deviceEUI=0059AC00CC000105")["frames"]
    seen = [user.call("GET", f"{V1}/frames/{frame['id']}")["packageCommands"] for frame in frames]
    assert [f"AppTimeAns correction={answer.correction} token=7"] in seen
    assert [f"AppTimeReq device_time={slow} token=7 answer_required=False"] in seen
    wrong = {"id": "VELD/Wrong", "name": "Wrong", "settings": {"clockSyncPort": 224}}
    assert "clockSyncPort" in refused(operator, "POST", "deviceProfiles", wrong)


def _plan(user: Person, ref: str) -> str:
    return str(user.call("GET", f"{V1}/devices/{ref}")["connectivityPlanId"])


def _accepted(user: Person, eui: str) -> list[Any]:
    frames = user.call("GET", f"{V1}/frames?deviceEUI={eui}")["frames"]
    return [(frame["type"], frame["outcome"]) for frame in frames if "DATA" in frame["type"]]


def test_a_suspended_subscriber_is_out_at_once(operator: Person, server: HostedServer) -> None:
    operator.call("POST", f"{DESK}/subscribers", {"customerId": "600000001", "name": "Late payer"})
    person = {"username": "payer@example.com", "password": "a long password", "displayName": "P"}
    operator.call("POST", f"{DESK}/users", person | {"customerId": "600000001", "role": "rw"})
    payer = Person(server, person["username"], person["password"])
    assert payer.request("GET", f"{V1}/devices").status_code == 200
    operator.call("PUT", f"{DESK}/subscribers/600000001", {"suspended": True})
    assert payer.request("GET", f"{V1}/devices").status_code == 401
    operator.call("PUT", f"{DESK}/subscribers/600000001", {"name": "Payer", "suspended": False})
    assert payer.request("GET", f"{V1}/devices").status_code == 200
    assert operator.call("GET", f"{DESK}/subscribers/600000001/uses")["users"] == 1
    operator.call("DELETE", f"{DESK}/subscribers/600000001")
    assert payer.request("GET", f"{V1}/devices").status_code == 401
    assert "600000001" in refused(operator, "DELETE", "subscribers/600000001")
