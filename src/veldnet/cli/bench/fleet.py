"""A stored fleet for benchmarks: devices written straight into the database, with sessions or without."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable
from functools import partial

import msgspec

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.inventory.devices import FleetDevice, first_references, write_fleet
from veldnet.lorawan import AesKey, BaseStationId, DevAddr, DevEui, JoinEui
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.radio import GatewayUplink
from veldnet.network.core.addressing import AddressSpace
from veldnet.network.core.candidates import remember
from veldnet.network.core.parameters import NetworkParameters
from veldnet.network.core.state import ChannelMask, DeviceState, RadioParameters, Session, encode_state

JOIN_EUI = JoinEui(0x0059AC00000000BE)
_FIRST_EUI = 0x0059ACBE00000000
_PIECE = 20_000
# Base stations of a benchmark network: one alone could not send all the answers.
SITES = 256
FIRST_BASE_STATION = 0xFF000001
# One device in so many is of class C.
CLASS_C_EVERY = 5


class BenchDevice(msgspec.Struct, frozen=True, gc=False):
    """A device of the fleet as the load generator knows it."""

    dev_eui: DevEui
    dev_addr: DevAddr
    nwk_s_key: AesKey
    app_key: AesKey


def bench_device(number: int, space: AddressSpace, sharing: int = 1) -> BenchDevice:
    """Device `number` of every benchmark fleet; nothing random, so that no list needs to be kept. So many
    devices share each address."""
    dev_eui = DevEui(_FIRST_EUI + number)
    digest = hashlib.blake2s(number.to_bytes(8, "big"), digest_size=32).digest()
    first = number - number % sharing
    host = (first & 0x7FFFF) << space.partition_bits
    return BenchDevice(
        dev_eui,
        DevAddr(host | space.partition_of_device(DevEui(_FIRST_EUI + first))),
        AesKey(digest[:16]),
        AesKey(digest[16:]),
    )


def place_of(number: int) -> tuple[float, float]:
    """Latitude and longitude of a placed device: spread over the country."""
    return 50.8 + number * 7919 % 100_003 / 100_003 * 2.7, 3.4 + number * 104_729 % 99_991 / 99_991 * 3.7


class Fleet(msgspec.Struct, frozen=True):
    """So many devices, each with a session when `joined`, and when `placed` all over the country. `sharing`
    devices have each address; one in `class_c_every` is of class C."""

    count: int
    joined: bool
    routing_profile_ref: int | None = None
    sharing: int = 1
    class_c_every: int = CLASS_C_EVERY
    placed: bool = False


async def create_fleet(
    data: DataDirectory,
    parameters: NetworkParameters,
    wanted: Fleet,
    progress: Callable[[int], None] = lambda _done: None,
) -> None:
    """Write the devices of a fleet, which are of the sandbox's subscriber."""
    space = AddressSpace(parameters.net_id)
    refs = await data.store.read(partial(first_references, routing_profile=wanted.routing_profile_ref))
    # As the sandbox's first profile has it; where all are of class C, as networks that send much in RX2.
    rx2 = 3 if wanted.class_c_every == 1 else 0
    for start in range(0, wanted.count, _PIECE):
        fleet = []
        for number in range(start, min(start + _PIECE, wanted.count)):
            device = bench_device(number, space, wanted.sharing)
            state = _joined_state(parameters, device, number, time.time(), rx2) if wanted.joined else None
            fleet.append(
                FleetDevice(
                    number + 1,
                    device.dev_eui,
                    JOIN_EUI,
                    f"Bench {number}",
                    "C" if number % wanted.class_c_every == 0 else "A",
                    await data.vault.import_app_key(device.dev_eui, device.app_key),
                    place_of(number) if wanted.placed else None,
                    int(device.dev_addr) if wanted.joined else None,
                    None if state is None else encode_state(state),
                )
            )
        await data.store.write(partial(write_fleet, refs=refs, fleet=fleet))
        progress(fleet[-1].ref)


def _joined_state(
    parameters: NetworkParameters, device: BenchDevice, number: int, now: float, rx2_data_rate: int
) -> DeviceState:
    plan = parameters.channel_plans["EU868"]
    return DeviceState(
        session=Session(
            dev_addr=device.dev_addr,
            f_nwk_s_int_key=device.nwk_s_key,
            s_nwk_s_int_key=None,
            nwk_s_enc_key=None,
            app_s_key=None,
            wrapped_app_s_key=bytes(device.app_key),
            opened_at=now,
            dev_nonce=1,
            radio=RadioParameters(
                rx1_delay=parameters.rx1_delay,
                rx1_dr_offset=0,
                rx2_data_rate=rx2_data_rate,
                rx2_frequency=plan.region.rx2_frequency,
                ch_mask=ChannelMask(plan.mask),
                defined_channels=ChannelMask(plan.mask),
                data_rate=5,
            ),
            fcnt_up=0,
            last_uplink_at=now - 60,
            heard_by=heard_at(number),
        )
    )


def heard_at(number: int) -> bytes:
    """Where the network heard a device last: at one of the base stations of the benchmark."""
    station = FIRST_BASE_STATION + number % SITES
    return remember((GatewayUplink(BaseStationId(station), b"", 0, Lora(7, 125), -90, 5.0, 0, 0.0),))
