"""What the console asks of the API over real HTTP: streams, deliveries, the page."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import httpx
import pytest

from tests.api.examples import KEY, V1, create, operator_of
from tests.e2e import radio
from tests.e2e.key_place import Receiver, wait_for
from tests.e2e.running import KPN, RunningServer, sandbox
from tests.person import Person
from veldnet import console
from veldnet.monitoring.logger.export import HEADER
from veldnet.simulator.customer import Account
from veldnet.simulator.device import VirtualDevice

T = TypeVar("T")

# The tests of this file share a server.


@pytest.fixture(scope="module")
def server(data: Any, account: Account) -> Any:
    running = RunningServer(data, VELDNET_CONSOLE__RATE_LIMIT="0")
    yield running
    assert running.stop() == 0, "the server stops cleanly on SIGTERM, also with streams open"


@pytest.fixture
def receiver(tmp_path: Any) -> Any:
    """An application server that keeps what it gets."""
    found = Receiver(tmp_path)
    yield found
    found.stop()


@pytest.fixture(scope="module")
def user(server: RunningServer, account: Account) -> Person:
    return Person(server, account.thingpark_username, account.thingpark_password)


@pytest.fixture(scope="module")
def operator(server: RunningServer, account: Account) -> Person:
    return Person(server, operator_of(account), account.thingpark_password)


@pytest.fixture(scope="module")
def outsider(server: RunningServer) -> Person:
    """A user of another customer of another operator."""
    account = sandbox(server.data)
    return Person(server, account.thingpark_username, account.thingpark_password)


@pytest.fixture(scope="module")
def antenna(server: RunningServer, account: Account) -> radio.Antenna:
    antenna = radio.Antenna(account.base_station_eui)
    antenna.connect(server.udp)
    return antenna


def test_sessions_end_when_idle_and_in_any_case(data: Any, account: Account) -> None:
    for name, seconds in (("SESSION_IDLE", "1s"), ("SESSION_LIFETIME", "1s")):
        copy = data.parent / name
        sandboxed = sandbox(copy)
        short = RunningServer(copy, **{f"VELDNET_CONSOLE__{name}": seconds})
        person = Person(short, sandboxed.thingpark_username, sandboxed.thingpark_password)
        wait_for(partial(_signed_out, person))
        assert short.stop() == 0


def _signed_out(person: Person) -> bool:
    return person.request("GET", f"{V1}/session").status_code == 401


# Frames, decoders, downlinks.

DECODER = """
function decodeUplink(input) {
  return { data: { temperature: (input.bytes[0] << 8 | input.bytes[1]) / 100, port: input.fPort } };
}
function encodeDownlink(input) { return { fPort: 9, bytes: [input.data.minutes] }; }
function decodeDownlink(input) { return { data: { minutes: input.bytes[0] } }; }
"""


class Heard(NamedTuple):
    """A device whose payloads the network reads, one with an HSM group, and their frames as the stream has
    brought them."""

    ref: str
    sealed: str
    device: VirtualDevice
    frames: list[dict[str, Any]]


@pytest.fixture(scope="module")
def heard(
    server: RunningServer,
    user: Person,
    account: Account,
    antenna: radio.Antenna,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Heard]:
    receiver = Receiver(tmp_path_factory.mktemp("receiver"))
    routing = user.call(
        "POST",
        f"{KPN}/routingProfiles",
        {"name": "Live", "routes": [{"contentType": "JSON", "addresses": [receiver.url]}]},
    )
    ref = create(user, account, 0x51, plain=True, routingProfileId=routing["id"], name="Live one")
    sealed = create(user, account, 0x52, name="Sealed one")
    decoder = user.call(
        "POST",
        f"{V1}/decoders",
        {
            "name": "Town",
            "kind": "JAVASCRIPT",
            "source": DECODER,
            "deviceProfileIds": [account.device_profile_id],
        },
    )
    assert decoder["deviceProfileIds"] == [account.device_profile_id]
    virtual, hsm = (radio.device(f"0059AC00CC0000{n}", KEY) for n in ("51", "52"))
    with user.live(f"{V1}/frames/live?decode=true") as events:
        radio.join(antenna, virtual)
        radio.join(antenna, hsm)
        antenna.hear(virtual.uplink(2, bytes.fromhex("0834")))
        antenna.hear(hsm.uplink(2, bytes.fromhex("0834")))
        seen: list[dict[str, Any]] = []
        for event, data in events:
            assert event == "frames"
            seen += data
            if {(f["deviceRef"], f["type"]) for f in seen} >= {(ref, "UPLINK_DATA"), (sealed, "UPLINK_DATA")}:
                break
    yield Heard(ref, sealed, virtual, seen)
    receiver.stop()


def found(user: Person, query: str) -> list[dict[str, Any]]:
    frames: list[dict[str, Any]] = user.call("GET", f"{V1}/frames?{query}")["frames"]
    return frames


def test_frames_are_seen_live_searched_decoded_and_exported(user: Person, heard: Heard) -> None:
    ref, sealed, _device, seen = heard
    assert {frame["type"] for frame in seen} >= {"UPLINK_JOIN", "DOWNLINK_JOIN", "UPLINK_DATA"}
    line = next(f for f in seen if f["deviceRef"] == ref and f["type"] == "UPLINK_DATA")
    assert line["decoded"] == {"data": {"temperature": 21, "port": 2}}
    assert (line["payload"], line["encrypted"], line["fPort"], line["sf"]) == ("0834", False, 2, 7)
    assert (line["rssi"], line["snr"], line["deviceName"]) == (-70.0, 8.0, "Live one")
    locked = next(f for f in seen if f["deviceRef"] == sealed and f["type"] == "UPLINK_DATA")
    assert locked["encrypted"] and locked["payload"] != "0834" and locked.get("decoded") is None
    history = found(user, "decode=true&deviceEUI=*CC000051")
    assert {frame["id"] for frame in history} >= {f["id"] for f in seen if f["deviceRef"] == ref}
    assert next(f for f in history if f["id"] == line["id"])["decoded"] == line["decoded"]
    of_address = found(user, f"devAddr={line['devAddr'][:5]}*&packetType=UPLINK_DATA")
    assert [frame["id"] for frame in of_address] == [line["id"]]
    assert {f["deviceRef"] for f in found(user, "packetType=UPLINK_DATA,UPLINK_JOIN")} == {ref, sealed}
    for nothing in ("baseStationId=FF00FFFF", "asId=none", "deviceEUI=FFFF*", "to=2020-01-01T00:00:00Z"):
        assert found(user, nothing) == []
    assert found(user, f"before={history[-1]['id']}&deviceEUI=*CC000051") == []
    for query, named in (
        ("deviceEUI=xyz", "deviceEUI"),
        ("packetType=X", "packetType"),
        ("from=now", "from"),
    ):
        refused = user.request("GET", f"{V1}/frames?{query}")
        assert refused.status_code == 400 and named in refused.json()["message"]
    wait_for(
        lambda: user.call("GET", f"{V1}/frames/deliveries?ids={line['id']}")["states"] == {line["id"]: "OK"}
    )
    detail = user.call("GET", f"{V1}/frames/{line['id']}")
    assert detail["deliveries"][0]["status"] == "Ok" and detail["explanation"]["findings"]
    table = list(csv.reader(io.StringIO(user.call("GET", f"{V1}/frames/export?deviceEUI=*CC000051"))))
    assert tuple(table[0]) == HEADER
    row = next(row for row in (dict(zip(HEADER, r, strict=True)) for r in table[1:]) if row["FPort"] == "2")
    assert (row["Direction"], row["DevEUI"], row["MType"]) == ("0", "0059AC00CC000051", "UnconfirmedDataUp")
    assert (row["LRR RSSI"], row["SpFact"], row["Payload(hex)"]) == ("-70.0", "7", "0834")
    readings = user.call("GET", f"{V1}/devices/{ref}/readings")
    assert [reading["values"] for reading in readings] == [{"temperature": 21, "port": 2}]
    assert user.call("GET", f"{V1}/devices/{sealed}/readings") == []


def test_the_network_encrypts_downlinks_where_it_has_the_key(
    user: Person, antenna: radio.Antenna, heard: Heard
) -> None:
    ref, sealed, virtual, _frames = heard
    queued = user.call("POST", f"{V1}/devices/{ref}/downlinks", {"data": {"minutes": 30}, "validity": 3600})
    assert (queued["fPort"], queued["payload"]) == (9, "1e")
    behind = user.call("POST", f"{V1}/devices/{ref}/downlinks", {"fPort": 3, "payload": "AB CD"})
    listed = user.call("GET", f"{V1}/downlinks?deviceRef={ref}&status=queued")["downlinks"]
    assert {one["id"] for one in listed} == {queued["id"], behind["id"]}
    waiting = user.call("GET", f"{V1}/devices/{ref}/downlinks")
    assert [(item["fPort"], item["payload"]) for item in waiting] == [(9, "1e"), (3, "abcd")]
    refused = user.request("POST", f"{V1}/devices/{sealed}/downlinks", {"fPort": 1, "payload": "00"})
    assert refused.status_code == 400 and "fCntDn" in refused.json()["message"]
    for sent, named in (
        ({"fPort": 300, "payload": "00"}, "port"),
        ({"fPort": 1, "payload": "0"}, "hexadecimal"),
        ({"payload": "00"}, "fPort"),
        ({"data": {"minutes": 1e9}}, "encodeDownlink"),
        ({"fPort": 1, "payload": "00", "validity": 0}, "validity"),
    ):
        refused = user.request("POST", f"{V1}/devices/{ref}/downlinks", sent)
        assert refused.status_code == 400 and named in refused.json()["message"], refused.text
    antenna.keep_alive()
    antenna.hear(virtual.uplink(2, bytes.fromhex("0835")))
    sent = wait_for(
        lambda: found(user, "decode=true&deviceEUI=*CC000051&packetType=DOWNLINK_DATA,DOWNLINK_MAC_DATA")
    )
    assert (sent[0]["payload"], sent[0]["encrypted"]) == ("1e", False)
    assert sent[0]["decoded"] == {"data": {"minutes": 30}}
    user.call("DELETE", f"{V1}/devices/{ref}/downlinks")
    assert user.call("GET", f"{V1}/devices/{ref}/downlinks") == []


def test_a_stream_shows_a_customer_its_own_frames_and_an_operator_all(
    server: RunningServer,
    user: Person,
    outsider: Person,
    operator: Person,
    account: Account,
    antenna: radio.Antenna,
) -> None:
    create(user, account, 0x53, name="Seen")
    # Downlinks of the test before would be taken for this one's join-accept.
    while antenna.downlink(1.0) is not None:
        pass
    virtual = radio.device("0059AC00CC000053", KEY)
    with (
        outsider.live() as foreign,
        operator.live() as all_of_them,
        user.live(f"{V1}/frames/live?deviceEUI=FFFF*") as filtered,
    ):
        radio.join(antenna, virtual)
        antenna.hear(virtual.uplink(1, b"\x01"))
        # A frame of nobody: an address that no session has.
        unknown = radio.personalised("0059AC00CC0000FF", "01FFFFFF", "11" * 16, "22" * 16)
        antenna.hear(unknown.uplink(1, b"\x01"))
        seen: list[dict[str, Any]] = []
        for _event, data in all_of_them:
            seen += data
            types = {frame["type"] for frame in seen}
            # An uplink may carry an answer to a MAC command, too.
            if types & {"UPLINK_DATA", "UPLINK_MAC_DATA"} and "REFUSED" in types:
                break
        assert next(f for f in seen if f["type"] == "REFUSED")["devAddr"] == "01FFFFFF"
        # Their own frames would have come before.
        del foreign, filtered
    assert outsider.call("GET", f"{V1}/frames")["frames"] == []
    assert "REFUSED" in {f["type"] for f in operator.call("GET", f"{V1}/frames")["frames"]}
    assert "REFUSED" not in {f["type"] for f in user.call("GET", f"{V1}/frames")["frames"]}
    refused = next(f for f in operator.call("GET", f"{V1}/frames")["frames"] if f["type"] == "REFUSED")
    assert operator.call("GET", f"{V1}/frames/{refused['id']}")["record"]["outcome"]
    assert user.request("GET", f"{V1}/frames/{refused['id']}").status_code == 404


# Routing, alarms, projects.


def test_a_route_is_tried_and_its_answer_shown(user: Person, receiver: Receiver) -> None:
    profile = user.call(
        "POST",
        f"{KPN}/routingProfiles",
        {
            "name": "Tried",
            "routes": [
                {
                    "contentType": "JSON",
                    "asId": "my.as",
                    "asKey": "46ab678cd45df4a4e4b375eacd096acc",
                    "addresses": [receiver.url, "http://127.0.0.1:9/closed"],
                }
            ],
        },
    )
    (route,) = user.call("POST", f"{V1}/routingProfiles/{profile['ref']}/trial")
    assert route["signed"] is True
    reached, closed = route["answers"]
    assert reached["delivered"] and reached["answer"].startswith("HTTP 204")
    assert not closed["delivered"] and closed["error"]
    assert b'"Type":"test"' in receiver.messages()[0].replace(b" ", b"")
    # Who changes the profile without its key, which is never given back, keeps it.
    user.call(
        "PUT",
        f"{KPN}/routingProfiles/{profile['ref']}",
        {"name": "Tried again", "routes": profile["routes"]},
    )
    (route,) = user.call("POST", f"{V1}/routingProfiles/{profile['ref']}/trial")
    assert route["signed"] is True


# The operator's desk.


# The page itself.


def test_the_page_loads_nothing_from_elsewhere(server: RunningServer) -> None:
    page = httpx.get(f"{server.http}/", follow_redirects=True)
    assert page.url.path == "/console/" and '<div id="root">' in page.text
    policy = page.headers["content-security-policy"]
    assert "script-src 'self';" in policy and "connect-src 'self';" in policy and "http" not in policy
    for path in ("/console/devices/12?tab=charts", "/console/operator/plans"):
        assert httpx.get(f"{server.http}{path}").text == page.text
    script = page.text.split('src="')[1].split('"')[0]
    found = httpx.get(f"{server.http}{script}")
    assert "javascript" in found.headers["content-type"] and "immutable" in found.headers["cache-control"]
    assert found.headers["content-encoding"] == "gzip"
    packed = httpx.get(f"{server.http}{script}", headers={"accept-encoding": "gzip, br"})
    assert packed.headers["content-encoding"] == "br" and packed.headers["vary"] == "accept-encoding, Origin"
    for path in ("/console/assets/none.js", "/console/../pyproject.toml", "/console/%2e%2e/settings.py"):
        assert "hatchling" not in httpx.get(f"{server.http}{path}").text
    assert httpx.get(f"{server.http}/console/assets/none.js").status_code == 404


def _with_imports(assets: Path, names: set[str]) -> set[str]:
    """Scripts, and those that they import before they run."""
    found, left = set(), set(names)
    while left:
        name = left.pop()
        found.add(name)
        if name.endswith(".js"):
            static = re.findall(r"""(?:from|import)\s*["']\./([^"']+)["']""", (assets / name).read_text())
            left |= set(static) - found
    return found


def test_the_sign_in_form_and_the_first_screen_are_small() -> None:
    """At 400 kbit/s, 105 KB take 2.1 of the three seconds; compressed as browsers take it over TLS."""
    root = Path(console.__file__).parent / "static"
    assets = root / "assets"
    form = _with_imports(assets, set(re.findall(r"assets/([^\"]+)", (root / "index.html").read_text())))
    # Each file costs its headers, nearly 1 KB.
    assert len(form) <= 3 and sum((assets / f"{name}.br").stat().st_size for name in form) < 102_000
    texts = max(assets.glob("[en][nl]-*.js"), key=lambda path: path.stat().st_size).name
    behind = {
        path.name for part in ("view-*.js", "view-*.css", "messages-*.js") for path in assets.glob(part)
    }
    assert len(behind) == 3
    first = _with_imports(assets, form | {texts} | behind)
    # With nothing of other screens.
    assert first == form | {texts} | behind
    assert sum((assets / f"{name}.br").stat().st_size for name in first) < 262_000


def _documented(server: RunningServer, key: str, *more: str) -> subprocess.Popen[str]:
    """The command of the documentation that reads live events, under way."""
    text = (Path(__file__).parents[2] / "docs/flows.md").read_text()
    found = re.search(r"```sh\n(curl -N .*)\n```", text)
    assert found is not None
    environment = {"URL": server.http, "TOKEN": key, "PATH": os.environ["PATH"]}
    command = " ".join(("exec", found[1], "--silent", *more))
    return subprocess.Popen(["bash", "-c", command], env=environment, stdout=subprocess.PIPE, text=True)


def _read(reader: subprocess.Popen[str]) -> Iterator[tuple[str, str, Any]]:
    """Id, name and data of events."""
    assert reader.stdout is not None
    identifier = name = ""
    for line in reader.stdout:
        kind, _colon, value = line.strip().partition(": ")
        if kind == "id":
            identifier = value
        elif kind == "event":
            name = value
        elif kind == "data":
            yield identifier, name, json.loads(value)
            identifier = ""


def test_live_events_go_on_where_a_reader_was(
    server: RunningServer, user: Person, outsider: Person, antenna: radio.Antenna, heard: Heard
) -> None:
    made = user.call("POST", f"{V1}/apiKeys", {"name": "Events"})
    foreign = outsider.call("POST", f"{V1}/apiKeys", {"name": "Events"})["key"]
    refused, _none = _documented(server, made["key"], "-H 'Last-Event-ID: x1'").communicate(timeout=30)
    assert "Last-Event-ID 'x1' is no id" in json.loads(refused)["message"]
    unknown = user.request("GET", f"{V1}/events/live?type=birthday").json()["message"]
    assert "type 'birthday' must be of uplink, join" in unknown
    with (
        _documented(server, made["key"], "-H 'Last-Event-ID: 1'") as reader,
        _documented(server, foreign, "-H 'Last-Event-ID: 1'") as other,
    ):
        events, of_others = _read(reader), _read(other)
        for each in (events, of_others):
            assert [next(each)[1] for _ in range(2)] == ["ready", "gap"]
        # The last of them is live: what was missed has been read by then.
        first = next(events)
        antenna.hear(heard.device.uplink(2, bytes.fromhex("0835")))
        found = [first, *_until(events, lambda event: event[2]["payload"] == "0835")]
        assert {name for _id, name, _data in found} == {"uplink"}
        assert all(identifier == data["id"] for identifier, _name, data in found)
        assert found[-1][2]["decoded"]["data"] and found[-1][2]["outcome"] == "accepted"
        assert {data["deviceRef"] for _id, _name, data in found} >= {heard.ref, heard.sealed}
        # From the first one on, all others come with the ids they had.
        with _documented(server, made["key"], f"-H 'Last-Event-ID: {first[0]}'") as again:
            resumed, left = _read(again), {event[0] for event in found[1:]}
            assert next(resumed)[1] == "ready"
            while left:
                left.discard(next(resumed)[0])
            again.terminate()
        user.call("DELETE", f"{V1}/apiKeys/{made['ref']}")
        # What others send meanwhile may come before that.
        assert [name for _id, name, _data in events][-1] == "expired"
        outsider.call("DELETE", f"{V1}/apiKeys/{_ref(outsider)}")
        assert [name for _id, name, _data in of_others][-1] == "expired"


def _ref(person: Person) -> str:
    (key,) = person.call("GET", f"{V1}/apiKeys")
    return str(key["ref"])


def _until(events: Iterator[T], last: Callable[[T], bool]) -> Iterator[T]:
    """Up to and with the last one."""
    for event in events:
        yield event
        if last(event):
            return
