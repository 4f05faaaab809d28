"""One connected station: what it sends becomes frames and reports, and downlinks become its messages."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, Protocol

from msgspec.structs import replace

from veldnet.gateways.fine_time import fine_time
from veldnet.gateways.interface import Host, StationProfile
from veldnet.gateways.presence import Seen
from veldnet.gateways.remote import RemoteRefused
from veldnet.gateways.station_clock import Heard, StationClock
from veldnet.lorawan import BaseStationId
from veldnet.lorawan.gpstime import FineTime, unix_to_gps
from veldnet.lorawan.modulation import Lora, Modulation
from veldnet.lorawan.radio import GatewayDownlink, GatewayUplink, TransmitReport, TransmitWindow
from veldnet.texts import Text

from .messages import (
    MAX_PHY_PAYLOAD,
    Context,
    DataFrame,
    Message,
    MessageError,
    RadioMessage,
    RemoteShells,
    TimeSync,
    Transmitted,
    UplinkInfo,
    Version,
    data_rate_of,
    downlink,
    parse,
    unpack_context,
)
from .router_config import data_rates, frequency_range, router_config
from .shells import FEATURE, Shells

# Station says when a frame is on air, and nothing of one that it dropped: after so many seconds it was.
_SILENT = 0.3
# A frame of class C is offered ten times, a tenth of a second apart.
_SILENT_AT_ONCE = 1.5
# Station takes no frame for later than that.
_FARTHEST_AHEAD = 600.0
# As many as a station keeps.
_MOST_PENDING = 128
_MILLIONTH = 1e-6
_COUNTER = 0xFFFFFFFF
_SECOND = 1_000_000


class Pending(NamedTuple):
    """A downlink that the station has been given."""

    sent: GatewayDownlink
    data_rate: int
    timer: asyncio.TimerHandle

    def took_second(self, said: Transmitted, now: float) -> bool:
        """Whether the station has used RX2: by the data rate and frequency it says, else by the time."""
        first, second = self.sent.window, self.sent.second
        if second is None:
            return False
        alike = first.frequency == second.frequency and first.modulation == second.modulation
        if alike or said.Freq is None:
            return now > second.opens_at - _SILENT
        return said.Freq != first.frequency or (said.DR is not None and self.data_rate != said.DR)


class Counts(NamedTuple):
    received: Counter[str]
    refused: Counter[str]
    irregular: Counter[str]


class Send(Protocol):
    def __call__(self, message: dict[str, Any], decided: float | None = None, /) -> None:
        """Send a message; `decided` is when a downlink was decided on."""


class Wires(NamedTuple):
    """The ways to a station: of a message, and of the octets of remote shells where there may be some."""

    send: Send
    send_octets: Callable[[bytes], Awaitable[None]] | None = None


class Station:
    """`wires` lead to the station; `number` is that of this connection, which no other one has."""

    def __init__(
        self,
        host: Host,
        identifier: BaseStationId,
        number: int,
        profile: StationProfile,
        counts: Counts,
        wires: Wires,
    ) -> None:
        self.identifier = identifier
        self.number = number
        self.version: Version | None = None
        self._host = host
        self.profile = profile
        self._counts = counts
        self._send = wires.send
        self._shells = None if wires.send_octets is None else Shells(wires.send, wires.send_octets)
        self._rates: tuple[Modulation | None, ...] = data_rates(profile.plan.region)
        self._clock = StationClock(host.steady)
        self._pending: dict[int, Pending] = {}
        self._next_diid = 0
        # Whether it knows GPS time; None where it has not shown it yet.
        self._gps: bool | None = None
        self._range = frequency_range(profile.plan.region)

    # What comes.

    def received(self, text: str | bytes) -> None:
        """One message; a bad one is counted and dropped."""
        now = self._host.clock()
        seen = self._host.presence.seen(self.identifier, now)
        try:
            if isinstance(text, bytes):
                self._octets(text)
            else:
                self._handle(parse(text), seen, now)
        except MessageError as error:
            self._counts.refused[error.code] += 1
            seen.refused.add(error.code, error.words, now)
        except Exception as error:
            self._counts.refused["defect"] += 1
            self._host.caught("Basics Station's messages", error)

    def _handle(self, message: Message, seen: Seen, now: float) -> None:
        if isinstance(message, RadioMessage):
            self._counts.received["uplink"] += 1
            self._radio(message, seen, now)
        elif isinstance(message, Transmitted):
            self._counts.received["dntxed"] += 1
            self._transmitted(message, now)
        elif isinstance(message, TimeSync):
            self._counts.received["timesync"] += 1
            # Only a station with a PPS asks.
            self._gps = True
            self._send(
                {
                    "msgtype": "timesync",
                    "txtime": message.txtime,
                    "gpstime": round(unix_to_gps(now) / _MILLIONTH),
                }
            )
        elif isinstance(message, Version):
            self._counts.received["version"] += 1
            self.version = message
            self._send(router_config(self.profile, message.station))
            if self._shells is not None and self._has_shells():
                self._shells.begin()
        elif isinstance(message, RemoteShells) and self._shells is not None:
            self._shells.status([each.started for each in message.rmtsh])

    # Remote shells.

    def _has_shells(self) -> bool:
        said = self.version.features if self.version is not None else None
        return FEATURE in (said or "").split()

    def shells_or_refusal(self) -> Shells:
        """Its remote shells. Raises `RemoteRefused` where it has none."""
        if self._shells is None or not self._has_shells():
            raise RemoteRefused("not_announced")
        return self._shells

    def _octets(self, octets: bytes) -> None:
        if self._shells is None or not self._shells.said(octets):
            raise MessageError("unknown_shell", "octets of a remote shell that is not open")

    def _radio(self, message: RadioMessage, seen: Seen, now: float) -> None:
        gate = self._host.gate
        throttled = gate is not None and gate.throttles(self.identifier, now)
        if (
            throttled
            and gate is not None
            and isinstance(message, DataFrame)
            and gate.drops_unread(message.head())
        ):
            return
        uplink = self._uplink(message, seen, now)
        seen.uplink(uplink, now, self._host.steady())
        self._host.uplink(uplink)

    def _uplink(self, message: RadioMessage, seen: Seen, now: float) -> GatewayUplink:
        info = message.upinfo
        if not 0 <= message.DR < len(self._rates) or (modulation := self._rates[message.DR]) is None:
            raise MessageError(
                "bad_data_rate", "DR {dr} is not in the table that the station was given", dr=message.DR
            )
        if not 10_000_000 <= message.Freq <= 3_000_000_000:
            raise MessageError("bad_frequency", "Freq {hertz} is not in Hz", hertz=message.Freq)
        if not 0 <= info.xtime < 1 << 63 or not -(1 << 63) <= info.rctx < 1 << 63:
            raise MessageError(
                "bad_time",
                "xtime {xtime} or rctx {rctx} has more than 63 bits",
                xtime=info.xtime,
                rctx=info.rctx,
            )
        payload = message.phy_payload()
        if not 0 < len(payload) <= MAX_PHY_PAYLOAD:
            raise MessageError("bad_size", "the frame holds {octets} octets", octets=len(payload))
        timestamp = info.xtime & _COUNTER
        gps = info.gpstime * _MILLIONTH if 0 < info.gpstime < 1 << 62 else None
        self._gps = gps is not None
        heard = None if gps is None else self._clock.judge(gps, timestamp, now)
        snr = info.snr if isinstance(modulation, Lora) else 0.0
        return GatewayUplink(
            self.identifier,
            payload,
            message.Freq,
            modulation,
            info.rssi if info.rssi is not None and -200 <= info.rssi <= 50 else None,
            snr if snr is not None and -50 <= snr <= 50 else None,
            timestamp,
            now if heard is None or heard.kept_at is None else heard.kept_at,
            late=heard is not None and heard.kept_at is not None,
            gps_time=None if heard is None else heard.gps_time,
            clock_error=None if heard is None else heard.error,
            context=Context(info.rctx, info.xtime, self.number).packed(),
            fine_time=self._fine_time(info, heard, seen, now),
        )

    def _fine_time(self, info: UplinkInfo, heard: Heard | None, seen: Seen, now: float) -> FineTime | None:
        if info.fts is None or info.fts < 0 or (heard is not None and heard.kept_at is not None):
            return None

        def odd(code: str, words: Text) -> None:
            self._counts.irregular[code] += 1
            seen.irregular.add(code, words, now)

        return fine_time(None if heard is None else heard.gps_time, info.fts, odd)

    # What goes.

    def transmit(self, sent: GatewayDownlink) -> None:
        """Give a frame to the station. What it cannot be given is reported at once."""
        error, data_rate, context = self._refusal(sent)
        if error is not None or data_rate is None:
            self._soon(sent.token, error or "TX_FREQ")
            return
        self._next_diid += 1
        diid = self._next_diid
        sent, second_rate = self._with_second(sent)
        window = sent.window
        loop = asyncio.get_running_loop()
        ahead = max((sent.second or window).opens_at - self._host.clock(), 0.0)
        wait = ahead + (_SILENT_AT_ONCE if window.immediate else _SILENT)
        self._pending[diid] = Pending(sent, data_rate, loop.call_later(wait, self._silent, diid))
        self._send(downlink(sent, diid, data_rate, context, second_rate), sent.decided)

    def _with_second(self, sent: GatewayDownlink) -> tuple[GatewayDownlink, int | None]:
        """The downlink with its second window and that one's data rate, as far as the station can use it: RX2
        is one second after RX1 to it."""
        first, second = sent.window, sent.second
        if second is None or first.timestamp is None or second.timestamp is None:
            return replace(sent, second=None), None
        rate = data_rate_of(self._rates, second.modulation)
        apart = (second.timestamp - first.timestamp) & _COUNTER
        if rate is None or apart != _SECOND or self._beyond(second) is not None:
            return replace(sent, second=None), None
        return sent, rate

    def _refusal(self, sent: GatewayDownlink) -> tuple[str | None, int | None, Context | None]:
        window = sent.window
        context = unpack_context(window.context)
        if window.timestamp is not None and (context is None or context.connection != self.number):
            # The time of an earlier session means nothing to the station now.
            return "SESSION_ENDED", None, None
        error = self._beyond(window)
        if error is not None:
            return error, None, None
        if context is not None and context.connection != self.number:
            context = None
        return None, data_rate_of(self._rates, window.modulation), context

    def _beyond(self, window: TransmitWindow) -> str | None:
        """What Station would drop without a word."""
        ahead = window.opens_at - self._host.clock()
        if len(self._pending) >= _MOST_PENDING:
            return "QUEUE_FULL"
        if not self._range[0] <= window.frequency <= self._range[1]:
            return "TX_FREQ"
        if window.gps_time is not None and self._gps is False:
            return "GPS_UNLOCKED"
        if ahead > _FARTHEST_AHEAD:
            return "TOO_EARLY"
        return "TOO_LATE" if ahead < 0 and not window.immediate else None

    def _transmitted(self, said: Transmitted, now: float) -> None:
        pending = self._pending.pop(said.diid, None)
        if pending is None:
            raise MessageError(
                "unknown_downlink", "dntxed of {number}, which is not under way", number=said.diid
            )
        pending.timer.cancel()
        second = pending.took_second(said, now)
        self._host.report(TransmitReport(pending.sent.token, self.identifier, None, second))

    def _silent(self, diid: int) -> None:
        pending = self._pending.pop(diid)
        self._host.report(TransmitReport(pending.sent.token, self.identifier, "NOT_SENT"))

    def end(self) -> None:
        """The connection is over, and with it all that the station was given."""
        if self._shells is not None:
            self._shells.end()
        pending, self._pending = self._pending, {}
        for each in pending.values():
            each.timer.cancel()
            self._soon(each.sent.token, "SESSION_ENDED")

    def _soon(self, token: int, error: str) -> None:
        report = TransmitReport(token, self.identifier, error)
        asyncio.get_running_loop().call_soon(self._host.report, report)
