"""Connections with TLS to Mosquitto and NATS, and what is said where something is wrong."""

from __future__ import annotations

import json
import ssl
import threading
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from nats.aio.client import Client
from paho.mqtt.client import Client as MqttClient
from paho.mqtt.enums import CallbackAPIVersion

from tests.certificates import Pair, write_pair
from tests.contract.test_connections import flowing
from tests.mosquitto import Mosquitto
from tests.nats_server import NatsServer
from veldnet.domain.flows import ConnectionSecrets, ConnectionSettings, FlowSettings


class Watcher:
    """Takes what a broker sends to a client of its own; `True` where it was retained."""

    def __init__(self, port: int) -> None:
        self.taken: list[tuple[int, bool]] = []
        self._client = MqttClient(CallbackAPIVersion.VERSION2)
        self._client.on_message = self._take
        self._subscribed = threading.Event()
        self._client.on_subscribe = lambda *_rest: self._subscribed.set()
        self._client.connect("127.0.0.1", port)
        self._client.loop_start()
        self._client.subscribe("things/#", 2)
        assert self._subscribed.wait(10)

    def _take(self, _client: Any, _data: Any, message: Any) -> None:
        self.taken.append((json.loads(message.payload)["DevEUI_uplink"]["FCntUp"], message.retain))

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


def _pair(folder: Path, name: str) -> Pair:
    (folder / name).mkdir()
    return write_pair(folder / name, name=f"{name}.example")


async def test_a_broker_that_wants_a_certificate(tmp_path: Path) -> None:
    server, own, foreign = (_pair(tmp_path, name) for name in ("broker", "own", "foreign"))
    files = str(own.certificate), str(server.certificate), str(server.key)
    broker = Mosquitto(tmp_path / "mosquitto", (), files, anonymous=True)
    broker.start()
    watcher = Watcher(broker.port)
    settings = ConnectionSettings(
        type="MQTT",
        address=f"mqtts://127.0.0.1:{broker.tls_port}",
        ca_certificate=server.certificate.read_text(),
        client_certificate=own.certificate.read_text(),
        topic="things/{DevEUI}/{FPort}",
        qos=2,
        retain=True,
    )
    secrets = ConnectionSecrets(client_key=own.key.read_text())
    async with flowing(tmp_path) as network:
        for wrong, private, words in (
            (replace(settings, ca_certificate=foreign.certificate.read_text()), secrets, "is not accepted"),
            (
                replace(settings, client_certificate=foreign.certificate.read_text()),
                ConnectionSecrets(client_key=foreign.key.read_text()),
                "",
            ),
            (replace(settings, client_certificate=""), None, ""),
        ):
            # The device of the test is no one's: nothing waits for these.
            ref = await network.connection(wrong, FlowSettings(tags=("none",)), private)
            condition = network.open_connections.conditions[ref]
            await network.until(lambda each=condition: each.status == "ERROR")  # type: ignore[misc]
            assert condition.reason is not None and words in condition.reason
            assert condition.delivered == 0
        ref = await network.connection(settings, FlowSettings(), secrets)
        web = f"wss://127.0.0.1:{broker.web_port}/mqtt"
        await network.connection(
            replace(settings, address=web, qos=0, retain=False, version="3.1.1"),
            FlowSettings(tags=("cold",)),
            secrets,
        )
        await network.hear(1, 2)
        await network.until(lambda: watcher.taken == [(1, False), (2, False)])
        await network.hear(3, tags=("cold",))
        await network.until(lambda: watcher.taken[2:] == [(3, False)] * 2)
        await network.until(lambda: network.deliveries.pending == 0)
        await network.until(lambda: network.open_connections.conditions[ref].delivered == 3)
        late = Watcher(broker.port)
        await network.until(lambda: late.taken == [(3, True)])
        late.close()
    watcher.close()
    broker.stop()


async def test_reasons_of_nats(tmp_path: Path) -> None:
    server, own, foreign = (_pair(tmp_path, name) for name in ("server", "own", "foreign"))
    tls = f'tls {{ cert_file: "{server.certificate}", key_file: "{server.key}", '
    tls += f'ca_file: "{own.certificate}", verify: true }}'
    access = 'authorization { user: "u", password: "p" }'
    nats = NatsServer(f'{tls}\n{access}\njetstream {{ store_dir: "{tmp_path}/stream" }}')
    right = ConnectionSettings(
        type="NATS",
        address=nats.url.replace("nats:", "tls:"),
        ca_certificate=server.certificate.read_text(),
        client_certificate=own.certificate.read_text(),
        topic="things/{DevEUI}",
        username="u",
    )
    password = ConnectionSecrets(password="p", client_key=own.key.read_text())
    bare = replace(password, client_key="")
    strange = replace(password, client_key=foreign.key.read_text())
    async with flowing(tmp_path) as network:
        for settings, secrets, words in (
            (replace(right, ca_certificate=foreign.certificate.read_text()), password, "is not accepted"),
            (right, replace(password, password="wrong"), "refused user name or password"),
            (replace(right, client_certificate=""), bare, "for a client certificate"),
            (replace(right, client_certificate=foreign.certificate.read_text()), strange, ""),
            (replace(right, downlinks=True, client_id="x"), password, "no stream takes the subject of down"),
        ):
            ref = await network.connection(settings, FlowSettings(tags=("none",)), secrets)
            condition = network.open_connections.conditions[ref]
            await network.until(lambda each=condition: each.status == "ERROR")  # type: ignore[misc]
            assert condition.reason is not None and words in condition.reason
        ref = await network.connection(right, FlowSettings(), password)
        condition = network.open_connections.conditions[ref]
        await network.until(lambda: condition.status == "ACTIVE")
        # A connection over which nothing goes does not work, and works again when it does.
        await network.hear(1)
        await network.until(lambda: "no stream takes the subject things." in str(condition.reason))
        client = Client()
        trusted = ssl.create_default_context(cafile=str(server.certificate))
        trusted.load_cert_chain(own.certificate, own.key)
        await client.connect(right.address, user="u", password="p", tls=trusted)
        await client.jetstream().add_stream(name="things", subjects=["things.>"])
        await network.until(lambda: condition.status == "ACTIVE" and condition.reason is None)
        await network.until(lambda: network.deliveries.pending == 0)
        await client.close()
    nats.close()
