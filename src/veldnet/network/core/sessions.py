"""Opens sessions: initial parameters and the windows of the join-accept."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.domain.joins import JoinKeys
from veldnet.lorawan.join import OPT_NEG, JoinAccept
from veldnet.lorawan.radio import TransmitWindow
from veldnet.lorawan.regions import ChannelPlan

from .context import Context
from .events import Event, ReceivedFrame
from .receive_windows import wanted_rx2, windows_after
from .state import ChannelMask, InFlight, RadioParameters, Session


def default_radio(channel_plan: ChannelPlan) -> RadioParameters:
    """What a device uses that knows nothing of the network."""
    region = channel_plan.region
    channels = ChannelMask((1 << len(region.channels)) - 1)
    return RadioParameters(
        rx1_delay=region.rx1_delay,
        rx1_dr_offset=0,
        rx2_data_rate=region.rx2_data_rate,
        rx2_frequency=region.rx2_frequency,
        ch_mask=channels,
        defined_channels=channels,
        uplink_dwell=region.default_dwell,
    )


def dl_settings(context: Context[Event]) -> int:
    """DLSettings of a join-accept; OptNeg offers LoRaWAN 1.1."""
    profile = context.profile
    _frequency, rx2 = wanted_rx2(context.channel_plan, profile, context.plan)
    opt_neg = OPT_NEG if profile.version_11 else 0
    return opt_neg | profile.rx1DROffset << 4 | rx2


def cf_list(context: Context[Event]) -> bytes:
    """The CFList for a device; none of type 1 for devices that would mishandle it."""
    channel_plan = context.channel_plan
    if channel_plan.region.cf_list_type == 1 and not context.profile.cf_list_type_1:
        return b""
    return channel_plan.cf_list


def open_session(
    channel_plan: ChannelPlan,
    accept: JoinAccept,
    keys: JoinKeys,
    dev_nonce: int,
    now: float,
    kept: RadioParameters | None = None,
) -> Session:
    """The session that a join-accept offers. `kept` are parameters that a rejoin of type 2 leaves alone."""
    radio = kept if kept is not None else _radio_after(channel_plan, accept)
    return Session(
        dev_addr=accept.dev_addr,
        f_nwk_s_int_key=keys.f_nwk_s_int_key,
        s_nwk_s_int_key=keys.s_nwk_s_int_key,
        nwk_s_enc_key=keys.nwk_s_enc_key,
        app_s_key=keys.app_s_key,
        wrapped_app_s_key=keys.wrapped_app_s_key,
        opened_at=now,
        dev_nonce=dev_nonce,
        radio=radio,
    )


def _radio_after(channel_plan: ChannelPlan, accept: JoinAccept) -> RadioParameters:
    radio = default_radio(channel_plan)
    known = radio.defined_channels
    mask: int = known
    if accept.cf_list and channel_plan.region.cf_list_type == 1:
        mask = channel_plan.mask
    elif accept.cf_list:
        listed = min(len(channel_plan.extra_channels), 5)
        known = ChannelMask((1 << len(channel_plan.region.channels) + listed) - 1)
        mask = known
    return replace(
        radio,
        rx1_delay=accept.rx_delay or 1,
        rx1_dr_offset=accept.rx1_dr_offset,
        rx2_data_rate=accept.rx2_data_rate,
        ch_mask=ChannelMask(mask),
        defined_channels=known,
    )


def accept_windows(
    context: Context[Event], received: ReceivedFrame, radio: RadioParameters
) -> tuple[TransmitWindow, ...]:
    """The windows of a join-accept that are still ahead, RX1 first (TS001-1.0.4 §6.2.5)."""
    region, earliest = context.channel_plan.region, context.now + context.network.lead
    data_rate = region.uplink_data_rate(received.best.modulation)
    if data_rate is None:
        return ()
    both = windows_after(context.channel_plan, received.copies, data_rate, radio, region.join_accept_delay1)
    return tuple(w for slot in both for w in slot if w.opens_at > earliest)


def accept_in_flight(token: int, size: int, session: Session, window: TransmitWindow, now: float) -> InFlight:
    """The join-accept as a downlink under way."""
    return InFlight(
        token=token,
        base_station=window.base_station,
        planned_at=now,
        join_accept=True,
        dev_addr=session.dev_addr,
        fcnt=0,
        fport=None,
        payload=b"",
        size=size,
        confirmed=False,
        ack=False,
        from_application=False,
        correlation_id=None,
        fcnt_up=None,
    )
