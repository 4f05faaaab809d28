"""The sign-in of ThingPark's OSS as old programs do it, each step with what the one before has given; and who
sells connectivity, which others ask for at their sign-in."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.api.hosting import HostedServer
from tests.api.test_oss import DESTINATION, DX, Oss
from tests.installation import sandbox
from veldnet.api.auth import oss_sign_in
from veldnet.simulator.customer import Account

SMP = "/thingpark/smp/rest/admins"
OSS = "/thingpark/wireless/rest"


class Program:
    """One that knows user name, password and the subscriber's ID."""

    def __init__(self, server: HostedServer, account: Account) -> None:
        self.account = account
        self.http = server.connect()
        form = {"grant_type": "client_credentials", "client_id": account.thingpark_username}
        form["client_secret"] = account.thingpark_password
        token = self.http.post("/thingpark/dx/admin/latest/api/oauth/token", data=form).json()
        self.customer: str = token["customer_id"]

    def ask(self, method: str, path: str, body: Any = None, **query: str) -> httpx.Response:
        return self.http.request(method, f"{path}?{urlencode(query)}", json=body)

    def first(self, **changes: Any) -> Any:
        body = {"login": self.account.thingpark_username, "password": self.account.thingpark_password}
        return self.ask("POST", f"{SMP}/login", body | changes)

    def code(self, first: Any, **changes: str) -> httpx.Response:
        body = {"subscriberID": self.customer, "moduleID": "TPW_SUBS"} | changes
        path = f"{SMP}/{first['thingparkID']}/accessCode"
        return self.ask("POST", path, body, sessionToken=first["sessionToken"])

    def session(self, code: str) -> httpx.Response:
        return self.ask("GET", f"{OSS}/customers", adminAccessCode=code, type="SUBSCRIBER")

    def sign_in(self) -> Any:
        code = self.code(self.first().json()).json()["accessCode"]
        answer = self.session(code)
        assert answer.status_code == 200, answer.text
        assert self.session(code).status_code == 401, "a code serves once"
        return answer.json()


@pytest.fixture(scope="module")
def program(server: HostedServer, account: Account) -> Program:
    return Program(server, account)


def test_a_session_is_a_parameter_of_what_follows(
    program: Program, server: HostedServer, account: Account
) -> None:
    oss = Oss(server, account)
    lamp = oss.create(0xA1)
    served = {"name": "Lights", "contentType": "json", "destinations": [DESTINATION | {"ports": "*"}]}
    oss.call("POST", f"{OSS}/subscriptions/mine/appServers", served)
    session = program.sign_in()
    token, base = session["sessionToken"], f"{OSS}{session['subscription']['href']}"

    listed = program.ask("GET", f"{base}/devices", sessionToken=token).json()["briefs"]
    (found,) = [each for each in listed if each["EUI"] == lamp["EUI"]]
    sent = program.ask(
        "POST", f"{found['href']}/admins/downlink", payload="00", fPort="2", sessionToken=token
    )
    # It is known, and has not joined yet.
    assert sent.status_code == 400 and "(code 115)" in sent.json()["message"]
    (server_of_it,) = [
        each
        for each in program.ask("GET", f"{base}/appServers", sessionToken=token).json()["briefs"]
        if each["name"] == "Lights"
    ]
    put = program.ask("PUT", server_of_it["href"], {"state": "ACTIVE"}, sessionToken=token)
    assert put.status_code == 200 and put.json()["destinations"][0]["addresses"] == DESTINATION["addresses"]

    # The parameter counts on these paths alone.
    assert program.ask("GET", f"{DX}/devices", sessionToken=token).status_code == 401
    assert program.ask("GET", f"{OSS}/customers/logout", sessionToken=token).status_code < 300
    assert program.ask("GET", f"{base}/devices", sessionToken=token).status_code == 401


def test_each_step_needs_the_one_before(
    program: Program, server: HostedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert program.first(password="wrong").status_code == 401
    assert program.first(login=None).status_code == 400
    first = program.first().json()
    assert program.code(first | {"sessionToken": "x"}).status_code == 401
    assert program.code(first | {"thingparkID": "tpk-999"}).status_code == 403
    assert program.code(first, subscriberID="100000000").status_code == 403
    refused = program.code(first, supplierID="1", subscriberID="")
    assert refused.status_code == 403 and "API key" in refused.json()["message"]
    assert program.session("x").status_code == program.session("").status_code == 401
    wrong = program.ask("GET", f"{OSS}/customers", adminAccessCode="x", type="SUPPLIER")
    assert wrong.status_code == 403
    # A project has no sessions: its token is no first step.
    project = Oss(server, program.account).http.headers["authorization"].removeprefix("Bearer ")
    assert program.code(first | {"sessionToken": project}).status_code == 401
    # The steps end soon.
    monkeypatch.setattr(oss_sign_in, "_SOON", -1)
    assert program.code(program.first().json()).status_code == 401
    assert program.ask("GET", f"{OSS}/customers/logout").status_code < 300


def test_a_session_sees_its_own_subscriber_alone(program: Program, server: HostedServer) -> None:
    other = Program(server, sandbox(server.data))
    lamp = Oss(server, program.account).create(0xA2)
    token = other.sign_in()["sessionToken"]
    base = f"{OSS}/subscriptions/mine/devices"
    assert other.ask("GET", base, sessionToken=token).json()["briefs"] == []
    assert other.ask("GET", f"{base}/{lamp['uid']}", sessionToken=token).status_code == 404


def test_who_sells_connectivity_is_the_operator(program: Program, server: HostedServer) -> None:
    http = Oss(server, program.account).http
    for path in ("/vendors", "/suppliers"):
        (one,) = http.get(f"{DX}{path}").json()
        assert one["id"] == "sandbox-ope" and one["name"] and one["ref"].isdigit()
        assert program.ask("GET", f"{DX}{path}").status_code == 401
