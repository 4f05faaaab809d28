"""Receive windows of class A: which parameters the network wants, and where RX1 and RX2 of an uplink lie."""

from __future__ import annotations

from veldnet.lorawan.radio import COUNTER_MODULUS, GatewayUplink, TransmitWindow
from veldnet.lorawan.regions import Region
from veldnet.store.documents import PlanSettings, ProfileSettings

from .parameters import NetworkParameters
from .state import RadioParameters


def wanted_rx1_delay(network: NetworkParameters, plan: PlanSettings) -> int:
    """Seconds between the end of an uplink and RX1."""
    return max(network.rx1_delay, plan.minRx1Delay or 0)


def wanted_rx2_data_rate(network: NetworkParameters, profile: ProfileSettings, plan: PlanSettings) -> int:
    """Plan before profile before network."""
    for wanted in (plan.forceRx2DataRate, profile.rx2DataRate):
        if wanted is not None:
            return wanted
    return network.rx2_data_rate


def _window(
    region: Region, uplink: GatewayUplink, slot: int, delay: int, frequency: int, data_rate: int
) -> TransmitWindow:
    return TransmitWindow(
        slot,
        frequency,
        region.data_rates[data_rate],
        (uplink.timestamp + delay * 1_000_000) % COUNTER_MODULUS,
        uplink.received_at + delay,
        region.downlink_power(frequency),
    )


def windows_after(
    region: Region, uplink: GatewayUplink, uplink_data_rate: int, radio: RadioParameters, delay: int
) -> tuple[TransmitWindow, TransmitWindow]:
    """RX1 and RX2 after an uplink, by the counter of the base station that heard it."""
    rx1_data_rate = region.rx1_data_rate(uplink_data_rate, radio.rx1_dr_offset)
    return (
        _window(region, uplink, 1, delay, uplink.frequency, rx1_data_rate),
        _window(region, uplink, 2, delay + 1, radio.rx2_frequency, radio.rx2_data_rate),
    )
