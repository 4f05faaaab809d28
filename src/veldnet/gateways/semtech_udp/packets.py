"""Typed PUSH_DATA contents: only the members that Veldnet reads."""

from __future__ import annotations

import msgspec

from veldnet.gateways.remarks import BadMessage


class DatagramError(BadMessage):
    """The datagram breaks the protocol."""


class Signal(msgspec.Struct, gc=False):
    """One antenna of `rsig`, which newer base stations send in place of rssi and lsnr. `ftime` are
    nanoseconds of the GPS second."""

    rssic: float | None = None
    rssis: float | None = None
    lsnr: float | None = None
    ftime: float | None = None


class ReceivedPacket(msgspec.Struct, gc=False):
    """`rxpk`: a frame from the air. `freq` in MHz, `tmst` in microseconds. Only `data`, `freq` and `datr` are
    needed to understand it."""

    data: str
    freq: float
    datr: str | float
    tmst: int | None = None
    tmms: float | None = None
    stat: int = 1
    modu: str = "LORA"
    rssi: float | None = None
    lsnr: float | None = None
    size: int | None = None
    codr: str | None = None
    rsig: list[Signal] | None = None
    ftime: float | None = None


class Status(msgspec.Struct, gc=False):
    """`stat`: packets received, with a good CRC and forwarded since the last one, the share of datagrams
    acknowledged, in per cent, and where there is a sensor the temperature in degrees Celsius."""

    rxnb: float = 0
    rxok: float = 0
    rxfw: float = 0
    ackr: float = 100.0
    temp: float | None = None
