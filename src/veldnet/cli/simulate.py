"""`veldnet simulate`: virtual base stations and devices against any server, over its real protocols."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
import typer

from veldnet.lorawan import AesKey, DevEui, GatewayEui, JoinEui
from veldnet.lorawan.regions import REGIONS, region_named
from veldnet.simulator.air import Air, Attentive
from veldnet.simulator.backhaul import Backhaul, NotConnected
from veldnet.simulator.base_station import BaseStation
from veldnet.simulator.customer import Account, ApiProblem
from veldnet.simulator.device import Identity, NoncesUsedUp, VirtualDevice
from veldnet.simulator.permanent_memory import MemoryProblem, PermanentMemory, default_path
from veldnet.simulator.propagation import Place, Propagation
from veldnet.simulator.town import Town, TownPlan

from .given import AS_JSON
from .options import Json
from .output import console, fail
from .simulate_backhaul import (
    Authority,
    BasicsStation,
    BrokerAddress,
    BrokerPassword,
    BrokerUser,
    OneProtocol,
    Protocol,
    Reach,
    TopicPrefix,
    Udp,
)
from .simulate_network import adr_command, network_command
from .simulate_week import week_command
from .starting import run
from .town_view import TownView


def _say(event: str) -> None:
    """An event; with --json as a line of JSON."""
    typer.echo(msgspec.json.encode({"event": event}) if AS_JSON.get() else event)


async def _live(town: Town, view: TownView, duration: float | None) -> None:
    try:
        await view.settle(town)
        with view:
            await asyncio.sleep(duration if duration is not None else float("inf"))
    finally:
        await town.leave()


simulate = typer.Typer(
    help="Virtual base stations and devices, against any server.",
    no_args_is_help=True,
)

simulate.command("network")(network_command)
simulate.command("adr")(adr_command)
simulate.command("week")(week_command)


@simulate.command("town")
def town_command(
    account: Annotated[Path, typer.Option(help="Output of `veldnet sandbox --json`.")],
    http: Annotated[str, typer.Option(help="Base URL of the API.")] = "http://127.0.0.1:8080",
    protocol: Protocol = "semtech-udp",
    udp: Udp = "127.0.0.1:1700",
    basics_station: BasicsStation = "ws://127.0.0.1:8887",
    broker: BrokerAddress = None,
    broker_user: BrokerUser = "",
    broker_password: BrokerPassword = None,
    topic_prefix: TopicPrefix = "eu868",
    authority: Authority = None,
    base_stations: Annotated[
        int | None, typer.Option(min=1, max=50, help="Base stations; 3 for mixed, else 1.")
    ] = None,
    devices: Annotated[int, typer.Option(min=1, max=1000, help="Virtual devices.")] = 5,
    period: Annotated[float, typer.Option(min=1, help="Seconds between readings of a device.")] = 10,
    duration: Annotated[float | None, typer.Option(min=1, help="Stop after this many seconds.")] = None,
    seed: Annotated[int | None, typer.Option(help="Random seed for locations, payloads, channels.")] = None,
    as_json: Json = False,
) -> None:
    """Create devices over the API, let them send, and show their readings as they arrive. The server must
    allow private destinations, because the application server is on this machine. Base stations beside the
    account's are registered by its operator."""
    reach = Reach(
        protocol, udp, basics_station, broker, broker_user, broker_password, topic_prefix, authority
    )
    try:
        loaded = msgspec.json.decode(account.read_bytes(), type=Account)
        backhaul = reach.backhaul()
    except (OSError, msgspec.MsgspecError, ValueError, NotConnected) as error:
        fail(str(error))
    plan = TownPlan(base_stations or len(backhaul.protocols), devices, period)
    rng = random.SystemRandom() if seed is None else random.Random(seed)  # noqa: S311 - not for keys
    view = TownView(as_json=as_json)
    try:
        run(_live(Town(loaded, http, backhaul, plan, rng, view), view, duration))
    except (ApiProblem, NotConnected, OSError, TimeoutError) as error:
        fail(str(error) or "the server did not answer")
    except KeyboardInterrupt:
        return
    if not as_json:
        console.print(f"\n{view.readings} readings arrived.")


class _Access(NamedTuple):
    """The base station that hears the device, how it is connected, and its token."""

    gateway: GatewayEui
    backhaul: Backhaul
    token: str | None


class _Uplinks(msgspec.Struct, frozen=True):
    """What the device sends, and how often."""

    fport: int
    payload: bytes
    count: int
    period: float
    confirmed: bool


async def _speak(device: VirtualDevice, memory: PermanentMemory, access: _Access, uplinks: _Uplinks) -> None:
    """Join, then send, each time followed by the receive windows."""
    rng = random.SystemRandom()
    air = Air(Propagation(rng, shadowing=0.0))
    station = BaseStation(access.gateway, Place(0.0, 0.0))
    air.add(station)
    link = await access.backhaul.connect(station, access.backhaul.protocol(0), rng, access.token)
    place = Place(0.2, 0.0)

    def take(phy_payload: bytes, _snr: float) -> bool:
        received = device.receive(phy_payload)
        if received is None:
            return False
        if received.joined:
            _say(f"joined as {device.dev_addr}")
            return True
        parts = ["acknowledgement"] if received.ack else []
        parts += [command.NAME for command in received.commands]
        if received.payload:
            parts.append(f"{received.payload.hex()} on port {received.fport}")
        _say(f"received {', '.join(parts) or 'an empty frame'}")
        return True

    attentive = None
    if device.wanted_class == "C":
        attentive = Attentive(place, device.listens_always, take)
        air.attend(attentive)
    try:
        while not device.joined:
            request = device.join_request()
            memory.keep(device.dev_nonce)
            _say(f"join-request with DevNonce {device.dev_nonce}")
            await air.uplink(place, request, take)
        fport, payload = uplinks.fport, uplinks.payload
        for _ in range(uplinks.count):
            _say(f"uplink {device.fcnt_up} with {payload.hex()} on port {fport}")
            sent = device.uplink(fport, payload, confirmed=uplinks.confirmed)
            await air.uplink(place, sent, take, attentive)
            await asyncio.sleep(uplinks.period)
    finally:
        await link.close()


def _token(file: Path) -> str:
    """A token by itself, or in the header line of `tc.key`."""
    return file.read_text().strip().rpartition(" ")[2]


@simulate.command("device")
def device_command(
    dev_eui: Annotated[str, typer.Option(help="DevEUI, 16 hexadecimal digits.")],
    join_eui: Annotated[str, typer.Option(help="JoinEUI, 16 hexadecimal digits.")],
    app_key: Annotated[str, typer.Option(help="AppKey, 32 hexadecimal digits.")],
    base_station_eui: Annotated[str, typer.Option(help="EUI of a registered base station.")],
    nwk_key: Annotated[
        str | None, typer.Option(help="NwkKey, 32 hexadecimal digits, for a LoRaWAN 1.1 device.")
    ] = None,
    region: Annotated[str, typer.Option(help="Region of the device.")] = "EU868",
    device_class: Annotated[str, typer.Option(help="A or C.")] = "A",
    protocol: OneProtocol = "semtech-udp",
    udp: Udp = "127.0.0.1:1700",
    basics_station: BasicsStation = "ws://127.0.0.1:8887",
    station_token: Annotated[
        Path | None,
        typer.Option("--token-file", help="File with the base station's token for Basics Station."),
    ] = None,
    broker: BrokerAddress = None,
    broker_user: BrokerUser = "",
    broker_password: BrokerPassword = None,
    topic_prefix: TopicPrefix = "eu868",
    authority: Authority = None,
    fport: Annotated[int, typer.Option(min=1, max=223, help="FPort of its uplinks.")] = 1,
    payload: Annotated[str, typer.Option(metavar="HEX", help="Payload of its uplinks.")] = "48656c6c6f",
    count: Annotated[int, typer.Option(min=0, help="Uplinks to send.")] = 1,
    period: Annotated[float, typer.Option(min=0, help="Seconds between uplinks.")] = 1,
    confirmed: Annotated[bool, typer.Option("--confirmed", help="Ask for acknowledgements.")] = False,
    timeout: Annotated[float, typer.Option(help="Timeout in seconds.")] = 60,
    state: Annotated[
        Path | None,
        typer.Option(
            help="File in which the device keeps its DevNonce between runs; by default one for each DevEUI "
            "in the user's state directory."
        ),
    ] = None,
    dev_nonce: Annotated[
        int | None, typer.Option(min=0, max=0xFFFF, help="First DevNonce, instead of the next one.")
    ] = None,
) -> None:
    """Simulate one existing device: join, send, and print downlinks. As LoRaWAN 1.0.4 wants,
    its DevNonce rises with each join, also in the next run."""
    reach = Reach(
        protocol, udp, basics_station, broker, broker_user, broker_password, topic_prefix, authority
    )
    try:
        second = None if nwk_key is None else AesKey.parse(nwk_key)
        identity = Identity(DevEui.parse(dev_eui), JoinEui.parse(join_eui), AesKey.parse(app_key), second)
        gateway, backhaul = GatewayEui.parse(base_station_eui), reach.backhaul()
        token = None if station_token is None else _token(station_token)
        octets = bytes.fromhex(payload)
        if len(backhaul.protocols) > 1:
            raise NotConnected("a device has one base station: --protocol names one protocol")
    except (OSError, ValueError, NotConnected) as error:
        fail(str(error))

    table = region_named(region)
    if table is None:
        fail(f"region {region} is not one of {', '.join(REGIONS)}")
    if device_class not in ("A", "C"):
        fail(f"class {device_class} is not A or C; class B needs a base station that sends beacons")
    try:
        memory = PermanentMemory(state or default_path(identity.dev_eui), identity.dev_eui)
    except MemoryProblem as error:
        fail(str(error))
    device = VirtualDevice(
        identity,
        table,
        random.SystemRandom(),
        data_rate=table.adr_max_data_rate,
        device_class=device_class,
        dev_nonce=memory.dev_nonce if dev_nonce is None else dev_nonce - 1,
    )

    async def limited() -> None:
        async with asyncio.timeout(timeout):
            uplinks = _Uplinks(fport, octets, count, period, confirmed)
            await _speak(device, memory, _Access(gateway, backhaul, token), uplinks)

    try:
        run(limited())
    except TimeoutError:
        words = f"the device was not served within {timeout:g} seconds"
        if not device.joined:
            words += (
                f"; if it joined elsewhere, its DevNonce may have to be above {device.dev_nonce}: --dev-nonce"
            )
        fail(words)
    except (MemoryProblem, NoncesUsedUp, NotConnected) as error:
        fail(str(error))
