"""HTTPS: the server's own, and nginx and Caddy in front of it, as `veldnet init` configures them."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import time
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import InvalidStatus

from tests.api.examples import KEY, create
from tests.certificates import Pair, write_pair
from tests.e2e import radio
from tests.e2e.running import RunningServer, sandbox
from tests.e2e.test_basics_station import Field, run
from tests.person import Person
from veldnet.cli.deployment import caddy_site, nginx_site
from veldnet.simulator.customer import Account


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return write_pair(tmp_path_factory.mktemp("pair"), days=10)


@pytest.fixture(scope="module")
def account_data(tmp_path_factory: pytest.TempPathFactory) -> tuple[Account, Path]:
    data = tmp_path_factory.mktemp("tls") / "data"
    return sandbox(data), data


@pytest.fixture(scope="module")
def server(pair: Pair, account_data: tuple[Account, Path]) -> Iterator[RunningServer]:
    running = RunningServer(
        account_data[1],
        VELDNET_TLS__CERTIFICATE=str(pair.certificate),
        VELDNET_TLS__KEY=str(pair.key),
        VELDNET_API__HEADER_TIMEOUT="1s",
        VELDNET_API__CONNECTIONS_PER_ADDRESS="10",
        VELDNET_API__TRUSTED_PROXIES="[]",
    )
    running.http = running.http.replace("http:", "https:")
    yield running
    assert running.stop() == 0


def _address(server: RunningServer) -> tuple[str, int]:
    host, port = server.http.removeprefix("https://").split(":")
    return host, int(port)


def _serial(server: RunningServer) -> bytes:
    """What the server shows to a new connection."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with socket.create_connection(_address(server), 10) as plain, context.wrap_socket(plain) as encrypted:
        shown = encrypted.getpeercert(binary_form=True)
    assert shown is not None
    return shown


def test_everything_works_over_https(
    server: RunningServer, pair: Pair, account_data: tuple[Account, Path]
) -> None:
    account, _data = account_data
    trusted = ssl.create_default_context(cafile=str(pair.certificate))
    with httpx.Client(base_url=server.http, verify=trusted, timeout=30) as http:
        assert http.get("/healthz").text == "ok"
        body = {"username": account.thingpark_username, "password": account.thingpark_password}
        answer = http.post("/api/v1/session", json=body)
        assert answer.status_code == 200 and "secure" in answer.headers["set-cookie"].lower()
        # An answer of many kilobytes, and a body of many.
        assert len(http.get("/openapi.json").content) > 100_000
        assert http.post("/api/v1/session", content=b"x" * 300_000).status_code == 400
        metrics = http.get("/metrics").text
        expiry = float(metrics.split("\nveldnet_certificate_expiry_time_seconds ")[1].split()[0])
        assert 9 * 86_400 < expiry - time.time() < 10.5 * 86_400
    assert "certificate_problem" in server.log.read_text(), "it expires within 14 days"


def test_older_protocols_are_refused(server: RunningServer) -> None:
    for last, works in ((ssl.TLSVersion.TLSv1_2, True), (ssl.TLSVersion.TLSv1_1, False)):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, last
        with socket.create_connection(_address(server), 10) as plain:
            outcome = contextlib.nullcontext() if works else pytest.raises((ssl.SSLError, ConnectionError))
            with outcome, context.wrap_socket(plain) as encrypted:
                assert encrypted.version() == "TLSv1.2"


def test_who_never_shakes_hands_gets_no_more_time_and_connections_than_others(server: RunningServer) -> None:
    with contextlib.ExitStack() as stack:
        idle = [stack.enter_context(socket.create_connection(_address(server), 10)) for _ in range(10)]
        idle[0].sendall(b"\x16\x03\x01")
        # One more takes the place of the one that waits for longest.
        assert httpx.get(f"{server.http}/healthz", verify=False).text == "ok"  # noqa: S501
        for each in idle:
            each.settimeout(10)
            with contextlib.suppress(ConnectionResetError):
                assert each.recv(1) == b""
    # Plain HTTP is no handshake.
    with socket.create_connection(_address(server), 10) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        with contextlib.suppress(ConnectionResetError):
            assert not plain.recv(100).startswith(b"HTTP")
    assert httpx.get(f"{server.http}/readyz", verify=False).text == "ready"  # noqa: S501


def test_a_new_certificate_is_used_without_a_restart(server: RunningServer, pair: Pair) -> None:
    before = _serial(server)
    trusted = ssl.create_default_context(cafile=str(pair.certificate))
    with httpx.Client(base_url=server.http, verify=trusted) as kept:
        assert kept.get("/healthz").text == "ok"
        write_pair(pair.certificate.parent, days=80)
        server.process.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + 10
        while _serial(server) == before:
            assert time.monotonic() < deadline
        assert kept.get("/healthz").text == "ok", "the connection stays"
    trusted = ssl.create_default_context(cafile=str(pair.certificate))
    assert httpx.get(f"{server.http}/healthz", verify=trusted).text == "ok"


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class Nginx:
    """nginx with the site that `veldnet init` prints, on other ports."""

    def __init__(self, folder: Path, pair: Pair, port: int, server: RunningServer) -> None:
        assert shutil.which("nginx"), "this test needs nginx; install the Debian package nginx-light"
        self.port, plain = port, _free_port()
        site = nginx_site("veldnet.example")
        for theirs, ours in (
            ("listen [::]:80;", ""),
            ("listen [::]:443 ssl http2;", ""),
            ("listen 80;", f"listen 127.0.0.1:{plain};"),
            ("listen 443 ssl http2;", f"listen 127.0.0.1:{self.port} ssl http2;"),
            ("/etc/letsencrypt/live/veldnet.example/fullchain.pem", str(pair.certificate)),
            ("/etc/letsencrypt/live/veldnet.example/privkey.pem", str(pair.key)),
            ("127.0.0.1:8080", server.http.removeprefix("http://")),
            ("127.0.0.1:8887", server.addresses["basicsStation"]),
        ):
            assert theirs in site, theirs
            site = site.replace(theirs, ours)
        user = "user root;\n" if os.geteuid() == 0 else ""
        temporary = "".join(
            f"{kind}_temp_path {folder}/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        configuration = folder / "nginx.conf"
        configuration.write_text(
            f"{user}daemon off;\npid {folder}/nginx.pid;\nerror_log stderr warn;\n"
            f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{site}}}\n"
        )
        self.plain = f"http://127.0.0.1:{plain}"
        self.log = folder / "nginx.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                ["nginx", "-p", folder, "-c", configuration], stdout=log, stderr=log
            )
        _wait_for(self)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=120)


class Caddy:
    """Caddy with the site that `veldnet init` prints, on other ports and with a certificate of ours."""

    def __init__(self, folder: Path, pair: Pair, server: RunningServer) -> None:
        self.port, plain = _free_port(), _free_port()
        site = caddy_site("127.0.0.1")
        for theirs, ours in (
            ("127.0.0.1 {\n", f"127.0.0.1 {{\n\ttls {pair.certificate} {pair.key}\n"),
            ("127.0.0.1:8080", server.http.removeprefix("http://")),
            ("127.0.0.1:8887", server.addresses["basicsStation"]),
        ):
            assert theirs in site, theirs
            site = site.replace(theirs, ours)
        options = f"{{\n\tadmin off\n\tgrace_period 1s\n\thttp_port {plain}\n\thttps_port {self.port}\n}}\n"
        configuration = folder / "Caddyfile"
        configuration.write_text(options + site)
        self.plain = f"http://127.0.0.1:{plain}"
        self.log = folder / "caddy.log"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                ["caddy", "run", "--adapter", "caddyfile", "--config", configuration],
                env=os.environ | {"XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)},
                stdout=log,
                stderr=log,
            )
        _wait_for(self)

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=120)


def _wait_for(proxy: Nginx | Caddy) -> None:
    deadline = time.monotonic() + 30
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", proxy.port), 1):
            return
        assert proxy.process.poll() is None and time.monotonic() < deadline, proxy.log.read_text()


class Through:
    """The server as its clients see it, behind the proxy."""

    def __init__(self, proxy: Nginx | Caddy, pair: Pair, data: Path) -> None:
        self.data = data
        self._url = f"https://127.0.0.1:{proxy.port}"
        self.trusted = ssl.create_default_context(cafile=str(pair.certificate))

    def connect(self, **arguments: Any) -> httpx.Client:
        return httpx.Client(base_url=self._url, verify=self.trusted, timeout=30, **arguments)


class Behind:
    """A server for proxies, and what its base stations are told to connect to."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.pair, self.port = folder, write_pair(folder), _free_port()
        self.account = sandbox(folder / "data")
        self.uri = f"wss://127.0.0.1:{self.port}"
        self.server = RunningServer(
            folder / "data",
            VELDNET_API__CONNECTIONS_PER_ADDRESS="2",
            VELDNET_GATEWAYS__BASICS_STATION="127.0.0.1:0",
            VELDNET_GATEWAYS__BASICS_STATION_AUTHENTICATION="required",
            VELDNET_GATEWAYS__BASICS_STATION_URI=self.uri,
        )

    def sign_in(self, proxy: Nginx | Caddy) -> tuple[Through, Person]:
        """What holds behind every proxy."""
        server = Through(proxy, self.pair, self.folder / "data")
        assert httpx.get(proxy.plain).status_code in (301, 308)
        person = Person(server, self.account.thingpark_username, self.account.thingpark_password)
        cookie = next(cookie for cookie in person.http.cookies.jar)
        assert cookie.secure, "the server knows that its clients use HTTPS"
        # The first event of a stream comes although nothing follows; all streams come from the proxy.
        with person.live(), person.live(), person.live():
            pass
        too_large = person.http.post("/api/v1/session", json="x" * 8000)
        assert "larger than 4096 bytes" in too_large.text, "the answer is the server's own"
        # What clients claim about their address does not count.
        body = {"username": self.account.thingpark_username, "password": self.account.thingpark_password}
        claim = {"x-forwarded-for": "198.51.100.1"}
        with server.connect() as other:
            assert other.post("/api/v1/session", json=body, headers=claim).status_code < 300
        addresses = {session["address"] for session in person.http.get("/api/v1/sessions").json()}
        assert addresses == {"127.0.0.1"}
        return server, person


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Behind]:
    found = Behind(tmp_path_factory.mktemp("behind"))
    yield found
    found.server.stop()


def test_caddy_in_front(behind: Behind, tmp_path: Path) -> None:
    proxy = Caddy(tmp_path, behind.pair, behind.server)
    try:
        server, person = behind.sign_in(proxy)
        assert person.http.get("/metrics").status_code == 403

        async def refused() -> None:
            with pytest.raises(InvalidStatus, match="401"):
                uri = f"wss://127.0.0.1:{proxy.port}"
                await Field(behind.account.base_station_eui, uri, ssl=server.trusted).connect()

        run(refused)
    finally:
        proxy.stop()


def test_nginx_in_front(behind: Behind, tmp_path: Path) -> None:
    proxy = Nginx(tmp_path, behind.pair, behind.port, behind.server)
    try:
        server, person = behind.sign_in(proxy)
        _frames_pass_through(server, behind.account, person, behind.uri)
        assert person.http.get("/metrics").text.count("veldnet_") > 50, "from this machine"
        # What clients claim about their address does not count: guesses are limited by the real one.
        answers = [_guess(person.http, number) for number in range(64)]
        assert answers[0] == 401 and answers[-1] == 429
    finally:
        proxy.stop()
    assert "warn" not in proxy.log.read_text()


def _frames_pass_through(server: Through, account: Account, person: Person, uri: str) -> None:
    """A base station connects through the proxy, and a live stream shows what it hears."""
    operator = Person(
        server, account.thingpark_username.replace("sandbox", "operator"), account.thingpark_password
    )
    station = operator.call("GET", "/api/v1/operator/baseStations")[0]["id"]
    token = operator.call("POST", f"/api/v1/operator/baseStations/{station}/tokens")["token"]
    create(person, account, 1, plain=True)
    device = radio.device("0059AC00CC000001", KEY)

    async def story() -> None:
        with pytest.raises(InvalidStatus, match="401"):
            await Field(account.base_station_eui, uri, ssl=server.trusted).connect()
        headers = {"Authorization": f"Bearer {token}"}
        field = Field(account.base_station_eui, uri, ssl=server.trusted, additional_headers=headers)
        await field.connect()
        field.hear(device.join_request())
        device.receive(await field.downlink())
        assert device.joined
        await field.link.close()

    with person.live() as events:
        run(story)
        assert any(line.get("deviceEUI") == "0059AC00CC000001" for _event, lines in events for line in lines)


def _guess(http: httpx.Client, number: int) -> int:
    form = {"grant_type": "client_credentials", "client_id": f"guess-{number}", "client_secret": "x" * 12}
    headers = {"x-forwarded-for": f"198.51.100.{number}"}
    path = "/oauth/client_credential/accesstoken?grant_type=client_credentials"
    return http.post(path, data=form, headers=headers).status_code
