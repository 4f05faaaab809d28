"""What NATS alone can do to a bus: go away and come back, refuse it, have another address, take no more."""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import time
from base64 import urlsafe_b64encode
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import nkeys
import pytest
import uvloop
from structlog.testing import capture_logs

from tests.certificates import write_pair
from tests.nats_server import NatsServer
from veldnet.cluster import BusError, NodeAway, RequestRefused
from veldnet.cluster.nats import NatsBus
from veldnet.cluster.nats_access import NatsAccess
from veldnet.supervision import Supervisor

from .conftest import until

# What NATS says, or where it hangs up before that is read.
REFUSED = "Authorization Violation|it may refuse the user, token or key"


@contextmanager
def server(config: str = "") -> Iterator[NatsServer]:
    started = NatsServer(config)
    try:
        yield started
    finally:
        started.close()


@asynccontextmanager
async def bus(url: str, node: str = "a", cluster: str = "test", **more: str) -> AsyncIterator[NatsBus]:
    made = NatsBus(NatsAccess(url, cluster, node, **more), Supervisor())
    try:
        await made.start()
        yield made
    finally:
        await made.stop()


async def comes_through(url: str, **more: str) -> None:
    """Two nodes that are set up so hear each other."""
    got: list[bytes] = []
    async with bus(url, "a", **more) as a, bus(url, "b", **more) as b:
        b.on("word", lambda _node, payload: got.append(payload))
        a.send("b", "word", b"1")
        await until(lambda: got == [b"1"])


async def test_clusters_of_one_name_and_two_databases_do_not_hear_each_other() -> None:
    """Nobody has named them, on a NATS that both use."""
    got: list[tuple[str, bytes]] = []
    with server() as nats:
        async with (
            bus(nats.url, "a", database="7-1") as a,
            bus(nats.url, "b", database="7-1") as b,
            bus(nats.url, "b", database="7-2") as other,
            bus(nats.url, "c", database="7-2") as third,
        ):
            b.on("word", lambda _node, payload: got.append(("b", payload)))
            other.on("word", lambda _node, payload: got.append(("other", payload)))
            a.send("b", "word", b"1")
            a.announce("word", b"2")
            await until(lambda: len(got) >= 2)
            # What was sent before has come.
            third.send("b", "word", b"3")
            await until(lambda: len(got) >= 3)
    assert got == [("b", b"1"), ("b", b"2"), ("other", b"3")]


def with_user(url: str, user: str) -> str:
    return url.replace("//", f"//{user}@")


async def test_outage_is_told_and_ends_by_itself() -> None:
    got: list[bytes] = []
    back: list[bytes] = []
    connected: list[str] = []
    with server() as nats:
        async with bus(nats.url, "a") as a, bus(nats.url, "b") as b:
            b.on("word", lambda _node, payload: got.append(payload))
            a.on_return("frame", lambda _node, payload: back.append(payload))
            a.on_connected(lambda: connected.append("a"))
            with capture_logs() as logs:
                nats.stop()
                await until(lambda: a.problem is not None and b.problem is not None)
                assert a.problem is not None and f"NATS at 127.0.0.1:{nats.port} is not reached" in a.problem
                a.send("b", "word", b"lost")
                a.send("b", "frame", b"kept")
                await until(lambda: back == [b"kept"])
                assert not connected
                with pytest.raises(NodeAway, match="node b cannot be asked"):
                    await a.request("b", "ask", b"", 5)
                nats.start()
                await until(lambda: a.problem is None and b.problem is None, 10)
                said = "nats_connection_lost", "nats_connected_again"
                await until(lambda: {line["event"] for line in logs}.issuperset(said))
            a.send("b", "word", b"again")
            await until(lambda: bool(got))
            assert got == [b"again"], "what could not be sent is not sent later"
            assert connected == ["a"] and back == [b"kept"]
            assert a.counts.dropped["word"] == 1


async def test_clusters_on_one_nats_hear_only_themselves(nats_server: NatsServer) -> None:
    got: list[tuple[str, bytes]] = []
    async with (
        bus(nats_server.url, "a", "north") as a,
        bus(nats_server.url, "b", "north") as b,
        bus(nats_server.url, "b", "south") as other,
    ):
        b.on("word", lambda _node, payload: got.append(("north", payload)))
        other.on("word", lambda _node, payload: got.append(("south", payload)))
        a.announce("word", b"1")
        a.send("b", "word", b"2")
        await until(lambda: len(got) >= 2)
        with pytest.raises(NodeAway):
            await other.request("a", "ask", b"", 1)
        assert got == [("north", b"1"), ("north", b"2")]


async def test_messages_larger_than_nats_takes_are_refused_here() -> None:
    async def large(_node: str, _payload: bytes) -> bytes:
        return bytes(3000)

    with server("max_payload: 2048") as nats:
        async with bus(nats.url, "a") as a, bus(nats.url, "b") as b:
            b.answer("ask", large)
            a.send("b", "word", bytes(3000))
            assert a.counts.dropped["word"] == 1
            with pytest.raises(RequestRefused, match="the request has 3000 octets"):
                await a.request("b", "ask", bytes(3000), 5)
            with pytest.raises(RequestRefused, match="the answer has 3000 octets"):
                await a.request("b", "ask", b"", 5)
            assert a.problem is None and b.problem is None


async def test_node_that_hands_over_faster_than_nats_takes_stays_bounded(nats_server: NatsServer) -> None:
    async with bus(nats_server.url, cluster="flood") as a:
        payload = bytes(500_000)
        for _ in range(50):
            a.send("b", "word", payload)
        sent, dropped = a.counts.sent["word"], a.counts.dropped["word"]
        assert (sent, dropped) == (16, 34)
        await asyncio.sleep(0)
    assert a.counts.dropped["word"] == dropped, "what was taken is sent, also by a node that stops"


async def test_slow_node_is_cut_off_and_comes_back() -> None:
    got: list[bytes] = []
    with server('write_deadline: "50ms"\nmax_pending: 2000000') as nats:
        async with bus(nats.url, "a") as a, bus(nats.url, "b") as b:
            b.on("word", lambda _node, payload: got.append(payload))
            stuck: Any = b._client
            socket = stuck._transport._io_reader._transport
            socket.pause_reading()
            for _ in range(30):
                a.send("b", "word", bytes(1_000_000))
                await asyncio.sleep(0.005)
            socket.resume_reading()
            await until(lambda: b._client is not stuck and b.problem is None)
            assert a.problem is None
            a.send("b", "word", b"fine")
            await until(lambda: got[-1:] == [b"fine"])


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run])
async def test_node_that_stood_still_until_nats_gave_it_up_comes_back(run: Callable[..., Any]) -> None:
    got: list[bytes] = []
    begun, ended = threading.Event(), threading.Event()

    async def stand_still(url: str) -> None:
        async with bus(url, "b") as b:
            b.on("word", lambda _node, payload: got.append(payload))

            async def ask() -> None:
                """Something waits to be sent whenever the connection ends."""
                while True:
                    with contextlib.suppress(NodeAway):
                        await b.request("a", "ask", b"", 0.01)
                    await asyncio.sleep(0.002)

            asking = [asyncio.create_task(ask()) for _number in range(20)]
            begun.set()
            # As SIGSTOP: no other task of this loop goes on.
            time.sleep(5)  # noqa: ASYNC251
            await asyncio.to_thread(ended.wait, 20)
            for each in asking:
                each.cancel()
            await asyncio.wait(asking)

    with server('ping_interval: "1s"\nping_max: 1') as nats:
        async with bus(nats.url, "a") as a:
            thread = asyncio.create_task(asyncio.to_thread(run, stand_still(nats.url)))
            await asyncio.to_thread(begun.wait)
            await asyncio.sleep(4)
            with pytest.raises(NodeAway, match="not there"):
                await a.request("b", "ask", b"", 1)

            def heard() -> bool:
                a.send("b", "word", b"again")
                return bool(got)

            try:
                await until(heard, 15)
            finally:
                ended.set()
                await thread


async def test_users_and_tokens_are_recognised() -> None:
    with server('authorization { user: "node", password: "s3cret" }') as nats:
        await comes_through(with_user(nats.url, "node:s3cret"))
        for user in ("node:wrong", "token"):
            with pytest.raises(BusError, match=REFUSED) as failed:
                async with bus(with_user(nats.url, user)):
                    pass
            assert "wrong" not in str(failed.value)
    with server('authorization { token: "t0ken" }') as nats:
        await comes_through(with_user(nats.url, "t0ken"))
        with pytest.raises(BusError, match=REFUSED):
            async with bus(nats.url):
                pass


async def test_nkeys_are_recognised(tmp_path: Path) -> None:
    seeds = [nkeys.encode_seed(bytes([number]) * 32, nkeys.PREFIX_BYTE_USER) for number in (1, 2)]
    public = nkeys.from_seed(seeds[0]).public_key.decode()
    files = [tmp_path / "right.nk", tmp_path / "wrong.nk"]
    for file, seed in zip(files, seeds, strict=True):
        file.write_bytes(b"# user\n" + seed + b"\n")
    with server(f'authorization {{ users: [ {{ nkey: "{public}" }} ] }}') as nats:
        await comes_through(nats.url, credentials=str(files[0]))
        with pytest.raises(BusError, match=REFUSED):
            async with bus(nats.url, credentials=str(files[1])):
                pass


def jwt(signer: nkeys.KeyPair, subject: nkeys.KeyPair, kind: str, **claims: object) -> str:
    """A JWT as `nsc` makes it."""

    def part(octets: bytes) -> str:
        return urlsafe_b64encode(octets).decode().rstrip("=")

    header = part(json.dumps({"typ": "JWT", "alg": "ed25519-nkey"}).encode())
    said = {
        "jti": kind,
        "iat": 1_700_000_000,
        "iss": signer.public_key.decode(),
        "sub": subject.public_key.decode(),
        "name": kind,
        "nats": {"type": kind, "version": 2, **claims},
    }
    signed = f"{header}.{part(json.dumps(said).encode())}"
    return f"{signed}.{part(signer.sign(signed.encode()))}"


async def test_files_of_credentials_are_recognised(tmp_path: Path) -> None:
    prefixes = (nkeys.PREFIX_BYTE_OPERATOR, nkeys.PREFIX_BYTE_ACCOUNT, nkeys.PREFIX_BYTE_USER)
    seeds = [nkeys.encode_seed(bytes([number]) * 32, prefix) for number, prefix in enumerate(prefixes)]
    operator, account, user = (nkeys.from_seed(seed) for seed in seeds)
    limits = dict.fromkeys(("subs", "data", "payload", "imports", "exports", "conn", "leaf"), -1)
    preload = jwt(operator, account, "account", limits=limits | {"wildcards": True})
    file = tmp_path / "node.creds"
    file.write_text(
        f"-----BEGIN NATS USER JWT-----\n{jwt(account, user, 'user', subs=-1, data=-1, payload=-1)}\n"
        "------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n"
        f"{seeds[2].decode()}\n------END USER NKEY SEED------\n"
    )
    config = (
        f"operator: {jwt(operator, operator, 'operator')}\nresolver: MEMORY\n"
        f"resolver_preload: {{ {account.public_key.decode()}: {preload} }}"
    )
    with server(config) as nats:
        await comes_through(nats.url, credentials=str(file))
        with pytest.raises(BusError, match=REFUSED):
            async with bus(nats.url):
                pass


async def test_missing_permission_is_a_problem_that_says_what_to_grant() -> None:
    rights = '{ publish: "veldnet.>", subscribe: ["veldnet.test.to.>", "veldnet.test.inbox.>"] }'
    with server(f"authorization {{ users: [ {{ user: a, password: b, permissions: {rights} }} ] }}") as nats:
        async with bus(with_user(nats.url, "a:b")) as a:
            await until(lambda: a.problem is not None)
            assert a.problem is not None and "it needs veldnet.test.>" in a.problem


def tls(pair_of: Callable[[Path], object], folder: Path) -> str:
    pair_of(folder)
    return f'tls {{ cert_file: "{folder}/fullchain.pem", key_file: "{folder}/privkey.pem", timeout: 5 '


async def test_tls_with_an_own_authority_and_client_certificates(tmp_path: Path) -> None:
    config = tls(write_pair, tmp_path)
    mine = {
        name: str(tmp_path / file)
        for name, file in (("ca", "fullchain.pem"), ("certificate", "fullchain.pem"), ("key", "privkey.pem"))
    }
    with server(config + f', ca_file: "{tmp_path}/fullchain.pem", verify: true }}') as nats:
        url = nats.url.replace("nats:", "tls:")
        await comes_through(url, **mine)
        for wrong in ({}, {"ca": mine["ca"]}):
            with pytest.raises(BusError, match=f"NATS at 127.0.0.1:{nats.port} is not reached"):
                async with bus(url, **wrong):
                    pass


async def test_server_without_tls_is_not_told_the_password_where_tls_is_wanted() -> None:
    heard: list[bytes] = []

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b'INFO {"max_payload":1048576,"auth_required":true}\r\n')
        heard.append(await reader.read(1000))
        writer.close()

    listening = await asyncio.start_server(plain, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    with pytest.raises(BusError, match="secure connection not available"):
        async with bus(f"tls://node:s3cret@127.0.0.1:{port}"):
            pass
    await until(lambda: bool(heard))
    assert heard == [b""]
    listening.close()


@pytest.mark.parametrize(
    ("config", "user", "warned"),
    [
        ("", "node:s3cret", True),
        ("", "t0ken", True),
        ("authorization { user: node, password: s3cret }", "node:s3cret", False),
    ],
)
async def test_a_password_that_nats_does_not_ask_for_keeps_nobody_out(
    config: str, user: str, warned: bool
) -> None:
    with server(config) as nats, capture_logs() as logs:
        async with bus(with_user(nats.url, user)):
            pass
    place = f"127.0.0.1:{nats.port}"
    found = [(entry["log_level"], entry["server"]) for entry in logs if "no_password" in entry["event"]]
    assert found == ([("warning", place)] if warned else [])


async def test_nats_that_is_not_there_is_said_at_the_start() -> None:
    with server() as nats:
        nats.stop()
        with pytest.raises(BusError, match=f"NATS at 127.0.0.1:{nats.port} is not reached: .*"):
            async with bus(with_user(nats.url, "node:s3cret")):
                pass
