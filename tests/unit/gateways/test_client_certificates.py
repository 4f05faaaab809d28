"""Client certificates of the operator's own authority over real TLS: which are taken, and what ends that."""

from __future__ import annotations

import asyncio
import datetime
import socket
import ssl
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from websockets.asyncio.client import connect

from tests.certificates import write_pair
from veldnet.gateways import Hub, Presence
from veldnet.gateways.basics_station import (
    BasicsStationServer,
    LnsOptions,
    StationCertificate,
    TlsFiles,
    server,
)
from veldnet.gateways.basics_station.authentication import NotAuthenticated, Proof, authenticate
from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.lorawan.regions import REGIONS, ChannelPlan

EUI = "0059AC00000000AA"
NOW = datetime.datetime.now(datetime.UTC)
DAY = datetime.timedelta(days=1)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 60.0
        return self.now


class Directory:
    revoked: frozenset[str] = frozenset()

    def is_revoked(self, serial: str) -> bool:
        return serial in self.revoked

    def station_of_token(self, token: str) -> None:
        return None


class Authority:
    def __init__(self, name: str, above: Authority | None = None) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.certificate = (above or self).sign(self.name, self.key, ca=True)

    def sign(
        self,
        name: x509.Name,
        key: Any,
        *,
        ca: bool = False,
        begin: datetime.datetime = NOW - DAY,
        end: datetime.datetime = NOW + DAY,
        purpose: x509.ObjectIdentifier = ExtendedKeyUsageOID.CLIENT_AUTH,
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(end)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if not ca:
            builder = builder.add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        return builder.sign(self.key, hashes.SHA256())

    def revoke(self, *certificates: x509.Certificate, end: datetime.datetime = NOW + DAY) -> bytes:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.name)
            .last_update(NOW - DAY)
            .next_update(max(end, NOW - DAY / 2))
        )
        for each in certificates:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(each.serial_number)
                .revocation_date(NOW)
                .build()
            )
        return builder.sign(self.key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(each.public_bytes(serialization.Encoding.PEM) for each in certificates)


class Gate:
    """A server as those of base stations are, and base stations before it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ca, self.crl = folder / "ca.pem", folder / "crl.pem"
        pair = write_pair(folder)
        self.ours = Authority("Ours")
        self.ca.write_bytes(pem(self.ours.certificate))
        self.crl.write_bytes(self.ours.revoke())
        files = TlsFiles(str(pair.certificate), str(pair.key), str(self.ca), str(self.crl))
        self.served = StationCertificate(files, Clock())
        self.directory = Directory()
        self.failed: list[str] = []
        self.served.watch(lambda _code, words: self.failed.append(words))

    def client(self, *chain: x509.Certificate, key: Any) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        file, secret = self.folder / "client.pem", self.folder / "client.key"
        file.write_bytes(pem(*chain))
        secret.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        context.load_cert_chain(file, secret)
        return context

    def station(
        self, authority: Authority | None = None, **options: Any
    ) -> tuple[ssl.SSLContext, x509.Certificate]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, EUI)])
        made = (authority or self.ours).sign(name, key, **options)
        return self.client(made, key=key), made

    def enter(self, context: ssl.SSLContext) -> tuple[str, Proof | None]:
        """How the server judges who connects: the EUI, or the reason that it is refused for."""
        said: list[tuple[str, Proof | None]] = []

        async def judge(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            secure = writer.get_extra_info("ssl_object")
            try:
                known = authenticate(None, secure, self.directory, self.served)  # type: ignore[arg-type]
                said.append((str(known), Proof.of(None, secure)))
            except NotAuthenticated as refused:
                said.append((str(refused), None))
            writer.close()

        async def story() -> None:
            server = await asyncio.start_server(judge, "127.0.0.1", 0, ssl=self.served.context)
            port = server.sockets[0].getsockname()[1]
            reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
            await reader.read()
            writer.close()
            server.close()

        before = len(self.failed)
        try:
            asyncio.run(story())
        except (ssl.SSLError, ConnectionError):
            return self.failed[before], None
        return said[0]


@pytest.fixture
def gate(tmp_path: Path) -> Gate:
    return Gate(tmp_path)


def test_a_good_certificate_proves_its_eui(gate: Gate) -> None:
    context, made = gate.station()
    known, proof = gate.enter(context)
    assert known == str(GatewayEui.parse(EUI)) and proof is not None
    assert proof.certificate == made.public_bytes(serialization.Encoding.DER)
    assert int(proof.serial or "", 16) == made.serial_number


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"end": NOW - DAY / 2}, "certificate has expired"),
        ({"begin": NOW + DAY / 2}, "certificate is not yet valid"),
        ({"purpose": ExtendedKeyUsageOID.SERVER_AUTH}, "unsuitable certificate purpose"),
        ({"authority": Authority("Ours")}, "certificate signature failure"),
        ({"authority": Authority("Elsewhere")}, "unable to get local issuer certificate"),
    ],
)
def test_others_are_refused_with_their_reason(gate: Gate, options: dict[str, Any], reason: str) -> None:
    assert reason in gate.enter(gate.station(**options)[0])[0]


def test_a_revocation_list_counts_from_when_it_is_there(gate: Gate) -> None:
    context, made = gate.station()
    other, _kept = gate.station()
    assert gate.enter(context)[1] is not None
    gate.crl.write_bytes(gate.ours.revoke(made))
    assert gate.enter(context) == ("the client certificate is revoked", None)
    assert gate.served.generation == 1
    assert gate.served.refusal(made.public_bytes(serialization.Encoding.DER), verified=True) is not None
    other, _kept = gate.station()
    assert gate.enter(other)[1] is not None
    # Lists of others, broken ones and missing ones leave what was there.
    for wrong in (Authority("Ours").revoke(), Authority("Elsewhere").revoke(), b"nothing"):
        gate.crl.write_bytes(wrong)
        assert gate.enter(context) == ("the client certificate is revoked", None)
        assert "is not used" in (gate.served.problem(0) or "")
    # One that is too old counts on, and is shown.
    gate.crl.write_bytes(gate.ours.revoke(made, end=NOW - DAY / 2) + gate.ours.revoke())
    assert gate.enter(context)[1] is None
    assert "was to be replaced" in (gate.served.problem(NOW.timestamp()) or "")
    assert gate.served.problem(0) is None


def test_a_number_that_is_revoked_here_is_refused(gate: Gate) -> None:
    context, _made = gate.station()
    proof = gate.enter(context)[1]
    assert proof is not None and proof.serial is not None
    gate.directory.revoked = frozenset({proof.serial})
    assert gate.enter(context) == ("the client certificate is revoked", None)


def test_an_authority_that_is_removed_is_distrusted_at_once(gate: Gate) -> None:
    context, made = gate.station()
    octets = made.public_bytes(serialization.Encoding.DER)
    assert gate.enter(context)[1] is not None and gate.served.refusal(octets, verified=False) is None
    successor = Authority("Successor")
    gate.crl.write_bytes(b"" + successor.revoke())
    gate.ca.write_bytes(pem(successor.certificate))
    assert "unable to get local issuer certificate" in gate.enter(context)[0]
    # What is connected by it is not trusted any more either.
    assert "not trusted any more" in (gate.served.refusal(octets, verified=False) or "")
    assert gate.enter(gate.station(successor)[0])[1] is not None
    # The internal ones beside it come and go, too.
    internal = gate.ours.certificate.public_bytes(serialization.Encoding.DER)
    gate.served.trust([internal])
    again, _made = gate.station()
    assert gate.enter(again)[1] is not None
    gate.served.trust([])
    assert gate.enter(again)[1] is None


def test_a_chain_over_an_authority_between_is_verified(gate: Gate) -> None:
    between = Authority("Between", gate.ours)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, EUI)])
    made = between.sign(name, key)
    chain: Sequence[x509.Certificate] = (made, between.certificate)
    assert gate.enter(gate.client(*chain, key=key))[1] is not None
    assert gate.enter(gate.client(made, key=key))[1] is None
    # Only TLS has seen its chain: by itself it is nobody's.
    octets = made.public_bytes(serialization.Encoding.DER)
    assert gate.served.refusal(octets, verified=True) is None
    assert gate.served.refusal(octets, verified=False) is not None


class Network:
    """The network server behind the hub."""

    gate = None
    lag = 0.0

    def receive(self, _uplink: object) -> None:
        """Nothing is heard."""

    def transmit_reported(self, _report: object) -> None:
        """Nothing is sent."""


class Registered(Directory):
    def find(self, gateway: GatewayEui) -> BaseStationId:
        return BaseStationId(1)

    def profile(self, _station: BaseStationId) -> None:
        return None

    def used(self, _token: str | None, _serial: str | None) -> None:
        """It has it."""


@pytest.mark.parametrize("change", ["authority", "list"])
def test_connections_end_with_the_trust_that_they_were_made_by(
    gate: Gate, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_PING", 1.5)
    context, made = gate.station()

    async def story() -> int | None:
        caught: list[BaseException] = []
        hub = Hub(
            Network(),  # type: ignore[arg-type]
            Registered(),
            Presence(),
            time.time,
            lambda _task, error: caught.append(error),
        )
        options = LnsOptions(required=True, certificate=gate.served)
        lns = BasicsStationServer(hub, ChannelPlan(REGIONS["EU868"]), options)
        sock = socket.create_server(("127.0.0.1", 0))
        await lns.start(sock)
        uri = f"wss://127.0.0.1:{sock.getsockname()[1]}/router-{EUI}"
        async with connect(uri, ssl=context) as connection:
            await connection.send('{"msgtype":"version","station":"2.0.6(linux/std)"}')
            assert "router_config" in str(await connection.recv())
            if change == "list":
                gate.crl.write_bytes(gate.ours.revoke(made))
            else:
                successor = Authority("Successor")
                gate.crl.write_bytes(successor.revoke())
                gate.ca.write_bytes(pem(successor.certificate))
            await asyncio.wait_for(connection.wait_closed(), 10)
            assert not caught
        await lns.stop()
        return connection.close_code

    assert asyncio.run(story()) == 1008
