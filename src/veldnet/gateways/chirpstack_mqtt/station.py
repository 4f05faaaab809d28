"""One base station behind a broker: where its commands go, what it was given, and what it makes of it."""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import NamedTuple, Protocol

from veldnet.gateways.interface import Host
from veldnet.gateways.presence import Seen
from veldnet.gateways.station_clock import StationClock
from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.lorawan.radio import GatewayDownlink, TransmitReport

from . import gateway_pb2 as pb
from .messages import MessageError, downlink_frame, encode, outcome_of, unpack_context
from .topics import DOWN

# What the hub calls this protocol.
PROTOCOL = "chirpstack-mqtt"
# Seconds that a downlink waits for its acknowledgement, and how many do at once.
_FORGOTTEN, _MOST_PENDING = 60.0, 256
# Seconds after which another path may take the place of one that is silent: two of the usual intervals of
# statistics.
SILENT = 60.0


class Outlet(Protocol):
    """A broker, as a base station needs it."""

    @property
    def name(self) -> str: ...

    @property
    def connected(self) -> bool: ...

    def publish(self, topic: str, payload: bytes, written: Callable[[], None] | None = None) -> bool:
        """Send a message; False where the broker takes none now. `written` is called when it is written."""


class Path(NamedTuple):
    """Where a base station is heard: at a broker, below the topic `base`."""

    outlet: Outlet
    base: str

    def __str__(self) -> str:
        return f"{self.base} at {self.outlet.name}"


class Pending(NamedTuple):
    """A downlink that the base station has been given, when, and when it is to be on air."""

    token: int
    sent_at: float
    opens_at: float

    @property
    def until(self) -> float:
        return max(self.sent_at, self.opens_at) + _FORGOTTEN


class Station:
    """A base station and its session: a path that ends voids what was open. `session` is a number that no
    other session has."""

    def __init__(
        self, host: Host, identifier: BaseStationId, gateway: GatewayEui, gateway_id: str, rng: random.Random
    ) -> None:
        self.identifier = identifier
        # By which it was found, and as it spells that itself.
        self.gateway = gateway
        self.gateway_id = gateway_id
        self.path: Path | None = None
        self.session = 0
        self.as_json = False
        self.heard_at = 0.0
        # Until when it counts as connected by what the broker has kept of it, and nothing else.
        self.presumed_until: float | None = None
        # The session in which it was last seen itself.
        self.seen_session = 0
        self.clock = StationClock(host.steady)
        self.configured_at = 0.0
        self._host = host
        self._rng = rng
        self._next = rng.randrange(1 << 16)
        self._pending: OrderedDict[int, Pending] = OrderedDict()

    def stepped(self, by: float) -> None:
        """Our clock has stepped by so many seconds: everything is as long ago as it was, or as far ahead."""
        self.heard_at += by
        self.configured_at += by
        if self.presumed_until is not None:
            self.presumed_until += by
        for number, pending in self._pending.items():
            self._pending[number] = Pending(pending.token, pending.sent_at + by, pending.opens_at + by)

    def begin(self, path: Path, session: int) -> None:
        """It is heard by a path from now on."""
        self.end()
        self.path, self.session = path, session

    def end(self) -> None:
        """The session is over, and with it all that the base station was given."""
        self.path = None
        self.presumed_until = None
        pending, self._pending = self._pending, OrderedDict()
        for each in pending.values():
            self._soon(each.token, "SESSION_ENDED")

    @property
    def waits(self) -> bool:
        """Whether it was given something that it has not answered yet."""
        return bool(self._pending)

    def transmit(self, sent: GatewayDownlink) -> None:
        """Give a frame to the base station. What it cannot be given is reported at once."""
        error = self._given(sent)
        if error is not None:
            self._soon(sent.token, error)

    def _given(self, sent: GatewayDownlink) -> str | None:
        path, window = self.path, sent.window
        if path is None or not path.outlet.connected:
            return "NO_ADDRESS"
        context = unpack_context(window.context)
        if context is not None and context.session != self.session:
            context = None
        if window.timestamp is not None and context is None:
            # The time of an earlier session may mean nothing to the base station now.
            return "SESSION_ENDED"
        now = self._host.clock()
        if not window.immediate and window.opens_at < now:
            # Its delay would be one of more than an hour.
            return "TOO_LATE"
        self._forget(now)
        if len(self._pending) >= _MOST_PENDING:
            return "QUEUE_FULL"
        number = self._number()
        frame = downlink_frame(sent, self.gateway_id, number, context)
        written = None if sent.decided is None else partial(self._handed_over, sent.decided)
        if not path.outlet.publish(f"{path.base}/{DOWN}", encode(frame, as_json=self.as_json), written):
            return "QUEUE_FULL"
        self._pending[number] = Pending(sent.token, now, window.opens_at)
        return None

    def _handed_over(self, decided: float) -> None:
        self._host.handed_over(PROTOCOL, decided)

    def _number(self) -> int:
        """Forwarders know a downlink by the low 16 bits, and no other server may guess it."""
        self._next = (self._next + 1) & 0xFFFF
        return self._rng.getrandbits(15) << 17 | 1 << 16 | self._next

    def _forget(self, now: float) -> None:
        while self._pending and next(iter(self._pending.values())).until < now:
            self._pending.popitem(last=False)

    def acknowledged(self, ack: pb.DownlinkTxAck, seen: Seen) -> None:
        """What the base station says of a downlink. Raises `MessageError` for one that it was not given."""
        pending = self._pending.pop(ack.downlink_id, None)
        if pending is None:
            raise MessageError(
                "unknown_downlink",
                "ack of downlink {number}, which is not under way from here: does another server use this "
                "broker?",
                number=ack.downlink_id,
            )
        now = self._host.clock()
        if now < pending.opens_at:
            # Some tell of a frame once it is on air, which says nothing of the way.
            seen.round_trip(now - pending.sent_at)
        self._host.report(TransmitReport(pending.token, self.identifier, *outcome_of(ack)))

    def _soon(self, token: int, error: str) -> None:
        report = TransmitReport(token, self.identifier, error)
        asyncio.get_running_loop().call_soon(self._host.report, report)
