"""A base station that proves who it is to a broker by a certificate of the internal authority, with commands
and configuration as docs/chirpstack-mqtt.md has them: from the authority to frames, and to one that is
revoked."""

from __future__ import annotations

import json
import re
import shlex
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from tests.e2e.running import Client, RunningServer
from tests.e2e.test_chirpstack_mqtt import Field, joined, new_device, run
from tests.installation import sandbox
from tests.mosquitto import Broker, free_port
from veldnet.cli.main import app

_PAGE = Path(__file__).parents[2] / "docs" / "chirpstack-mqtt.md"
# Without a name of its own, and what a broker says to one that it lets in.
_CONNECT, _LET_IN = bytes.fromhex("100c00044d5154540402003c0000"), bytes.fromhex("20020000")


class Place:
    """A data directory, and what the page has somebody do with it. Files are in `folder` in place of /etc."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.data = folder, folder / "data"
        self.account = sandbox(self.data)
        self.page = (
            _PAGE.read_text().replace("broker.example.org", "localhost").replace("/etc/", f"{folder}/")
        )

    def admin(self, *arguments: str) -> Any:
        """What a command prints for programs."""
        done = CliRunner().invoke(
            app,
            ["admin", *arguments, "--data", str(self.data)],
            env={"VELDNET_KEYS__PROCESS": "false"},
        )
        assert done.exit_code == 0, done.output
        return done.stdout

    def follow(self, beginning: str) -> None:
        """Do what a block of commands says."""
        block = self.page[self.page.index(f"```\n{beginning}") :].split("```")[1]
        for line in block.strip().splitlines():
            self.admin(*shlex.split(line.removeprefix("veldnet admin ")))

    def broker(self) -> Broker:
        """The broker as the page configures it, at a port of this machine."""
        block = re.search(r"# mosquitto\.conf[^\n]*\n(.*?)\n# acl\n(.*?)```", self.page, re.DOTALL)
        assert block is not None
        port = free_port()
        (self.folder / "mosquitto" / "acl").write_text(block[2])
        text = block[1].replace("listener 8883", f"listener {port} 127.0.0.1")
        return Broker(self.folder / "mosquitto", f"user root\nlog_dest none\n{text}", port)

    def settings(self, port: int) -> dict[str, str]:
        """Of the server, by the page."""
        found = dict(re.findall(r"^(mqtt_(?:ca|certificate|key)) = \"(.*)\"$", self.page, re.MULTILINE))
        return {f"VELDNET_GATEWAYS__{name.upper()}": value for name, value in found.items()} | {
            "VELDNET_GATEWAYS__MQTT": f'["mqtts://localhost:{port}"]',
            "VELDNET_GATEWAYS__MQTT_ENFORCED": "true",
        }

    def presenting(self, certificate: str) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.folder / "mosquitto" / "ca.pem"))
        # Its handshake ends with the broker's judgement; that of 1.3 ends before, and the reason may be lost.
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(f"{self.folder}/{certificate}.crt", f"{self.folder}/{certificate}.key")
        return context


def lets_in(port: int, context: ssl.SSLContext) -> bool:
    """Whether a broker takes somebody. Raises `SSLError` with its reason."""
    with (
        socket.create_connection(("localhost", port), 10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as secured,
    ):
        secured.sendall(_CONNECT)
        return secured.recv(4) == _LET_IN


def test_a_certificate_of_the_internal_authority_is_enough_until_it_is_revoked(tmp_path: Path) -> None:
    place = Place(tmp_path)
    (tmp_path / "mosquitto").mkdir()
    place.follow('veldnet admin ca create "Example network"\nveldnet admin ca show')
    (station,) = json.loads(place.admin("base-station", "list", "--json"))
    place.admin("ca", "issue", station["id"], "--output", str(tmp_path))
    broker = place.broker()
    broker.start()
    server = RunningServer(place.data, **place.settings(broker.port))
    try:
        client = Client(server, place.account)
        client.activate()
        _ref, device = new_device(client)

        async def story() -> None:
            field = Field(place.account.base_station_eui, prefix="eu868")
            context = place.presenting(station["id"])
            await field.link.connect("localhost", broker.port, tls=context)
            await joined(field, device)
            field.hear(device.uplink(3, b"hello", confirmed=True))
            frame, _modulation = await field.downlink()
            answered = device.receive(frame)
            assert answered is not None and answered.ack
            await field.link.close()

        run(story)
        [issued] = [each for each in json.loads(place.admin("ca", "list", "--json")) if each["baseStationId"]]
        place.admin("ca", "revoke", issued["serial"])
        assert lets_in(broker.port, place.presenting(station["id"])), "the broker knows nothing of it yet"
        place.admin("ca", "revocations", "--output", str(tmp_path / "mosquitto" / "ca.crl"))
        broker.stop()
        broker.start()
        with pytest.raises(ssl.SSLError, match=r"(?i)revoked"):
            lets_in(broker.port, place.presenting(station["id"]))
        assert lets_in(broker.port, place.presenting("veldnet/broker/server"))
    finally:
        assert server.stop() == 0
        broker.stop()
