"""`veldnet simulate device`: one virtual device that joins and sends, over a real protocol."""

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
from veldnet.simulator.device import Identity, NoncesUsedUp, VirtualDevice
from veldnet.simulator.permanent_memory import MemoryProblem, PermanentMemory, default_path
from veldnet.simulator.propagation import Place, Propagation

from .given import AS_JSON
from .output import fail
from .simulate_backhaul import OneReach
from .starting import run


def _say(event: str) -> None:
    """An event; with --json as a line of JSON."""
    typer.echo(msgspec.json.encode({"event": event}) if AS_JSON.get() else event)


class Keys(msgspec.Struct, frozen=True):
    """Who the device is."""

    dev_eui: Annotated[str, typer.Option(help="DevEUI, 16 hexadecimal digits.")]
    join_eui: Annotated[str, typer.Option(help="JoinEUI, 16 hexadecimal digits.")]
    app_key: Annotated[str, typer.Option(help="AppKey, 32 hexadecimal digits.")]
    nwk_key: Annotated[
        str | None, typer.Option(help="NwkKey, 32 hexadecimal digits, for a LoRaWAN 1.1 device.")
    ] = None

    def identity(self) -> Identity:
        second = None if self.nwk_key is None else AesKey.parse(self.nwk_key)
        return Identity(
            DevEui.parse(self.dev_eui), JoinEui.parse(self.join_eui), AesKey.parse(self.app_key), second
        )


class Hardware(msgspec.Struct, frozen=True):
    """How it works, and what it remembers."""

    region: Annotated[str, typer.Option(help="Region of the device.")] = "EU868"
    device_class: Annotated[str, typer.Option(help="A or C.")] = "A"
    state: Annotated[
        Path | None,
        typer.Option(
            help="File in which the device keeps its DevNonce between runs; by default one for each DevEUI "
            "in the user's state directory."
        ),
    ] = None
    dev_nonce: Annotated[
        int | None, typer.Option(min=0, max=0xFFFF, help="First DevNonce, instead of the next one.")
    ] = None

    def device(self, identity: Identity) -> tuple[VirtualDevice, PermanentMemory]:
        """Raises `ValueError` and `MemoryProblem`, which say what is wrong."""
        table = region_named(self.region)
        if table is None:
            raise ValueError(f"region {self.region} is not one of {', '.join(REGIONS)}")
        if self.device_class not in ("A", "C"):
            raise ValueError(
                f"class {self.device_class} is not A or C; class B needs a base station that sends beacons"
            )
        memory = PermanentMemory(self.state or default_path(identity.dev_eui), identity.dev_eui)
        device = VirtualDevice(
            identity,
            table,
            random.SystemRandom(),
            data_rate=table.adr_max_data_rate,
            device_class=self.device_class,
            dev_nonce=memory.dev_nonce if self.dev_nonce is None else self.dev_nonce - 1,
        )
        return device, memory


class Station(msgspec.Struct, frozen=True):
    """The base station that hears it."""

    base_station_eui: Annotated[str, typer.Option(help="EUI of a registered base station.")]
    token_file: Annotated[
        Path | None, typer.Option(help="File with the base station's token for Basics Station.")
    ] = None

    def access(self, backhaul: Backhaul) -> _Access:
        token = None if self.token_file is None else _token(self.token_file)
        if len(backhaul.protocols) > 1:
            raise NotConnected("a device has one base station: --protocol names one protocol")
        return _Access(GatewayEui.parse(self.base_station_eui), backhaul, token)


class Uplinks(msgspec.Struct, frozen=True):
    """What it sends, and how often."""

    fport: Annotated[int, typer.Option(min=1, max=223, help="FPort of its uplinks.")] = 1
    payload: Annotated[str, typer.Option(metavar="HEX", help="Payload of its uplinks.")] = "48656c6c6f"
    count: Annotated[int, typer.Option(min=0, help="Uplinks to send.")] = 1
    period: Annotated[float, typer.Option(min=0, help="Seconds between uplinks.")] = 1
    confirmed: Annotated[bool, typer.Option("--confirmed", help="Ask for acknowledgements.")] = False


class _Access(NamedTuple):
    """The base station that hears the device, how it is connected, and its token."""

    gateway: GatewayEui
    backhaul: Backhaul
    token: str | None


async def _speak(
    device: VirtualDevice, memory: PermanentMemory, access: _Access, uplinks: Uplinks, payload: bytes
) -> None:
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
        fport = uplinks.fport
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


def device_command(
    keys: Keys,
    station: Station,
    reach: OneReach,
    hardware: Hardware,
    uplinks: Uplinks,
    timeout: Annotated[float, typer.Option(help="Timeout in seconds.")] = 60,
) -> None:
    """Simulate one existing device: join, send, and print downlinks. As LoRaWAN 1.0.4 wants,
    its DevNonce rises with each join, also in the next run."""
    try:
        identity = keys.identity()
        access = station.access(reach.backhaul())
        payload = bytes.fromhex(uplinks.payload)
        device, memory = hardware.device(identity)
    except (OSError, ValueError, NotConnected, MemoryProblem) as error:
        fail(str(error))

    async def limited() -> None:
        async with asyncio.timeout(timeout):
            await _speak(device, memory, access, uplinks, payload)

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
