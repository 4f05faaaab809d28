"""LoRa Basics Station against a server: discovery, TLS, tokens and certificates, frames both ways."""

from __future__ import annotations

import asyncio
import datetime
import json
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.e2e import radio
from tests.e2e.running import Client, RunningServer
from tests.person import Person
from veldnet.location.plane import Plane, Point, flat
from veldnet.lorawan import GatewayEui
from veldnet.lorawan.gpstime import unix_to_gps
from veldnet.lorawan.modulation import Modulation
from veldnet.simulator.base_station import BaseStation
from veldnet.simulator.basics_station_link import BasicsStationLink, StationError
from veldnet.simulator.customer import Account
from veldnet.simulator.device import Transmission, VirtualDevice
from veldnet.simulator.fine_clock import FineClock, Surroundings
from veldnet.simulator.propagation import Heard, Place

KEY = "8F1CA24B6D0E93577A21C4F8B3D6E905"
_NUMBERS = iter(range(0x800, 0x8FF))


class Authority:
    """A certificate authority of its own."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._certificate = self._sign(name, self._key, None)
        self.file = self._write(f"{name}.crt", self._certificate.public_bytes(serialization.Encoding.PEM))

    def _sign(self, name: str, key: Any, address: str | None, *, days: int = 1) -> x509.Certificate:
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.name)])
        now = datetime.datetime.now(datetime.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=2))
            .not_valid_after(now + datetime.timedelta(days=days))
            .add_extension(x509.BasicConstraints(ca=address is None, path_length=None), critical=True)
        )
        if address is not None:
            alternative = x509.SubjectAlternativeName([x509.DNSName(address)])
            builder = builder.add_extension(alternative, critical=False)
        return builder.sign(self._key, hashes.SHA256())

    def issue(self, name: str, *, days: int = 1) -> tuple[str, str]:
        """Files of a certificate and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(name, key, "localhost", days=days)
        secret = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        return (
            self._write(f"{name}.pem", certificate.public_bytes(serialization.Encoding.PEM)),
            self._write(f"{name}.key", secret),
        )

    def _write(self, name: str, content: bytes) -> str:
        path = self.folder / name.replace(":", "-")
        path.write_bytes(content)
        return str(path)

    def trusting(self, certificate: tuple[str, str] | None = None) -> ssl.SSLContext:
        """As Station speaks TLS: 1.2, and no newer."""
        context = ssl.create_default_context(cafile=self.file)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        if certificate is not None:
            context.load_cert_chain(*certificate)
        return context


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"), "Field")


@pytest.fixture(scope="module")
def server(data: Path, account: Account, authority: Authority) -> Iterator[RunningServer]:
    certificate, key = authority.issue("lns")
    running = RunningServer(
        data,
        VELDNET_GATEWAYS__BASICS_STATION="127.0.0.1:0",
        VELDNET_GATEWAYS__BASICS_STATION_CERTIFICATE=certificate,
        VELDNET_GATEWAYS__BASICS_STATION_KEY=key,
        VELDNET_GATEWAYS__BASICS_STATION_CLIENT_CA=authority.file,
        VELDNET_CONSOLE__RATE_LIMIT="0",
    )
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def operator(server: RunningServer, account: Account) -> Person:
    username = account.thingpark_username.replace("sandbox", "operator")
    return Person(server, username, account.thingpark_password)


@pytest.fixture(scope="module")
def station_id(operator: Person, account: Account) -> str:
    listed = operator.call("GET", "/api/v1/operator/baseStations")
    return str(next(s["id"] for s in listed if s["gatewayEUI"] == account.base_station_eui))


@pytest.fixture(scope="module")
def token(operator: Person, station_id: str) -> str:
    made = operator.call("POST", f"/api/v1/operator/baseStations/{station_id}/tokens")
    assert made["keyFile"] == f"Authorization: Bearer {made['token']}\r\n"
    return str(made["token"])


HERE = Place(0, 0)


class Field:
    """A base station in the field, and the devices beside it."""

    def __init__(self, eui: str, uri: str, place: Place = HERE, **options: Any) -> None:
        self.station = BaseStation(GatewayEui.parse(eui), place)
        self.link = BasicsStationLink(self.station, random.Random(7), **options)
        self.station.on_air = self._on_air
        self._uri = uri
        self._sent: asyncio.Queue[bytes] = asyncio.Queue()

    def _on_air(
        self,
        _station: BaseStation,
        frame: bytes,
        _hz: int,
        _modulation: Modulation,
        _power: float,
        _at: float,
    ) -> None:
        self._sent.put_nowait(frame)

    async def connect(self) -> None:
        await self.link.connect(self._uri)

    def hear(self, sent: Transmission, at: float | None = None, place: Place | None = None) -> None:
        """A frame that ended `at` a time of the loop, now if none is given, and came from a place."""
        self.station.hear(sent.phy_payload, sent.frequency, sent.modulation, Heard(-60, 8.0), at, place)

    async def downlink(self, seconds: float = 8.0) -> bytes:
        return await asyncio.wait_for(self._sent.get(), seconds)


def uri_of(server: RunningServer) -> str:
    return f"wss://localhost:{server.addresses['basicsStation'].rpartition(':')[2]}"


def field_of(server: RunningServer, account: Account, authority: Authority, token: str) -> Field:
    return Field(
        account.base_station_eui,
        uri_of(server),
        ssl=authority.trusting(),
        additional_headers={"Authorization": f"Bearer {token}"},
    )


def new_device(client: Client) -> tuple[str, VirtualDevice]:
    routes = [{"contentType": "JSON", "addresses": ["http://127.0.0.1:9/nobody"]}]
    number = next(_NUMBERS)
    routing = client.call("POST", "/routingProfiles", {"name": f"nobody {number}", "routes": routes})["id"]
    body = client.device_body(number, applicationKey=KEY, routingProfileId=routing)
    ref = client.call("POST", "/devices", body)["ref"]
    return ref, radio.device(body["EUI"], KEY)


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(60):
            await story()

    asyncio.run(limited())


def test_a_device_joins_sends_and_is_sent_to(
    server: RunningServer, client: Client, account: Account, authority: Authority, token: str
) -> None:
    person = Person(server, account.thingpark_username, account.thingpark_password)
    ref, device = new_device(client)

    def outcomes() -> list[str]:
        frames = person.call("GET", f"/api/v1/devices/{ref}/frames")
        return [frame["outcome"] for frame in frames if frame["kind"] == "downlink"]

    async def story() -> None:
        field = field_of(server, account, authority, token)
        await field.connect()
        assert field.link.config["region"] == "EU868" and field.link.config["DRs"][0] == [12, 125, 0]
        field.hear(device.join_request())
        device.receive(await field.downlink())
        assert device.joined
        field.hear(device.uplink(3, b"hello", confirmed=True))
        answered = device.receive(await field.downlink())
        assert answered is not None and answered.ack
        await field.link.ask_time()
        # The session of another connection: the times of the first one mean nothing to it.
        again = field_of(server, account, authority, token)
        await again.connect()
        again.hear(device.uplink(3, b"again", confirmed=True))
        answered = device.receive(await again.downlink())
        assert answered is not None and answered.ack
        with pytest.raises(ConnectionClosed):
            await field.link.ask_time()
        assert not again.link.dropped and not field.link.dropped
        assert [m["msgtype"] for m in field.link.received].count("timesync") == 1
        # The station says that a frame is on air, and the journal that it was sent.
        while await asyncio.to_thread(outcomes) != ["sent", "sent"]:
            await asyncio.sleep(0.1)
        await again.link.close()

    run(story)


def test_who_has_not_proven_to_be_the_base_station_is_refused(
    server: RunningServer, account: Account, authority: Authority, token: str, operator: Person
) -> None:
    other = "0059AC00000000AA"
    body = {"gatewayEUI": other, "name": "other"}
    registered = operator.call("POST", "/api/v1/operator/baseStations", body)
    mine, foreign = authority.issue("0059ac00000000AA"), Authority(authority.folder, "Elsewhere")
    trusting = authority.trusting()

    def headers(text: str) -> dict[str, Any]:
        return {"ssl": trusting, "additional_headers": {"Authorization": text}}

    async def story() -> None:
        uri = uri_of(server)
        for options in ({"ssl": trusting}, headers("Bearer wrong"), headers("Bearer "), headers(f"{token}x")):
            with pytest.raises(InvalidStatus, match="401"):
                await Field(account.base_station_eui, uri, **options).connect()
        # A right token, for another base station.
        with pytest.raises(StationError, match="not that of"):
            await Field(other, uri, **headers(token)).connect()
        with pytest.raises(InvalidStatus, match="403"):
            await connect(f"{uri}/router-{other}", **headers(token))
        with pytest.raises(StationError, match="not registered"):
            await Field("0059AC00000000AB", uri, **headers(token)).connect()
        # Certificates: the right one, that of another base station, expired, and of a foreign authority.
        by_certificate = Field(other, uri, ssl=authority.trusting(mine))
        await by_certificate.connect()
        await by_certificate.link.close()
        with pytest.raises(StationError, match="not that of"):
            await Field(account.base_station_eui, uri, ssl=authority.trusting(mine)).connect()
        expired = authority.issue("0059AC00000000AA", days=-1)
        for wrong in (expired, foreign.issue("0059AC00000000AA")):
            with pytest.raises((ssl.SSLError, ConnectionError, ConnectionClosed, EOFError)):
                await Field(other, uri, ssl=authority.trusting(wrong)).connect()
        with pytest.raises(InvalidStatus, match="404"):
            await connect(f"{uri}/somewhere", **headers(token))
        with pytest.raises(InvalidStatus, match="401"):
            await connect(f"{uri}/router-{other}", **headers("Bearer wrong"))

    run(story)
    end = time.monotonic() + 30
    while "0059AC00000000AB" not in operator.request("GET", "/api/v1/operator/baseStations/unknown").text:
        assert time.monotonic() < end, "a station that is not registered is listed"
        time.sleep(0.2)
    listed = operator.call("GET", "/api/v1/operator/baseStations")
    [shown] = [each for each in listed if each["id"] == registered["id"]]
    assert shown["lastRefusal"].startswith(
        "not_authenticated: the token is unknown or revoked (from 127.0.0.1"
    )


def test_messages_that_are_none_are_counted_with_their_reason(
    server: RunningServer,
    account: Account,
    authority: Authority,
    token: str,
    operator: Person,
    station_id: str,
) -> None:
    info = {"xtime": 1 << 48, "rctx": 0, "gpstime": 0, "rssi": -50, "snr": 9}
    frame = {
        "msgtype": "updf", "MHdr": 64, "DevAddr": -5, "FCtrl": 0, "FCnt": 1, "FOpts": "", "FPort": 1,
        "FRMPayload": "00", "MIC": -1, "DR": 5, "Freq": 868100000, "upinfo": info,
    }  # fmt: skip
    bad: list[Any] = [
        "", "{", "[]", "[" * 10_000, '"text"', "\x00", "null", "{}", {"msgtype": "nothing"}, {"msgtype": 5},
        {**frame, "DR": 99}, {**frame, "DR": -1}, {**frame, "Freq": 5}, {**frame, "MHdr": 256},
        {**frame, "FOpts": "xx"}, {**frame, "FRMPayload": "00" * 400}, {**frame, "MIC": 1 << 40},
        {**frame, "upinfo": {**info, "xtime": 1 << 64}}, {**frame, "upinfo": {**info, "xtime": -1}},
        {**frame, "upinfo": {**info, "rctx": 1 << 63}}, {**frame, "upinfo": None}, {**frame, "DR": "five"},
        {"msgtype": "dntxed", "diid": 77}, {"msgtype": "dntxed"}, {"msgtype": "jreq"}, {"msgtype": "propdf"},
    ]  # fmt: skip

    async def story() -> None:
        field = field_of(server, account, authority, token)
        await field.connect()
        connection = field.link._connection
        assert connection is not None
        for message in bad:
            await connection.send(message if isinstance(message, str) else json.dumps(message))
        await connection.send(json.dumps({"msgtype": "rmtsh", "rmtsh": []}))
        await field.link.ask_time()
        while not any(m["msgtype"] == "timesync" for m in field.link.received):
            await asyncio.sleep(0.01)
        await field.link.close()

    before = refused(operator, station_id)
    run(story)
    assert refused(operator, station_id) - before == len(bad)
    assert "defect" not in server.log.read_text() and "Traceback" not in server.log.read_text()


# Kilometres from the middle.
CORNERS = (Place(-0.9, -0.8), Place(1.1, -0.7), Place(1.0, 1.2), Place(-1.0, 0.9))
DEVICE = Place(0.15, 0.25)
MIDDLE = Plane(52.0907, 5.1214)


def test_fine_time_stamps_lead_to_a_position(
    server: RunningServer,
    client: Client,
    account: Account,
    authority: Authority,
    operator: Person,
    station_id: str,
) -> None:
    """`fts` of four stations, each over a connection of its own."""
    (plan,) = operator.call("GET", "/api/v1/operator/plans")
    rules = {"settings": plan["settings"] | {"nwGeolocalization": True, "nwGeolocAlgo": "TDOA"}}
    operator.call("PUT", f"/api/v1/operator/plans/{plan['ref']}", rules)
    person = Person(server, account.thingpark_username, account.thingpark_password)
    ref, device = new_device(client)
    euis = [account.base_station_eui, *(f"0059AC00000000F{number}" for number in range(1, 4))]
    tokens = []
    for eui, corner in zip(euis, CORNERS, strict=True):
        latitude, longitude = MIDDLE.degrees(Point(1000 * corner.x, 1000 * corner.y))
        body = {"gatewayEUI": eui, "name": eui, "latitude": latitude, "longitude": longitude, "altitude": 30}
        path = "/api/v1/operator/baseStations"
        if eui == account.base_station_eui:
            operator.call("PUT", f"{path}/{station_id}", body)
            identifier = station_id
        else:
            identifier = operator.call("POST", path, body)["id"]
        tokens.append(operator.call("POST", f"{path}/{identifier}/tokens")["token"])

    def locations() -> dict[str, Any]:
        found: dict[str, Any] = person.call("GET", f"/api/v1/devices/{ref}/locations")
        return found

    async def story() -> None:
        loop, rng = asyncio.get_running_loop(), random.Random(5)
        begun = round((unix_to_gps(time.time()) - loop.time()) * 1e9)
        fields = []
        for eui, corner, token in zip(euis, CORNERS, tokens, strict=True):
            authorized = {"additional_headers": {"Authorization": f"Bearer {token}"}}
            field = Field(eui, uri_of(server), corner, ssl=authority.trusting(), **authorized)
            field.station.gps = True
            field.station.fine = FineClock(rng, begun, Surroundings(hidden=0.0, offset=5.0, noise=5.0))
            await field.connect()
            fields.append(field)
        fields[0].hear(device.join_request())
        device.receive(await fields[0].downlink())
        sent, at = device.uplink(2, b"here"), loop.time()
        for field in fields:
            field.hear(sent, at, DEVICE)
        while not (found := await asyncio.to_thread(locations))["locations"]:
            await asyncio.sleep(0.1)
        (position,) = found["locations"]
        assert (position["method"], position["baseStations"]) == ("TDOA", 4)
        here = MIDDLE.point(position["lat"], position["lon"])
        assert flat(here, Point(1000 * DEVICE.x, 1000 * DEVICE.y)) < 20
        for field in fields:
            await field.link.close()

    run(story)


def refused(operator: Person, station_id: str) -> int:
    listed = operator.call("GET", "/api/v1/operator/baseStations")
    return int(next(s["refusedFrames"] for s in listed if s["id"] == station_id))


def test_a_token_that_is_revoked_lets_nobody_in(
    server: RunningServer, account: Account, authority: Authority, operator: Person, station_id: str
) -> None:
    path = f"/api/v1/operator/baseStations/{station_id}/tokens"
    made = operator.call("POST", path)
    assert made["ref"] in [token["ref"] for token in operator.call("GET", path)]
    assert made["token"] not in json.dumps(operator.call("GET", path))

    async def story() -> None:
        field = field_of(server, account, authority, made["token"])
        await field.connect()
        await field.link.close()
        await asyncio.to_thread(operator.call, "DELETE", f"{path}/{made['ref']}")
        with pytest.raises(InvalidStatus, match="401"):
            await field_of(server, account, authority, made["token"]).connect()

    run(story)
    assert operator.request("DELETE", f"{path}/{made['ref']}").status_code == 404
