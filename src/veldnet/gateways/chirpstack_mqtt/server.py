"""Base stations behind brokers, as ChirpStack's gateway bridge and MQTT forwarder speak."""

from __future__ import annotations

import asyncio
import random
import socket
from collections import Counter, OrderedDict
from contextlib import suppress
from functools import reduce
from typing import NamedTuple

import msgspec
import structlog

from veldnet.gateways.interface import Host, MessageCounts
from veldnet.gateways.presence import Seen
from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.lorawan.radio import GatewayDownlink, TransmitReport
from veldnet.lorawan.regions import ChannelPlan
from veldnet.texts import Text

from . import gateway_pb2 as pb
from .broker import Broker, BrokerOptions
from .configuration import configuration
from .messages import MessageError, decode, encode, is_json
from .station import PROTOCOL, SILENT, Outlet, Path, Station
from .topics import ACK, CONFIG, CONN, STATS, UP, Topic, parse_topic
from .uplinks import Origin, gateway_id, uplink_of

log = structlog.get_logger(__name__)

_TASK = "messages of MQTT base stations"
# Seconds without a broker that are a problem.
_TIMEOUT = 10.0
# Frames that wait longer could not be answered in time.
_LATE = 0.5
# Frames that are remembered, and for how many seconds, to tell those that a broker delivers again.
_REMEMBERED, _AGAIN = 8192, 120.0
# Seconds between two configurations for one base station.
_CONFIGURED = 600.0


class Arrival(NamedTuple):
    """A message of a base station: where it was heard, and what."""

    station: Station
    path: Path
    topic: Topic
    payload: bytes
    at: float


class MqttOptions(msgspec.Struct, frozen=True):
    """`enforced`: the brokers let each base station publish below its own EUI only. `configure`: base
    stations are sent the channel plan where they have another. `listen_only`: all downlinks are those of
    another server."""

    brokers: tuple[BrokerOptions, ...]
    enforced: bool = False
    configure: bool = False
    listen_only: bool = False


class ChirpStackMqtt:
    """Base stations behind one or more brokers."""

    name = PROTOCOL
    # Items of a downlink are alternatives.
    plans_both = True

    def __init__(
        self, host: Host, plan: ChannelPlan, options: MqttOptions, rng: random.Random | None = None
    ) -> None:
        # Whoever may publish in its name is the base station: the broker decides.
        self.authenticates = options.enforced
        self._host = host
        self._plan = plan
        self._options = options
        # Downlinks are named so that no other server can guess them.
        self._rng = rng if rng is not None else random.SystemRandom()
        self._received: Counter[str] = Counter()
        self._refused: Counter[str] = Counter()
        self._irregular: Counter[str] = Counter()
        self._stations: dict[BaseStationId, Station] = {}
        self._session = 0
        # Hashes of frames and when they came.
        self._frames: OrderedDict[int, float] = OrderedDict()
        # One for each address.
        self.brokers: list[Broker] = []
        self._tasks: list[asyncio.Task[None]] = []
        host.on_step(self._stepped)

    @property
    def counts(self) -> MessageCounts:
        return MessageCounts(self._received, self._refused, self._irregular)

    def lag(self, now: float) -> float:
        return 0.0

    def problem(self, now: float) -> str | None:
        lost = [
            Text("{broker} ({why})", broker=broker.name, why=broker.problem)
            for broker in self.brokers
            if not broker.connected and now - broker.since > _TIMEOUT
        ]
        if not lost:
            return None
        named = reduce(lambda some, other: Text("{some}, {other}", some=some, other=other), lost)
        return Text("no connection to the MQTT broker {lost}", lost=named)

    def stations(self) -> dict[BaseStationId, Path]:
        """Where the base stations are heard that are connected now."""
        return {each.identifier: each.path for each in self._stations.values() if each.path is not None}

    async def start(self, sock: socket.socket | None) -> None:
        loop = asyncio.get_running_loop()
        for options in self._options.brokers:
            broker = Broker(options, self.received, self.broker_changed, self._host.caught)
            self.brokers.append(broker)
            self._tasks.append(loop.create_task(broker.run()))
        if self.brokers:
            self._tasks.append(loop.create_task(self._look_after()))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    # What comes.

    def received(self, broker: Outlet, topic: str, payload: bytes, retained: bool) -> None:
        """One message; a bad one is counted and dropped, and nothing it holds ends the reading."""
        now = self._host.clock()
        seen: Seen | None = None
        try:
            parsed = parse_topic(topic)
            if parsed is None:
                raise MessageError("bad_topic", "{topic!r} is no topic of a base station", topic=topic[:80])
            if retained and parsed.kind != CONN:
                raise MessageError(
                    "retained", "the broker has kept {kind} from another time", kind=parsed.kind
                )
            path = Path(broker, parsed.base)
            identifier = self._host.directory.find(parsed.gateway)
            if identifier is None:
                self._host.presence.refused(parsed.gateway, str(path), now)
                raise MessageError(
                    "unknown_base_station", "{gateway} is not registered", gateway=str(parsed.gateway)
                )
            arrival = Arrival(self._station(identifier, parsed), path, parsed, payload, now)
            if not self._host.serves(parsed.gateway):
                self._overheard(arrival, retained)
            elif parsed.kind == CONN:
                self._state(arrival, retained)
            else:
                seen = self._host.presence.seen(identifier, now)
                self._event(arrival, seen)
        except MessageError as error:
            self._refuse(error, seen, topic, now)
        except Exception as error:
            self._refused["defect"] += 1
            self._host.caught(_TASK, error)

    def _refuse(self, error: MessageError, seen: Seen | None, topic: str, now: float) -> None:
        self._refused[error.code] += 1
        if seen is not None:
            seen.refused.add(error.code, error.words, now)
        log.debug("mqtt_message_refused", code=error.code, error=str(error), topic=topic[:128])

    def _station(self, identifier: BaseStationId, topic: Topic) -> Station:
        station = self._stations.get(identifier)
        if station is None:
            spelled = topic.base.rpartition("/")[2]
            station = Station(self._host, identifier, topic.gateway, spelled, self._rng)
            self._stations[identifier] = station
        return station

    def _event(self, arrival: Arrival, seen: Seen) -> None:
        kind = arrival.topic.kind
        self._received[kind.removeprefix("event/")] += 1
        if kind == UP:
            self._uplink(arrival, seen)
        elif kind == STATS:
            self._stats(arrival, seen)
        elif not self._options.listen_only:
            assert kind == ACK
            ack = decode(pb.DownlinkTxAck, arrival.payload)
            _same(arrival.topic.gateway, ack.gateway_id or ack.gateway_id_legacy.hex())
            arrival.station.acknowledged(ack, seen)

    def _uplink(self, arrival: Arrival, seen: Seen) -> None:
        station, now = arrival.station, arrival.at
        if self._host.lag() > _LATE:
            self._refused["overload"] += 1
            return
        frame = decode(pb.UplinkFrame, arrival.payload)
        _same(arrival.topic.gateway, gateway_id(frame))
        gate = self._host.gate
        throttled = gate is not None and gate.throttles(station.identifier, now)
        if throttled and gate is not None and gate.drops_unread(frame.phy_payload[:6]):
            return
        self._told_before(arrival)
        self._heard(arrival)

        def odd(code: str, words: Text) -> None:
            self._irregular[code] += 1
            seen.irregular.add(code, words, now)

        origin = Origin(station.identifier, station.session, station.clock)
        uplink = uplink_of(frame, origin, now, odd)
        if uplink is None:
            self._refused["crc_failed"] += 1
            return
        seen.uplink(uplink, now, self._host.steady())
        self._host.uplink(uplink)

    def _told_before(self, arrival: Arrival) -> None:
        """Refuse what a broker delivers again: the same to the last octet, its time included."""
        frames, key = self._frames, hash((arrival.topic.gateway, arrival.payload))
        before = frames.pop(key, None)
        frames[key] = arrival.at
        if len(frames) > _REMEMBERED:
            frames.popitem(last=False)
        if before is not None and arrival.at - before < _AGAIN:
            raise MessageError("duplicate", "the broker delivered the frame again")

    def _overheard(self, arrival: Arrival, retained: bool) -> None:
        """A message that another node takes. What is known of the base station is kept for when it is served
        here; and it answers to what it has been given from here before."""
        station, kind = arrival.station, arrival.topic.kind
        if kind == ACK and station.waits:
            ack = decode(pb.DownlinkTxAck, arrival.payload)
            with suppress(MessageError):
                station.acknowledged(ack, self._host.presence.seen(station.identifier, arrival.at))
        online = kind != CONN or decode(pb.ConnState, arrival.payload).state == pb.ConnState.ONLINE
        if online and not retained:
            self._follow(arrival)
        elif not online and station.path == arrival.path:
            self._end(station)

    def _stepped(self, by: float) -> None:
        """Our clock has stepped by so many seconds: everything is as long ago as it was."""
        for station in self._stations.values():
            station.stepped(by)
        for key, at in self._frames.items():
            self._frames[key] = at + by

    def _heard(self, arrival: Arrival, *, presumed: bool = False) -> None:
        """A base station is there, or `presumed` to be. It keeps the path that it has while that is alive."""
        self._follow(arrival)
        station, now = arrival.station, arrival.at
        if not presumed and station.seen_session != station.session:
            station.seen_session = station.session
            self._host.presence.seen(station.identifier, now).begins(str(arrival.path), now)
        self._host.connected(self, station.identifier)

    def _follow(self, arrival: Arrival) -> None:
        station, path, now = arrival.station, arrival.path, arrival.at
        current = station.path
        if current != path:
            if current is not None and now - station.heard_at < SILENT and station.presumed_until is None:
                raise MessageError(
                    "second_path",
                    "heard below {path}, while it is connected below {current}",
                    path=str(path),
                    current=str(current),
                )
            self._session += 1
            station.begin(path, self._session)
            log.info("mqtt_station", base_station=str(station.identifier), path=str(path))
        station.heard_at, station.presumed_until = now, None
        station.as_json = is_json(arrival.payload)

    def take_up(self) -> None:
        now = self._host.clock()
        for station in self._stations.values():
            alive = station.path is not None and now - station.heard_at < SILENT
            if alive and self._host.serves(station.gateway):
                self._host.connected(self, station.identifier)

    def _stats(self, arrival: Arrival, seen: Seen) -> None:
        stats = decode(pb.GatewayStats, arrival.payload)
        _same(arrival.topic.gateway, stats.gateway_id or stats.gateway_id_legacy.hex())
        self._heard(arrival)
        # What share of messages arrived is not said.
        seen.status(arrival.at, stats.rx_packets_received, stats.rx_packets_received_ok, 0, 100)
        if self._options.configure:
            self._configure(arrival.station, stats.config_version, arrival.at)

    def _configure(self, station: Station, version: str, now: float) -> None:
        wanted = configuration(self._plan, station.gateway_id)
        path = station.path
        if path is None or version == wanted.version or now - station.configured_at < _CONFIGURED:
            return
        station.configured_at = now
        message = encode(wanted, as_json=station.as_json)
        # Not in the midst of reading from the same connection.
        asyncio.get_running_loop().call_soon(path.outlet.publish, f"{path.base}/{CONFIG}", message)

    def _state(self, arrival: Arrival, retained: bool) -> None:
        self._received["conn"] += 1
        station, now = arrival.station, arrival.at
        state = decode(pb.ConnState, arrival.payload)
        _same(arrival.topic.gateway, state.gateway_id or state.gateway_id_legacy.hex())
        online = state.state == pb.ConnState.ONLINE
        if retained:
            # Of another time: it may be connected, and is heard again soon if it is.
            if online and station.path is None:
                self._heard(arrival, presumed=True)
                station.presumed_until = now + SILENT
        elif online:
            self._host.presence.seen(station.identifier, now)
            self._heard(arrival)
        elif station.path == arrival.path:
            self._end(station)

    def _end(self, station: Station) -> None:
        station.end()
        self._host.disconnected(self, station.identifier)
        log.info("mqtt_station_left", base_station=str(station.identifier))

    def broker_changed(self, broker: Outlet) -> None:
        """A broker is connected now, or no longer."""
        if broker.connected:
            return
        for station in self._stations.values():
            if station.path is not None and station.path.outlet is broker:
                self._end(station)

    async def _look_after(self) -> None:
        """End what a broker has kept of base stations that are not there, and those that were removed."""
        while True:
            await asyncio.sleep(SILENT / 4)
            self.expire(self._host.clock())

    def expire(self, now: float) -> None:
        """Base stations that were only presumed to be connected, and were not heard, are not; nor are those
        that are no longer registered."""
        find = self._host.directory.find
        for station in list(self._stations.values()):
            removed = find(station.gateway) != station.identifier
            if removed or (station.presumed_until is not None and station.presumed_until < now):
                self._end(station)
            if removed:
                del self._stations[station.identifier]

    # What goes.

    def transmit(self, downlink: GatewayDownlink) -> None:
        """Give a frame to its base station; reports at once if it is not connected."""
        station = self._stations.get(downlink.base_station)
        if station is not None:
            station.transmit(downlink)
            return
        report = TransmitReport(downlink.token, downlink.base_station, "NO_ADDRESS")
        asyncio.get_running_loop().call_soon(self._host.report, report)


def _same(expected: GatewayEui, said: str) -> None:
    """The topic is what a broker guards, so what is in the message must be the same."""
    if said.lower() != f"{int(expected):016x}":
        raise MessageError(
            "wrong_gateway",
            "the message says gateway {said!r}, its topic {expected}",
            said=said[:20],
            expected=str(expected),
        )
