"""What the front lets pass and what it ends: headers, bodies, times, connections, with short limits."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.e2e.running import Client, RunningServer, sandbox

REQUEST = b"GET /healthz HTTP/1.1\r\nhost: x\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    data = tmp_path_factory.mktemp("front") / "data"
    account = sandbox(data)
    running = RunningServer(
        data,
        VELDNET_API__HEADER_TIMEOUT="2s",
        VELDNET_API__REQUEST_TIMEOUT="3s",
        VELDNET_API__IDLE_TIMEOUT="4s",
        VELDNET_API__WRITE_TIMEOUT="2s",
        VELDNET_API__CONNECTIONS="60",
        VELDNET_API__CONNECTIONS_PER_ADDRESS="20",
        VELDNET_API__PROBE_CONNECTIONS="5",
        VELDNET_API__TRUSTED_PROXIES='["127.0.0.2"]',
    )
    running.account = account  # type: ignore[attr-defined]
    yield running
    assert running.stop() == 0


@pytest.fixture(scope="module")
def client(server: RunningServer) -> Client:
    customer = Client(server, server.account)  # type: ignore[attr-defined]
    customer.activate()
    return customer


def connect(server: RunningServer, source: str = "127.0.0.1") -> socket.socket:
    host, _colon, port = server.http.removeprefix("http://").rpartition(":")
    made = socket.create_connection((host, int(port)), timeout=15, source_address=(source, 0))
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return made


def answer(made: socket.socket) -> bytes:
    """All until the server closes."""
    found = b""
    try:
        while part := made.recv(65_536):
            found += part
    except ConnectionResetError:
        pass
    return found


def ask(server: RunningServer, *parts: bytes) -> bytes:
    with connect(server) as made:
        for part in parts:
            made.sendall(part)
        return answer(made)


def status(found: bytes) -> int:
    return int(found.split(b" ", 2)[1])


CLOSE = b"connection: close\r\n\r\n"


def test_c6_headers_up_to_64_kb_pass(server: RunningServer) -> None:
    for size in (1000, 30_000, 65_000):
        assert status(ask(server, REQUEST, b"x: " + b"a" * size + b"\r\n", CLOSE)) == 200


@pytest.mark.parametrize(
    "head",
    [
        REQUEST + b"x: " + b"a" * 65_536 + b"\r\n",
        REQUEST + b"x: " + b"a" * 300_000,
        REQUEST + b"a" * 300_000,
        REQUEST + b"".join(b"x-%d: %s\r\n" % (n, b"a" * 700) for n in range(100)),
        REQUEST + b"a: b\r\n" * 201,
        REQUEST + b"a: b\r\n" * 60_000,
        b"GET /healthz?" + b"a" * 70_000 + b" HTTP/1.1\r\nhost: x\r\n",
        b"GET /healthz?" + b"a" * 400_000,
        b"GET /healthz" + b"/" * 400_000,
    ],
)
def test_c6_larger_headers_are_refused(server: RunningServer, head: bytes) -> None:
    found = ask(server, head, b"\r\n")
    assert status(found) == 431
    assert json.loads(found.partition(b"\r\n\r\n")[2])["status"] == "431"


def test_c6_trailers_and_chunk_extensions_count_as_headers(server: RunningServer) -> None:
    post = b"POST /api/v1/session HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    for rest in (b"0\r\nx: " + b"a" * 200_000, b"5;a=" + b"b" * 200_000, b"0\r\n" + b"a: b\r\n" * 40_000):
        with connect(server) as made:
            made.sendall(post + rest[:1000])
            begun = time.monotonic()
            try:
                made.sendall(rest[1000:])
                answer(made)
            except (ConnectionResetError, BrokenPipeError):
                pass
            assert time.monotonic() - begun < 8


@pytest.mark.parametrize(
    "sent",
    [b"", b"GET /heal", REQUEST, REQUEST + b"x: a", b"\r\n"],
    ids=["nothing", "line", "headers", "value", "blank"],
)
def test_c6_a_header_that_does_not_come(server: RunningServer, sent: bytes) -> None:
    begun = time.monotonic()
    found = ask(server, sent)
    assert 1.5 < time.monotonic() - begun < 8
    assert not found or status(found) == 408


def test_c6_a_header_that_comes_byte_by_byte_has_the_same_time(server: RunningServer) -> None:
    with connect(server) as made:
        made.sendall(REQUEST + b"x: ")
        begun = time.monotonic()
        made.settimeout(0.2)
        found = b""
        while not found and time.monotonic() - begun < 10:
            try:
                made.send(b"a")
                found = made.recv(1000)
            except TimeoutError:
                continue
        assert status(found) == 408 and 1.5 < time.monotonic() - begun < 8


def test_c6_a_body_that_does_not_come(server: RunningServer) -> None:
    head = b"POST /api/v1/session HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    begun = time.monotonic()
    ask(server, head + b"content-length: 99\r\n\r\n", b"{")
    assert 2.5 < time.monotonic() - begun < 9


def test_c6_an_idle_connection_is_closed(server: RunningServer) -> None:
    with connect(server) as made:
        made.sendall(REQUEST + b"\r\n")
        head = b""
        while not head.endswith(b"ok"):
            part = made.recv(65_536)
            assert part, head
            head += part
        assert head.startswith(b"HTTP/1.1 200")
        begun = time.monotonic()
        assert answer(made) == b""
        assert 3 < time.monotonic() - begun < 10


def test_c6_a_slow_reader_is_cut_off(server: RunningServer) -> None:
    with connect(server) as made:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.sendall(b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n" * 100)
        begun = time.monotonic()
        made.settimeout(0.1)
        while time.monotonic() - begun < 20:
            try:
                made.sendall(b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n")
            except TimeoutError:
                time.sleep(0.1)
            except OSError:
                break
        assert time.monotonic() - begun < 15
    assert httpx.get(server.http + "/healthz").status_code == 200


def test_c6_pipelined_requests_are_answered_in_order(server: RunningServer) -> None:
    paths = [b"/healthz", b"/no/such/path", b"/openapi.json", b"/readyz"] * 5
    asked = [b"GET " + path + b" HTTP/1.1\r\nhost: x\r\n\r\n" for path in paths]
    found = ask(server, b"".join(asked), REQUEST + CLOSE)
    statuses = [int(line[:3]) for line in found.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [200, 404, 200, 200] * 5 + [200]


def test_c6_a_request_in_single_bytes(server: RunningServer) -> None:
    with connect(server) as made:
        for byte in REQUEST + CLOSE:
            made.sendall(bytes((byte,)))
        assert status(answer(made)) == 200


def test_c6_bodies_arrive_whole(client: Client) -> None:
    """Large and in chunks of all sizes, through slices and flow control."""
    text = json.dumps(client.device_body(1) | {"administrativeInfo": "y" * 700_001}).encode()

    def parts() -> Iterator[bytes]:
        size, at = 1, 0
        while at < len(text):
            yield text[at : at + size]
            at, size = at + size, min(size * 3, 70_000)

    for content in (text, parts()):
        refused = client.http.post("/data/lora/thingpark/devices", content=content)
        assert "administrativeInfo has 700001 characters" in refused.json()["message"]


def test_c6_a_body_that_nobody_wants(server: RunningServer) -> None:
    """The answer comes though the client is still sending; the next request on the connection, too."""
    post = b"POST /no/such/path HTTP/1.1\r\nhost: x\r\ncontent-length: 200000\r\n\r\n"
    found = ask(server, post, b"a" * 200_000, REQUEST + CLOSE)
    assert [int(line[:3]) for line in found.split(b"HTTP/1.1 ")[1:]] == [404, 200]


def test_c6_connections_of_one_address(server: RunningServer) -> None:
    """Beyond the limit those that have been idle for longest go; another address is not concerned."""
    other = connect(server, "127.0.0.3")
    held = [connect(server, "127.0.0.4") for _ in range(30)]
    try:
        held[-1].sendall(REQUEST + b"\r\n")
        assert held[-1].recv(1000).startswith(b"HTTP/1.1 200")
        assert [answer(each) for each in held[:10]] == [b""] * 10
        other.sendall(REQUEST + b"\r\n")
        assert other.recv(1000).startswith(b"HTTP/1.1 200")
    finally:
        for each in (other, *held):
            each.close()


def test_c6_a_trusted_proxy_has_no_limit_of_its_own(server: RunningServer) -> None:
    held = [connect(server, "127.0.0.2") for _ in range(40)]
    try:
        for each in held:
            each.sendall(REQUEST + b"\r\n")
        assert all(each.recv(1000).startswith(b"HTTP/1.1 200") for each in held)
    finally:
        for each in held:
            each.close()


@pytest.mark.parametrize("levels", [10, 62, 66, 400, 990, 1100, 5000])
@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ('{"a":', "}"), ('[{"a":', "}]")])
def test_c6_deep_json(client: Client, levels: int, opened: str, closed: str) -> None:
    """Ignored, or refused in words; never an internal error."""
    depth = levels * opened.count("[") + levels * opened.count("{")
    text = '{"unknown": ' + opened * levels + "1" + closed * levels + "}"
    for path in ("/data/lora/thingpark/devices", "/data/lora/thingpark/routingProfiles"):
        refused = client.http.post(path, content=text.encode())
        assert refused.status_code == 400
        assert ("levels deep" in refused.json()["message"]) == (depth > 63)


@pytest.mark.parametrize(
    "path", ["/healthz", "/readyz", "/metrics", "/console/", "/", "/openapi.json", "/docs"]
)
def test_api_01_head_answers_as_get_does(client: Client, path: str) -> None:
    _check_as_get(client, path)


@pytest.mark.parametrize(
    "path", ["/devices", "/devices/1", "/devices/e0000000000000000", "/deviceAlarms", "/activate", "/no/such"]
)
def test_api_01_head_of_resources(client: Client, path: str) -> None:
    _check_as_get(client, "/data/lora/thingpark" + path)
    _check_as_get(client, "/thingpark/dx/core/latest/api" + path)


def _check_as_get(client: Client, path: str) -> None:
    got, head = client.http.get(path), client.http.head(path)
    assert head.status_code == got.status_code and not head.content
    changing = {"x-request-id", "date", "transfer-encoding", "content-length", "connection"}
    assert {k: v for k, v in head.headers.items() if k not in changing} == {
        k: v for k, v in got.headers.items() if k not in changing
    }
    if "content-length" in got.headers and got.status_code == 200:
        assert head.headers["content-length"] == got.headers["content-length"] or path == "/metrics"


def test_api_01_head_of_a_stream_ends(client: Client) -> None:
    head = client.http.head("/api/v1/frames/live")
    assert head.status_code == 200 and head.headers["content-type"].startswith("text/event-stream")
