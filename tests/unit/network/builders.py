"""Devices, sessions and frames for tests of the pure transitions."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from veldnet.domain.devices import DeviceRow
from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.lorawan import AesKey, BaseStationId, DevAddr, frames
from veldnet.lorawan.crypto import UPLINK, crypt_payload, data_mic
from veldnet.lorawan.frames import DataFrame, MType
from veldnet.lorawan.mac_commands import MacCommand, serialise
from veldnet.lorawan.modulation import Lora
from veldnet.lorawan.radio import GatewayUplink
from veldnet.lorawan.regions import EU868, Channel, ChannelPlan
from veldnet.network.core.context import context_of
from veldnet.network.core.events import DataReceived, Device, ReceivedFrame, Transition
from veldnet.network.core.parameters import NetworkParameters
from veldnet.network.core.state import ChannelMask, DeviceState, RadioParameters, Session
from veldnet.network.core.uplink import match, receive_data
from veldnet.network.shell.runtime import Runtime
from veldnet.store import IdSource, StoreError
from veldnet.supervision import Supervisor

NOW = 1_800_000_000.0
NWK_S_KEY = AesKey(bytes(range(16)))
APP_S_KEY = AesKey(bytes(range(16, 32)))
ADDR = DevAddr.parse("01ABCDEF")
STATION = BaseStationId(0xFF000001)

PLAN = ChannelPlan(
    EU868,
    tuple(Channel(f, 0, 5) for f in (867_100_000, 867_300_000, 867_500_000, 867_700_000, 867_900_000)),
)
NETWORK = NetworkParameters(channel_plans={"EU868": PLAN})


def row(**changes: object) -> DeviceRow:
    base = DeviceRow(
        ref=7,
        subscriber_ref=1,
        customer_id="100000001",
        dev_eui="0059AC0000170311",
        join_eui="0102030405060708",
        name="Thing",
        profile_ref=1,
        plan_ref=1,
        routing_profile_ref=1,
        processing_strategy=None,
        hsm_group_ref=1,
        sealed_app_key=b"sealed",
        sealed_nwk_key=None,
        device_class="A",
        motion_indicator=None,
        sealed_as_transport_key=None,
        latitude=None,
        longitude=None,
        tags=(),
        silence_steps=(),
        health=0,
        state=None,
        join_memory=None,
        monitoring=None,
    )
    return replace(base, **changes)


def device(
    profile: ProfileSettings | None = None, plan: PlanSettings | None = None, **changes: object
) -> Device:
    return Device(row(**changes), profile or ProfileSettings(), plan or PlanSettings())


def radio(**changes: object) -> RadioParameters:
    base = RadioParameters(
        rx1_delay=1,
        rx1_dr_offset=0,
        rx2_data_rate=0,
        rx2_frequency=869_525_000,
        ch_mask=ChannelMask(PLAN.mask),
        defined_channels=ChannelMask(PLAN.mask),
        data_rate=5,
    )
    return replace(base, **changes)


def session(**changes: object) -> Session:
    base = Session(
        dev_addr=ADDR,
        f_nwk_s_int_key=NWK_S_KEY,
        s_nwk_s_int_key=None,
        nwk_s_enc_key=None,
        app_s_key=APP_S_KEY,
        wrapped_app_s_key=None,
        opened_at=NOW - 1000,
        dev_nonce=1,
        radio=radio(),
    )
    return replace(base, **changes)


def uplink_frame(
    fcnt: int,
    *,
    payload: bytes = b"hello",
    fport: int | None = 1,
    confirmed: bool = False,
    fctrl: int = frames.ADR,
    commands: Sequence[MacCommand] = (),
    nwk_s_key: AesKey = NWK_S_KEY,
    app_s_key: AesKey = APP_S_KEY,
    dev_addr: DevAddr = ADDR,
) -> bytes:
    """The PHYPayload of a data uplink with the full counter `fcnt`."""
    mtype = MType.CONFIRMED_UP if confirmed else MType.UNCONFIRMED_UP
    key = nwk_s_key if fport == 0 else app_s_key
    body = crypt_payload(key, UPLINK, dev_addr, fcnt, payload) if fport is not None else b""
    octets = frames.data_frame_octets(
        mtype, frames.Fhdr(dev_addr, fctrl, fcnt, serialise(commands)), fport, body
    )
    return octets + data_mic(nwk_s_key, UPLINK, dev_addr, fcnt, octets)


def copy(
    phy_payload: bytes, *, sf: int = 7, snr: float = 2.0, at: float = NOW, **changes: object
) -> GatewayUplink:
    base = GatewayUplink(STATION, phy_payload, 868_100_000, Lora(sf, 125), -90, snr, 5_000_000, at)
    return replace(base, **changes)


def data_event(phy_payload: bytes, *, number: int = 1, **radio_values: object) -> DataReceived:
    frame = frames.parse(phy_payload)
    assert isinstance(frame, DataFrame)
    uplink = copy(phy_payload, **radio_values)  # type: ignore[arg-type]
    return DataReceived(ReceivedFrame(number, number + 1000, (uplink,), uplink.received_at), frame)


def receive(
    state: DeviceState,
    phy_payload: bytes,
    *,
    target: Device | None = None,
    number: int = 1,
    network: NetworkParameters = NETWORK,
    **radio_values: object,
) -> Transition | None:
    """Run an uplink through the core; None if no session of the device fits it."""
    target = target or device()
    event = data_event(phy_payload, number=number, **radio_values)
    context = context_of(network, target, event, event.received.received_at + 0.2)
    found = match(context, state)
    return None if found is None else receive_data(context, state, found)


def runtime(clock: Callable[[], float], supervisor: Supervisor | None = None) -> Runtime:
    """What parts of the shell work with, for one of them alone."""
    rng = random.Random(1)
    return Runtime(clock, IdSource(), rng, supervisor or Supervisor(expected=(StoreError,)))
