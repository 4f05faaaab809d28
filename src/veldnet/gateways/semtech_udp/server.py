"""The UDP socket of the packet forwarders: acknowledge at once, then hand the frames on."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Mapping

import structlog

from veldnet.gateways.addresses import Address
from veldnet.gateways.interface import Host, MessageCounts
from veldnet.gateways.presence import Seen
from veldnet.gateways.station_clock import StationClock
from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.lorawan.radio import GatewayDownlink, TransmitReport
from veldnet.texts import Text

from .allowed import AllowedNetworks, Network
from .backlog import ANCILLARY, Backlog, waited
from .downlink_path import DownlinkPath, is_given_up, keep_alive, restored, stepped
from .forwarding import Forwarder
from .messages import (
    Header,
    Identifier,
    head_of_only_frame,
    parse_header,
    parse_push_data,
    parse_tx_ack,
    pull_resp,
    uplink_of,
)
from .packets import DatagramError

log = structlog.get_logger(__name__)

_DATAGRAMS_A_TURN = 64
_MAX_DATAGRAM = 65_535
_PUSH_DATA = bytes((Identifier.PUSH_DATA,))
# Seconds between two looks at who has gone silent.
_LOOK = 10.0
# Seconds that a datagram may wait in its socket without its time being corrected.
_NOTICEABLE = 0.02
_TASK = "base stations' datagrams"


class SemtechUdpServer:
    """Base stations behind one UDP port."""

    name = "semtech-udp"
    # Whoever knows an EUI can send with it.
    authenticates = False
    # A PULL_RESP is of one window.
    plans_both = False

    def __init__(
        self,
        host: Host,
        backlog: Backlog | None = None,
        networks: tuple[Network, ...] = (),
        forward: Address | None = None,
    ) -> None:
        """`forward` is a server of another network that shares the base stations."""
        # Where base stations may send from; anywhere, if none is named.
        self._allowed = AllowedNetworks(networks)
        self.backlog = backlog if backlog is not None else Backlog()
        # How long the datagram in hand has waited for us to read it.
        self._waited = 0.0
        self._host = host
        self._directory = host.directory
        self._gate = host.gate
        self._presence = host.presence
        self._clock = host.clock
        self._uplink = host.uplink
        host.on_step(self._stepped)
        self._lag = host.lag
        self._socket: socket.socket | None = None
        self._paths: dict[BaseStationId, DownlinkPath] = {}
        # Those whose address is silent: nothing is sent there.
        self._silent: set[BaseStationId] = set()
        self._looking: asyncio.TimerHandle | None = None
        # Base stations whose downlinks go elsewhere than the store knows.
        self.moved: set[BaseStationId] = set()
        self._clocks: dict[BaseStationId, StationClock] = {}
        # Token of the downlink, and when it was sent.
        self._tokens: dict[tuple[BaseStationId, bytes], tuple[int, float]] = {}
        self._next_token = 0
        self.datagrams: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        # What was wrong with what was accepted all the same.
        self.irregular: Counter[str] = Counter()
        self._forwarder: Forwarder | None = None
        if forward is not None:
            self._forwarder = Forwarder(forward, self)

    @property
    def counts(self) -> MessageCounts:
        return MessageCounts(self.datagrams, self.refused, self.irregular)

    def lag(self, now: float) -> float:
        return self.backlog.lag(now)

    def problem(self, now: float) -> str | None:
        return self.backlog.problem(now)

    async def start(self, sock: socket.socket | None) -> None:
        if sock is not None:
            self.listen(sock)
            if self._forwarder is not None:
                await self._forwarder.start()

    async def stop(self) -> None:
        self.close()

    def listen(self, sock: socket.socket) -> None:
        """Read a bound UDP socket that does not block; it is closed with this."""
        asyncio.get_running_loop().add_reader(sock, self._readable)
        self._socket = sock
        self._look()

    def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
        if self._forwarder is not None:
            self._forwarder.close()
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None

    def _stepped(self, by: float) -> None:
        self._paths = {station: stepped(path, by) for station, path in self._paths.items()}

    def _look(self) -> None:
        """Give up the addresses of base stations that have gone."""
        now = self._clock()
        for base_station, path in self._paths.items():
            if base_station not in self._silent and is_given_up(path, now):
                self._silent.add(base_station)
                self._host.disconnected(self, base_station)
                where = _words(path.address)
                log.info("downlink_path_given_up", base_station=str(base_station), address=where)
        self._looking = asyncio.get_running_loop().call_later(_LOOK, self._look)

    def _readable(self) -> None:
        sock = self._socket
        if sock is None:
            return
        now = asyncio.get_running_loop().time()
        lag = self._lag()
        for number in range(_DATAGRAMS_A_TURN):
            try:
                if number and not self.backlog.sheds:
                    # The first of a turn has waited longest; how long the others have is not worth a look.
                    datagram, address = sock.recvfrom(_MAX_DATAGRAM)
                else:
                    datagram, ancillary, _flags, address = sock.recvmsg(_MAX_DATAGRAM, ANCILLARY)
                    self._waited = waited(ancillary)
            except (BlockingIOError, InterruptedError):
                return
            except OSError as error:
                # An earlier answer bounced; the next datagram may be fine.
                log.debug("udp_receive_failed", error=str(error))
                continue
            if number == 0:
                self.backlog.observe(max(self._waited, lag), now)
            if datagram[3:4] == _PUSH_DATA and self.backlog.drops(max(self._waited, lag), now):
                self.refused["overload"] += 1
                self._pass_on(datagram, address[:2])
                continue
            self.datagram(datagram, address[:2])

    def datagram(self, datagram: bytes, address: Address) -> None:
        """Handle one datagram; a bad one is counted and dropped, and nothing it holds ends the reading."""
        now = self._clock()
        seen: Seen | None = None
        try:
            header = parse_header(datagram)
            if not self._allowed.has(address[0]):
                raise self._foreign(header, address, now)
            if self._forwarder is not None and not self._forwarder.forward(header, datagram, address):
                return
            base_station = self._directory.find(header.gateway)
            if base_station is None:
                self._presence.refused(header.gateway, _words(address), now)
                raise DatagramError(
                    "unknown_base_station", "{gateway} is not registered", gateway=str(header.gateway)
                )
            seen = self._presence.seen(base_station, now)
            if self._dropped(header, base_station, datagram, now):
                return
            self._handle(header, base_station, seen, datagram, address)
        except DatagramError as error:
            self.refused[error.code] += 1
            if seen is not None and error.code == "bad_json":
                seen.refused.add(error.code, error.words, now)
            log.debug("datagram_refused", code=error.code, error=str(error), source=address[0])
        except Exception as error:
            self._defect(error)

    def _pass_on(self, datagram: bytes, address: Address) -> None:
        """What there is no time for here, the other server may have time for."""
        if self._forwarder is not None and self._allowed.has(address[0]):
            with contextlib.suppress(DatagramError):
                self._forwarder.forward(parse_header(datagram), datagram, address)

    def relay(self, gateway: GatewayEui, datagram: bytes, address: Address | None) -> bytes | None:
        """Give a base station a downlink of the other server under a token of ours. One that is not
        registered here is sent it as it came."""
        base_station = self._directory.find(gateway)
        if base_station is None:
            token = datagram[1:3]
        else:
            path = self._paths.get(base_station)
            if path is None or is_given_up(path, self._clock()):
                return None
            address, token = path.address, self._new_token()
        if address is None or self._socket is None:
            return None
        return token if self._send(datagram[:1] + token + datagram[3:], address) else None

    def relay_acknowledgement(self, gateway: GatewayEui, datagram: bytes, address: Address | None) -> None:
        """One for a base station that is not registered here, and so gets none of ours."""
        if address is not None and self._socket is not None and self._directory.find(gateway) is None:
            self._send(datagram, address)

    def _new_token(self) -> bytes:
        self._next_token = (self._next_token + 1) & 0xFFFF
        return self._next_token.to_bytes(2, "big")

    def _foreign(self, header: Header, address: Address, now: float) -> DatagramError:
        """A datagram from where no base station may be; its EUI's row shows it, and it counts for nothing."""
        error = DatagramError(
            "foreign_network", "{address} is in none of gateways.udp_networks", address=address[0]
        )
        base_station = self._directory.find(header.gateway)
        if base_station is not None:
            self._presence.note_refusal(base_station, error.code, error.words, now)
        return error

    def _defect(self, error: Exception) -> None:
        self.refused["defect"] += 1
        self._host.caught(_TASK, error)

    def _dropped(self, header: Header, base_station: BaseStationId, datagram: bytes, now: float) -> bool:
        """Whether a datagram is not worth reading. It gets no acknowledgement, for it does not arrive."""
        gate = self._gate
        if gate is None or header.identifier != Identifier.PUSH_DATA or not gate.throttles(base_station, now):
            return False
        head = head_of_only_frame(datagram)
        return head is not None and gate.drops_unread(head)

    def _handle(
        self, header: Header, base_station: BaseStationId, seen: Seen, datagram: bytes, address: Address
    ) -> None:
        if header.identifier == Identifier.PUSH_DATA:
            self.datagrams["push_data"] += 1
            self._send(header.acknowledgement(), address)
            self._push_data(base_station, seen, datagram, address)
        elif header.identifier == Identifier.PULL_DATA:
            self.datagrams["pull_data"] += 1
            self._send(header.acknowledgement(), address)
            self._pull_data(header, base_station, seen, address)
        else:
            self.datagrams["tx_ack"] += 1
            self._tx_ack(header, base_station, seen, datagram)

    def _unread(self) -> float:
        return self._waited if self._waited > _NOTICEABLE else 0.0

    def _steady(self) -> float:
        """When the datagram in hand arrived, by the clock that never steps."""
        return self._host.steady() - self._unread()

    def _push_data(self, base_station: BaseStationId, seen: Seen, datagram: bytes, address: Address) -> None:
        # When it arrived, and not when there was time to read it: the device counts from then.
        now, steady = self._clock() - self._unread(), self._steady()

        def refuse(code: str, words: Text) -> None:
            self.refused[code] += 1
            seen.refused.add(code, words, now)

        def odd(code: str, words: Text) -> None:
            self.irregular[code] += 1
            seen.irregular.add(code, words, now)

        push = parse_push_data(datagram, odd, refuse)
        status = push.stat
        if status is not None:
            seen.status(now, status.rxnb, status.rxok, status.rxfw, status.ackr)
            if status.temp is not None:
                seen.temperature(status.temp)
        clock = self._clocks.get(base_station)
        if clock is None:
            clock = self._clocks[base_station] = StationClock(self._steady)
        for packet in push.rxpk:
            try:
                uplink = uplink_of(packet, base_station, now, clock, odd)
                if uplink is None:
                    self.refused["crc_failed"] += 1
                else:
                    if uplink.timestamp is not None and not uplink.late:
                        seen.counters.frame(uplink.timestamp, address, now, steady)
                    seen.uplink(uplink, now, steady)
                    self._uplink(uplink)
            except DatagramError as error:
                refuse(error.code, error.words)
            except Exception as error:
                # The other frames of the datagram must not suffer from it.
                self._defect(error)

    def _pull_data(self, header: Header, base_station: BaseStationId, seen: Seen, address: Address) -> None:
        now = self._clock()
        seen.addresses.keep_alive(address, now)
        before = self._paths.get(base_station)
        path = keep_alive(before, address, header.version, now)
        self._paths[base_station] = path
        if not is_given_up(path, now):
            self._silent.discard(base_station)
            self._host.connected(self, base_station)
        where = _words(path.address)
        if before is None or (before.address, before.version) != (path.address, path.version):
            self.moved.add(base_station)
            log.info("downlink_path", base_station=str(base_station), address=where)
        if seen.address != where:
            seen.begins(where, now)

    def restore(self, paths: Mapping[BaseStationId, DownlinkPath]) -> None:
        """Take up where downlinks went before the start; keep-alives confirm or move that, as ever."""
        now = self._clock()
        self._paths = {station: restored(path, now) for station, path in paths.items()} | self._paths
        for base_station in paths:
            if is_given_up(self._paths[base_station], now):
                self._silent.add(base_station)
            else:
                self._host.connected(self, base_station)

    @property
    def paths(self) -> Mapping[BaseStationId, DownlinkPath]:
        """Where the downlinks of all base stations go now."""
        return self._paths

    def path(self, base_station: BaseStationId) -> DownlinkPath | None:
        """Where the downlinks of a base station go now."""
        return self._paths.get(base_station)

    def _tx_ack(self, header: Header, base_station: BaseStationId, seen: Seen, datagram: bytes) -> None:
        found = self._tokens.pop((base_station, header.token), None)
        if found is None:
            raise DatagramError("unknown_token", "TX_ACK for no downlink under way")
        token, sent_at = found
        seen.round_trip(self._host.steady() - sent_at)
        self._host.report(TransmitReport(token, base_station, parse_tx_ack(datagram)))

    def transmit(self, downlink: GatewayDownlink) -> None:
        """Send a frame to its base station; reports at once if there is no way to it."""
        now = self._clock()
        path = self._paths.get(downlink.base_station)
        if path is None or self._socket is None or is_given_up(path, now):
            self._soon(TransmitReport(downlink.token, downlink.base_station, "NO_ADDRESS"))
            return
        token = self._new_token()
        if self._send(pull_resp(downlink, path.version, token), path.address):
            self._host.handed_over(self.name, downlink.decided)
        if path.version == 1:
            # Version 1 knows no TX_ACK: what was sent counts as queued.
            self._soon(TransmitReport(downlink.token, downlink.base_station, None))
            return
        self._tokens[(downlink.base_station, token)] = downlink.token, self._host.steady()
        if len(self._tokens) > 65_536:
            del self._tokens[next(iter(self._tokens))]

    def _soon(self, report: TransmitReport) -> None:
        asyncio.get_running_loop().call_soon(self._host.report, report)

    def _send(self, datagram: bytes, address: Address) -> bool:
        assert self._socket is not None
        try:
            self._socket.sendto(datagram, address)
        except OSError as error:
            self.refused["send_failed"] += 1
            log.debug("udp_send_failed", error=str(error))
            return False
        return True


def _words(address: Address) -> str:
    return f"{address[0]}:{address[1]}"
