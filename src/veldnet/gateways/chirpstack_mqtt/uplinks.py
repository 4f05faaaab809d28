"""Frames of base stations as `GatewayUplink`; those of bridges before version 4 can be read, not answered."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from google.protobuf.duration_pb2 import Duration

from veldnet.gateways.fine_time import fine_time
from veldnet.gateways.remarks import Note
from veldnet.gateways.station_clock import Heard, StationClock
from veldnet.lorawan import BaseStationId
from veldnet.lorawan.gpstime import FineTime, unix_to_gps
from veldnet.lorawan.modulation import Fsk, Lora, LrFhss, Modulation
from veldnet.lorawan.radio import GatewayUplink
from veldnet.texts import Text

from . import gateway_pb2 as pb
from .messages import LONGEST_CONTEXT, Context, MessageError

MAX_PHY_PAYLOAD = 255

_COUNTER = 0xFFFFFFFF
# Some forwarders cut off what is left of a product of floats: channels are multiples of 100 Hz everywhere.
_RASTER = 100
_LOWEST, _HIGHEST = 10_000_000, 3_000_000_000
_SLOWEST_FSK, _FASTEST_FSK = 500, 250_000
# Counters of microseconds: 32 bits, or the `xtime` of Basics Station behind its `rctx`.
_TMST, _XTIME = 4, 16
# GPS seconds that can be meant: till 2099.
_LAST_SECOND = 3_800_000_000


class Origin(NamedTuple):
    """Whose frames: the base station, its session, and what is known of its clock."""

    base_station: BaseStationId
    session: int
    clock: StationClock


def gateway_id(frame: pb.UplinkFrame) -> str:
    """The EUI that a frame says it comes from."""
    if frame.HasField("rx_info"):
        return frame.rx_info.gateway_id
    return frame.rx_info_legacy.gateway_id.hex()


def uplink_of(frame: pb.UplinkFrame, origin: Origin, received_at: float, odd: Note) -> GatewayUplink | None:
    """None for a frame whose CRC failed. Raises `MessageError`."""
    if not 0 < len(frame.phy_payload) <= MAX_PHY_PAYLOAD:
        raise MessageError("bad_size", "the frame holds {octets} octets", octets=len(frame.phy_payload))
    if not frame.HasField("rx_info"):
        return _legacy(frame, origin, received_at, odd)
    received = frame.rx_info
    if received.crc_status == pb.BAD_CRC:
        return None
    context = received.context
    if len(context) > LONGEST_CONTEXT:
        raise MessageError("bad_context", "the context holds {octets} octets", octets=len(context))
    counter = _counter(context)
    heard = _heard(received, origin.clock, counter, received_at, odd)
    if not context:
        odd("no_context", Text("the frame has no context: no downlink can be timed by it"))
        timestamp = None
    else:
        timestamp = int(received_at * 1_000_000) & _COUNTER if counter is None else counter
    modulation = _modulation_of(frame.tx_info.modulation)
    rssi, snr = _signal(received.rssi, received.snr, modulation, odd)
    return GatewayUplink(
        origin.base_station,
        frame.phy_payload,
        _frequency(frame.tx_info.frequency),
        modulation,
        rssi,
        snr,
        timestamp,
        received_at if heard is None or heard.kept_at is None else heard.kept_at,
        late=heard is not None and heard.kept_at is not None,
        gps_time=None if heard is None else heard.gps_time,
        clock_error=None if heard is None else heard.error,
        context=b""
        if timestamp is None
        else Context(origin.session, timestamp, received.board, received.antenna, context).packed(),
        fine_time=_fine_time(received, heard, odd),
    )


def _fine_time(received: pb.UplinkRxInfo, heard: Heard | None, odd: Note) -> FineTime | None:
    if not received.HasField("fine_time_since_gps_epoch") or heard is None or heard.kept_at is not None:
        return None
    since = received.fine_time_since_gps_epoch
    if since.seconds == 0 and since.nanos == 0:
        return None
    # The second is that of the base station's GPS time, as everywhere.
    return fine_time(heard.gps_time, since.nanos, odd)


def _legacy(frame: pb.UplinkFrame, origin: Origin, received_at: float, odd: Note) -> GatewayUplink:
    if not frame.HasField("rx_info_legacy"):
        raise MessageError("no_rx_info", "rx_info is missing")
    odd("old_bridge", Text("the bridge is older than version 4 and cannot be answered: update it"))
    sent, received = frame.tx_info_legacy, frame.rx_info_legacy
    if sent.HasField("lora_modulation_info"):
        lora = sent.lora_modulation_info
        # These count the bandwidth in kHz.
        modulation: Modulation = _lora(lora.spreading_factor, lora.bandwidth * 1000)
    elif sent.HasField("fsk_modulation_info"):
        modulation = _fsk(sent.fsk_modulation_info.datarate)
    else:
        raise MessageError("bad_data_rate", "the modulation is missing")
    rssi, snr = _signal(received.rssi, received.lora_snr, modulation, odd)
    frequency = _frequency(sent.frequency)
    return GatewayUplink(
        origin.base_station, frame.phy_payload, frequency, modulation, rssi, snr, None, received_at
    )


def _counter(context: bytes) -> int | None:
    """The low 32 bits of the counter that a context holds, by its size; None where it is something else."""
    if len(context) == _TMST:
        return int.from_bytes(context, "big")
    if len(context) == _XTIME:
        return int.from_bytes(context[-4:], "big")
    return None


def _heard(
    received: pb.UplinkRxInfo, clock: StationClock, counter: int | None, now: float, odd: Note
) -> Heard | None:
    """What the base station's times say: GPS time, the finest there is, else the time of its system, which
    tells of frames that were kept and no more."""
    gps = None
    if received.HasField("fine_time_since_gps_epoch"):
        gps = _seconds(received.fine_time_since_gps_epoch, odd)
    if gps is None and received.HasField("time_since_gps_epoch"):
        gps = _seconds(received.time_since_gps_epoch, odd)
    if gps is not None:
        return clock.judge(gps, counter, now)
    if not received.HasField("gw_time"):
        return None
    unix = received.gw_time.seconds + received.gw_time.nanos * 1e-9
    if not 0 < unix < _LAST_SECOND:
        return None
    return Heard(kept_at=clock.judge(unix_to_gps(unix), counter, now).kept_at)


def _seconds(since: Duration, odd: Note) -> float | None:
    """GPS seconds; zero is what a base station writes that does not know them."""
    seconds: float = since.seconds + since.nanos * 1e-9
    if seconds == 0:
        return None
    if not 0 < seconds < _LAST_SECOND:
        odd("bad_time", Text("{seconds:g} s since the GPS epoch are no time of today", seconds=seconds))
        return None
    return seconds


def _frequency(hertz: int) -> int:
    if not _LOWEST <= hertz <= _HIGHEST:
        raise MessageError("bad_frequency", "frequency {hertz} is not in Hz", hertz=hertz)
    return (hertz + _RASTER // 2) // _RASTER * _RASTER


def _signal(rssi: float, snr: float, modulation: Modulation, odd: Note) -> tuple[float | None, float | None]:
    """RSSI and SNR; None where they are not known. An RSSI of zero is one that was not written."""
    known_rssi: float | None = rssi
    known_snr: float | None = snr if isinstance(modulation, Lora) else 0.0
    if not -200 <= rssi < 0 and not 0 < rssi <= 50:
        odd("no_signal", Text("rssi is missing or not in dBm"))
        known_rssi = None
    if known_snr is not None and not -50 <= known_snr <= 50:
        odd("no_signal", Text("snr {snr:g} is not in dB", snr=snr))
        known_snr = None
    return known_rssi, known_snr


def _modulation_of(modulation: pb.Modulation) -> Modulation:
    kind = modulation.WhichOneof("parameters")
    if kind == "lora":
        return _lora(modulation.lora.spreading_factor, modulation.lora.bandwidth)
    if kind == "fsk":
        return _fsk(modulation.fsk.datarate)
    if kind == "lr_fhss":
        hopping = modulation.lr_fhss
        return _lr_fhss(hopping.operating_channel_width, hopping.code_rate, hopping.code_rate_legacy)
    raise MessageError("bad_data_rate", "the modulation is missing")


@lru_cache(maxsize=256)
def _lora(sf: int, hertz: int) -> Lora:
    if not 5 <= sf <= 12 or not 7_000 <= hertz <= 2_000_000:
        raise MessageError("bad_data_rate", "SF{sf} at {hertz} Hz is no data rate", sf=sf, hertz=hertz)
    return Lora(sf, round(hertz / 1000))


@lru_cache(maxsize=64)
def _fsk(bitrate: int) -> Fsk:
    if not _SLOWEST_FSK <= bitrate <= _FASTEST_FSK:
        raise MessageError("bad_data_rate", "{bitrate} bit/s is no data rate", bitrate=bitrate)
    return Fsk(bitrate)


@lru_cache(maxsize=64)
def _lr_fhss(hertz: int, code_rate: int, legacy: str) -> LrFhss:
    if not 10_000 <= hertz <= 2_000_000:
        raise MessageError("bad_data_rate", "a width of {hertz} Hz is no data rate", hertz=hertz)
    fast = code_rate == pb.CR_4_6 or (code_rate == pb.CR_UNDEFINED and legacy in ("4/6", "2/3"))
    return LrFhss(round(hertz / 1000), "2/3" if fast else "1/3")
