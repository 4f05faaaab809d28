"""Connections to InfluxDB: version 1 as Debian has it, what is asked of version 2, and VictoriaMetrics, which
takes what that takes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from tests.contract.test_connections_to_tables import connected, message
from tests.influx_server import PASSWORD, USER, InfluxApplication, VictoriaMetrics
from tests.unit.outgoing.servers import serving
from veldnet.connections import Outgoing
from veldnet.domain.flows import ConnectionSecrets, ConnectionSettings

real = pytest.mark.skipif(
    "TEST_CONNECTIONS" not in os.environ, reason="InfluxDB is not installed everywhere: make test-connections"
)


@pytest.fixture
async def influx(tmp_path: Path) -> AsyncIterator[InfluxApplication]:
    made = InfluxApplication(tmp_path / "influx", access=True)
    await made.start()
    yield made
    await made.close()


def _named(number: int, name: str) -> Outgoing:
    made = message(number, '{"n": 1}')
    return replace(made, values={**made.values, "deviceName": name})


@real
async def test_points_are_there_once_and_one_that_is_refused_harms_none(influx: InfluxApplication) -> None:
    settings = replace(influx.settings, username=USER)
    async with connected(settings, secrets=ConnectionSecrets(password=PASSWORD)) as transport:
        assert (await transport.deliver(message(1, '{"n": 1}'))).delivered
        # The field is a number now: of those that are written together one is refused.
        bodies = ['{"n": 2}', '{"n": "two"}', '{"n": 3, "x": true}', "{}", f"[{'1,' * 600}1]"]
        sent = [transport.deliver(message(number, body)) for number, body in enumerate(bodies, 2)]
        outcomes = await asyncio.gather(*sent)
        assert [each.delivered for each in outcomes] == [True, False, True, False, False]
        assert {each.refusal for each in outcomes if not each.delivered} == {"never"}
        assert "field type conflict" in str(outcomes[1].error), outcomes[1]
        assert outcomes[3].error == "the message has no values"
        assert "more than 500 values" in str(outcomes[4].error)
        assert transport.condition.status == "ACTIVE"
        # It is sent again, and is there once.
        assert (await transport.deliver(message(4, '{"n": 3, "x": true}'))).delivered
        rows = influx.query("SELECT n, x, dev_eui, f_port, event FROM up")
        tags = {"dev_eui": "0059AC0000000001", "f_port": "3", "event": "uplink"}
        times = [row.pop("time") for row in rows]
        assert times == [1_700_000_000_123_000_000 + number for number in (1, 2, 4)]
        assert rows == [{"n": 1} | tags, {"n": 2} | tags, {"n": 3, "x": True} | tags]


@real
async def test_no_name_becomes_more_than_a_name(influx: InfluxApplication) -> None:
    names = [
        "a,b=c d",
        "x\\",
        'q"',
        "two\nup,dev_eui=1 n=9",
        "é 🌡",
        "#",
        "=",
        ",",
        " ",
        "'; DROP SERIES FROM up --",
    ]
    settings = replace(influx.settings, username=USER)
    async with connected(settings, secrets=ConnectionSecrets(password=PASSWORD)) as transport:
        sent = [transport.deliver(_named(number, name)) for number, name in enumerate(names)]
        assert all(each.delivered for each in await asyncio.gather(*sent))
        rows = influx.query("SELECT n, device FROM up")
        assert [row["device"] for row in rows] == [
            name.replace("\\", "_").replace("\n", "_") for name in names
        ]
        assert [row["n"] for row in rows] == [1] * len(names)


@real
async def test_reasons(influx: InfluxApplication) -> None:
    named = replace(influx.settings, username=USER)
    right = ConnectionSecrets(password=PASSWORD)
    none = named.options | {"bucket": "none"}
    for settings, secrets, words in (
        (
            named,
            ConnectionSecrets(password="wrong"),
            "refused token, user name or password: authorization failed",
        ),
        (influx.settings, None, "refused token, user name or password: unable to parse authentication"),
        (replace(named, options=none), right, "no such bucket, database or organization: database not found"),
    ):
        async with connected(settings, secrets=secrets) as transport:
            outcome = await transport.deliver(message(1, '{"n": 1}'))
            assert words in str(outcome.error) and outcome.refusal == "message", outcome
            assert transport.condition.status == "ERROR"
    async with connected(named, private=False) as transport:
        assert "not a public address" in str((await transport.deliver(message(1, "1"))).error)


@real
async def test_points_by_the_interface_of_version_2(tmp_path: Path) -> None:
    server = VictoriaMetrics(tmp_path)
    names = ["a,b=c d", 'q"', "é 🌡", "=", ","]
    options: dict[str, str | int | bool] = {"bucket": "my bucket", "organization": "Org & Co"}
    settings = ConnectionSettings(type="INFLUXDB", address=server.url, options=options)
    try:
        async with connected(settings, secrets=ConnectionSecrets(options={"token": "s3cret=="})) as transport:
            sent = [transport.deliver(_named(number, name)) for number, name in enumerate(names)]
            assert all(each.delivered for each in await asyncio.gather(*sent))
            assert transport.condition.status == "ACTIVE"
        found = {point["metric"]["device"]: point for point in server.points()}
    finally:
        server.close()
    assert found.keys() == set(names)
    for number, name in enumerate(names):
        labels = {"__name__": "lorawan_n", "dev_eui": "0059AC0000000001", "event": "uplink", "f_port": "3"}
        assert labels.items() <= found[name]["metric"].items(), found[name]
        # It keeps milliseconds; messages are nanoseconds apart.
        assert (found[name]["timestamps"], found[name]["values"]) == ([1_700_000_000_123], [1]), number


async def test_what_is_asked_of_version_2() -> None:
    said = b'{"code":"invalid","message":"partial write: points beyond retention policy dropped=1"}'
    answers = {
        0: b"HTTP/1.1 204 No Content\r\n\r\n",
        1: b"HTTP/1.1 422 Unprocessable\r\nContent-Length: %d\r\n\r\n%s" % (len(said), said),
        2: b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n",
    }
    async with serving(lambda number: [answers[number]]) as server:
        options: dict[str, str | int | bool] = {"bucket": "my bucket", "organization": "Org & Co"}
        settings = ConnectionSettings(type="INFLUXDB", address=f"{server.address}/", options=options)
        secrets = ConnectionSecrets(options={"token": "s3cret=="})
        async with connected(settings, secrets=secrets) as transport:
            outcomes = [await transport.deliver(message(number, '{"n": 1}')) for number in range(3)]
        assert [(each.delivered, each.refusal, each.retry_after) for each in outcomes] == [
            (True, None, None),
            (False, "never", None),
            (False, "busy", 7.0),
        ]
        assert "points beyond retention policy" in str(outcomes[1].error)
        head, _empty, body = server.requests[0].decode().partition("\r\n\r\n")
        assert head.startswith("POST /as/api/v2/write?org=Org+%26+Co&bucket=my+bucket&precision=ns HTTP/1.1")
        assert "Authorization: Token s3cret==" in head
        assert body == "lorawan,dev_eui=0059AC0000000001,event=uplink,f_port=3 n=1.0 1700000000123000000\n"
        assert "s3cret" not in "".join(str(each) for each in outcomes)
