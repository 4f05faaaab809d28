"""A virtual end-device, sans-IO: it makes the frames it would send and takes those it receives.

Written from the device's side of TS001-1.0.4 and TS001-1.1, independently of the network server's code for
the same exchange; only frames, cryptography and regional tables are shared.
"""

from __future__ import annotations

import random
from itertools import groupby

import msgspec

from veldnet.lorawan import AesKey, DevAddr, DevEui, JoinEui, NetId, frames
from veldnet.lorawan.class_b import BEACON_PERIOD, ping_slot_time
from veldnet.lorawan.crypto import DOWNLINK, UPLINK, crypt_payload
from veldnet.lorawan.frames import DataFrame, EncryptedJoinAccept, JoinRequest, MType, RejoinRequest
from veldnet.lorawan.join import (
    JOIN_REQUEST_TYPE,
    JoinAccept,
    decrypt_join_accept,
    derive_js_enc_key,
    derive_js_int_key,
    derive_session_keys_10,
    derive_session_keys_11,
    join_accept_mic,
    join_accept_mic_11,
    join_request_mic,
)
from veldnet.lorawan.mac_commands import (
    DOWNLINK_COMMANDS,
    DeviceModeConf,
    DeviceModeInd,
    DeviceTimeReq,
    DevStatusAns,
    DevStatusReq,
    ForceRejoinReq,
    LinkADRReq,
    MacCommand,
    PingSlotInfoAns,
    PingSlotInfoReq,
    RekeyConf,
    RekeyInd,
    parse,
    serialise,
)
from veldnet.lorawan.modulation import Modulation
from veldnet.lorawan.regions import Region

from .device_radio import HANDLERS, DeviceRadio, ListeningWindow
from .security import Security, Security10, Security11

_FOPTS_LIMIT = 15
_MAX_NONCE = 0xFFFF


class NoncesUsedUp(RuntimeError):
    """A device has no DevNonce left: it can never join again (TS001-1.0.4 §6.2.5)."""


class Transmission(msgspec.Struct, frozen=True, gc=False):
    """A frame the device sends; `power` in dBm EIRP. `message` is the frame without its MIC."""

    phy_payload: bytes
    frequency: int
    modulation: Modulation
    power: float
    windows: tuple[ListeningWindow, ...]
    message: bytes = b""
    fcnt: int = 0
    conf_fcnt: int = 0


class Identity(msgspec.Struct, frozen=True):
    """What is engraved in a device; `nwk_key` is there from LoRaWAN 1.1 on."""

    dev_eui: DevEui
    join_eui: JoinEui
    app_key: AesKey
    nwk_key: AesKey | None = None


class Received(msgspec.Struct, frozen=True, gc=False):
    """What a downlink brought. `joined` for a join-accept; `payload` decrypted."""

    joined: bool = False
    ack: bool = False
    confirmed: bool = False
    fcnt: int | None = None
    fport: int | None = None
    payload: bytes = b""
    commands: tuple[MacCommand, ...] = ()
    fpending: bool = False


class VirtualDevice:
    """One device. `rng` decides channels and DevNonces; where these are counted, as from LoRaWAN 1.0.4 on,
    `dev_nonce` is the last one used. `device_class` is the one it wants to be in; it becomes class B when the
    network has answered its questions."""

    def __init__(
        self,
        identity: Identity,
        region: Region,
        rng: random.Random,
        *,
        data_rate: int = 5,
        device_class: str = "A",
        dev_nonce: int | None = None,
    ) -> None:
        self.identity = identity
        self.region = region
        self.battery = 254
        self.adr = True
        # Commands that it takes no notice of, as some firmware does.
        self.ignores: frozenset[type] = frozenset()
        self.radio = DeviceRadio(region, data_rate)
        self.join_nonce = -1
        self.dev_nonce = dev_nonce or 0
        self.dev_addr: DevAddr | None = None
        self.security: Security | None = None
        self.fcnt_up = 0
        self.snr_of_last_downlink = 0.0
        self.wanted_class = device_class
        self.device_class = "A"
        self.ping_periodicity = 3
        self.rng = rng
        self._counted = dev_nonce is not None or identity.nwk_key is not None
        self._answers: list[MacCommand] = []
        self._sticky: list[MacCommand] = []
        # Sent with every uplink until the network confirms.
        self._insistent: list[MacCommand] = []
        self._ack_of: int | None = None
        self._adr_ack_cnt = 0
        self._net_id = NetId(0)
        self._rj_count0 = 0
        self._rj_count1 = 0
        self._asked: int = JOIN_REQUEST_TYPE
        self._asked_nonce = 0
        self._joins = 0
        self.rejoin_due: int | None = None
        # Of class B: the beacon period and address, and when the first ping slot is.
        self._first_slot: tuple[tuple[int, int], float] = ((-1, 0), 0.0)

    @property
    def joined(self) -> bool:
        return self.security is not None

    @property
    def data_rate(self) -> int:
        return self.radio.data_rate

    @data_rate.setter
    def data_rate(self, value: int) -> None:
        self.radio.data_rate = value

    @property
    def tx_power(self) -> int:
        return self.radio.tx_power

    @property
    def nb_trans(self) -> int:
        return self.radio.nb_trans

    @property
    def app_s_key(self) -> AesKey | None:
        return None if self.security is None else self.security.app_s_key

    # Sending.

    def join_request(self) -> Transmission:
        """A join-request with a DevNonce not used before. Raises `NoncesUsedUp`."""
        fresh = self.dev_nonce + 1 if self._counted else self.rng.getrandbits(16)
        if fresh > _MAX_NONCE:
            raise NoncesUsedUp(f"device {self.identity.dev_eui} has used up its DevNonces")
        self.dev_nonce = fresh
        identity = self.identity
        request = JoinRequest(identity.join_eui, identity.dev_eui, self.dev_nonce, b"")
        key = identity.nwk_key or identity.app_key
        self._asked, self._asked_nonce = JOIN_REQUEST_TYPE, self.dev_nonce
        return self._join_transmission(request.unsigned() + join_request_mic(key, request.unsigned()))

    def rejoin_request(self, rejoin_type: int) -> Transmission:
        """A rejoin-request of type 0, 1 or 2 (LoRaWAN 1.1)."""
        identity = self.identity
        assert identity.nwk_key is not None and isinstance(self.security, Security11)
        if rejoin_type == 1:
            count = self._rj_count1
            self._rj_count1 += 1
            key = derive_js_int_key(identity.nwk_key, identity.dev_eui)
        else:
            count = self._rj_count0
            self._rj_count0 += 1
            key = self.security.keys.s_nwk_s_int_key
        request = RejoinRequest(
            rejoin_type,
            None if rejoin_type == 1 else self._net_id,
            identity.join_eui if rejoin_type == 1 else None,
            identity.dev_eui,
            count,
            b"",
        )
        self._asked, self._asked_nonce = rejoin_type, count
        self.rejoin_due = None
        phy = request.unsigned() + join_request_mic(key, request.unsigned())
        if rejoin_type == 1:
            return self._join_transmission(phy)
        channel = self.radio.pick(self.rng)
        frequency = self.radio.channels[channel].frequency
        windows = self.radio.windows(channel, frequency, self.data_rate)
        # The answer comes after the join-accept delays, in the windows the device has now.
        delay = self.region.join_accept_delay1
        moved = tuple(
            ListeningWindow(delay + n, window.frequency, window.modulation)
            for n, window in enumerate(windows)
        )
        modulation = self.region.uplink[self.data_rate].modulation
        return Transmission(phy, frequency, modulation, self.radio.power(), moved)

    def _join_transmission(self, phy: bytes) -> Transmission:
        """On a channel that every device knows; in fixed plans through the sub-bands one after the other, and
        then on a wide one, so that a network of one sub-band is found soon."""
        region = self.region
        narrow = region.narrow_channels
        low, high = region.join_data_rates
        wide = narrow < len(region.channels) and self._joins % 9 == 8
        bank = 8 * (self._joins % 9)
        self._joins += 1
        if wide:
            indexes = range(narrow, len(region.channels))
        elif region.fixed:
            indexes = range(bank % narrow, min(bank % narrow + 8, narrow))
        else:
            indexes = range(narrow)
        channel = self.rng.choice(indexes)
        if narrow < len(region.channels):
            rate = high if wide else low
        else:
            rate = max(low, min(self.data_rate, high))
        frequency = region.channels[channel].frequency
        return Transmission(
            phy,
            frequency,
            region.uplink[rate].modulation,
            region.max_eirp,
            DeviceRadio(region, rate).windows(channel, frequency, rate, join_delay=region.join_accept_delay1),
        )

    def uplink(self, fport: int | None, payload: bytes, *, confirmed: bool = False) -> Transmission:
        """A data uplink with the next counter. MAC answers that are due travel in its FOpts."""
        security, address = self.security, self.dev_addr
        assert security is not None and address is not None
        fctrl = frames.ADR if self.adr else 0
        conf_fcnt = 0
        if self._ack_of is not None:
            fctrl |= frames.ACK
            conf_fcnt = self._ack_of
            self._ack_of = None
        if self.adr:
            self._adr_ack_cnt += 1
            if self._adr_ack_cnt >= self.radio.adr_ack_limit:
                fctrl |= frames.ADR_ACK_REQ
            over = self._adr_ack_cnt - self.radio.adr_ack_limit
            if over > 0 and over % self.radio.adr_ack_delay == 0:
                self.radio.back_off()
        if self.device_class == "B":
            fctrl |= frames.CLASS_B
        mtype = MType.CONFIRMED_UP if confirmed else MType.UNCONFIRMED_UP
        body = payload
        if fport is not None:
            key = security.mac_key() if fport == 0 else security.app_s_key
            body = crypt_payload(key, UPLINK, address, self.fcnt_up, payload)
        commands = security.uplink_commands(address, self.fcnt_up, self._commands(len(body)))
        message = frames.data_frame_octets(
            mtype, frames.Fhdr(address, fctrl, self.fcnt_up, commands), fport, body
        )
        fcnt, self.fcnt_up = self.fcnt_up, self.fcnt_up + 1
        limit = self.radio.rejoin_count_limit
        if limit is not None and self.fcnt_up % limit == 0:
            self.rejoin_due = 0
        return self._sign(message, fcnt, conf_fcnt)

    def _commands(self, payload: int) -> bytes:
        """The MAC commands that fit; those that do not wait for the next uplink."""
        waiting = [*self._insistent, *self._sticky, *self._answers]
        fitting: list[MacCommand] = []
        for command in waiting:
            if len(serialise([*fitting, command])) > _FOPTS_LIMIT:
                break
            fitting.append(command)
        sent = fitting[len(self._insistent) + len(self._sticky) :]
        self._answers = self._answers[len(sent) :]
        return serialise(fitting)

    def again(self, sent: Transmission) -> Transmission:
        """The same frame once more, on another channel and with the receive windows of now."""
        return self._sign(sent.message, sent.fcnt, sent.conf_fcnt)

    def _sign(self, message: bytes, fcnt: int, conf_fcnt: int) -> Transmission:
        security, address = self.security, self.dev_addr
        assert security is not None and address is not None
        channel = self.radio.pick(self.rng)
        frequency = self.radio.channels[channel].frequency
        mic = security.uplink_mic(
            address, fcnt, message, conf_fcnt=conf_fcnt, data_rate=self.data_rate, channel=channel
        )
        return Transmission(
            message + mic,
            frequency,
            self.region.uplink[self.data_rate].modulation,
            self.radio.power(),
            self.radio.windows(channel, frequency, self.data_rate),
            message,
            fcnt,
            conf_fcnt,
        )

    def ask(self, command: MacCommand) -> None:
        """Ask something of the network with the next uplink."""
        self._answers.append(command)

    # Listening without having spoken.

    def listens_always(self) -> tuple[int, Modulation] | None:
        """Where a device of class C listens all the time."""
        if self.device_class != "C" or not self.joined:
            return None
        return self.radio.rx2_frequency, self.region.downlink[self.radio.rx2_data_rate].modulation

    def listens_at(self, gps: float, tolerance: float) -> tuple[int, Modulation] | None:
        """Where a device of class B listens at a moment, None between its ping slots."""
        if self.device_class != "B" or self.dev_addr is None:
            return None
        beacon = int(gps // BEACON_PERIOD * BEACON_PERIOD)
        if self._first_slot[0] != (beacon, self.dev_addr):
            first = ping_slot_time(beacon, self.dev_addr, 1 << 7 - self.ping_periodicity, 0)
            self._first_slot = ((beacon, self.dev_addr), first)
        # Slots are 0.96 s times 2^periodicity apart.
        apart = 0.96 * (1 << self.ping_periodicity)
        off = (gps - self._first_slot[1]) % apart
        if gps < self._first_slot[1] - tolerance or min(off, apart - off) > tolerance:
            return None
        table = self.region.class_b.ping_frequencies
        hop = table[(int(self.dev_addr) + int(beacon // BEACON_PERIOD)) % len(table)]
        return self.radio.ping_frequency or hop, self.region.downlink[self.radio.ping_data_rate].modulation

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
        identity = self.identity
        if identity.nwk_key is None:
            return self._join_accept_10(phy, identity.app_key)
        rejoin = self._asked != JOIN_REQUEST_TYPE
        key = derive_js_enc_key(identity.nwk_key, identity.dev_eui) if rejoin else identity.nwk_key
        accept, mic = decrypt_join_accept(key, phy)
        if not accept.opt_neg and not rejoin:
            return self._join_accept_10(phy, identity.nwk_key)
        int_key = derive_js_int_key(identity.nwk_key, identity.dev_eui)
        nonce = self._asked_nonce
        expected = join_accept_mic_11(int_key, accept, identity.join_eui, nonce, self._asked)
        if not accept.opt_neg or expected != mic or accept.join_nonce <= self.join_nonce:
            return None
        keys = derive_session_keys_11(
            identity.nwk_key, identity.app_key, accept.join_nonce, identity.join_eui, nonce
        )
        self._begin(accept, keep_radio=self._asked == 2)
        self.security = Security11(keys)
        self._insistent.insert(0, RekeyInd(1))
        if self.wanted_class == "C":
            self._insistent.append(DeviceModeInd(2))
        return Received(joined=True)

    def _join_accept_10(self, phy: bytes, key: AesKey) -> Received | None:
        """On a network of 1.0.x, a device of 1.1 does with its NwkKey what others do with their AppKey
        (TS001-1.1 §6.1.1.3)."""
        accept, mic = decrypt_join_accept(key, phy)
        if join_accept_mic(key, accept) != mic or accept.join_nonce <= self.join_nonce:
            return None
        keys = derive_session_keys_10(key, accept.join_nonce, NetId(accept.net_id), self.dev_nonce)
        self._begin(accept, keep_radio=False)
        self.security = Security10(keys)
        if self.wanted_class == "C":
            self.device_class = "C"
        return Received(joined=True)

    def _begin(self, accept: JoinAccept, *, keep_radio: bool) -> None:
        self.join_nonce = accept.join_nonce
        self.dev_addr = accept.dev_addr
        self._net_id = accept.net_id
        self.fcnt_up = 0
        self._rj_count0 = 0
        self._answers.clear()
        self._sticky.clear()
        self._insistent = []
        self._ack_of = None
        self._adr_ack_cnt = 0
        self.device_class = "A"
        if not keep_radio:
            self.radio.joined(accept.dl_settings, accept.rx_delay, accept.cf_list)
        if self.wanted_class == "B":
            self._answers.append(DeviceTimeReq())
            self._insistent.append(PingSlotInfoReq(self.ping_periodicity))

    def _data(self, frame: DataFrame) -> Received | None:
        security = self.security
        if security is None or frame.dev_addr != self.dev_addr:
            return None
        fcnt = security.accept(frame, last_uplink=self.fcnt_up - 1)
        if fcnt is None:
            return None
        self._adr_ack_cnt = 0
        self._sticky.clear()
        if frame.confirmed:
            self._ack_of = fcnt
        payload = b""
        if frame.fport:
            payload = crypt_payload(security.app_s_key, DOWNLINK, frame.dev_addr, fcnt, frame.frm_payload)
        commands = parse(security.downlink_commands(frame, fcnt), DOWNLINK_COMMANDS).commands
        for kind, together in groupby(commands, key=type):
            self._obey(kind, list(together))
        return Received(
            ack=frame.ack,
            confirmed=frame.confirmed,
            fcnt=fcnt,
            fport=frame.fport,
            payload=payload,
            commands=commands,
            fpending=frame.fpending,
        )

    def _obey(self, kind: type, together: list[MacCommand]) -> None:
        """Commands of one kind in a row; several LinkADRReq are one block, answered one by one."""
        if kind in self.ignores:
            return
        if kind is LinkADRReq:
            answer = self.radio.link_adr([c for c in together if isinstance(c, LinkADRReq)])
            self._answers += [answer] * len(together)
            return
        for command in together:
            if isinstance(command, DevStatusReq):
                margin = max(-32, min(31, round(self.snr_of_last_downlink)))
                self._answers.append(DevStatusAns(self.battery, margin))
            elif isinstance(command, ForceRejoinReq):
                self.rejoin_due = 0 if command.rejoin_type in (0, 1) else 2
            elif isinstance(command, RekeyConf):
                self._insistent = [c for c in self._insistent if not isinstance(c, RekeyInd)]
            elif isinstance(command, DeviceModeConf):
                self._insistent = [c for c in self._insistent if not isinstance(c, DeviceModeInd)]
                self.device_class = "C" if command.device_class == 2 else "A"
            elif isinstance(command, PingSlotInfoAns):
                self._insistent = [c for c in self._insistent if not isinstance(c, PingSlotInfoReq)]
                self.device_class = "B"
            elif kind in HANDLERS:
                handler, sticky = HANDLERS[kind]
                reply = handler(self.radio, command)
                if reply is not None:
                    (self._sticky if sticky else self._answers).append(reply)
