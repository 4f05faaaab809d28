"""`veldnet bench forged`: impact of forged frames on real devices."""

from __future__ import annotations

import asyncio
import base64
import random
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import msgspec

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.network_settings import network_parameters
from veldnet.cli.sandbox import make_sandbox
from veldnet.lorawan import DevAddr, DevEui, GatewayEui, JoinEui, frames
from veldnet.lorawan.frames import JoinRequest, MType
from veldnet.lorawan.modulation import Lora
from veldnet.network.core.addressing import AddressSpace
from veldnet.settings import Settings
from veldnet.simulator.base_station import HeardFrame
from veldnet.simulator.propagation import Heard
from veldnet.simulator.udp_link import push_data

from .fleet import JOIN_EUI, Fleet, bench_device, create_fleet
from .load import Generator, Percentiles, Prepared, percentiles
from .server import BenchServer
from .unanswered import Cause, ConfirmedUplink, causes
from .uplinks import acknowledgements, create_sites, prepare

_DEVICES = 5000
# More confirmed frames than in a network, for there to be a thousand latencies to take a percentile of.
_CONFIRMED_EVERY = 9
# Seconds after the last frame in which the last answer goes out: RX2 is 2 s after it, and up to 1.6 s long.
_SETTLE = 4.0


class ForgedResult(msgspec.Struct, frozen=True):
    """Milliseconds from the end of the window to the acknowledgement of genuine uplinks: alone, and with so
    many forged frames a second of each sort beside them. `unanswered` are the genuine confirmed uplinks that
    got no acknowledgement, by sort, and `causes` tell why."""

    rate: float
    forged_rate: float
    base_stations: int
    latency_ms: dict[str, Percentiles | None]
    unanswered: dict[str, int]
    causes: dict[str, list[Cause]]


def _unknown_address(rng: random.Random, _space: AddressSpace) -> bytes:
    address = DevAddr(0x01800000 | rng.getrandbits(23))
    octets = frames.data_frame_octets(
        MType.UNCONFIRMED_UP, frames.Fhdr(address, 0x80, rng.getrandbits(16), b""), 1, rng.randbytes(12)
    )
    return octets + rng.randbytes(4)


def _unknown_join(rng: random.Random, _space: AddressSpace) -> bytes:
    request = JoinRequest(JoinEui(1), DevEui(rng.getrandbits(64)), rng.getrandbits(16), rng.randbytes(4))
    return request.to_bytes()


def _wrong_key(rng: random.Random, space: AddressSpace) -> bytes:
    """A join-request of a device that exists, under a key that is not its own."""
    device = bench_device(rng.randrange(_DEVICES), space)
    return JoinRequest(JOIN_EUI, device.dev_eui, rng.getrandbits(16), rng.randbytes(4)).to_bytes()


def _known_address(rng: random.Random, space: AddressSpace) -> bytes:
    """A data frame on the address of a device that exists, with a MIC that fits nobody."""
    device = bench_device(rng.randrange(_DEVICES), space)
    octets = frames.data_frame_octets(
        MType.UNCONFIRMED_UP,
        frames.Fhdr(device.dev_addr, 0x80, rng.getrandbits(16), b""),
        1,
        rng.randbytes(12),
    )
    return octets + rng.randbytes(4)


_SORTS: dict[str, Callable[[random.Random, AddressSpace], bytes] | None] = {
    "alone": None,
    "unknown addresses": _unknown_address,
    "unknown joins": _unknown_join,
    "wrong keys": _wrong_key,
    "known addresses": _known_address,
}


def _noise(
    count: int,
    forge: Callable[[random.Random, AddressSpace], bytes],
    space: AddressSpace,
    gateways: Sequence[GatewayEui],
) -> list[Prepared]:
    rng = random.Random(7)  # noqa: S311 - a load, not a key
    euis = [int(gateway).to_bytes(8, "big") for gateway in gateways]
    return [
        Prepared(
            (
                push_data(
                    euis[number % len(euis)],
                    b"fg",
                    HeardFrame(
                        forge(rng, space),
                        868_100_000,
                        Lora(7, 125),
                        Heard(-110, 0.0),
                        number * 100 & 0xFFFFFFFF,
                    ),
                ),
            )
        )
        for number in range(count)
    ]


async def bench_forged(
    data: Path, *, rate: float, forged: float, seconds: float, through: int
) -> ForgedResult:
    """A measurement for each sort on one server, one after the other; forged frames come `through` so many of
    the base stations."""
    settings = Settings(data=str(data))
    parameters = network_parameters(settings.network)
    space = AddressSpace(parameters.net_id)
    opened = await DataDirectory.open(settings, create=True)
    sandbox = await make_sandbox(opened)
    gateways = await create_sites(opened, GatewayEui.parse(sandbox.base_station_eui))
    await create_fleet(opened, parameters, Fleet(_DEVICES, joined=True))
    await opened.close()
    fleet = [bench_device(number, space) for number in range(_DEVICES)]
    count = int(rate * seconds)
    prepared, confirmed_at = prepare(_DEVICES + len(_SORTS) * count, fleet, gateways, 1, _CONFIRMED_EVERY)
    window = settings.network.deduplication_window
    server = await BenchServer.start(data)
    measured: dict[str, Percentiles | None] = {}
    missing: dict[str, list[ConfirmedUplink]] = {}
    try:
        genuine, noise = Generator(server.udp, gateways), Generator(server.udp, gateways[:through])
        genuine.begin()
        await genuine.send(prepared[:_DEVICES], 2000)
        # Until the base stations have sent what answers these.
        await asyncio.sleep(_SETTLE)
        for number, (sort, forge) in enumerate(_SORTS.items()):
            start = _DEVICES + number * count
            seen = len(genuine.downlinks)
            genuine.acknowledged.clear()
            load = genuine.send(prepared[start : start + count], rate)
            if forge is None:
                await load
            else:
                forgeries = _noise(int(forged * seconds), forge, space, gateways[:through])
                await asyncio.gather(load, noise.send(forgeries, forged))
            await asyncio.sleep(_SETTLE)
            answered = dict(acknowledgements(genuine, confirmed_at, window, seen))
            measured[sort] = percentiles([late for at, late in answered.items() if at >= start])
            missing[sort] = [
                _sent(position, prepared[position], genuine)
                for position in range(start, start + count)
                if position % _CONFIRMED_EVERY == 0 and position not in answered
            ]
        genuine.close()
    finally:
        await server.stop()
    opened = await DataDirectory.open(settings, vaults=False)
    why = {sort: await opened.store.read(partial(causes, group)) for sort, group in missing.items() if group}
    await opened.close()
    unanswered = {sort: len(group) for sort, group in missing.items()}
    return ForgedResult(rate, forged, through, measured, unanswered, why)


def _sent(position: int, frame: Prepared, generator: Generator) -> ConfirmedUplink:
    """What stands at a position of the prepared frames, each of which one base station hears."""
    (datagram,) = frame.datagrams
    (rxpk,) = msgspec.json.decode(datagram[12:])["rxpk"]
    return ConfirmedUplink(
        position % _DEVICES + 1,
        position // _DEVICES + 1,
        str(GatewayEui(int.from_bytes(datagram[4:12], "big"))),
        base64.b64decode(rxpk["data"]),
        datagram[1:3] in generator.acknowledged,
    )
