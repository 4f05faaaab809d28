"""Radio parameters of a virtual device, and its answers to MAC requests."""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec

from veldnet.lorawan.mac_commands import (
    ADRParamSetupAns,
    ADRParamSetupReq,
    BeaconFreqAns,
    BeaconFreqReq,
    DlChannelAns,
    DlChannelReq,
    DutyCycleAns,
    DutyCycleReq,
    LinkADRAns,
    LinkADRReq,
    MacCommand,
    NewChannelAns,
    NewChannelReq,
    PingSlotChannelAns,
    PingSlotChannelReq,
    RejoinParamSetupAns,
    RejoinParamSetupReq,
    RXParamSetupAns,
    RXParamSetupReq,
    RXTimingSetupAns,
    RXTimingSetupReq,
    TxParamSetupAns,
    TxParamSetupReq,
)
from veldnet.lorawan.modulation import Modulation
from veldnet.lorawan.regions import Channel, Region, parse_cf_list
from veldnet.lorawan.regions.channel_mask import apply


class ListeningWindow(msgspec.Struct, frozen=True, gc=False):
    """When the device listens after an uplink: `delay` in seconds from its end."""

    delay: float
    frequency: int
    modulation: Modulation


class DeviceRadio:
    """Parameters of the radio. Requests that break the region's rules are refused, as TS001 wants."""

    def __init__(self, region: Region, data_rate: int) -> None:
        self.region = region
        self.data_rate = data_rate
        self.reset()

    def reset(self) -> None:
        """What the device begins with, but for its data rate."""
        region = self.region
        self.tx_power = 0
        self.nb_trans = 1
        self.channels: dict[int, Channel] = dict(enumerate(region.channels))
        self.mask = self._defined()
        self.dl_frequencies: dict[int, int] = {}
        self.rx1_delay = region.rx1_delay
        self.rx1_dr_offset = 0
        self.rx2_data_rate = region.rx2_data_rate
        self.rx2_frequency = region.rx2_frequency
        self.max_duty_cycle = 0
        self.downlink_dwell = False
        self.uplink_dwell = region.default_dwell
        self.ping_data_rate = region.class_b.ping_data_rate
        self.ping_frequency = 0
        self.beacon_frequency = 0
        self.adr_ack_limit = 64
        self.adr_ack_delay = 32
        self.rejoin_count_limit: int | None = None

    def _defined(self) -> int:
        return sum(1 << index for index in self.channels)

    @property
    def enabled_channels(self) -> list[int]:
        """Indexes of the channels in use."""
        return [index for index in self.channels if self.mask >> index & 1]

    def joined(self, dl_settings: int, rx_delay: int, cf_list: bytes) -> None:
        """Take the parameters of a join-accept."""
        self.reset()
        self.rx1_delay = rx_delay or 1
        self.rx1_dr_offset = dl_settings >> 4 & 0x07
        self.rx2_data_rate = dl_settings & 0x0F
        frequencies, mask = parse_cf_list(cf_list)
        if mask is not None and self.region.fixed:
            self.mask = mask & self._defined() or self.mask
        for position, frequency in enumerate(frequencies):
            if frequency:
                index = len(self.region.channels) + position
                self.channels[index] = Channel(frequency, 0, 5)
                self.mask |= 1 << index

    def pick(self, rng: random.Random) -> int:
        """A channel for the next uplink."""
        usable = [
            index
            for index in self.enabled_channels
            if self.channels[index].min_dr <= self.data_rate <= self.channels[index].max_dr
        ]
        return rng.choice(usable or self.enabled_channels)

    def power(self) -> float:
        """dBm EIRP."""
        return self.region.max_eirp - 2 * self.tx_power

    def windows(
        self, channel: int, frequency: int, data_rate: int, *, join_delay: int | None = None
    ) -> tuple[ListeningWindow, ...]:
        """RX1 and RX2 after an uplink. `join_delay` is for a join-request, answered by defaults."""
        region = self.region
        delay = self.rx1_delay if join_delay is None else join_delay
        default = join_delay is not None
        offset = 0 if default else self.rx1_dr_offset
        dwell = self.downlink_dwell and not default
        rx1 = region.rx1_data_rate(data_rate, offset, dwell=dwell)
        answer = self.dl_frequencies.get(channel, region.rx1_frequency(frequency, channel))
        rx2_rate = region.rx2_data_rate if default else self.rx2_data_rate
        rx2 = region.rx2_frequency if default else self.rx2_frequency
        return (
            ListeningWindow(delay, answer, region.downlink[rx1].modulation),
            ListeningWindow(delay + 1, rx2, region.downlink[rx2_rate].modulation),
        )

    def back_off(self) -> None:
        """Nothing was heard for long: first raise the power, then lower the rate (TS001-1.0.4 §4.3.1.1)."""
        slower = [rate for rate in self._rates() if rate < self.data_rate]
        if self.tx_power:
            self.tx_power = 0
        elif slower:
            self.data_rate = max(slower)
        else:
            self.mask |= (1 << len(self.region.channels)) - 1
            self.nb_trans = 1

    def _rates(self) -> set[int]:
        rates: set[int] = set()
        for channel in self.channels.values():
            rates.update(range(channel.min_dr, channel.max_dr + 1))
        return {
            rate
            for rate in rates & set(self.region.uplink)
            if not (self.uplink_dwell and self.region.uplink[rate].dwell == 0)
        }

    # The network's requests. Each returns the answer, and whether it is repeated until a downlink comes.

    def link_adr(self, block: list[LinkADRReq]) -> LinkADRAns:
        """An atomic block: all of it or nothing."""
        mask, mask_ok = self.mask, True
        for request in block:
            after = apply(self.region, mask, self._defined(), request.ch_mask, request.ch_mask_cntl)
            mask_ok = mask_ok and after is not None
            mask = mask if after is None else after
        mask_ok = mask_ok and mask != 0 and not mask & ~self._defined()
        last = block[-1]
        rate = self.data_rate if last.data_rate == 15 else last.data_rate
        rate_ok = rate in self._rates() and any(
            channel.min_dr <= rate <= channel.max_dr
            for index, channel in self.channels.items()
            if mask >> index & 1
        )
        power_ok = last.tx_power == 15 or last.tx_power <= self.region.tx_power_steps
        if mask_ok and rate_ok and power_ok:
            self.data_rate, self.mask = rate, mask
            if last.tx_power != 15:
                self.tx_power = last.tx_power
            self.nb_trans = last.nb_trans or 1
        return LinkADRAns(power_ok, rate_ok, mask_ok)

    def duty_cycle(self, request: DutyCycleReq) -> DutyCycleAns:
        self.max_duty_cycle = request.max_duty_cycle
        return DutyCycleAns()

    def rx_param_setup(self, request: RXParamSetupReq) -> RXParamSetupAns:
        offset_ok = request.rx1_dr_offset <= self.region.max_rx1_dr_offset
        rate_ok = request.rx2_data_rate in self.region.downlink
        channel_ok = self.region.sub_band(request.frequency) is not None
        if offset_ok and rate_ok and channel_ok:
            self.rx1_dr_offset = request.rx1_dr_offset
            self.rx2_data_rate = request.rx2_data_rate
            self.rx2_frequency = request.frequency
        return RXParamSetupAns(offset_ok, rate_ok, channel_ok)

    def new_channel(self, request: NewChannelReq) -> NewChannelAns:
        index, defaults = request.ch_index, len(self.region.channels)
        rates_ok = request.min_dr <= request.max_dr and request.max_dr in self.region.uplink
        frequency_ok = defaults <= index < self.region.max_channels and (
            not request.frequency or self.region.sub_band(request.frequency) is not None
        )
        if rates_ok and frequency_ok and request.frequency:
            self.channels[index] = Channel(request.frequency, request.min_dr, request.max_dr)
            self.mask |= 1 << index
        elif rates_ok and frequency_ok:
            self.channels.pop(index, None)
            self.mask &= ~(1 << index)
        return NewChannelAns(rates_ok, frequency_ok)

    def dl_channel(self, request: DlChannelReq) -> DlChannelAns:
        exists = request.ch_index in self.channels
        frequency_ok = self.region.sub_band(request.frequency) is not None
        if exists and frequency_ok:
            self.dl_frequencies[request.ch_index] = request.frequency
        return DlChannelAns(exists, frequency_ok)

    def rx_timing_setup(self, request: RXTimingSetupReq) -> RXTimingSetupAns:
        self.rx1_delay = request.delay
        return RXTimingSetupAns()

    def tx_param_setup(self, request: TxParamSetupReq) -> TxParamSetupAns | None:
        if not self.region.tx_param_setup:
            return None
        self.uplink_dwell, self.downlink_dwell = request.uplink_dwell, request.downlink_dwell
        slow = self.region.uplink[self.data_rate].dwell == 0
        if self.uplink_dwell and slow:
            self.data_rate = min(self._rates())
        return TxParamSetupAns()

    def ping_slot_channel(self, request: PingSlotChannelReq) -> PingSlotChannelAns:
        rate_ok = request.data_rate in self.region.downlink
        frequency_ok = not request.frequency or self.region.sub_band(request.frequency) is not None
        if rate_ok and frequency_ok:
            self.ping_data_rate, self.ping_frequency = request.data_rate, request.frequency
        return PingSlotChannelAns(rate_ok, frequency_ok)

    def beacon_freq(self, request: BeaconFreqReq) -> BeaconFreqAns:
        ok = not request.frequency or self.region.sub_band(request.frequency) is not None
        if ok:
            self.beacon_frequency = request.frequency
        return BeaconFreqAns(ok)

    def adr_param_setup(self, request: ADRParamSetupReq) -> ADRParamSetupAns:
        self.adr_ack_limit, self.adr_ack_delay = 1 << request.limit_exp, 1 << request.delay_exp
        return ADRParamSetupAns()

    def rejoin_param_setup(self, request: RejoinParamSetupReq) -> RejoinParamSetupAns:
        self.rejoin_count_limit = 1 << request.max_count_n + 4
        return RejoinParamSetupAns(False)


# Answer to a request, and whether it is sticky: repeated until a class A downlink comes.
HANDLERS: dict[type, tuple[Callable[[DeviceRadio, MacCommand], MacCommand | None], bool]] = {
    DutyCycleReq: (DeviceRadio.duty_cycle, False),  # type: ignore[dict-item]
    RXParamSetupReq: (DeviceRadio.rx_param_setup, True),  # type: ignore[dict-item]
    NewChannelReq: (DeviceRadio.new_channel, False),  # type: ignore[dict-item]
    DlChannelReq: (DeviceRadio.dl_channel, True),  # type: ignore[dict-item]
    RXTimingSetupReq: (DeviceRadio.rx_timing_setup, True),  # type: ignore[dict-item]
    TxParamSetupReq: (DeviceRadio.tx_param_setup, True),  # type: ignore[dict-item]
    PingSlotChannelReq: (DeviceRadio.ping_slot_channel, True),  # type: ignore[dict-item]
    BeaconFreqReq: (DeviceRadio.beacon_freq, False),  # type: ignore[dict-item]
    ADRParamSetupReq: (DeviceRadio.adr_param_setup, False),  # type: ignore[dict-item]
    RejoinParamSetupReq: (DeviceRadio.rejoin_param_setup, False),  # type: ignore[dict-item]
}
