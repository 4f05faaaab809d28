"""Base stations behind a real broker: joins, both windows, class C, a broker that goes and comes, garbage."""

from __future__ import annotations

import asyncio
import contextlib
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, NamedTuple

import pytest

from tests.e2e import radio
from tests.e2e.running import Client, RunningServer
from tests.e2e.test_basics_station import Authority
from tests.mosquitto import PASSWORD, SERVER_USER, Mosquitto
from tests.person import Person
from veldnet.assembly.inspection import inspect
from veldnet.gateways.chirpstack_mqtt import BrokerOptions, broker_problem
from veldnet.lorawan import GatewayEui
from veldnet.lorawan.modulation import Lora, Modulation
from veldnet.settings import GatewaySettings, Settings
from veldnet.simulator.base_station import BaseStation
from veldnet.simulator.customer import Account
from veldnet.simulator.device import Transmission, VirtualDevice
from veldnet.simulator.mqtt_link import MqttLink
from veldnet.simulator.propagation import Heard, Place

KEY = "4E9D10B76C2A385FF1074BD29E6C8A35"
CLASS_C = "LORA/GenericC.1_ETSI_Rx2-SF9"
OTHER, UNKNOWN = "0059AC00000000AA", "0059AC00000000AB"
_NUMBERS = iter(range(0x900, 0x9FF))


class Setting(NamedTuple):
    """The server, its two brokers, and who uses them. The server shares its subscriptions."""

    server: RunningServer
    broker: Mosquitto
    second: Mosquitto
    authority: Authority
    account: Account
    operator: Person


@pytest.fixture(scope="module")
def setting(data: Any, account: Account, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    folder = tmp_path_factory.mktemp("broker")
    authority = Authority(folder, "Field")
    users = tuple(f"{int(GatewayEui.parse(eui)):016x}" for eui in (account.base_station_eui, OTHER, UNKNOWN))
    broker = Mosquitto(folder / "mosquitto", users, (authority.file, *authority.issue("broker")))
    second = Mosquitto(folder / "second", users)
    broker.start()
    second.start()
    certificate, key = authority.issue("server")
    server = RunningServer(
        data,
        VELDNET_GATEWAYS__MQTT=f'["mqtts://localhost:{broker.tls_port}", "mqtt://localhost:{second.port}"]',
        VELDNET_GATEWAYS__MQTT_SHARE="servers",
        VELDNET_GATEWAYS__MQTT_USERNAME=SERVER_USER,
        VELDNET_GATEWAYS__MQTT_PASSWORD_FILE=str(broker.password_file),
        VELDNET_GATEWAYS__MQTT_CA=authority.file,
        VELDNET_GATEWAYS__MQTT_CERTIFICATE=certificate,
        VELDNET_GATEWAYS__MQTT_KEY=key,
        VELDNET_GATEWAYS__MQTT_ENFORCED="true",
        VELDNET_CONSOLE__RATE_LIMIT="0",
    )
    username = account.thingpark_username.replace("sandbox", "operator")
    operator = Person(server, username, account.thingpark_password)
    operator.call("POST", "/api/v1/operator/baseStations", {"gatewayEUI": OTHER, "name": "other"})
    yield Setting(server, broker, second, authority, account, operator)
    assert server.stop() == 0
    broker.stop()
    second.stop()


@pytest.fixture(scope="module")
def server(setting: Setting) -> RunningServer:
    return setting.server


class Field:
    """A base station in the field, and the devices beside it."""

    def __init__(self, eui: str, **options: Any) -> None:
        self.station = BaseStation(GatewayEui.parse(eui), Place(0, 0))
        self.link = MqttLink(self.station, random.Random(7), **options)
        self.station.on_air = self._on_air
        self.sent: asyncio.Queue[tuple[bytes, Modulation]] = asyncio.Queue()

    def _on_air(
        self, _station: BaseStation, frame: bytes, _hz: int, modulation: Modulation, _power: float, _at: float
    ) -> None:
        self.sent.put_nowait((frame, modulation))

    async def connect(self, broker: Mosquitto, **options: Any) -> None:
        credentials = (self.link.name, PASSWORD)
        port = broker.tls_port if "tls" in options else broker.port
        await self.link.connect("localhost", port, credentials=credentials, **options)

    def hear(self, sent: Transmission) -> None:
        self.station.hear(sent.phy_payload, sent.frequency, sent.modulation, Heard(-60, 8.0))

    async def downlink(self, seconds: float = 8.0) -> tuple[bytes, Modulation]:
        return await asyncio.wait_for(self.sent.get(), seconds)


def run(story: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(60):
            await story()

    asyncio.run(limited())


def new_device(client: Client, **changes: Any) -> tuple[str, VirtualDevice]:
    routes = [{"contentType": "JSON", "addresses": ["http://127.0.0.1:9/nobody"]}]
    number = next(_NUMBERS)
    routing = client.call("POST", "/routingProfiles", {"name": f"nobody {number}", "routes": routes})["id"]
    body = client.device_body(number, applicationKey=KEY, routingProfileId=routing, **changes)
    ref = client.call("POST", "/devices", body)["ref"]
    return ref, radio.device(body["EUI"], KEY)


async def joined(field: Field, device: VirtualDevice) -> None:
    """Join as a device does: again and again."""
    for _ in range(10):
        field.hear(device.join_request())
        try:
            frame, _modulation = await field.downlink(6.5)
        except TimeoutError:
            continue
        device.receive(frame)
        if device.joined:
            return
    raise AssertionError("the device does not join")


@pytest.mark.parametrize(("version", "as_json"), [("5", False), ("3.1.1", True)])
def test_a_device_joins_and_is_answered_in_both_windows_and_at_any_time(
    setting: Setting, client: Client, version: str, as_json: bool
) -> None:
    person = Person(setting.server, setting.account.thingpark_username, setting.account.thingpark_password)
    ref, device = new_device(client, deviceProfileId=CLASS_C)

    def outcomes() -> list[str]:
        frames = person.call("GET", f"/api/v1/devices/{ref}/frames")
        return [frame["outcome"] for frame in frames if frame["kind"] == "downlink"]

    async def story() -> None:
        prefix = "" if as_json else "eu868"
        field = Field(setting.account.base_station_eui, prefix=prefix, as_json=as_json)
        if as_json:
            await field.connect(setting.broker, version=version)
        else:
            context = setting.authority.trusting(setting.authority.issue(field.link.name))
            await field.connect(setting.broker, version=version, tls=context)
        field.link.tell_statistics()
        await joined(field, device)
        field.hear(device.uplink(3, b"hello", confirmed=True))
        frame, modulation = await field.downlink()
        answered = device.receive(frame)
        assert answered is not None and answered.ack and modulation == Lora(7, 125)

        # The first window is refused, so that the second is used.
        transmit = field.station.transmit

        def refuse_once(*_arguments: Any, **_named: Any) -> str:
            field.station.transmit = transmit  # type: ignore[method-assign]
            return "COLLISION_PACKET"

        field.station.transmit = refuse_once  # type: ignore[method-assign]
        field.hear(device.uplink(3, b"again", confirmed=True))
        frame, modulation = await field.downlink()
        answered = device.receive(frame)
        assert answered is not None and answered.ack and modulation == Lora(9, 125)
        assert field.link.statuses[-2:] == [["OK", "IGNORED"], ["COLLISION_PACKET", "OK"]]

        # Class C: at any time.
        path = f"/api/v1/devices/{ref}"
        session = (await asyncio.to_thread(person.call, "GET", f"{path}/session"))["session"]
        downlink = {"payload": "c0ffee", "fPort": 7, "fCntDn": session["nFcntDown"]}
        await asyncio.to_thread(person.call, "POST", f"{path}/downlinks", downlink)
        frame, modulation = await field.downlink()
        received = device.receive(frame)
        assert received is not None and received.fport == 7
        timing = field.link.commands[-1][1]["items"][0]["txInfo"]["timing"]
        assert timing == {"immediately": {}}
        # The base station says that it took the frames, and the journal that they were sent.
        while await asyncio.to_thread(outcomes) != ["sent"] * 3:
            await asyncio.sleep(0.1)
        await field.link.close()

    run(story)


def refused(operator: Person, eui: str) -> tuple[int, str | None]:
    listed = operator.call("GET", "/api/v1/operator/baseStations")
    station = next(each for each in listed if each["gatewayEUI"] == eui)
    return int(station["refusedFrames"]), station.get("lastRefusal")


def test_what_is_no_message_is_counted_and_an_unknown_one_is_listed(setting: Setting) -> None:
    garbage = (
        ("event/up", b""), ("event/up", b"\xff" * 40), ("event/up", b"{" * 1000), ("event/up", b"[]"),
        ("event/up", b'{"rxInfo": {"gatewayId": 5}}'), ("event/up", bytes(40_000)), ("event/stats", b"\x08"),
        ("event/ack", b"\x10\x01\x32\x10" + OTHER.lower().encode()),
    )  # fmt: skip

    async def story() -> None:
        field, unknown_one = Field(OTHER), Field(UNKNOWN)
        await field.connect(setting.broker)
        await unknown_one.connect(setting.broker)
        for kind, octets in garbage:
            field.link.publish(kind, octets)
        unknown_one.link.tell_statistics()
        end = time.monotonic() + 30
        waiting = "/api/v1/operator/baseStations/unknown"
        while True:
            assert time.monotonic() < end, "each is counted at its base station, and the unknown one listed"
            counted, _why = await asyncio.to_thread(refused, setting.operator, OTHER)
            listed = await asyncio.to_thread(setting.operator.request, "GET", waiting)
            if counted == len(garbage) and UNKNOWN in listed.text:
                break
            await asyncio.sleep(0.1)
        await field.link.close()
        await unknown_one.link.close()

    run(story)
    log = setting.server.log.read_text()
    assert "Traceback" not in log and "defect" not in log


def test_a_base_station_moves_to_another_broker_of_the_server(setting: Setting, client: Client) -> None:
    _ref, device = new_device(client)

    async def story() -> None:
        for broker in (setting.broker, setting.second, setting.broker):
            field = Field(setting.account.base_station_eui)
            await field.connect(broker)
            if not device.joined:
                await joined(field, device)
            for _ in range(10):
                # Again where the machine was too busy to answer within the receive windows.
                field.hear(device.uplink(3, b"hello", confirmed=True))
                with contextlib.suppress(TimeoutError):
                    frame, _modulation = await field.downlink(6.5)
                    answered = device.receive(frame)
                    assert answered is not None and answered.ack
                    break
            else:
                raise AssertionError("it is not answered behind that broker")
            await field.link.close()

    run(story)


def test_a_broker_that_goes_and_comes_back(setting: Setting, client: Client) -> None:
    _ref, device = new_device(client)

    async def story() -> None:
        field = Field(setting.account.base_station_eui)
        await field.connect(setting.broker)
        await joined(field, device)
        field.link.connected.clear()
        setting.broker.stop()
        setting.broker.start()
        await field.link.connected.wait()
        for _ in range(10):
            # The first may come before the server is back.
            field.hear(device.uplink(3, b"hello", confirmed=True))
            try:
                frame, _modulation = await field.downlink(2.5)
            except TimeoutError:
                continue
            answered = device.receive(frame)
            assert answered is not None and answered.ack
            break
        else:
            raise AssertionError("the server does not come back to its broker")
        await field.link.close()

    run(story)
    assert setting.server.connect().get("/readyz").status_code == 200


def test_a_broker_that_refuses_is_a_problem_with_its_reason(setting: Setting) -> None:
    async def tried(**options: Any) -> str | None:
        return await broker_problem(BrokerOptions("localhost", **options))

    async def story() -> None:
        plain, over_tls = setting.broker.port, setting.broker.tls_port
        named = {"username": SERVER_USER, "filters": ("gateway/+/event/up",)}
        for version in ("5", "3.1.1"):
            words = await tried(port=plain, version=version, password="wrong", **named)
            assert words == "the broker refused the connection: Not authorized"
        wrong = ssl.create_default_context()
        untrusted = await tried(port=over_tls, tls=wrong, password=PASSWORD, **named)
        assert untrusted is not None and "self-signed certificate" in untrusted
        nobody = await tried(port=1, password=PASSWORD, **named)
        assert nobody is not None and "refused" in nobody

        # As `veldnet check` tells.
        def settings(address: str) -> Settings:
            password = str(setting.broker.password_file)
            gateways = GatewaySettings(
                mqtt=(address,), mqtt_username=SERVER_USER, mqtt_password_file=password
            )
            return Settings(data=str(setting.server.data), gateways=gateways)

        for address, level in ((f"mqtt://localhost:{plain}", "ok"), ("mqtt://localhost:1", "problem")):
            (found,) = [each for each in await inspect(settings(address)) if each.check == "brokers"]
            assert found.level == level and address in found.text
        (found,) = [each for each in await inspect(settings("broker")) if each.check == "brokers"]
        assert "write mqtt://HOST:1883" in found.text

    run(story)
