"""The server's sentences in the language of the user."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.api.hosting import HostedServer
from tests.customers import KPN
from tests.person import Person
from veldnet.monitoring.notification.digest import compose
from veldnet.monitoring.notification.events import AlarmEvent
from veldnet.simulator.customer import Account
from veldnet.texts import Text

V1 = "/api/v1"
DUTCH = {"accept-language": "nl-NL,nl;q=0.9"}


@pytest.fixture(scope="module")
def server(data: Any) -> Any:
    hosted = HostedServer(data)
    yield hosted
    hosted.stop()


@pytest.fixture
def user(server: HostedServer, account: Account) -> Person:
    return Person(server, account.thingpark_username, account.thingpark_password)


def refusal(user: Person, path: str, headers: dict[str, str]) -> tuple[str, str, str]:
    answer = user.request("GET", path, headers=headers)
    assert answer.status_code == 400
    return answer.json()["message"], answer.json()["errorId"], answer.headers.get("content-language", "")


def test_a_refusal_has_the_language_that_the_client_accepts(user: Person) -> None:
    path = f"{V1}/alarms?acked=maybe"
    english = ("Bad request: acked 'maybe' must be true or false", "LDM-401", "")
    assert refusal(user, path, {}) == refusal(user, path, {"accept-language": "de"}) == english
    assert refusal(user, path, DUTCH) == ("acked 'maybe' moet true of false zijn", "LDM-401", "nl")


def test_the_language_of_a_user_comes_before_that_of_the_browser(user: Person) -> None:
    path = f"{V1}/alarms?acked=maybe"
    user.call("PUT", f"{V1}/session/language", {"language": "nl"})
    assert user.call("GET", f"{V1}/session")["language"] == "nl"
    assert refusal(user, path, {"accept-language": "en"})[0] == "acked 'maybe' moet true of false zijn"
    assert user.request("PUT", f"{V1}/session/language", {"language": "de"}).status_code == 400
    user.call("PUT", f"{V1}/session/language", {"language": "en"})
    assert refusal(user, path, DUTCH)[0].endswith("must be true or false")


def test_programs_at_kpns_operations_read_english(server: HostedServer, account: Account) -> None:
    with server.connect() as http:
        answer = http.get(f"{KPN}/devices", headers=DUTCH)
        own = http.get(f"{V1}/alarms", headers=DUTCH)
    assert answer.json()["message"].startswith("A bearer token is missing")
    assert own.json()["message"].startswith("Het bearer-token ontbreekt")


def test_the_answer_to_an_import_names_problems_in_dutch(user: Person, account: Account) -> None:
    user.call("PUT", f"{V1}/session/language", {"language": "nl"})
    rows = f"EUI,applicationEUI,deviceProfileId\n12,70B3D5E75E000001,{account.device_profile_id}\n"
    answer = user.http.post(
        f"{V1}/devices/import?dryRun=true",
        content=rows,
        headers=user.headers("POST") | {"content-type": "text/csv"},
    )
    assert (
        "[400] regel 2, kolom A (EUI): " in answer.text and "moet 16 hexadecimale cijfers zijn" in answer.text
    )


def test_what_a_decoder_cannot_do_is_said_in_dutch(user: Person) -> None:
    def tried(kind: str, source: str, payload: str) -> Any:
        body = {"kind": kind, "source": source, "trials": [{"payload": payload}]}
        (found,) = user.call("POST", f"{V1}/decoders/lab", body)
        return found

    user.call("PUT", f"{V1}/session/language", {"language": "nl"})
    assert tried("JAVASCRIPT", "", "00")["error"] == "de decoder heeft geen functie decodeUplink"
    thrown = "function decodeUplink() { throw new Error('No sensor'); }"
    assert tried("JAVASCRIPT", thrown, "00")["error"] == "Error: No sensor (regel 1)"
    assert tried("CAYENNE_LPP", "", "01FF")["error"] == "octet 1: type 255 is onbekend"
    read = tried("CAYENNE_LPP", "", "01660107FF")["result"]
    assert read["warnings"] == ["octet 4: type 255 is onbekend; wat erna komt is niet gelezen"]
    wordy = "function decodeUplink() { for (let i = 0; i < 500; i++) console.log(i); return {}; }"
    assert re.fullmatch(
        r"warn nog \d+ regels zijn weggelaten", tried("JAVASCRIPT", wordy, "00")["console"][-1]
    )
    user.call("PUT", f"{V1}/session/language", {"language": "en"})
    assert tried("CAYENNE_LPP", "", "01FF")["error"] == "octet 1: type 255 is unknown"


def test_alarms_are_written_of_in_the_language_of_the_settings(user: Person) -> None:
    def event(count: int, name: str) -> AlarmEvent:
        return AlarmEvent(
            change="raised",
            type=4,
            state=5,
            at=0,
            subject=f"{count}",
            name=name,
            infos=("3",),
            occurrence=count,
        )

    (dutch, english) = (
        compose([event(1, "Tank\r\nBcc: x")], {}, Text("Alarms of your network"), language)
        for language in ("nl", "en")
    )
    assert english.subject == "MAJOR: No uplink activity: Tank  Bcc: x"
    assert dutch.subject == "ERNSTIG: Geen uplinkactiviteit: Tank  Bcc: x"
    assert "Alarmen van uw netwerk" in dutch.text and "Geen uplinkactiviteit al 3 uur" in dutch.text
    assert "Controleer de voeding" in dutch.text and "<html lang='nl'>" in dutch.html
    many = compose([event(2, "a"), event(3, "b")], {}, Text("Alarms of your network"), "nl")
    assert many.subject == "2 alarmen: 2 ernstig" and "3 keer" in many.text
