"""A multicast group with its rules and keys, and the frames that it is sent."""

from __future__ import annotations

import msgspec

from veldnet.domain.documents import PlanSettings
from veldnet.domain.groups import GroupRow
from veldnet.lorawan import AesKey, DevAddr, frames
from veldnet.lorawan.airtime import time_on_air
from veldnet.lorawan.class_b import BEACON_GUARD, BEACON_PERIOD, next_ping_slot
from veldnet.lorawan.crypto import DOWNLINK, crypt_payload, data_mic
from veldnet.lorawan.frames import MType
from veldnet.lorawan.modulation import Modulation
from veldnet.lorawan.regions import Region, max_frm_payload
from veldnet.network.core.parameters import NetworkParameters

from .state import Sending

# MHDR, FHDR, FPort and MIC.
OVERHEAD = 13
# Seconds between the end of a frame and the next of a neighbour, at least.
_APART = 0.5


class GroupKeys(msgspec.Struct, frozen=True, gc=False):
    """The session keys of a group; `app_s_key` is None where its payloads come encrypted."""

    nwk_s_key: AesKey
    app_s_key: AesKey | None

    def __repr__(self) -> str:
        return "GroupKeys()"


class GroupContext(msgspec.Struct, frozen=True, gc=False):
    """The network, the group with its plan (None without service) and region, the time in Unix seconds."""

    network: NetworkParameters
    row: GroupRow
    plan: PlanSettings | None
    region: Region | None
    keys: GroupKeys
    now: float

    @property
    def dev_addr(self) -> DevAddr:
        return DevAddr(self.row.dev_addr)

    @property
    def data_rate(self) -> int:
        return data_rate_of(self.row, self.region)

    @property
    def modulation(self) -> Modulation:
        assert self.region is not None
        return self.region.downlink[self.data_rate].modulation

    @property
    def room(self) -> int:
        """Octets of payload that a frame of the group holds."""
        assert self.region is not None
        return max_frm_payload(
            self.region.downlink[self.data_rate], dwell=False, repeater=self.network.repeater, early=False
        )


def data_rate_of(row: GroupRow, region: Region | None) -> int:
    """The group's data rate, or that of its class in the region."""
    assert region is not None
    if row.data_rate is not None:
        return row.data_rate
    return region.class_b.ping_data_rate if row.group_class == "B" else region.rx2_data_rate


def frequency_of(row: GroupRow, region: Region, slot: float | None) -> int:
    """The group's frequency in Hz, or that of its class in the region; ping slots may hop (TS001-1.0.4
    §14.4)."""
    if row.frequency is not None:
        return row.frequency
    if slot is None:
        return region.rx2_frequency
    listed = region.class_b.ping_frequencies
    return listed[(row.dev_addr + int(slot // BEACON_PERIOD)) % len(listed)]


def octets_of(context: GroupContext, sending: Sending) -> bytes:
    """The frame, the same at every attempt: unconfirmed, signed and encrypted as of 1.0.x (TS005 §4)."""
    address, fcnt, frame = context.dev_addr, sending.fcnt, sending.frame
    body = frame.payload
    if frame.fcnt is None:
        # Submissions in clear are accepted only while the network holds the AppSKey.
        assert context.keys.app_s_key is not None
        body = crypt_payload(context.keys.app_s_key, DOWNLINK, address, fcnt, body)
    fctrl = frames.FPENDING if sending.fpending else 0
    octets = frames.data_frame_octets(
        MType.UNCONFIRMED_DOWN, frames.Fhdr(address, fctrl, fcnt, b""), frame.fport, body
    )
    return octets + data_mic(context.keys.nwk_s_key, DOWNLINK, address, fcnt, octets)


def airtime(context: GroupContext, sending: Sending) -> float:
    """Seconds on air."""
    return time_on_air(context.modulation, len(sending.frame.payload) + OVERHEAD, crc=False) / 1000


def slot_length(context: GroupContext, sending: Sending) -> float:
    """Seconds after which base stations near those of the slot before begin to send."""
    delay = 0 if context.plan is None else context.plan.multicastInterLrrDelay
    return max(airtime(context, sending) + _APART, float(delay))


def ping_slot(context: GroupContext, sending: Sending, after: float) -> float:
    """Start of the group's next ping slot behind `after`, in GPS seconds, whose frame ends before the guard
    time of the beacon."""
    assert context.row.ping_period is not None
    ping_nb, lasts = 128 // context.row.ping_period, airtime(context, sending)
    while True:
        slot = next_ping_slot(after, context.dev_addr, ping_nb)
        beacon = slot - slot % BEACON_PERIOD + BEACON_PERIOD
        if slot + lasts <= beacon - BEACON_GUARD:
            return slot
        after = slot + 0.001
