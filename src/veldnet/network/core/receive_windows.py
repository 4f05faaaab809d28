"""Receive windows: which parameters the network wants, and where RX1 and RX2 of an uplink lie."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.lorawan.radio import COUNTER_MODULUS, GatewayUplink, TransmitWindow
from veldnet.lorawan.regions import ChannelPlan, Region

from .candidates import Candidate, margin
from .parameters import NetworkParameters
from .state import RadioParameters


def wanted_rx1_delay(network: NetworkParameters, plan: PlanSettings) -> int:
    """Seconds between the end of an uplink and RX1."""
    return max(network.rx1_delay, plan.minRx1Delay or 0)


def wanted_rx2(channel_plan: ChannelPlan, profile: ProfileSettings, plan: PlanSettings) -> tuple[int, int]:
    """Frequency in Hz and data rate of RX2: plan before profile before network."""
    frequency = profile.rx2Frequency or channel_plan.region.rx2_frequency
    for wanted in (plan.forceRx2DataRate, profile.rx2DataRate):
        if wanted is not None and wanted in channel_plan.region.downlink:
            return frequency, wanted
    return frequency, channel_plan.wanted_rx2_data_rate


def device_eirp(region: Region, radio: RadioParameters) -> float:
    """What the device transmits with, in dBm, as far as the network knows."""
    return region.max_eirp - 2 * radio.tx_power


class _Slot(NamedTuple):
    """RX1 or RX2 after an uplink: seconds after its end, frequency and data rate."""

    number: int
    delay: int
    frequency: int
    data_rate: int


def _windows(
    region: Region, copies: Sequence[GatewayUplink], slot: _Slot, eirp: float
) -> tuple[TransmitWindow, ...]:
    """A slot at each base station; `eirp` is the device's."""
    modulation = region.downlink[slot.data_rate].modulation
    power = region.downlink_power(slot.frequency)
    later = slot.delay * 1_000_000
    return tuple(
        TransmitWindow(
            copy.base_station,
            slot.number,
            slot.frequency,
            modulation,
            copy.received_at + slot.delay,
            power,
            # A copy without a counter is not among those that can be answered.
            timestamp=((copy.timestamp or 0) + later) % COUNTER_MODULUS,
            margin=margin(copy.snr, eirp, power, modulation),
            region=region.name,
            context=copy.context,
        )
        for copy in copies
    )


def rx1_frequency(channel_plan: ChannelPlan, frequency: int, data_rate: int, radio: RadioParameters) -> int:
    """Frequency of RX1: what DlChannelReq set for the channel, else the region's rule."""
    channel = channel_plan.uplink_index(frequency, data_rate)
    for index, changed in radio.dl_frequencies:
        if index == channel:
            return changed
    return channel_plan.region.rx1_frequency(frequency, channel)


def windows_after(
    channel_plan: ChannelPlan,
    copies: Iterable[GatewayUplink],
    uplink_data_rate: int,
    radio: RadioParameters,
    delay: int,
) -> tuple[tuple[TransmitWindow, ...], tuple[TransmitWindow, ...]]:
    """RX1 and RX2 after an uplink at each base station that heard it and can answer, best first.

    Times are by the counter of the base station, so a copy that came late on its way is as good as another.
    """
    region = channel_plan.region
    heard = [copy for copy in copies if copy.answerable]
    if not heard:
        return (), ()
    rx1_rate = region.rx1_data_rate(uplink_data_rate, radio.rx1_dr_offset, dwell=radio.downlink_dwell)
    frequency = rx1_frequency(channel_plan, heard[0].frequency, uplink_data_rate, radio)
    eirp = device_eirp(region, radio)
    rx1 = _Slot(1, delay, frequency, rx1_rate)
    rx2 = _Slot(2, delay + 1, radio.rx2_frequency, radio.rx2_data_rate)
    return _windows(region, heard, rx1, eirp), _windows(region, heard, rx2, eirp)


def immediate_windows(
    region: Region, candidates: Iterable[Candidate], radio: RadioParameters, now: float
) -> tuple[TransmitWindow, ...]:
    """RX2 of a device of class C, which listens there all the time."""
    modulation = region.downlink[radio.rx2_data_rate].modulation
    power = region.downlink_power(radio.rx2_frequency)
    eirp = device_eirp(region, radio)
    return tuple(
        TransmitWindow(
            candidate.base_station,
            2,
            radio.rx2_frequency,
            modulation,
            now,
            power,
            margin=margin(candidate.snr, eirp, power, modulation),
            region=region.name,
        )
        for candidate in candidates
    )
