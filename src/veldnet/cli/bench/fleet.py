"""A stored fleet for benchmarks: devices written straight into the database, with sessions or without."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial

import msgspec
from sqlalchemy import Connection, insert, select, update

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.inventory import changes
from veldnet.lorawan import AesKey, BaseStationId, DevAddr, DevEui, JoinEui
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.radio import GatewayUplink
from veldnet.network.core.addressing import AddressSpace
from veldnet.network.core.candidates import remember
from veldnet.network.core.parameters import NetworkParameters
from veldnet.network.core.state import ChannelMask, DeviceState, RadioParameters, Session, encode_state
from veldnet.store.schema import (
    connectivity_plans,
    device_profiles,
    device_states,
    devices,
    hsm_groups,
    plan_grants,
    subscribers,
)

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


async def create_fleet(
    data: DataDirectory,
    parameters: NetworkParameters,
    count: int,
    *,
    joined: bool,
    routing_profile_ref: int | None = None,
    sharing: int = 1,
    class_c_every: int = CLASS_C_EVERY,
    placed: bool = False,
    progress: Callable[[int], None] = lambda _done: None,
) -> None:
    """Write `count` devices of the sandbox's subscriber, each with a session when `joined`, and when `placed`
    all over the country."""
    space = AddressSpace(parameters.net_id)
    refs = await data.store.read(_references)
    for start in range(0, count, _PIECE):
        numbers = range(start, min(start + _PIECE, count))
        sealed = [
            await data.vault.import_app_key(device.dev_eui, device.app_key)
            for device in (bench_device(number, space, sharing) for number in numbers)
        ]
        await data.store.write(
            partial(
                _write,
                space,
                parameters,
                refs,
                numbers,
                sealed,
                joined,
                routing_profile_ref,
                sharing,
                class_c_every,
                placed,
            )
        )
        progress(numbers[-1] + 1)


class _References(msgspec.Struct, frozen=True):
    subscriber: int
    plan: int
    profile: int
    hsm_group: int


def _references(connection: Connection) -> _References:
    return _References(
        *(
            connection.execute(select(table.c.ref).order_by(table.c.ref).limit(1)).scalar_one()
            for table in (subscribers, connectivity_plans, device_profiles, hsm_groups)
        )
    )


def _write(
    space: AddressSpace,
    parameters: NetworkParameters,
    refs: _References,
    numbers: range,
    sealed: list[bytes],
    joined: bool,
    routing_profile_ref: int | None,
    sharing: int,
    class_c_every: int,
    placed: bool,
    connection: Connection,
) -> None:
    now = changes.now_ms()
    fleet = [bench_device(number, space, sharing) for number in numbers]
    rows = [
        {
            "ref": number + 1,
            "subscriber_ref": refs.subscriber,
            "dev_eui": str(device.dev_eui),
            "join_eui": str(JOIN_EUI),
            "name": f"Bench {number}",
            "activation_type": "OTAA",
            "device_class": "C" if number % class_c_every == 0 else "A",
            "profile_ref": refs.profile,
            "plan_ref": refs.plan,
            "routing_profile_ref": routing_profile_ref,
            "processing_strategy": None if routing_profile_ref else "DATAFLOW",
            "hsm_group_ref": refs.hsm_group,
            "sealed_app_key": key,
            "details": "{}",
            "created_at": now,
            "updated_at": now,
            "updated_by": "bench",
            "latitude": 50.8 + (number * 7919 % 100_003) / 100_003 * 2.7 if placed else None,
            "longitude": 3.4 + (number * 104_729 % 99_991) / 99_991 * 3.7 if placed else None,
        }
        for number, device, key in zip(numbers, fleet, sealed, strict=True)
    ]
    connection.execute(insert(devices), rows)
    # As the sandbox's first profile has it; where all are of class C, as networks that send much in RX2.
    rx2 = 3 if class_c_every == 1 else 0
    states = [
        {
            "device_ref": number + 1,
            "dev_addr": int(device.dev_addr) if joined else None,
            "state": encode_state(_joined_state(parameters, device, number, now / 1000, rx2))
            if joined
            else None,
        }
        for number, device in zip(numbers, fleet, strict=True)
    ]
    connection.execute(insert(device_states), states)
    connection.execute(
        update(plan_grants).values(used=plan_grants.c.used + len(rows), granted=numbers[-1] + 1)
    )


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
                rx1_delay=1,
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
