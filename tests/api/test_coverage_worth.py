"""What base stations are worth follows from what they heard: who goes dark without one, which add nothing."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any, NamedTuple

import pytest

from tests.api.antenna import Antenna
from tests.api.hosting import HostedServer
from tests.customers import KPN
from tests.e2e import radio
from tests.installation import sandbox
from tests.person import Person
from veldnet.monitoring.coverage import make_reports, send_reports
from veldnet.monitoring.notification.digest import Message
from veldnet.monitoring.notification.mail import MailFailed
from veldnet.simulator.customer import Account
from veldnet.simulator.device import Transmission

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
V1 = "/api/v1"
STATIONS = f"{V1}/operator/baseStations"
REPORTS = f"{V1}/operator/coverageReports"
WEEK = 7 * 86_400


class Network(NamedTuple):
    """Three base stations: a mast, one that hears some of its devices too, and one that adds nothing."""

    user: Person
    operator: Person
    outsider: Person
    mast: str
    second: str
    third: str
    refs: dict[str, str]


class Postbox:
    def __init__(self) -> None:
        self.sent: list[tuple[list[str], Message]] = []
        self.refuses: str | None = None

    async def send(self, recipients: Sequence[str], message: Message) -> None:
        if self.refuses in recipients:
            raise MailFailed("mailbox unavailable")
        self.sent.append((list(recipients), message))


def _together(server: HostedServer, sent: Transmission, heard: Sequence[tuple[Antenna, float]]) -> None:
    """Several base stations hear one frame."""
    for antenna, snr in heard:
        radio.Antenna.hear(antenna, sent, snr)
    server.pass_time(2)


@pytest.fixture(scope="module")
def network(server: HostedServer, account: Account) -> Network:
    user = Person(server, account.thingpark_username, account.thingpark_password)
    name = account.thingpark_username.replace("sandbox", "operator")
    operator = Person(server, name, account.thingpark_password)
    other = sandbox(server.data)
    outsider = Person(
        server, other.thingpark_username.replace("sandbox", "operator"), other.thingpark_password
    )
    mast = operator.call("GET", STATIONS)[0]["id"]
    antennas = [Antenna(server, account.base_station_eui)]
    ids = [mast]
    for eui in ("0059ACFF000000A2", "0059ACFF000000A3"):
        ids.append(operator.call("POST", STATIONS, {"gatewayEUI": eui, "name": f"Roof {eui[-1]}"})["id"])
        server.run(server.platform.apply_changes())
        antennas.append(Antenna(server, eui))
    first, second, third = antennas
    # Near: all hear it, and none is better by much. Lonely: the mast alone. Faint: others hardly.
    heard = {
        "Near": [(first, 8.0), (second, 8.0), (third, 7.0)],
        "Lonely": [(first, 8.0)],
        "Faint": [(first, 8.0), (second, -18.0)],
    }
    refs = {}
    for number, (device_name, copies) in enumerate(heard.items(), 1):
        body: dict[str, Any] = {
            "EUI": f"0059AC00DE00000{number}",
            "name": device_name,
            "applicationEUI": "0059AC0000000001",
            "applicationKey": KEY,
            "deviceProfileId": account.device_profile_id,
            "geoLatitude": 52.0,
            "geoLongitude": 5.005 + number / 50,
        }
        made = user.call("POST", f"{KPN}/devices", body, headers={"api-version": "v1.1.1"})
        refs[device_name] = made["ref"]
        virtual = radio.device(body["EUI"], KEY)
        radio.join(first, virtual)
        for _ in range(3):
            _together(server, virtual.uplink(2, b"x"), copies)
    server.pass_time(62)
    server.run(server.platform.coverage.judge())
    return Network(user, operator, outsider, ids[0], ids[1], ids[2], refs)


def test_worth_names_who_depends_on_what_and_what_adds_nothing(network: Network) -> None:
    found = {one["id"]: one for one in network.operator.call("GET", f"{STATIONS}/worth")}
    mast, second, third = (found[each] for each in (network.mast, network.second, network.third))
    assert (mast["devices"], mast["only"], mast["weak"], mast["addsNothing"]) == (3, 1, 1, False)
    assert (second["devices"], second["only"], second["weak"], second["addsNothing"]) == (2, 0, 0, True)
    assert (third["devices"], third["best"], third["addsNothing"]) == (1, 0, True)
    assert next(iter(found)) == network.mast and mast["name"] and mast["computed"]


def test_devices_that_go_dark_are_listed_page_by_page(network: Network) -> None:
    path = f"{STATIONS}/{network.mast}/dependentDevices"
    (first,) = (page := network.operator.call("GET", f"{path}?limit=1"))["devices"]
    assert page["next"] == first["ref"] == network.refs["Lonely"]
    assert (first["risk"], first["others"], first["margin"]) == ("only", 0, 28.0)
    (last,) = (page := network.operator.call("GET", f"{path}?limit=1&after={page['next']}"))["devices"]
    assert page["next"] is None and last["name"] == "Faint" and last["customerId"]
    assert (last["risk"], last["others"], last["otherMargin"]) == ("weak", 1, 2.0)
    assert network.operator.call("GET", f"{STATIONS}/{network.second}/dependentDevices")["devices"] == []


def test_a_device_and_a_place_say_who_hears_them(network: Network) -> None:
    heard = network.user.call("GET", f"{V1}/devices/{network.refs['Faint']}/baseStations")
    assert [(one["id"], one["dependable"], one["margin"]) for one in heard] == [
        (network.mast, True, 28.0),
        (network.second, False, 2.0),
    ]
    assert all(one["share"] == pytest.approx(1, abs=0.01) and one["frames"] == 3 for one in heard)
    here = network.user.call("GET", f"{V1}/coverage/place?latitude=52.001&longitude=5.026")
    assert {one["id"] for one in here} == {network.mast, network.second, network.third}
    assert network.user.call("GET", f"{V1}/coverage/place?latitude=10&longitude=5") == []


def test_the_map_shows_what_is_lost_with_a_base_station(network: Network) -> None:
    cells = network.operator.call(
        "GET", f"{STATIONS}/{network.mast}/failureCells?cell=0.01&south=51.9&west=4.9&north=52.1&east=5.2"
    )
    lost = sorted((round(cell["west"], 2), cell["otherEsp"] is None) for cell in cells)
    assert lost == [(5.02, False), (5.04, True), (5.06, False)]
    near = min(cells, key=lambda cell: cell["west"])
    assert near["frames"] == 3 and near["esp"] == pytest.approx(near["otherEsp"], abs=1)


def test_a_week_ends_with_a_report_that_is_kept_and_mailed_once(
    server: HostedServer, network: Network
) -> None:
    postbox = Postbox()
    server.platform.monitoring.mailer = postbox
    own = network.operator.signed_in["username"]
    hostile = "<b>\U0001f468\u200d\U0001f467 mast</b>"
    network.operator.call("PUT", f"{STATIONS}/{network.mast}", {"name": hostile})
    body = {"recipients": ["radio@example.org", own]}
    network.operator.call("PUT", f"{REPORTS}/recipients", body)
    assert network.operator.call("GET", f"{REPORTS}/recipients") == body
    network.operator.call("PUT", f"{V1}/session/language", {"language": "nl"})
    store = server.platform.store

    def later() -> float:
        return server.clock() + WEEK

    assert server.run(make_reports(store, later)) >= 1
    assert server.run(make_reports(store, later)) == 0
    # One language is refused: the other is not mailed again with it.
    for postbox.refuses, reached, complete in ((own, 1, 0), (own, 1, 0), (None, 2, 1), (None, 2, 0)):
        assert server.run(send_reports(store, postbox, later)) == complete
        assert len(postbox.sent) == reached
    network.operator.call("PUT", f"{V1}/session/language", {"language": "en"})
    (recipients, message), (others, dutch) = postbox.sent
    assert others == [own] and "2 apparaten hangen van één basisstation af" in dutch.subject
    assert "1 apparaat alleen daar gehoord, 1 elders nauwelijks" in dutch.text and "lang='nl'" in dutch.html
    assert recipients == ["radio@example.org"] and "2 devices depend on a single one" in message.subject
    assert "1 device heard only there, 1 hardly elsewhere" in message.text
    assert hostile in message.text and escape(hostile) in message.html and "<b>" not in message.html
    newest = network.operator.call("GET", REPORTS)[0]
    assert (newest["dependent"], newest["idle"], newest["stations"]) == (2, 2, 3) and newest["mailed"]
    report = network.operator.call("GET", f"{REPORTS}/{newest['ref']}")
    first = report["stations"][0]
    assert first["id"] == network.mast and first["uplinks"] == 9 and first["only"] == first["weak"] == 1
    wrong = network.operator.request("PUT", f"{REPORTS}/recipients", {"recipients": ["nobody"]})
    assert wrong.status_code == 400 and "nobody" in wrong.json()["message"]
    assert network.operator.request("GET", f"{REPORTS}/2020-01-06").status_code == 404


def test_other_operators_and_subscribers_see_nothing_of_it(server: HostedServer, network: Network) -> None:
    outsider = network.outsider
    for path in ("dependentDevices", "failureCells"):
        assert outsider.request("GET", f"{STATIONS}/{network.mast}/{path}").status_code == 404
    assert network.mast not in {one["id"] for one in outsider.call("GET", f"{STATIONS}/worth")}
    assert outsider.call("GET", f"{V1}/coverage/place?latitude=52.001&longitude=5.026") == []
    assert network.user.request("GET", f"{STATIONS}/worth").status_code in (401, 403)
    assert all(report["dependent"] == 0 for report in outsider.call("GET", REPORTS))
    gone = network.refs["Lonely"]
    network.user.call("DELETE", f"{KPN}/devices/{gone}", headers={"api-version": "v1.1.1"})
    server.run(server.platform.coverage.judge())
    page = network.operator.call("GET", f"{STATIONS}/{network.mast}/dependentDevices")
    assert [device["name"] for device in page["devices"]] == ["Faint"]
