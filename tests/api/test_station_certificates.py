"""Certificates of base stations by the internal authority: issued, fetched by CUPS, revoked."""

from __future__ import annotations

import asyncio
import ssl
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import websockets.asyncio.client as websockets
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from websockets.exceptions import InvalidStatus

from tests.api.hosting import HostedServer
from tests.api.test_cups import Desk
from tests.certificates import write_pair
from tests.cups_station import CERTIFICATE, KEY, TRUST, CupsStation
from tests.installation import sandbox
from veldnet.assembly.certificate_authority import create_authority, open_signer
from veldnet.inventory import certificates
from veldnet.inventory.certificates import Issued, Signer
from veldnet.simulator.customer import Account

_STATIONS = "/api/v1/operator/baseStations"


def prepare(data: Path, folder: Path) -> tuple[Path, Path]:
    """Files of a certificate for the server, by an authority that is created in the data directory."""
    plain = HostedServer(data)

    async def issue() -> Issued:
        platform = plain.platform
        await create_authority(platform.store, platform.vault, "Field", 3650, "test", now=platform.clock())
        signer = await open_signer(platform.store, platform.vault)
        return certificates.issue_to_server(signer, ["localhost", "127.0.0.1"], 100, platform.clock())

    made = plain.run(issue())
    plain.stop()
    files = folder / "server.crt", folder / "server.key"
    files[0].write_text(made.certificate_file)
    files[1].write_text(made.key_file)
    return files


@pytest.fixture(scope="module")
def server(data: Path, account: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HostedServer]:
    folder = tmp_path_factory.mktemp("certificates")
    certificate, key = prepare(data, folder)
    hosted = HostedServer(
        data,
        VELDNET_GATEWAYS__BASICS_STATION="127.0.0.1:0",
        VELDNET_GATEWAYS__BASICS_STATION_CUPS="127.0.0.1:0",
        VELDNET_GATEWAYS__BASICS_STATION_CERTIFICATE=str(certificate),
        VELDNET_GATEWAYS__BASICS_STATION_KEY=str(key),
    )
    yield hosted
    hosted.stop()


class SecureDesk(Desk):
    """An operator whose base stations prove themselves over TLS."""

    def signer(self) -> Signer:
        platform = self.server.platform
        return self.server.run(open_signer(platform.store, platform.vault))

    def with_certificate(self) -> tuple[str, CupsStation]:
        """A base station from the box, with a certificate for CUPS."""
        identifier, station = self.station()
        made = self.operator.call("POST", f"{_STATIONS}/{identifier}/certificates")
        station.files["cups"] = tuple(made[each].encode() for each in ("trust", "certificate", "privateKey"))
        return identifier, station

    def contact(self, station: CupsStation) -> set[str]:
        return self.server.run(station.contact(secure(station, "cups")))

    def ask(self, station: CupsStation, request: bytes | None = None) -> tuple[int, bytes]:
        return self.server.run(station.ask(request, secure(station, "cups")))

    def listed(self, identifier: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.operator.call("GET", f"{_STATIONS}/{identifier}/certificates")
        return found

    def connect(self, station: CupsStation, seconds: float = 2.0) -> int | None:
        """Connect to the LNS; the code with which it has been closed after some time, None if it has not."""

        async def connected() -> int | None:
            address = f"{station.uris['lns']}/router-{station.eui}"
            token = station.files["lns"][KEY]
            headers = (
                {"Authorization": token.decode().strip().partition(": ")[2]} if token[:1] == b"A" else {}
            )
            context = secure(station, "lns")
            async with websockets.connect(address, ssl=context, additional_headers=headers) as connection:
                await asyncio.sleep(seconds)
                return connection.close_code

        return self.server.run(connected())


def secure(station: CupsStation, which: str) -> ssl.SSLContext:
    """TLS with the files of a station, PEM or DER, as Station speaks it."""
    trust, certificate, key = station.files[which]
    text = trust if trust[:1] == b"-" else certificates.pem(trust).encode()
    context = ssl.create_default_context(cadata=text.decode())
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    if certificate:
        if certificate[:1] == b"\x30":
            certificate = certificates.pem(certificate).encode()
            key = serialization.load_der_private_key(key, None).private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.TraditionalOpenSSL,
                serialization.NoEncryption(),
            )
        with tempfile.NamedTemporaryFile() as file:
            file.write(certificate + key)
            file.flush()
            context.load_cert_chain(file.name)
    return context


@pytest.fixture(scope="module")
def desk(server: HostedServer, account: Account) -> SecureDesk:
    return SecureDesk(server, account)


def test_a_station_with_a_certificate_gets_one_for_the_lns(desk: SecureDesk) -> None:
    identifier, station = desk.with_certificate()
    first = desk.listed(identifier)[0]["serial"]
    assert desk.contact(station) == {"lnsUri", "cups", "lns"}
    assert station.files["lns"] == station.files["cups"]
    trust, certificate, key = station.files["lns"]
    authority, loaded = (x509.load_der_x509_certificate(each) for each in (trust, certificate))
    loaded.verify_directly_issued_by(authority)
    assert loaded.subject.rfc4514_string() == f"CN={station.eui.lower()}" and key[0] == 0x30
    assert desk.states(identifier) == {"credentials": "fetched"}
    # The first one works until the second one is used, and is refused then.
    assert [each["revokedAt"] for each in desk.listed(identifier)] == [None, None]
    assert desk.connect(station) is None
    assert desk.states(identifier) == {"credentials": "confirmed"}
    assert [each["serial"] for each in desk.listed(identifier) if each["revokedAt"]] == [first]
    assert desk.tokens(identifier) == [] and desk.contact(station) == set()
    assert desk.seen(identifier)["contact"]["proof"] == "certificate"


def test_a_token_is_changed_for_a_certificate_and_back(desk: SecureDesk) -> None:
    identifier, station = desk.station()
    station.files["cups"] = (
        certificates.pem(desk.signer().certificate).encode(),
        b"",
        station.files["cups"][KEY],
    )
    assert desk.contact(station) == {"lnsUri", "cups", "lns"}
    desk.order(identifier, credentials="certificate")
    assert desk.contact(station) == {"cups", "lns"} and station.files["cups"][CERTIFICATE]
    assert len(desk.tokens(identifier)) == 1
    assert desk.contact(station) == set()
    assert desk.states(identifier) == {"credentials": "confirmed"} and desk.tokens(identifier) == []
    desk.order(identifier, credentials="token")
    assert desk.contact(station) == {"cups", "lns"} and not station.files["cups"][CERTIFICATE]
    assert desk.connect(station) is None
    (certificate,) = desk.listed(identifier)
    assert certificate["revokedAt"] is not None and len(desk.tokens(identifier)) == 1


def test_a_certificate_is_renewed_before_it_expires(desk: SecureDesk) -> None:
    identifier, station = desk.with_certificate()
    desk.contact(station)
    assert desk.contact(station) == set()
    ref = desk.server.platform.base_stations.ref
    made = certificates.issue_to_station(desk.signer(), station.eui, 20, desk.server.clock())
    number = ref(next(i for i, s in desk.server.platform.base_stations.all() if s.id == identifier))
    desk.server.run(
        desk.server.platform.store.write(
            lambda c: certificates.record(c, 1, made, number, station.eui, "test")
        )
    )
    desk.server.pass_time(2)
    for which in ("cups", "lns"):
        station.files[which] = (station.files[which][TRUST], made.certificate, made.key)
    assert desk.contact(station) == {"cups", "lns"}
    assert station.files["cups"][CERTIFICATE] != made.certificate
    assert desk.contact(station) == set()
    good = [each for each in desk.listed(identifier) if each["revokedAt"] is None]
    assert len(good) == 1 and good[0]["serial"] != made.serial


def _wait_a_moment() -> None:
    time.sleep(0.01)


def test_a_revoked_certificate_ends_connections_and_opens_none(desk: SecureDesk) -> None:
    identifier, station = desk.with_certificate()
    desk.contact(station)
    desk.contact(station)
    (good,) = [each for each in desk.listed(identifier) if each["revokedAt"] is None]
    path = f"{_STATIONS}/{identifier}/certificates/{good['ref']}"

    async def revoked_meanwhile() -> int | None:
        address = f"{station.uris['lns']}/router-{station.eui}"
        async with websockets.connect(address, ssl=secure(station, "lns")) as connection:
            await asyncio.sleep(1)
            platform = desk.server.platform
            await platform.store.write(lambda c: certificates.revoke_serial(c, good["serial"], "test"))
            await asyncio.sleep(35)
            # The socket takes real time, and the clock of the loop does not wait for it.
            for _look in range(500):
                await asyncio.sleep(0)
                if connection.close_code is not None:
                    break
                _wait_a_moment()
            return connection.close_code

    assert desk.server.run(revoked_meanwhile()) == 1008
    assert desk.ask(station) == (401, b"the client certificate is revoked\n")
    with pytest.raises(InvalidStatus, match="401"):
        desk.connect(station)
    assert desk.operator.request("DELETE", path).status_code == 404


def test_foreign_and_expired_certificates_are_refused_with_their_reason(
    desk: SecureDesk, tmp_path: Path
) -> None:
    _identifier, station = desk.with_certificate()
    right = station.files["cups"]
    _other, second = desk.with_certificate()
    counts = desk.server.platform.hub.counts
    foreign = write_pair(tmp_path, name=station.eui)
    old = certificates.issue_to_station(desk.signer(), station.eui, 1, desk.server.clock() - 3 * 86_400)
    for certificate, key, reason in (
        (foreign.certificate.read_bytes(), foreign.key.read_bytes(), "self-signed certificate"),
        (old.certificate, old.key, "certificate has expired"),
    ):
        before = counts().refused["bad_certificate"]
        station.files["cups"] = (right[TRUST], certificate, key)
        with pytest.raises((ssl.SSLError, ConnectionError)):
            desk.ask(station)
        assert counts().refused["bad_certificate"] == before + 1 and reason in desk.server.log
    # A certificate of the server, and that of another base station.
    made = certificates.issue_to_server(desk.signer(), ["localhost"], 10, desk.server.clock())
    station.files["cups"] = (right[TRUST], made.certificate, made.key)
    assert desk.ask(station)[0] == 401, "it names no base station"
    station.files["cups"] = second.files["cups"]
    assert desk.ask(station)[0] == 403
    station.files["cups"] = (right[TRUST], b"", b"")
    assert desk.ask(station) == (401, b"a token or a client certificate is needed\n")
    # No TLS at all.
    before = counts().refused["bad_handshake"]
    with pytest.raises((AssertionError, ConnectionError, EOFError)):
        desk.server.run(station.ask())
    assert counts().refused["bad_handshake"] == before + 1
    assert "Traceback" not in desk.server.log


def test_certificates_of_others_are_nobody_elses(desk: SecureDesk) -> None:
    identifier, _station = desk.with_certificate()
    (ref,) = [each["ref"] for each in desk.listed(identifier)]
    other = Desk(desk.server, sandbox(desk.server.data))
    for method, path in (("GET", ""), ("POST", ""), ("DELETE", f"/{ref}")):
        path = f"{_STATIONS}/{identifier}/certificates{path}"
        assert other.operator.request(method, path).status_code == 404
    assert desk.listed(identifier)[0]["revokedAt"] is None


def test_an_alarm_tells_of_certificates_that_expire(desk: SecureDesk) -> None:
    identifier, station = desk.station()
    made = certificates.issue_to_station(desk.signer(), station.eui, 5, desk.server.clock())
    platform = desk.server.platform
    number = platform.base_stations.ref(
        next(i for i, s in platform.base_stations.all() if s.id == identifier)
    )
    desk.server.run(
        platform.store.write(lambda c: certificates.record(c, 1, made, number, station.eui, "test"))
    )
    desk.server.pass_time(700)
    alarms = desk.operator.call("GET", "/api/v1/operator/overview")["moduleAlarms"]
    texts = str(alarms)
    assert "base station certificates" in texts and "within 14 days" in texts
