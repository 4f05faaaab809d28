"""A small town of virtual devices around some base stations, run against a server over its real protocols."""

from __future__ import annotations

import asyncio
import math
import random
import secrets
import time
from collections.abc import Callable
from typing import Protocol

import aiohttp
import msgspec

from veldnet.lorawan import AesKey, DevEui, GatewayEui, JoinEui
from veldnet.lorawan.regions import EU868

from .air import Air
from .application_server import ApplicationServer, DecodedUplink
from .backhaul import Backhaul
from .base_station import BaseStation
from .base_station_sites import Sites
from .customer import Account, Customer
from .device import Identity, Received, VirtualDevice
from .life import DeviceLife, Habits
from .propagation import Place, Propagation
from .sensors import MODELS

_PLACES = ("Markt", "Station", "Haven", "Molen", "Kerk", "Dijk", "Sluis", "Brug", "Veld", "Park")


def _random_as_key() -> str:
    """32 digits that no check of their regularity can refuse: each of the sixteen comes twice."""
    return "".join(secrets.SystemRandom().sample("0123456789abcdef" * 2, 32))


# Where the town lies, in degrees, and kilometres of a degree there.
_LATITUDE, _LONGITUDE = 52.0907, 5.1214
_KM_NORTH, _KM_EAST = 111.2, 68.4
# Of so many devices one has no HSM group, so that the network reads it and a decoder shows its values.
_PLAIN_EVERY = 3

DECODER = """// The town's sensors, each on a port of its own.
function decodeUplink(input) {
  const view = new DataView(new Uint8Array(input.bytes).buffer);
  switch (input.fPort) {
    case 2:
      return { data: { temperature: view.getInt16(0) / 100, humidity: view.getUint8(2) / 2, battery: view.getUint16(3) / 1000 } };
    case 5:
      return { data: { latitude: view.getInt32(0) / 1e6, longitude: view.getInt32(4) / 1e6, speed: view.getUint8(8) } };
    case 7:
      return { data: { occupied: view.getUint8(0) === 1, minutes: view.getUint16(1) } };
    case 10:
      return { data: { total: view.getUint32(0) / 1000, used: view.getUint16(4), leak: view.getUint8(6) === 1 } };
    default:
      return { errors: ["no sensor of the town sends on port " + input.fPort] };
  }
}
"""  # noqa: E501


def degrees(place: Place) -> tuple[float, float]:
    """Latitude and longitude of a place of the town."""
    return round(_LATITUDE + place.y / _KM_NORTH, 5), round(_LONGITUDE + place.x / _KM_EAST, 5)


def station_place(number: int) -> Place:
    """Where base station `number` stands, from 0; the first is in the middle."""
    if not number:
        return Place(0, 0)
    angle = (number - 1) * 2.0944 + 0.6
    far = 1.8 + 0.9 * ((number - 1) // 3)
    return Place(far * math.cos(angle), far * math.sin(angle))


class TownPlan(msgspec.Struct, frozen=True):
    """So many base stations and devices, and the seconds between readings of a device."""

    stations: int
    devices: int
    period: float


class Onlooker(Protocol):
    """Hears of readings as they arrive, of what devices do, and of messages that the application server
    cannot read."""

    def decoded(self, uplink: DecodedUplink) -> None: ...
    def event(self, what: str, device: VirtualDevice, received: Received | None) -> None: ...
    def problem(self, text: str) -> None: ...


class Town:
    """Base stations, devices and an application server. The first base station is the account's, the EUIs of
    the others follow it."""

    def __init__(
        self,
        account: Account,
        http: str,
        backhaul: Backhaul,
        plan: TownPlan,
        rng: random.Random,
        onlooker: Onlooker,
    ) -> None:
        self._account = account
        self._http = http
        self._plan = plan
        self._sites = Sites(http, account, backhaul, lambda number: degrees(station_place(number)))
        self._rng = rng
        self._onlooker = onlooker
        self.names: dict[str, str] = {}
        self.server = ApplicationServer(
            "veldnet.town", _random_as_key(), decoded=onlooker.decoded, problem=onlooker.problem
        )
        self.lives: list[DeviceLife] = []
        self._air = Air(Propagation(rng))
        self._tasks: list[asyncio.Task[None]] = []

    async def settle(self, progress: Callable[[str], None]) -> None:
        """Do with the API what a customer does, then switch everything on."""
        progress("application server")
        address = await self.server.start()
        async with aiohttp.ClientSession() as session:
            customer = Customer(self._http, self._account, session)
            progress("token and activation")
            await customer.sign_in()
            progress("routing profile and AS key")
            profile, encrypted = await customer.create_routing_profile(
                "Town", address, self.server.as_id, self.server.as_key, self.server.public_key_pem
            )
            self.server.open_as_key(encrypted)
            progress("base stations")
            await self._place_base_stations(session)
            for number in range(self._plan.devices):
                progress(f"devices {number + 1}/{self._plan.devices}")
                await self._create_device(customer, number, profile)
            progress("payload decoder")
            await customer.create_decoder("Town sensors", DECODER)
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(life.run()) for life in self.lives]

    async def _place_base_stations(self, session: aiohttp.ClientSession) -> None:
        first = int(GatewayEui.parse(self._account.base_station_eui))
        stations = [
            BaseStation(GatewayEui(first + number), station_place(number))
            for number in range(self._plan.stations)
        ]
        for station in stations:
            self._air.add(station)
        await self._sites.connect(session, stations, self._rng)

    async def _create_device(self, customer: Customer, number: int, profile: str) -> None:
        rng = self._rng
        sensor = MODELS[number % len(MODELS)](rng)
        identity = Identity(
            DevEui(0x0059AC1000000000 | rng.getrandbits(32)),
            JoinEui(0x0059AC0000000001),
            AesKey(secrets.token_bytes(16)),
        )
        name = f"{_PLACES[number % len(_PLACES)]} {number + 1}"
        eui = str(identity.dev_eui)
        place = Place(rng.uniform(-2.5, 2.5), rng.uniform(-2.0, 2.0))
        await customer.create_device(
            name,
            identity,
            profile,
            position=degrees(place),
            hsm=number % _PLAIN_EVERY != 0,
        )
        self.names[eui] = name
        device = VirtualDevice(identity, EU868, rng, data_rate=3)
        life = DeviceLife(device, sensor, place, self._air, Habits(self._plan.period), clock=time.time)
        life.event = self._onlooker.event
        self.lives.append(life)

    async def leave(self) -> None:
        """Switch everything off."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._sites.leave()
        await self.server.stop()
