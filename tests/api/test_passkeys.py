"""Passkeys over the API, with an authenticator in software: added, used, copied, removed, reset."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.hosting import HostedServer
from tests.api.town import PASSWORD, URL, V1, Town
from tests.authenticator import Enrolled
from tests.installation import sandbox
from tests.monitoring.post_office import PostOffice
from tests.passkeys import Authenticator, encode
from tests.person import Person


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    directory = tmp_path_factory.mktemp("passkeys")
    with PostOffice(directory) as post:
        found = Town(directory / "data", post)
        yield found
        found.server.stop()


class Browser:
    """Somebody who is not signed in."""

    def __init__(self, town: Town) -> None:
        self.http = town.server.connect()

    def ask(self) -> dict[str, Any]:
        answer = self.http.post(f"{V1}/session/passkey/challenge", json={})
        assert answer.status_code == 201
        return dict(answer.json())

    def enter(self, authenticator: Authenticator, **wrong: Any) -> httpx.Response:
        answer = authenticator.show(self.ask(), **wrong)
        return self.http.post(f"{V1}/session/passkey", json=answer)


def add(person: Person, name: str = "Phone", password: str = PASSWORD, **wrong: Any) -> httpx.Response:
    authenticator = Authenticator(URL)
    options = person.call("POST", f"{V1}/passkeys/enrolment", {"password": password})
    return person.request("POST", f"{V1}/passkeys", authenticator.create(options, **wrong) | {"name": name})


def added(person: Person, name: str = "Phone", password: str = PASSWORD) -> tuple[Authenticator, list[str]]:
    """A passkey of a person, and the recovery codes that came with it."""
    authenticator = Authenticator(URL)
    options = person.call("POST", f"{V1}/passkeys/enrolment", {"password": password})
    assert options["authenticatorSelection"]["userVerification"] == "required"
    made = person.call("POST", f"{V1}/passkeys", authenticator.create(options) | {"name": name})
    assert made["passkey"]["name"] == name and made["passkey"]["lastUsed"] is None
    return authenticator, made["recoveryCodes"]


def actions(town: Town) -> list[str]:
    return [entry["action"] for entry in town.admin.call("GET", f"{V1}/audit")]


def test_a_passkey_signs_in_alone_and_is_the_second_factor_after_a_password(town: Town) -> None:
    ref, person = town.invited()
    name = person.signed_in["username"]
    before = len(town.post.messages)
    authenticator, codes = added(person)
    assert len(codes) == 10 and "passkey Phone was added" in town.letter(before)
    browser = Browser(town)
    assert browser.ask()["allowCredentials"] == [], "who has passkeys is not said"
    entered = browser.enter(authenticator)
    assert entered.status_code == 200, entered.text
    assert entered.json()["username"] == name and entered.json()["secondFactor"] == ""
    assert browser.http.get(f"{V1}/devices").status_code == 200
    listed = person.call("GET", f"{V1}/passkeys")
    assert listed["origin"] == URL and listed["passkeys"][0]["lastUsed"]
    for suspended, status in ((True, 401), (False, 200)):
        town.admin.call("PUT", f"{V1}/users/{ref}", {"suspended": suspended})
        assert Browser(town).enter(authenticator).status_code == status
    person = Person(town.server, name, PASSWORD)
    person.call("POST", f"{V1}/session/secondFactor", {"code": codes[1]})

    half = Person(town.server, name, PASSWORD)
    assert half.signed_in["secondFactor"] == "code" and half.signed_in["passkey"]
    for path, body in (
        ("/passkeys/enrolment", {"password": PASSWORD}),
        ("/secondFactor/enrolment", {"password": PASSWORD}),
    ):
        assert half.request("POST", f"{V1}{path}", body).json()["errorId"] == "LDM-432", path
    options = half.call("POST", f"{V1}/session/secondFactor/passkey/challenge", {})
    assert [one["transports"] for one in options["allowCredentials"]] == [["hybrid", "internal"]]
    shown = half.call("POST", f"{V1}/session/secondFactor/passkey", authenticator.show(options))
    assert shown["secondFactor"] == ""
    assert half.request("GET", f"{V1}/devices").status_code == 200
    other = Person(town.server, name, PASSWORD)
    other.call("POST", f"{V1}/session/secondFactor", {"code": codes[0]})
    assert other.request("GET", f"{V1}/devices").status_code == 200
    assert {"passkey.added", "session.opened", "session.verified"} <= set(actions(town))
    form = {"client_id": name, "client_secret": PASSWORD, "grant_type": "client_credentials"}
    path = "/users-auth/protocol/openid-connect/token"
    assert town.server.connect().post(path, data=form).status_code == 403, "no token for the password alone"


def test_hostile_answers_are_refused_in_a_sentence(town: Town) -> None:
    _ref, person = town.invited()
    authenticator, _codes = added(person)
    foreign, _codes = added(town.invited()[1])
    wrong: tuple[tuple[dict[str, Any], str], ...] = (
        ({"origin": "https://evil.example"}, f"passkeys work at {URL} only"),
        ({"rp": "evil.example"}, f"passkeys work at {URL} only"),
        ({"challenge": encode(b"x" * 32)}, "has expired or was used"),
        ({"flags": 1}, "did not verify you"),
        ({"key": foreign.key}, "is invalid"),
        ({"handle": foreign.handle}, "is invalid"),
        ({"handle": None}, "is invalid"),
        ({"identifier": b"unknown"}, "is not known here"),
        ({"authenticatorData": encode(b"\xff" * 80)}, "is invalid"),
        ({"client": b"{"}, "is invalid"),
    )
    for changed, sentence in wrong:
        refused = Browser(town).enter(authenticator, **changed)
        assert refused.status_code == 401 and sentence in refused.json()["message"], (changed, refused.text)
        assert "set-cookie" not in refused.headers
    bodies: Iterable[Any] = ({}, {"id": 7}, {"id": "x"}, [])
    for body in bodies:
        assert Browser(town).http.post(f"{V1}/session/passkey", json=body).status_code == 400
    huge = authenticator.show({"challenge": "x", "rpId": "y"}, signature="A" * 40_000)
    assert Browser(town).http.post(f"{V1}/session/passkey", json=huge).status_code == 400
    for changed, sentence in (
        ({"origin": "https://evil.example"}, "passkeys work at"),
        ({"flags": 0x41}, "did not verify you"),
        ({"attestationObject": "AAAA"}, "is invalid"),
        ({"identifier": b"another"}, "is invalid"),
    ):
        answer = add(person, **changed)
        assert answer.status_code == 400 and sentence in answer.json()["message"], answer.text
    assert person.call("GET", f"{V1}/passkeys")["passkeys"][0]["lastUsed"] is None
    assert Browser(town).enter(authenticator).status_code == 200


def test_challenges_are_used_once_expire_and_belong_to_their_session(town: Town) -> None:
    _ref, person = town.invited()
    authenticator, _codes = added(person)
    browser = Browser(town)
    answer = authenticator.show(browser.ask())
    stolen = Browser(town).http.post(f"{V1}/session/passkey", json=answer)
    assert stolen.status_code == 401 and "expired or was used" in stolen.json()["message"]
    assert browser.http.post(f"{V1}/session/passkey", json=answer).status_code == 200
    replayed = browser.http.post(f"{V1}/session/passkey", json=answer)
    assert replayed.status_code == 401 and "expired or was used" in replayed.json()["message"]
    answer = authenticator.show(browser.ask())
    town.server.pass_time(301)
    assert browser.http.post(f"{V1}/session/passkey", json=answer).status_code == 401
    # A challenge for one session or purpose is none for another.
    first, second = (Person(town.server, person.signed_in["username"], PASSWORD) for _ in range(2))
    options = first.call("POST", f"{V1}/session/secondFactor/passkey/challenge", {})
    second.http.cookies.set("veldnet_passkey", first.http.cookies["veldnet_passkey"], path=V1)
    crossed = second.request("POST", f"{V1}/session/secondFactor/passkey", authenticator.show(options))
    assert crossed.status_code == 400 and "expired or was used" in crossed.json()["message"]
    answer = authenticator.show(options)
    assert first.http.post(f"{V1}/session/passkey", json=answer).status_code == 401
    assert first.request("POST", f"{V1}/session/secondFactor/passkey", answer).status_code == 200


def test_a_passkey_of_somebody_else_is_no_second_factor(town: Town) -> None:
    _ref, person = town.invited()
    added(person)
    foreign, _codes = added(town.invited()[1])
    half = Person(town.server, person.signed_in["username"], PASSWORD)
    options = half.call("POST", f"{V1}/session/secondFactor/passkey/challenge", {})
    answer = half.request("POST", f"{V1}/session/secondFactor/passkey", foreign.show(options))
    assert answer.status_code == 400 and "is not known here" in answer.json()["message"]
    assert half.request("GET", f"{V1}/devices").status_code == 403


def test_a_counter_that_goes_back_blocks_the_passkey(town: Town) -> None:
    _ref, person = town.invited()
    authenticator, _codes = added(person)
    assert Browser(town).enter(authenticator, counter=5).status_code == 200
    assert Browser(town).enter(authenticator, counter=9).status_code == 200
    for counter in (9, 10):
        refused = Browser(town).enter(authenticator, counter=counter)
        assert refused.status_code == 401 and "somebody has a copy" in refused.json()["message"]
    (listed,) = person.call("GET", f"{V1}/passkeys")["passkeys"]
    assert listed["copied"]
    assert actions(town).count("passkey.copied") == 1 and "passkey_copied" in town.server.log
    assert Person(town.server, person.signed_in["username"], PASSWORD).signed_in["secondFactor"] == "code"


def test_several_passkeys_are_named_renamed_and_removed(town: Town) -> None:
    _ref, person = town.invited()
    wrong = person.request("POST", f"{V1}/passkeys/enrolment", {"password": "wrong password"})
    assert wrong.status_code == 400 and "password is wrong" in wrong.json()["message"]
    phone, codes = added(person)
    _key, none = added(person, "Key")
    assert codes and not none, "recovery codes come with the first"
    phone_ref, key_ref = (one["ref"] for one in person.call("GET", f"{V1}/passkeys")["passkeys"])
    person.call("PUT", f"{V1}/passkeys/{phone_ref}", {"name": "Old phone"})
    for name in (" ", "x" * 61, "a\nb", "a\u202eb"):
        answer = person.request("PUT", f"{V1}/passkeys/{phone_ref}", {"name": name})
        assert answer.status_code == 400 and "printable characters" in answer.json()["message"]
    _ref, other = town.invited()
    for method, path, body in (
        ("PUT", f"/passkeys/{phone_ref}", {"name": "Mine"}),
        ("POST", f"/passkeys/{phone_ref}/removal", {"password": PASSWORD}),
    ):
        assert other.request(method, f"{V1}{path}", body).status_code == 404
    removal = f"{V1}/passkeys/{phone_ref}/removal"
    assert person.request("POST", removal, {"password": "wrong password"}).status_code == 400
    person.call("POST", removal, {"password": PASSWORD})
    assert Browser(town).enter(phone).status_code == 401
    assert person.call("GET", f"{V1}/secondFactor")["recoveryCodes"] == 10
    renewed = person.call("POST", f"{V1}/secondFactor/recoveryCodes", {"password": PASSWORD})
    assert not set(renewed["recoveryCodes"]) & set(codes)
    person.call("POST", f"{V1}/passkeys/{key_ref}/removal", {"password": PASSWORD})
    state = person.call("GET", f"{V1}/secondFactor")
    assert (state["enabled"], state["recoveryCodes"]) == (False, 0)
    assert {"passkey.renamed", "passkey.removed"} <= set(actions(town))


def test_a_user_has_ten_passkeys_at_most_and_none_twice(town: Town) -> None:
    _ref, person = town.invited()
    authenticator, _codes = added(person)
    options = person.call("POST", f"{V1}/passkeys/enrolment", {"password": PASSWORD})
    assert [one["id"] for one in options["excludeCredentials"]] == [encode(authenticator.identifier)]
    again = person.request("POST", f"{V1}/passkeys", authenticator.create(options) | {"name": "Again"})
    assert again.status_code == 400 and "added already" in again.json()["message"]
    for count in range(9):
        added(person, f"Key {count}")
    full = person.request("POST", f"{V1}/passkeys/enrolment", {"password": PASSWORD})
    assert full.status_code == 400 and "may have 10 passkeys" in full.json()["message"]


def test_wrong_answers_are_limited_as_wrong_passwords_are(town: Town) -> None:
    _ref, person = town.invited()
    authenticator, _codes = added(person)
    statuses = [Browser(town).enter(authenticator, flags=1).status_code for _ in range(11)]
    assert statuses == [401] * 10 + [429]
    assert Browser(town).enter(authenticator).status_code == 429
    town.server.pass_time(120)


def test_passkeys_and_an_authenticator_app_stand_for_each_other(town: Town) -> None:
    _ref, person = town.invited()
    authenticator, _codes = added(person)
    app = Enrolled(person, PASSWORD, town.server.clock())
    assert person.call("GET", f"{V1}/secondFactor")["authenticator"]
    town.server.pass_time(60)
    code = app.code(town.server.clock())
    person.call("POST", f"{V1}/secondFactor/removal", {"code": code})
    state = person.call("GET", f"{V1}/secondFactor")
    assert state == {"enabled": True, "authenticator": False, "required": False, "recoveryCodes": 10}
    assert Browser(town).enter(authenticator).status_code == 200


def test_a_reset_removes_passkeys_and_ends_sessions(town: Town) -> None:
    ref, person = town.invited()
    authenticator, _codes = added(person)
    before = len(town.post.messages)
    town.operator.call("POST", f"{V1}/operator/users/subscriber/{ref}/secondFactor/reset")
    assert "second factor" in town.letter(before)
    assert Browser(town).enter(authenticator).status_code == 401
    assert person.request("GET", f"{V1}/session").status_code == 401
    assert Person(town.server, person.signed_in["username"], PASSWORD).signed_in["secondFactor"] == ""


def test_who_needs_a_second_factor_sets_up_a_passkey_and_keeps_one(tmp_path: Path) -> None:
    account = sandbox(tmp_path)
    server = HostedServer(tmp_path, VELDNET_SIGN_IN__URL=URL, VELDNET_SIGN_IN__SECOND_FACTOR='["admin"]')
    person = Person(server, account.thingpark_username, account.thingpark_password)
    assert person.signed_in["secondFactor"] == "setup"
    assert person.request("GET", f"{V1}/passkeys").status_code == 403
    added(person, password=account.thingpark_password)
    (listed,) = person.call("GET", f"{V1}/passkeys")["passkeys"]
    removal = f"{V1}/passkeys/{listed['ref']}/removal"
    refused = person.request("POST", removal, {"password": account.thingpark_password})
    assert refused.status_code == 403 and "add another one" in refused.json()["message"]
    assert len(person.call("GET", f"{V1}/passkeys")["passkeys"]) == 1
    server.stop()


def test_without_a_public_address_there_are_no_passkeys(tmp_path: Path) -> None:
    server = HostedServer(tmp_path, VELDNET_SIGN_IN__URL="http://127.0.0.1:8080")
    assert server.connect().get(f"{V1}/signIn").json()["passkeyOrigin"] == ""
    asked = server.connect().post(f"{V1}/session/passkey/challenge", json={})
    assert asked.status_code == 400 and "sign_in.url" in asked.json()["message"]
    server.stop()
