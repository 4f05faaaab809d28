"""A virtual end-device of class A, sans-IO: it makes the frames it would send and takes those it receives.

Written from the device's side of TS001-1.0.4, independently of the network server's code for the same
exchange; only frames, cryptography and regional tables are shared.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec

from veldnet.lorawan import AesKey, DevAddr, DevEui, JoinEui, NetId, frames
from veldnet.lorawan.crypto import DOWNLINK, UPLINK, crypt_payload, data_mic
from veldnet.lorawan.frames import DataFrame, EncryptedJoinAccept, JoinRequest, MType
from veldnet.lorawan.join import (
    decrypt_join_accept,
    derive_session_keys_10,
    join_accept_mic,
    join_request_mic,
)
from veldnet.lorawan.mac_commands import (
    DOWNLINK_COMMANDS,
    DeviceTimeAns,
    DevStatusAns,
    DevStatusReq,
    DutyCycleAns,
    DutyCycleReq,
    LinkADRAns,
    LinkADRReq,
    LinkCheckAns,
    MacCommand,
    NewChannelAns,
    NewChannelReq,
    RXParamSetupAns,
    RXParamSetupReq,
    RXTimingSetupAns,
    RXTimingSetupReq,
    parse,
    serialise,
)
from veldnet.lorawan.modulation import Modulation
from veldnet.lorawan.regions import Channel, Region

ADR_ACK_LIMIT = 64
ADR_ACK_DELAY = 32


class ListeningWindow(msgspec.Struct, frozen=True, gc=False):
    """When the device listens after an uplink: `delay` in seconds from its end."""

    delay: float
    frequency: int
    modulation: Modulation


class Transmission(msgspec.Struct, frozen=True, gc=False):
    """A frame the device sends; `power` in dBm EIRP."""

    phy_payload: bytes
    frequency: int
    modulation: Modulation
    power: float
    windows: tuple[ListeningWindow, ...]


class Identity(msgspec.Struct, frozen=True):
    """What is engraved in a device."""

    dev_eui: DevEui
    join_eui: JoinEui
    app_key: AesKey


class Received(msgspec.Struct, frozen=True, gc=False):
    """What a downlink brought. `joined` for a join-accept; `payload` decrypted."""

    joined: bool = False
    ack: bool = False
    confirmed: bool = False
    fcnt: int | None = None
    fport: int | None = None
    payload: bytes = b""
    commands: tuple[MacCommand, ...] = ()


class VirtualDevice:
    """One device. `rng` decides channels and, before 1.0.4, DevNonces."""

    def __init__(
        self,
        identity: Identity,
        region: Region,
        rng: random.Random,
        *,
        data_rate: int = 5,
        counter_based_nonce: bool = False,
        battery: int = 254,
    ) -> None:
        self.identity = identity
        self.region = region
        self.battery = battery
        self.data_rate = data_rate
        self.tx_power = 0
        self.nb_trans = 1
        self.join_nonce = -1
        self.dev_nonce = 0
        self.dev_addr: DevAddr | None = None
        self.nwk_s_key: AesKey | None = None
        self.app_s_key: AesKey | None = None
        self.fcnt_up = 0
        self.fcnt_down = -1
        self.snr_of_last_downlink = 0.0
        self._rng = rng
        self._counter_based_nonce = counter_based_nonce
        self._channels: dict[int, Channel] = {}
        self._mask = 0
        self._answers: list[MacCommand] = []
        self._sticky: list[MacCommand] = []
        self._ack_due = False
        self._adr_ack_cnt = 0
        self._reset_radio()

    def _reset_radio(self) -> None:
        region = self.region
        self._channels = dict(enumerate(region.default_channels))
        self._mask = (1 << len(self._channels)) - 1
        self.rx1_delay = region.rx1_delay
        self.rx1_dr_offset = 0
        self.rx2_data_rate = region.rx2_data_rate
        self.rx2_frequency = region.rx2_frequency
        self.max_duty_cycle = 0

    @property
    def joined(self) -> bool:
        return self.nwk_s_key is not None

    @property
    def enabled_channels(self) -> list[int]:
        """Indexes of the channels in use."""
        return [index for index in self._channels if self._mask & 1 << index]

    # Sending.

    def join_request(self) -> Transmission:
        """A join-request with a DevNonce not used before."""
        self.dev_nonce = (
            self.dev_nonce + 1 if self._counter_based_nonce else self._rng.getrandbits(16)
        ) & 0xFFFF
        identity = self.identity
        request = JoinRequest(identity.join_eui, identity.dev_eui, self.dev_nonce, b"")
        phy = request.unsigned() + join_request_mic(identity.app_key, request.unsigned())
        channel = self._rng.choice(self.region.default_channels)
        return self._transmission(
            phy,
            channel.frequency,
            self.region.join_accept_delay1,
            0,
            self.region.rx2_data_rate,
            self.region.rx2_frequency,
        )

    def uplink(self, fport: int | None, payload: bytes, *, confirmed: bool = False) -> Transmission:
        """A data uplink with the next counter. MAC answers that are due travel in its FOpts."""
        assert self.nwk_s_key is not None and self.app_s_key is not None and self.dev_addr is not None
        commands = serialise([*self._sticky, *self._answers])[:15]
        self._answers.clear()
        fctrl = frames.ADR
        if self._ack_due:
            fctrl |= frames.ACK
            self._ack_due = False
        self._adr_ack_cnt += 1
        if self._adr_ack_cnt >= ADR_ACK_LIMIT:
            fctrl |= frames.ADR_ACK_REQ
        self._back_off()
        mtype = MType.CONFIRMED_UP if confirmed else MType.UNCONFIRMED_UP
        body = payload
        if fport is not None:
            key = self.nwk_s_key if fport == 0 else self.app_s_key
            body = crypt_payload(key, UPLINK, self.dev_addr, self.fcnt_up, payload)
        octets = frames.data_frame_octets(mtype, self.dev_addr, fctrl, self.fcnt_up, commands, fport, body)
        phy = octets + data_mic(self.nwk_s_key, UPLINK, self.dev_addr, self.fcnt_up, octets)
        self.fcnt_up += 1
        usable = [
            self._channels[index]
            for index in self.enabled_channels
            if self._channels[index].min_dr <= self.data_rate <= self._channels[index].max_dr
        ]
        frequency = self._rng.choice(usable).frequency
        return self.again(Transmission(phy, frequency, self.region.data_rates[self.data_rate], 0, ()))

    def again(self, sent: Transmission) -> Transmission:
        """The same frame once more, with the receive windows of now."""
        return self._transmission(
            sent.phy_payload,
            sent.frequency,
            self.rx1_delay,
            self.rx1_dr_offset,
            self.rx2_data_rate,
            self.rx2_frequency,
        )

    def _transmission(
        self,
        phy: bytes,
        frequency: int,
        delay: int,
        rx1_dr_offset: int,
        rx2_data_rate: int,
        rx2_frequency: int,
    ) -> Transmission:
        region = self.region
        rx1 = region.rx1_data_rate(self.data_rate, rx1_dr_offset)
        return Transmission(
            phy,
            frequency,
            region.data_rates[self.data_rate],
            region.max_eirp - 2 * self.tx_power,
            (
                ListeningWindow(delay, frequency, region.data_rates[rx1]),
                ListeningWindow(delay + 1, rx2_frequency, region.data_rates[rx2_data_rate]),
            ),
        )

    def _back_off(self) -> None:
        """Without any downlink for long, first raise the power, then lower the rate (§4.3.1.1)."""
        over = self._adr_ack_cnt - ADR_ACK_LIMIT
        if over <= 0 or over % ADR_ACK_DELAY:
            return
        if self.tx_power:
            self.tx_power = 0
        elif self.data_rate:
            self.data_rate -= 1
        else:
            self._mask |= (1 << len(self.region.default_channels)) - 1
            self.nb_trans = 1

    def link_check(self, command: MacCommand) -> None:
        """Ask something of the network with the next uplink."""
        self._answers.append(command)

    # Receiving.

    def receive(self, phy_payload: bytes) -> Received | None:
        """Take a downlink; None if it is not for this device or breaks a rule."""
        try:
            frame = frames.parse(phy_payload)
        except frames.FrameError:
            return None
        if isinstance(frame, EncryptedJoinAccept):
            return self._join_accept(phy_payload)
        if isinstance(frame, DataFrame) and not frame.uplink:
            return self._data(frame)
        return None

    def _join_accept(self, phy: bytes) -> Received | None:
        accept, mic = decrypt_join_accept(self.identity.app_key, phy)
        if join_accept_mic(self.identity.app_key, accept) != mic or accept.join_nonce <= self.join_nonce:
            return None
        keys = derive_session_keys_10(
            self.identity.app_key, accept.join_nonce, NetId(accept.net_id), self.dev_nonce
        )
        self.join_nonce = accept.join_nonce
        self.nwk_s_key, self.app_s_key = keys.nwk_s_key, keys.app_s_key
        self.dev_addr = accept.dev_addr
        self.fcnt_up, self.fcnt_down = 0, -1
        self._answers.clear()
        self._sticky.clear()
        self._ack_due = False
        self._adr_ack_cnt = 0
        self._reset_radio()
        self.rx1_delay = accept.rx_delay or 1
        self.rx1_dr_offset = accept.rx1_dr_offset
        self.rx2_data_rate = accept.rx2_data_rate
        for position in range(5 if accept.cf_list else 0):
            frequency = int.from_bytes(accept.cf_list[3 * position : 3 * position + 3], "little") * 100
            if frequency:
                index = len(self.region.default_channels) + position
                self._channels[index] = Channel(frequency, 0, 5)
                self._mask |= 1 << index
        return Received(joined=True)

    def _data(self, frame: DataFrame) -> Received | None:
        if self.nwk_s_key is None or self.app_s_key is None or frame.dev_addr != self.dev_addr:
            return None
        last = max(self.fcnt_down, 0)
        fcnt = (last & 0xFFFF0000) | frame.fcnt
        if fcnt < last:
            fcnt += 0x10000
        mic = data_mic(self.nwk_s_key, DOWNLINK, frame.dev_addr, fcnt, frame.unsigned())
        if mic != frame.mic or fcnt <= self.fcnt_down:
            return None
        self.fcnt_down = fcnt
        self._adr_ack_cnt = 0
        self._sticky.clear()
        self._ack_due = frame.confirmed
        payload, octets = b"", frame.fopts
        if frame.fport == 0:
            octets = crypt_payload(self.nwk_s_key, DOWNLINK, frame.dev_addr, fcnt, frame.frm_payload)
        elif frame.fport is not None:
            payload = crypt_payload(self.app_s_key, DOWNLINK, frame.dev_addr, fcnt, frame.frm_payload)
        commands = parse(octets, DOWNLINK_COMMANDS).commands
        for command in commands:
            handler = _HANDLERS.get(type(command))
            if handler is not None:
                handler(self, command)
        return Received(
            ack=frame.ack,
            confirmed=frame.confirmed,
            fcnt=fcnt,
            fport=frame.fport,
            payload=payload,
            commands=commands,
        )

    # MAC commands of the network.

    def _link_adr(self, command: LinkADRReq) -> None:
        wanted_mask = command.ch_mask if command.ch_mask_cntl == 0 else self._all_channels()
        mask_ok = command.ch_mask_cntl in (0, 6) and wanted_mask != 0
        mask_ok = mask_ok and not wanted_mask & ~self._all_channels()
        rate = self.data_rate if command.data_rate == 15 else command.data_rate
        rate_ok = rate in self.region.data_rates and any(
            self._channels[index].min_dr <= rate <= self._channels[index].max_dr
            for index in self._channels
            if wanted_mask & 1 << index
        )
        power_ok = command.tx_power == 15 or command.tx_power <= self.region.tx_power_steps
        if mask_ok and rate_ok and power_ok:
            self.data_rate, self._mask = rate, wanted_mask
            if command.tx_power != 15:
                self.tx_power = command.tx_power
            self.nb_trans = command.nb_trans or 1
        self._answers.append(LinkADRAns(power_ok, rate_ok, mask_ok))

    def _all_channels(self) -> int:
        return sum(1 << index for index in self._channels)

    def _duty_cycle(self, command: DutyCycleReq) -> None:
        self.max_duty_cycle = command.max_duty_cycle
        self._answers.append(DutyCycleAns())

    def _rx_param_setup(self, command: RXParamSetupReq) -> None:
        offset_ok = command.rx1_dr_offset <= 5
        rate_ok = (
            command.rx2_data_rate in self.region.data_rates
            and command.rx2_data_rate not in self.region.uplink_only
        )
        channel_ok = self.region.sub_band(command.frequency) is not None
        if offset_ok and rate_ok and channel_ok:
            self.rx1_dr_offset = command.rx1_dr_offset
            self.rx2_data_rate = command.rx2_data_rate
            self.rx2_frequency = command.frequency
        self._sticky.append(RXParamSetupAns(offset_ok, rate_ok, channel_ok))

    def _dev_status(self, _command: DevStatusReq) -> None:
        margin = max(-32, min(31, round(self.snr_of_last_downlink)))
        self._answers.append(DevStatusAns(self.battery, margin))

    def _new_channel(self, command: NewChannelReq) -> None:
        rates_ok = command.min_dr <= command.max_dr
        frequency_ok = (
            len(self.region.default_channels) <= command.ch_index < self.region.max_channels
            and self.region.sub_band(command.frequency) is not None
        )
        if rates_ok and frequency_ok:
            self._channels[command.ch_index] = Channel(command.frequency, command.min_dr, command.max_dr)
            self._mask |= 1 << command.ch_index
        self._answers.append(NewChannelAns(rates_ok, frequency_ok))

    def _rx_timing_setup(self, command: RXTimingSetupReq) -> None:
        self.rx1_delay = command.delay
        self._sticky.append(RXTimingSetupAns())


def _ignore(_device: VirtualDevice, _command: MacCommand) -> None:
    """Answers to the device's own questions change nothing in it."""


_HANDLERS: dict[type, Callable[[VirtualDevice, MacCommand], None]] = {
    LinkADRReq: VirtualDevice._link_adr,  # type: ignore[dict-item]
    DutyCycleReq: VirtualDevice._duty_cycle,  # type: ignore[dict-item]
    RXParamSetupReq: VirtualDevice._rx_param_setup,  # type: ignore[dict-item]
    DevStatusReq: VirtualDevice._dev_status,  # type: ignore[dict-item]
    NewChannelReq: VirtualDevice._new_channel,  # type: ignore[dict-item]
    RXTimingSetupReq: VirtualDevice._rx_timing_setup,  # type: ignore[dict-item]
    LinkCheckAns: _ignore,
    DeviceTimeAns: _ignore,
}
