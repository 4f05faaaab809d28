"""Keys and counters of a virtual device's session, from the device's side of TS001-1.0.4 and TS001-1.1."""

from __future__ import annotations

from typing import Protocol

from veldnet.lorawan import AesKey, DevAddr
from veldnet.lorawan.crypto import (
    DOWNLINK,
    FCNT_APPLICATION,
    FCNT_NETWORK,
    UPLINK,
    Sent,
    crypt_fopts,
    crypt_payload,
    data_mic,
    data_mic_downlink_11,
    data_mic_uplink_11,
)
from veldnet.lorawan.frames import DataFrame
from veldnet.lorawan.join import SessionKeys10, SessionKeys11


class Security(Protocol):
    """How a session's frames are signed and encrypted."""

    app_s_key: AesKey

    def uplink_mic(
        self, address: DevAddr, fcnt: int, octets: bytes, *, conf_fcnt: int, data_rate: int, channel: int
    ) -> bytes: ...

    def uplink_commands(self, address: DevAddr, fcnt: int, fopts: bytes) -> bytes:
        """FOpts as they travel."""

    def accept(self, frame: DataFrame, *, last_uplink: int) -> int | None:
        """The full counter of a genuine downlink that was not heard before, else None; it counts as heard."""

    def downlink_commands(self, frame: DataFrame, fcnt: int) -> bytes:
        """The MAC commands of a downlink in clear."""

    def mac_key(self) -> AesKey: ...


def _extend(last: int, fcnt16: int) -> int:
    """The full counter of a frame: the next one with these low bits, counting from `last`, -1 for none."""
    base = max(last, 0)
    fcnt = base & 0xFFFF0000 | fcnt16
    return fcnt + 0x10000 if fcnt < base else fcnt


class Security10:
    """LoRaWAN 1.0.x: one network key, one downlink counter, FOpts in clear."""

    def __init__(self, keys: SessionKeys10) -> None:
        self.nwk_s_key = keys.nwk_s_key
        self.app_s_key = keys.app_s_key
        self.fcnt_down = -1

    def uplink_mic(
        self, address: DevAddr, fcnt: int, octets: bytes, *, conf_fcnt: int, data_rate: int, channel: int
    ) -> bytes:
        return data_mic(self.nwk_s_key, UPLINK, address, fcnt, octets)

    def uplink_commands(self, address: DevAddr, fcnt: int, fopts: bytes) -> bytes:
        return fopts

    def accept(self, frame: DataFrame, *, last_uplink: int) -> int | None:
        fcnt = _extend(self.fcnt_down, frame.fcnt)
        mic = data_mic(self.nwk_s_key, DOWNLINK, frame.dev_addr, fcnt, frame.unsigned())
        if mic != frame.mic or fcnt <= self.fcnt_down:
            return None
        self.fcnt_down = fcnt
        return fcnt

    def downlink_commands(self, frame: DataFrame, fcnt: int) -> bytes:
        if frame.fport == 0:
            return crypt_payload(self.nwk_s_key, DOWNLINK, frame.dev_addr, fcnt, frame.frm_payload)
        return frame.fopts

    def mac_key(self) -> AesKey:
        return self.nwk_s_key


class Security11:
    """LoRaWAN 1.1: three network keys, two downlink counters, FOpts encrypted."""

    def __init__(self, keys: SessionKeys11) -> None:
        self.keys = keys
        self.app_s_key = keys.app_s_key
        self.n_fcnt_down = -1
        self.a_fcnt_down = -1

    def uplink_mic(
        self, address: DevAddr, fcnt: int, octets: bytes, *, conf_fcnt: int, data_rate: int, channel: int
    ) -> bytes:
        return data_mic_uplink_11(
            self.keys.f_nwk_s_int_key,
            self.keys.s_nwk_s_int_key,
            address,
            fcnt,
            octets,
            Sent(conf_fcnt, data_rate, channel),
        )

    def uplink_commands(self, address: DevAddr, fcnt: int, fopts: bytes) -> bytes:
        return crypt_fopts(self.keys.nwk_s_enc_key, UPLINK, address, fcnt, fopts, counter=FCNT_NETWORK)

    def accept(self, frame: DataFrame, *, last_uplink: int) -> int | None:
        application = bool(frame.fport)
        last = self.a_fcnt_down if application else self.n_fcnt_down
        fcnt = _extend(last, frame.fcnt)
        mic = data_mic_downlink_11(
            self.keys.s_nwk_s_int_key,
            frame.dev_addr,
            fcnt,
            frame.unsigned(),
            conf_fcnt=last_uplink if frame.ack else 0,
        )
        if mic != frame.mic or fcnt <= last:
            return None
        if application:
            self.a_fcnt_down = fcnt
        else:
            self.n_fcnt_down = fcnt
        return fcnt

    def downlink_commands(self, frame: DataFrame, fcnt: int) -> bytes:
        key = self.keys.nwk_s_enc_key
        if frame.fport == 0:
            return crypt_payload(key, DOWNLINK, frame.dev_addr, fcnt, frame.frm_payload)
        counter = FCNT_APPLICATION if frame.fport else FCNT_NETWORK
        return crypt_fopts(key, DOWNLINK, frame.dev_addr, fcnt, frame.fopts, counter=counter)

    def mac_key(self) -> AesKey:
        return self.keys.nwk_s_enc_key
