"""Accounts: invitations, sessions, passwords, API keys and second factors, with a real mail server."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.api.hosting import Client, HostedServer
from tests.api.town import PASSWORD, URL, V1, Town, acceptance, later, operator_of, token_in
from tests.authenticator import Enrolled
from tests.customers import KPN
from tests.e2e.running import command, failing
from tests.installation import sandbox, stored_bytes
from tests.monitoring.post_office import PostOffice
from tests.person import Person


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    directory = tmp_path_factory.mktemp("accounts")
    with PostOffice(directory) as post:
        found = Town(directory / "data", post)
        yield found
        found.server.stop()


# Invitations.


def test_an_invitation_is_mailed_accepted_once_and_gives_its_role(town: Town) -> None:
    before = len(town.post.messages)
    body = {"email": "anna@example.com", "role": "rw", "language": "nl"}
    sent = town.admin.call("POST", f"{V1}/invitations", body)
    assert sent["mailed"] and sent["token"] is None
    letter = town.letter(before)
    assert town.post.recipients[-1] == ["anna@example.com"] and "nodigt u uit" in letter
    token = token_in(letter)
    assert token.encode() not in stored_bytes(town.server.data)
    shown = town.ask("/invitation", {"token": token}).json()
    assert (shown["email"], shown["role"]) == ("anna@example.com", "rw")
    stolen = town.ask("/invitation/acceptance", acceptance(token, "somebody@example.org"))
    assert stolen.status_code == 400 and "must be the invited one" in stolen.json()["message"]
    assert town.ask("/invitation/acceptance", acceptance(token, "anna@example.com")).status_code == 204
    again = town.ask("/invitation/acceptance", acceptance(token, "anna2"))
    assert again.status_code == 410 and "has expired or was used" in again.json()["message"]
    anna = Person(town.server, "anna@example.com", PASSWORD)
    assert (
        anna.signed_in["role"] == "rw" and anna.signed_in["customerId"] == town.admin.signed_in["customerId"]
    )
    assert anna.request("GET", f"{V1}/users").status_code == 403
    assert anna.call("GET", f"{V1}/devices") is not None
    assert town.admin.call("GET", f"{V1}/invitations") == []
    assert any(e["action"] == "user.created" for e in town.admin.call("GET", f"{V1}/audit"))


def test_links_of_invitations_expire_are_renewed_and_withdrawn(town: Town) -> None:
    before = len(town.post.messages)
    made = town.admin.call("POST", f"{V1}/invitations", {"email": "bert@example.com", "role": "ro"})
    first = token_in(town.letter(before))
    ref = made["invitation"]["ref"]
    town.admin.call("POST", f"{V1}/invitations/{ref}/link", {})
    second = token_in(town.letter(before + 1))
    assert town.ask("/invitation", {"token": first}).status_code == 410
    with later(town, 8 * 86_400):
        assert town.ask("/invitation", {"token": second}).status_code == 410
        assert town.ask("/invitation/acceptance", acceptance(second, "bert")).status_code == 410
    assert town.ask("/invitation", {"token": second}).status_code == 200
    town.admin.call("DELETE", f"{V1}/invitations/{ref}")
    assert town.ask("/invitation", {"token": second}).status_code == 410


@pytest.mark.parametrize(
    "email", [" ", "nobody", "a@b@c", "a@example.com, b@example.com", "x\r\nBcc: y@example.com", "A <a@b.c>"]
)
def test_only_one_plain_address_is_invited(town: Town, email: str) -> None:
    answer = town.admin.request("POST", f"{V1}/invitations", {"email": email, "role": "ro"})
    assert answer.status_code == 400 and "one e-mail address" in answer.json()["message"]


def test_without_mail_the_inviter_gets_the_link(tmp_path: Path) -> None:
    account = sandbox(tmp_path / "data")
    server = HostedServer(tmp_path / "data")
    admin = Person(server, account.thingpark_username, account.thingpark_password)
    made = admin.call("POST", f"{V1}/invitations", {"email": "c@example.com", "role": "ro"})
    assert not made["mailed"]
    http = server.connect()
    accepted = http.post(f"{V1}/invitation/acceptance", json=acceptance(made["token"], "carla"))
    assert accepted.status_code == 204
    carla = next(user for user in admin.call("GET", f"{V1}/users") if user["username"] == "carla")
    link = admin.call("POST", f"{V1}/users/{carla['ref']}/passwordReset", {})
    assert not link["mailed"]
    body = {"token": link["token"], "password": "another password"}
    assert http.post(f"{V1}/passwordReset/password", json=body).status_code == 204
    Person(server, "carla", "another password")
    assert http.get(f"{V1}/signIn").json()["passwordReset"] is False
    asked = http.post(f"{V1}/passwordReset", json={"username": "carla"})
    assert asked.status_code == 409 and "ask an administrator" in asked.json()["message"]
    server.stop()


# Passwords.


def test_a_forgotten_password_is_set_by_a_link_that_works_once(town: Town) -> None:
    ref, person = town.invited()
    name = person.signed_in["username"]
    key = person.call("POST", f"{V1}/apiKeys", {"name": "K", "scope": "read"})["key"]
    before = len(town.post.messages)
    known = town.ask("/passwordReset", {"username": f"{name}@example.com"})
    unknown = town.ask("/passwordReset", {"username": "nobody@example.com"})
    assert (known.status_code, known.content) == (unknown.status_code, unknown.content) == (204, b"")
    token = token_in(town.letter(before))
    town.ask("/passwordReset", {"username": name})
    newer = token_in(town.letter(before + 1))
    assert town.ask("/passwordReset/link", {"token": token}).status_code == 410, "the newest alone counts"
    with later(town, 1801):
        assert town.ask("/passwordReset/link", {"token": newer}).status_code == 410
    assert town.ask("/passwordReset/link", {"token": newer}).json()["username"] == name
    assert town.ask("/passwordReset/password", {"token": newer, "password": "short"}).status_code == 400
    body = {"token": newer, "password": "quite another password"}
    assert town.ask("/passwordReset/password", body).status_code == 204
    assert town.ask("/passwordReset/password", body).status_code == 410
    assert "was set with a link" in town.letter(before + 2)
    assert person.request("GET", f"{V1}/session").status_code == 401
    assert bearer(town, key).get(f"{V1}/devices").status_code == 401
    Person(town.server, name, "quite another password")
    assert ref and town.ref_of(name) == ref


def test_requests_for_links_are_limited_and_tell_nothing(town: Town) -> None:
    before = len(town.post.messages)
    _ref, person = town.invited()
    for _ in range(5):
        answer = town.ask("/passwordReset", {"username": person.signed_in["username"]})
        assert answer.status_code in (204, 429)
        town.server.pass_time(1)
    assert len(town.post.messages) - before <= 1 + 3
    for _ in range(10):
        answer = town.ask("/passwordReset", {"username": "nobody"})
    assert answer.status_code == 429 and answer.headers["retry-after"] == "60"


def test_a_changed_password_ends_the_other_sessions_and_keeps_the_keys(town: Town) -> None:
    _ref, here = town.invited()
    elsewhere = Person(town.server, here.signed_in["username"], PASSWORD)
    key = here.call("POST", f"{V1}/apiKeys", {"name": "K", "scope": "read"})["key"]
    body = {"currentPassword": PASSWORD, "newPassword": "another password"}
    here.call("PUT", f"{V1}/session/password", body)
    assert elsewhere.request("GET", f"{V1}/session").status_code == 401
    assert here.request("GET", f"{V1}/session").status_code == 200
    assert bearer(town, key).get(f"{V1}/devices").status_code == 200


# Sessions.


def test_sessions_are_listed_and_ended(town: Town) -> None:
    ref, here = town.invited()
    name = here.signed_in["username"]
    phone, laptop = (Person(town.server, name, PASSWORD) for _ in range(2))
    listed = here.call("GET", f"{V1}/sessions")
    assert len(listed) == 3 and [each["current"] for each in listed].count(True) == 1
    assert all(each["browser"].startswith("python-httpx") and each["address"] for each in listed)
    other = next(each["id"] for each in phone.call("GET", f"{V1}/sessions") if each["current"])
    here.call("DELETE", f"{V1}/sessions/{other}")
    assert phone.request("GET", f"{V1}/session").status_code == 401
    assert here.call("POST", f"{V1}/sessions/endOthers") == {"sessions": 1}
    assert laptop.request("GET", f"{V1}/session").status_code == 401
    access = town.admin.call("GET", f"{V1}/users/{ref}/access")
    town.admin.call("DELETE", f"{V1}/users/{ref}/sessions/{access['sessions'][0]['id']}")
    assert here.request("GET", f"{V1}/session").status_code == 401


def test_nobody_sees_or_ends_what_is_of_another_subscriber(town: Town) -> None:
    """Users, sessions, keys, invitations and factors of A are not found for an administrator of B."""
    ref, person = town.invited()
    key = person.call("POST", f"{V1}/apiKeys", {"name": "K"})["ref"]
    session = person.call("GET", f"{V1}/sessions")[0]["id"]
    invitation = town.admin.call("POST", f"{V1}/invitations", {"email": "d@example.com"})["invitation"]["ref"]
    out = town.outsider
    assert ref not in {user["ref"] for user in out.call("GET", f"{V1}/users")}
    assert out.call("GET", f"{V1}/invitations") == []
    tries = [
        ("PUT", f"/users/{ref}", {"role": "ro"}),
        ("DELETE", f"/users/{ref}", None),
        ("GET", f"/users/{ref}/access", None),
        ("DELETE", f"/users/{ref}/sessions", None),
        ("DELETE", f"/users/{ref}/sessions/{session}", None),
        ("DELETE", f"/users/{ref}/apiKeys/{key}", None),
        ("POST", f"/users/{ref}/passwordReset", {}),
        ("POST", f"/users/{ref}/secondFactor/reset", {}),
        ("POST", f"/invitations/{invitation}/link", {}),
        ("DELETE", f"/invitations/{invitation}", None),
        # One's own rows alone, also within a subscriber.
        ("DELETE", f"/sessions/{session}", None),
        ("DELETE", f"/apiKeys/{key}", None),
    ]
    for method, path, body in tries:
        assert out.request(method, f"{V1}{path}", body).status_code == 404, path
    for method, path, body in tries[-2:]:
        assert town.admin.request(method, f"{V1}{path}", body).status_code == 404, path
    # Nor by naming the other subscriber, which only its operator may.
    named = {"x-subscriber": town.admin.signed_in["customerId"]}
    users = out.call("GET", f"{V1}/users", headers=named)
    assert ref not in {user["ref"] for user in users}
    assert person.request("GET", f"{V1}/session").status_code == 200


def test_administrators_do_not_lock_themselves_out(town: Town) -> None:
    me = next(user["ref"] for user in town.admin.call("GET", f"{V1}/users") if user["you"])
    for method, path, body in (
        ("PUT", f"/users/{me}", {"role": "ro"}),
        ("DELETE", f"/users/{me}", None),
        ("POST", f"/users/{me}/secondFactor/reset", {}),
    ):
        answer = town.admin.request(method, f"{V1}{path}", body)
        assert answer.status_code == 400 and "another administrator" in answer.json()["message"]


def test_roles_are_changed_and_users_removed(town: Town) -> None:
    ref, person = town.invited("ro")
    assert person.request("POST", f"{V1}/projects", {"name": "P"}).status_code == 403
    town.admin.call("PUT", f"{V1}/users/{ref}", {"role": "admin"})
    assert person.request("POST", f"{V1}/projects", {"name": "P"}).status_code == 201
    assert person.request("GET", f"{V1}/users").status_code == 200
    key = person.call("POST", f"{V1}/apiKeys", {"name": "K", "scope": "admin"})["key"]
    assert bearer(town, key).get(f"{V1}/users").status_code == 200
    town.admin.call("DELETE", f"{V1}/users/{ref}")
    assert person.request("GET", f"{V1}/session").status_code == 401
    assert bearer(town, key).get(f"{V1}/users").status_code == 401


def test_an_operator_manages_the_users_of_its_customers_alone(town: Town) -> None:
    own = {"x-subscriber": town.admin.signed_in["customerId"]}
    assert town.operator.call("GET", f"{V1}/users", headers=own)
    foreign = {"x-subscriber": town.outsider.signed_in["customerId"]}
    assert town.operator.request("GET", f"{V1}/users", headers=foreign).status_code == 404


# API keys.


def bearer(town: Town, key: str, **headers: str) -> Any:
    return town.server.connect(headers={"authorization": f"Bearer {key}", **headers})


def test_keys_have_their_scope_and_never_more_than_their_user(town: Town) -> None:
    ref, person = town.invited("rw")
    keys = {
        scope: person.call("POST", f"{V1}/apiKeys", {"name": scope, "scope": scope, "days": 1})["key"]
        for scope in ("read", "write", "admin")
    }
    database = stored_bytes(town.server.data)
    assert not any(key.encode() in database for key in keys.values())
    listed = person.call("GET", f"{V1}/apiKeys")
    assert all(each["key"] is None and each["lastUsed"] is None for each in listed)
    assert all(key.startswith(each["beginning"]) for key, each in zip(keys.values(), listed, strict=True))
    for scope, key in keys.items():
        http = bearer(town, key)
        assert http.get(f"{V1}/devices").status_code == 200
        assert http.get(f"{KPN}/devices").status_code == 200
        made = http.post(f"{V1}/projects", json={"name": scope})
        assert made.status_code == (403 if scope == "read" else 201)
        assert http.get(f"{V1}/users").status_code == 403, "the user is no administrator"
        for path in ("/sessions", "/apiKeys", "/secondFactor", "/session"):
            assert http.get(f"{V1}{path}").status_code == 401, "keys make no keys"
        assert http.get(f"{V1}/operator/users").status_code in (401, 403)
    assert all(each["lastUsed"] for each in person.call("GET", f"{V1}/apiKeys"))
    town.admin.call("PUT", f"{V1}/users/{ref}", {"role": "ro"})
    assert bearer(town, keys["write"]).post(f"{V1}/projects", json={"name": "P"}).status_code == 403
    assert bearer(town, keys["write"]).get(f"{V1}/devices").status_code == 200


def test_keys_expire_and_are_revoked(town: Town) -> None:
    ref, person = town.invited()
    short = person.call("POST", f"{V1}/apiKeys", {"name": "short", "days": 1})
    ever = person.call("POST", f"{V1}/apiKeys", {"name": "ever"})
    with later(town, 86_401):
        assert bearer(town, short["key"]).get(f"{V1}/devices").status_code == 401
        assert bearer(town, ever["key"]).get(f"{V1}/devices").status_code == 200
    person.call("DELETE", f"{V1}/apiKeys/{ever['ref']}")
    assert bearer(town, ever["key"]).get(f"{V1}/devices").status_code == 401
    town.admin.call("DELETE", f"{V1}/users/{ref}/apiKeys/{short['ref']}")
    assert bearer(town, short["key"]).get(f"{V1}/devices").status_code == 401
    for days in (0, -1, 100_000, "x"):
        answer = person.request("POST", f"{V1}/apiKeys", {"name": "K", "days": days})
        assert answer.status_code == 400


def test_keys_of_operators_work_for_their_network(town: Town) -> None:
    key = town.operator.call("POST", f"{V1}/apiKeys", {"name": "CI", "scope": "read"})["key"]
    http = bearer(town, key)
    assert http.get(f"{V1}/operator/subscribers").status_code == 200
    assert http.get(f"{V1}/logger/frames").status_code in (200, 404)
    body = {"customerId": "765765765", "name": "N"}
    assert http.post(f"{V1}/operator/subscribers", json=body).status_code == 403
    assert http.get(f"{V1}/devices").status_code == 403, "it must name a subscriber"
    own = bearer(town, key, **{"x-subscriber": town.admin.signed_in["customerId"]})
    assert own.get(f"{V1}/devices").status_code == 200
    foreign = bearer(town, key, **{"x-subscriber": town.outsider.signed_in["customerId"]})
    assert foreign.get(f"{V1}/devices").status_code == 404


# The second factor.


def test_a_second_factor_is_set_up_asked_for_and_never_taken_twice(town: Town) -> None:
    _ref, person = town.invited()
    name = person.signed_in["username"]
    wrong = person.request("POST", f"{V1}/secondFactor/enrolment", {"password": "wrong password"})
    assert wrong.status_code == 400
    factor = Enrolled(person, PASSWORD, town.server.clock())
    assert "otpauth://totp/Veldnet%3A" in factor.uri and factor.secret in factor.uri
    assert person.request("GET", f"{V1}/devices").status_code == 200, "the session that set it up goes on"
    half = Person(town.server, name, PASSWORD)
    assert half.signed_in["secondFactor"] == "code"
    for method, path, body in (
        ("GET", "/devices", None),
        ("GET", "/apiKeys", None),
        ("POST", "/apiKeys", {"name": "K"}),
        ("PUT", "/session/password", {"currentPassword": PASSWORD, "newPassword": "another password"}),
        ("POST", "/secondFactor/removal", {"code": "000000"}),
    ):
        answer = half.request(method, f"{V1}{path}", body)
        assert answer.status_code == 403 and answer.json()["errorId"] == "LDM-432", path
    for method, path, body in (
        ("POST", "/secondFactor/enrolment", {"password": PASSWORD}),
        ("PUT", "/secondFactor", {"code": "000000"}),
    ):
        assert half.request(method, f"{V1}{path}", body).json()["errorId"] == "LDM-432", path
    replayed = half.request("POST", f"{V1}/session/secondFactor", {"code": factor.code(town.server.clock())})
    assert replayed.json()["errorId"] == "LDM-411", "the code that set it up was used"
    town.server.pass_time(60)
    code = factor.code(town.server.clock())
    assert half.call("POST", f"{V1}/session/secondFactor", {"code": code})["secondFactor"] == ""
    assert half.request("GET", f"{V1}/devices").status_code == 200
    other = Person(town.server, name, PASSWORD)
    assert other.request("POST", f"{V1}/session/secondFactor", {"code": code}).status_code == 400
    recovery = factor.recovery[0]
    other.call("POST", f"{V1}/session/secondFactor", {"code": recovery.lower().replace("-", " ")})
    third = Person(town.server, name, PASSWORD)
    assert third.request("POST", f"{V1}/session/secondFactor", {"code": recovery}).status_code == 400
    database = stored_bytes(town.server.data)
    assert factor.secret.encode() not in database and recovery.replace("-", "").encode() not in database


def test_codes_are_not_guessed(town: Town) -> None:
    _ref, person = town.invited()
    factor = Enrolled(person, PASSWORD, town.server.clock())
    half = Person(town.server, person.signed_in["username"], PASSWORD)
    answers = [half.request("POST", f"{V1}/session/secondFactor", {"code": f"{n:06}"}) for n in range(6)]
    assert [answer.status_code for answer in answers] == [400] * 5 + [429]
    assert answers[-1].headers["retry-after"] == "300"
    town.server.pass_time(60)
    right = half.request("POST", f"{V1}/session/secondFactor", {"code": factor.code(town.server.clock())})
    assert right.status_code == 429, "the right one is not told apart while too many were wrong"


def test_a_password_alone_gets_no_token_where_there_is_a_second_factor(town: Town) -> None:
    _ref, person = town.invited()
    name = person.signed_in["username"]
    form = {"client_id": name, "client_secret": PASSWORD, "grant_type": "client_credentials"}
    path = "/users-auth/protocol/openid-connect/token"
    assert town.server.connect().post(path, data=form).status_code == 200
    Enrolled(person, PASSWORD, town.server.clock())
    refused = town.server.connect().post(path, data=form)
    assert refused.status_code == 403 and "personal API key" in refused.json()["message"]
    project = Client(town.server, town.account)
    body = {"thingpark_username": name, "thingpark_password": PASSWORD}
    assert project.http.post(f"{KPN}/activate", json=body).status_code == 403


def test_a_lost_second_factor_is_reset_by_an_administrator(town: Town) -> None:
    ref, person = town.invited()
    Enrolled(person, PASSWORD, town.server.clock())
    before = len(town.post.messages)
    town.admin.call("POST", f"{V1}/users/{ref}/secondFactor/reset", {"language": "nl"})
    assert "tweede factor" in town.letter(before)
    assert person.request("GET", f"{V1}/session").status_code == 401
    assert Person(town.server, person.signed_in["username"], PASSWORD).signed_in["secondFactor"] == ""
    actions = [entry["action"] for entry in town.admin.call("GET", f"{V1}/audit")]
    assert "user.secondFactorReset" in actions
    assert town.admin.request("POST", f"{V1}/users/{ref}/secondFactor/reset", {}).status_code == 400


def test_a_lost_second_factor_is_reset_by_the_operator_in_the_users_language(town: Town) -> None:
    ref, person = town.invited()
    person.call("PUT", f"{V1}/session/language", {"language": "nl"})
    Enrolled(person, PASSWORD, town.server.clock())
    before = len(town.post.messages)
    town.operator.call("POST", f"{V1}/operator/users/subscriber/{ref}/secondFactor/reset")
    assert "tweede factor" in town.letter(before)
    assert person.request("GET", f"{V1}/session").status_code == 401


def test_the_operator_presents_the_server_in_its_name(tmp_path: Path) -> None:
    """Page, authenticator, mails and the page of the API; the page is not built in a clone."""
    with PostOffice(tmp_path) as post:
        _check_presentation(tmp_path, post)


def _check_presentation(tmp_path: Path, post: PostOffice) -> None:
    account = sandbox(tmp_path / "data")
    server = HostedServer(
        tmp_path / "data",
        VELDNET_MAIL__HOST="127.0.0.1",
        VELDNET_MAIL__PORT=str(post.port),
        VELDNET_MAIL__SECURITY="none",
        VELDNET_SIGN_IN__URL=URL,
    )
    desk, path = Person(server, operator_of(account), account.thingpark_password), f"{V1}/operator/branding"
    user = Person(server, account.thingpark_username, account.thingpark_password)
    assert desk.call("GET", path) == {"name": "Veldnet", "colour": "", "logo": None, "stored": False}
    svg = b'<svg xmlns="http://www.w3.org/2000/svg">%s</svg>'
    for changes, problem in (
        ({"colour": "#ffee00"}, "contrast"),
        ({"colour": "red"}, "must look like"),
        ({"name": "x" * 61}, "1 to 60"),
        ({"name": "a\r\nBcc: x"}, "printable"),
        ({"logo": "%"}, "base64"),
        ({"logo": base64.b64encode(b"GIF89a").decode()}, "is not PNG"),
        ({"logo": base64.b64encode(svg % b"<script>1</script>").decode()}, "plain SVG"),
        ({"logo": base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"0" * 200_000).decode()}, "200 KB"),
    ):
        refused = desk.request("PUT", path, {"name": "Polderlink <b>"} | changes)
        assert refused.status_code == 400 and problem in refused.json()["message"], changes
    assert user.request("PUT", path, {"name": "Mine"}).status_code == 403
    logo = base64.b64encode(svg % b"").decode()
    desk.call("PUT", path, {"name": "Polderlink <b>", "colour": "#7a1f5c", "logo": logo})
    shown = desk.call("PUT", path, {"name": "Polderlink <b>", "colour": ""})
    assert shown["logo"] == f"data:image/svg+xml;base64,{logo}" and shown["stored"]
    public = server.connect()
    picture = public.get("/console/logo")
    assert picture.content == svg % b"" and "sandbox" in picture.headers["content-security-policy"]
    assert "<title>Polderlink &lt;b&gt; API</title>" in public.get("/docs").text
    enrolment = user.call("POST", f"{V1}/secondFactor/enrolment", {"password": account.thingpark_password})
    assert "issuer=Polderlink%20%3Cb%3E" in enrolment["uri"]
    before = len(post.messages)
    user.call("POST", f"{V1}/invitations", {"email": "anna@example.com", "role": "rw", "language": "nl"})
    server.pass_time(1)
    message = post.messages[before]
    assert message["subject"].startswith("[Polderlink <b>] ") and message["subject"].endswith(
        "op Polderlink <b>"
    )
    desk.call("PUT", path, {"name": "Polderlink", "builtInLogo": True})
    assert public.get("/console/logo").status_code == 404
    desk.call("DELETE", path)
    assert desk.call("GET", path)["name"] == "Veldnet"
    sandbox(tmp_path / "data")
    assert desk.request("PUT", path, {"name": "Mine"}).status_code == 403
    server.stop()


def test_a_lost_second_factor_is_reset_at_the_command_line(town: Town) -> None:
    _ref, person = town.invited()
    Enrolled(person, PASSWORD, town.server.clock())
    name = person.signed_in["username"]
    person.call("PUT", f"{V1}/session/language", {"language": "nl"})
    mail = {"HOST": "127.0.0.1", "PORT": str(town.post.port), "SECURITY": "none"}
    environment = {f"VELDNET_MAIL__{key}": value for key, value in mail.items()} | {
        "VELDNET_SIGN_IN__URL": URL
    }
    reset = ("admin", "user", "reset-second-factor", name, "--data", str(town.server.data))
    before = len(town.post.messages)
    assert "told by e-mail" in command(*reset, **environment)
    assert "tweede factor" in town.letter(before) and town.post.recipients[-1] == [f"{name}@example.com"]
    assert "has no second factor" in failing(*reset)
    assert Person(town.server, name, PASSWORD).signed_in["secondFactor"] == ""
    assert town.admin.call("GET", f"{V1}/audit")[1]["action"] == "user.secondFactorReset"


def test_roles_may_need_a_second_factor(tmp_path: Path) -> None:
    account = sandbox(tmp_path / "data")
    server = HostedServer(tmp_path / "data", VELDNET_SIGN_IN__SECOND_FACTOR='["operator", "admin"]')
    for name in (account.thingpark_username, operator_of(account)):
        person = Person(server, name, account.thingpark_password)
        assert person.signed_in["secondFactor"] == "setup"
        path = f"{V1}/operator/overview" if "operator" in name else f"{V1}/devices"
        assert person.request("GET", path).status_code == 403
        assert person.request("POST", f"{V1}/apiKeys", {"name": "K"}).status_code == 403
        factor = Enrolled(person, account.thingpark_password, server.clock())
        assert person.request("GET", path).status_code == 200
        removal = person.request("POST", f"{V1}/secondFactor/removal", {"code": factor.recovery[0]})
        assert removal.status_code == 403 and "your role needs" in removal.json()["message"]
    server.stop()
