"""Sessions and roles of the console: who may do what, and for how long."""

from __future__ import annotations

from typing import Any

from tests.api.examples import V1, body, create, operator_of
from tests.api.hosting import Client, HostedServer
from tests.customers import KPN
from tests.installation import sandbox
from tests.person import JSON, Person
from veldnet.inventory import accounts
from veldnet.simulator.customer import Account

PASSWORD = "correct horse battery"

# The tests of this file share a server.


def test_a_session_is_a_cookie_that_scripts_and_other_sites_cannot_use(
    server: HostedServer, account: Account
) -> None:
    answer = server.connect().post(
        f"{server.http.replace('http:', 'https:')}{V1}/session",
        json={"username": account.thingpark_username, "password": account.thingpark_password},
    )
    cookie = answer.headers["set-cookie"].lower()
    assert {"httponly", "samesite=strict", "path=/", "secure"} <= {part.strip() for part in cookie.split(";")}
    assert "password" not in answer.text and account.thingpark_password not in answer.text
    for headers, status in (
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"content-type": "text/plain"}, 400),
    ):
        refused = server.connect().post(
            f"{V1}/session",
            content=b'{"username": "a", "password": "b"}',
            headers=JSON | headers,
        )
        assert refused.status_code == status, refused.text
    assert server.connect().get(f"{V1}/session").status_code == 401


def test_a_change_needs_the_pages_own_token(user: Person) -> None:
    assert user.http.get(f"{V1}/session").status_code == 200
    for headers in ({}, {"x-csrf-token": "0" * 64}):
        refused = user.http.post(f"{V1}/projects", json={"name": "Forged"}, headers=headers)
        assert refused.status_code == 403
        assert "x-csrf-token" in refused.json()["message"]
    assert "Forged" not in [project["name"] for project in user.call("GET", f"{V1}/projects")]


def test_guesses_of_a_password_are_limited(server: HostedServer) -> None:
    answers = [
        server.connect().post(f"{V1}/session", json={"username": "nobody-here", "password": str(n)})
        for n in range(12)
    ]
    assert [answer.status_code for answer in answers[:10]] == [401] * 10
    assert answers[-1].status_code == 429
    assert "wait" in answers[-1].json()["message"]


def test_signing_out_and_a_new_password_end_sessions(
    server: HostedServer, operator: Person, account: Account
) -> None:
    customer = operator.call("GET", f"{V1}/operator/subscribers")[0]["customerId"]
    new = {"username": "leaver@example.com", "displayName": "Leaver", "password": "first password"}
    made = operator.call("POST", f"{V1}/operator/users", new | {"customerId": customer, "role": "rw"})
    one, other = (Person(server, new["username"], new["password"]) for _ in range(2))
    wrong = one.request("PUT", f"{V1}/session/password", {"currentPassword": "x", "newPassword": "abcdefgh"})
    assert wrong.status_code == 400 and "currentPassword" in wrong.json()["message"]
    short = one.request(
        "PUT", f"{V1}/session/password", {"currentPassword": new["password"], "newPassword": "short"}
    )
    assert short.status_code == 400
    one.call(
        "PUT",
        f"{V1}/session/password",
        {"currentPassword": new["password"], "newPassword": "second password"},
    )
    assert one.request("GET", f"{V1}/session").status_code == 200, "who changed it stays"
    assert other.request("GET", f"{V1}/session").status_code == 401
    one.call("DELETE", f"{V1}/session")
    assert one.request("GET", f"{V1}/session").status_code == 401
    operator.call("DELETE", f"{V1}/operator/users/subscriber/{made['ref']}")
    gone = server.connect().post(
        f"{V1}/session", json={"username": new["username"], "password": "second password"}
    )
    assert gone.status_code == 401


def test_who_may_only_look_changes_nothing(server: HostedServer, operator: Person, account: Account) -> None:
    customer = operator.call("GET", f"{V1}/operator/subscribers")[0]["customerId"]
    password = "only looking"
    for of in (customer, None):
        operator.call(
            "POST",
            f"{V1}/operator/users",
            {
                "username": f"looker-{of}@example.com",
                "displayName": "Looker",
                "password": password,
                "role": "ro",
                **({"kind": "subscriber", "customerId": of} if of else {"kind": "operator"}),
            },
        )
        looker = Person(server, f"looker-{of}@example.com", password, customer="" if of else customer)
        assert looker.signed_in["role"] == "ro"
        looker.call("GET", f"{V1}/devices")
        for method, path, sent in (
            ("POST", f"{KPN}/devices", body(account, 99)),
            ("DELETE", f"{KPN}/devices/1", None),
            ("POST", f"{V1}/projects", {"name": "No"}),
            ("POST", f"{V1}/devices/bulk", {"action": "delete", "refs": ["1"]}),
            ("POST", f"{V1}/devices/1/downlinks", {"fPort": 1, "payload": "00"}),
            ("POST", f"{V1}/alarms/acks", {"refs": ["1"]}),
            ("POST", f"{V1}/imports", {"name": "No"}),
        ):
            refused = looker.request(method, path, sent)
            assert refused.status_code == 403, f"{method} {path}: {refused.text}"
            assert refused.json()["errorId"] == "LDM-431"
        # Trying a decoder changes nothing.
        looker.call(
            "POST", f"{V1}/decoders/lab", {"kind": "CAYENNE_LPP", "trials": [{"payload": "0167 0110"}]}
        )
        if of is None:
            assert (
                looker.request("POST", f"{V1}/operator/plans", {"id": "a/b", "name": "x"}).status_code == 403
            )
    # A token got with the user's password has the user's rights, no more.
    token = (
        server.connect()
        .post(
            "/users-auth/protocol/openid-connect/token",
            data={
                "grant_type": "client_credentials",
                "client_id": f"looker-{customer}@example.com",
                "client_secret": password,
            },
        )
        .json()["access_token"]
    )
    refused = server.connect().post(
        f"{KPN}/devices",
        json=body(account, 98),
        headers={"authorization": f"Bearer {token}"},
    )
    assert refused.status_code == 403


def test_customers_are_apart(server: HostedServer, user: Person, outsider: Person, account: Account) -> None:
    """An outsider finds nothing of another customer under any address."""
    ref = create(user, account, 1)
    routing = user.call(
        "POST", f"{KPN}/routingProfiles", {"name": "Mine", "routes": [{"addresses": ["http://127.0.0.1:9"]}]}
    )["ref"]
    decoder = user.call("POST", f"{V1}/decoders", {"name": "Mine", "kind": "CAYENNE_LPP"})["ref"]
    project = user.call("POST", f"{V1}/projects", {"name": "Mine"})["ref"]
    part = user.call("POST", f"{V1}/imports", {"name": "mine.csv"})["ref"]
    for method, path, sent in (
        *(
            ("GET", f"{V1}/devices/{ref}/{what}", None)
            for what in ("downlinks", "readings", "session", "battery")
        ),
        ("POST", f"{V1}/devices/{ref}/downlinks", {"fPort": 1, "payload": "00"}),
        ("DELETE", f"{V1}/devices/{ref}/downlinks", None),
        ("DELETE", f"{V1}/devices/{ref}/downlinks/1", None),
        ("GET", f"{V1}/alarms?deviceRef={ref}", None),
        ("POST", f"{V1}/routingProfiles/{routing}/trial", None),
        ("GET", f"{V1}/decoders/{decoder}", None),
        ("PUT", f"{V1}/decoders/{decoder}", {"name": "Stolen"}),
        ("DELETE", f"{V1}/decoders/{decoder}", None),
        ("POST", f"{V1}/decoders/lab", {"kind": "CAYENNE_LPP", "deviceRef": ref}),
        ("POST", f"{V1}/projects/{project}/secret", None),
        ("DELETE", f"{V1}/projects/{project}", None),
        ("POST", f"{V1}/imports/{part}/undo", None),
    ):
        found = outsider.request(method, path, sent)
        assert found.status_code == 404, f"{method} {path}: {found.status_code} {found.text}"
    done = outsider.call("POST", f"{V1}/devices/bulk", {"action": "delete", "refs": [ref]})
    assert done["done"] == 0 and done["failures"][0]["ref"] == ref
    eui = body(account, 1)["EUI"]
    assert outsider.call("GET", f"{V1}/devices?search={eui}")["devices"] == []
    assert eui not in outsider.call("GET", f"{V1}/devices/export")
    assert outsider.call("GET", f"{V1}/frames?deviceRef={ref}")["frames"] == []
    assert outsider.request("GET", f"{V1}/operator/overview").status_code == 403
    # The header is of no use to who is no operator's user.
    acting = {"x-subscriber": user.signed_in["customerId"]}
    assert outsider.call("GET", f"{V1}/devices?search={eui}", headers=acting)["devices"] == []


def test_operators_are_apart(server: HostedServer, user: Person, account: Account) -> None:
    """An operator works for its own subscribers, and finds nothing of another operator's."""
    ref = create(user, account, 2)
    user.call("POST", f"{V1}/projects", {"name": "Ours alone"})
    operator = Person(server, operator_of(account), account.thingpark_password)
    station = operator.call("GET", f"{V1}/operator/baseStations")[0]["id"]
    plan = operator.call("GET", f"{V1}/operator/plans")[0]["ref"]
    person = operator.call("GET", f"{V1}/operator/users")["subscribers"][0]["ref"]
    customer = operator.call("GET", f"{V1}/operator/subscribers")[0]["customerId"]
    other = sandbox(server.data)
    rival = Person(server, operator_of(other), other.thingpark_password, customer=customer)
    assert rival.request("GET", f"{V1}/devices").status_code == 404
    rival.customer = ""
    assert rival.request("GET", f"{V1}/devices").status_code == 403, "an operator names a customer"
    foreign: tuple[tuple[str, str, Any], ...] = (
        ("GET", f"{V1}/operator/baseStations/{station}/statistics", None),
        ("PUT", f"{V1}/operator/baseStations/{station}", {"name": "Stolen"}),
        ("DELETE", f"{V1}/operator/baseStations/{station}", None),
        ("PUT", f"{V1}/operator/plans/{plan}", {"settings": {}}),
        ("PUT", f"{V1}/operator/users/subscriber/{person}", {"password": "stolen password"}),
        ("DELETE", f"{V1}/operator/users/subscriber/{person}", None),
    )
    for method, path, sent in foreign:
        found = rival.request(method, path, sent)
        assert found.status_code == 404, f"{method} {path}: {found.status_code} {found.text}"
    assert customer not in str(rival.call("GET", f"{V1}/operator/subscribers"))
    assert station not in str(rival.call("GET", f"{V1}/operator/baseStations"))
    audits = [str(one.call("GET", f"{V1}/operator/audit")) for one in (operator, rival)]
    assert ["Ours alone" in audit for audit in audits] == [True, False]
    acting = Person(server, operator_of(account), account.thingpark_password, customer=customer)
    eui = body(account, 2)["EUI"]
    found = acting.call("GET", f"{V1}/devices?search={eui}")["devices"]
    assert [(device["ref"], device["EUI"]) for device in found] == [(ref, eui)]


def test_a4_what_is_left_out_of_a_new_user_gives_no_right(operator: Person, server: HostedServer) -> None:
    path, customer = f"{V1}/operator/users", operator.call("GET", f"{V1}/operator/subscribers")[0]
    person = {"displayName": "Somebody", "password": "some password"}

    def users() -> int:
        return sum(len(found) for found in operator.call("GET", path).values())

    before = users()
    for wrong, named in (
        ({}, "kind"),
        ({"customerId": None}, "kind"),
        ({"role": "rw"}, "kind"),
        ({"kind": None, "customerId": None}, "kind"),
        ({"kind": "subscriber"}, "customerId"),
        ({"kind": "subscriber", "customerId": None}, "customerId"),
        ({"kind": "operator", "customerId": customer["customerId"]}, "kind"),
        ({"kind": "admin"}, "kind"),
        ({"kind": ""}, "kind"),
    ):
        refused = operator.request("POST", path, person | {"username": "left-out@example.com"} | wrong)
        assert refused.status_code == 400 and named in refused.json()["message"], (wrong, refused.text)
    unknown = person | {"username": "left-out@example.com", "kind": "subscriber", "customerId": ""}
    assert operator.request("POST", path, unknown).status_code in (400, 404)
    assert users() == before
    for number, kind in enumerate(({"kind": "operator"}, {"customerId": customer["customerId"]})):
        name = f"left-out-{number}@example.com"
        assert operator.call("POST", path, person | {"username": name} | kind)["role"] == "ro"
        assert Person(server, name, person["password"]).signed_in["role"] == "ro"


def _colleague(server: HostedServer, admin: Person, name: str) -> tuple[str, Person]:
    """A user that an administrator invited: its ref, and who has signed in."""
    email = f"{name}@example.com"
    made = admin.call("POST", f"{V1}/invitations", {"email": email, "role": "rw"})
    accepted = {"token": made["token"], "username": email, "displayName": name, "password": PASSWORD}
    assert server.connect().post(f"{V1}/invitation/acceptance", json=accepted).status_code == 204
    return _listed(admin, email)["ref"], Person(server, email, PASSWORD)


def _listed(admin: Person, username: str) -> dict[str, Any]:
    return next(dict(one) for one in admin.call("GET", f"{V1}/users") if one["username"] == username)


def test_a_suspended_user_has_no_access_in_any_way_until_resumed(server: HostedServer, user: Person) -> None:
    ref, person = _colleague(server, user, "suzan")
    name, http = person.signed_in["username"], server.connect()
    key = person.call("POST", f"{V1}/apiKeys", {"name": "K", "scope": "read"})["key"]
    script = server.connect(headers={"authorization": f"Bearer {key}"})
    link = {"token": user.call("POST", f"{V1}/users/{ref}/passwordReset", {})["token"]}
    user.call("PUT", f"{V1}/users/{ref}", {"suspended": True})
    assert person.request("GET", f"{V1}/session").status_code == 401
    assert script.get(f"{V1}/devices").status_code == 401
    refused = http.post(f"{V1}/session", json={"username": name, "password": PASSWORD})
    assert refused.status_code == 401 and "suspended" in refused.json()["message"]
    form = {"grant_type": "client_credentials", "client_id": name, "client_secret": PASSWORD}
    refused = http.post("/users-auth/protocol/openid-connect/token", data=form)
    assert refused.status_code == 401 and "suspended" in refused.json()["message"]
    assert http.post(f"{V1}/passwordReset/link", json=link).status_code == 410
    refused = user.request("POST", f"{V1}/users/{ref}/passwordReset", {})
    assert refused.status_code == 400 and "resume" in refused.json()["message"]
    found = server.run(server.platform.store.read(lambda c: accounts.addressees(c, name)))
    assert found == [], "no link is sent"
    listed = _listed(user, name)
    assert listed["suspended"] and listed["sessions"] == 0 and listed["apiKeys"] == 1
    assert ref not in [one["ref"] for one in user.call("GET", f"{V1}/alarms/assignees")]
    written = user.call("GET", f"{V1}/audit")[0]
    assert (written["action"], written["details"]["suspended"]) == ("user.changed", True)
    user.call("PUT", f"{V1}/users/{ref}", {"suspended": False})
    assert script.get(f"{V1}/devices").status_code == 200
    assert len(Person(server, name, PASSWORD).call("GET", f"{V1}/sessions")) == 1


def test_projects_of_a_suspended_user_have_no_access(server: HostedServer) -> None:
    account = sandbox(server.data)
    client = Client(server, account)
    client.activate()
    assert client.request("GET", "/devices").status_code == 200
    desk = Person(server, operator_of(account), account.thingpark_password)
    users = desk.call("GET", f"{V1}/operator/users")
    (owner,), (myself,) = users["subscribers"], users["operator"]
    path = f"{V1}/operator/users/subscriber/{owner['ref']}"
    for method, change in (("PUT", {"suspended": True}), ("PUT", {"role": "rw"}), ("DELETE", None)):
        refused = desk.request(method, path, change)
        assert refused.status_code == 400 and "last administrator" in refused.json()["message"], change
    refused = desk.request("PUT", f"{V1}/operator/users/operator/{myself['ref']}", {"suspended": True})
    assert refused.status_code == 400 and "this is you" in refused.json()["message"]
    copy = {"username": "second@example.org", "password": PASSWORD, "displayName": "Second"}
    made = desk.call("POST", f"{path}/copy", copy)
    assert (made["role"], made["customerId"], made["email"]) == (
        "admin",
        owner["customerId"],
        copy["username"],
    )
    desk.call("PUT", path, {"suspended": True})
    assert client.request("GET", "/devices").status_code == 403
    desk.call("PUT", path, {"suspended": False})
    assert client.request("GET", "/devices").status_code == 200


def test_a_renamed_user_keeps_its_rights_and_its_links_are_void(server: HostedServer, user: Person) -> None:
    ref, person = _colleague(server, user, "rena")
    link = {"token": user.call("POST", f"{V1}/users/{ref}/passwordReset", {})["token"]}
    user.call("PUT", f"{V1}/users/{ref}", {"username": "renate@example.com", "displayName": "Renate"})
    assert person.call("GET", f"{V1}/session")["username"] == "renate@example.com"
    assert server.connect().post(f"{V1}/passwordReset/link", json=link).status_code == 410
    listed = _listed(user, "renate@example.com")
    assert (listed["displayName"], listed["email"]) == ("Renate", "renate@example.com"), "the address follows"
    for change, said in (
        ({"username": user.signed_in["username"]}, "exists already"),
        ({"username": "x"}, "3 to 254"),
        ({"email": "nobody"}, "one e-mail address"),
        ({"displayName": " "}, "display name"),
        ({}, "mandatory"),
    ):
        refused = user.request("PUT", f"{V1}/users/{ref}", change)
        assert refused.status_code == 400 and said in refused.json()["message"], change
    assert Person(server, "renate@example.com", PASSWORD)
