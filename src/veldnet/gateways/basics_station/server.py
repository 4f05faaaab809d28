"""The LNS of Basics Station: discovery, and a WebSocket for each connected station."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
import socket
from collections import Counter
from functools import partial
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.protocol import State

from veldnet.gateways.addresses import Addresses
from veldnet.gateways.interface import Host, MessageCounts, StationProfile
from veldnet.gateways.remote import RemoteRefused, RemoteShell
from veldnet.lorawan import BaseStationId, GatewayEui
from veldnet.lorawan.identifiers import InvalidIdentifier
from veldnet.lorawan.radio import GatewayDownlink, TransmitReport
from veldnet.lorawan.regions import ChannelPlan
from veldnet.texts import Text

from .admission import Refused, admit, note_unproven
from .authentication import NotAuthenticated, Proof, StationPort, only
from .messages import MessageError, encode, parse_discovery
from .router_ids import id6, parse_router_id
from .station import Counts, Station, Wires
from .tls import StationCertificate

log = structlog.get_logger(__name__)

_DISCOVERY = "/router-info"
_STATION = "/router-"
# Octets of a message; a frame of 255 octets needs about 900.
_LONGEST_MESSAGE = 16_384
# Seconds for the opening, for the question on discovery, and between pings, which must be answered by then.
_OPENING, _QUESTION, _PING = 10.0, 10.0, 30.0
_TURNS = 30
# Octets that wait for a station that does not read; more, and the connection is as good as dead.
_MOST_UNREAD = 262_144
_HOST = re.compile(r"[A-Za-z0-9.\-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\]")
_TASK = "Basics Station"
_NORMAL, _GOING_AWAY, _POLICY, _RESTART = 1000, 1001, 1008, 1012


class LnsOptions(msgspec.Struct, frozen=True):
    """How stations are served. `required` is whether each must prove that it is the one it says. `uri` is the
    public address that they find it by, such as `wss://lns.example.org:8887`; without it, the one that they
    asked. `most` connections are open at once. With `shells`, remote shells may be opened on stations."""

    required: bool
    certificate: StationCertificate | None = None
    uri: str | None = None
    most: int = 10_000
    shells: bool = False


class _Connection(ServerConnection):
    """A connection with what was found when it was admitted: who it has proven to be, and its base station;
    discovery says for which router when it is connected."""

    proof = Proof(None, None)
    # Whom was trusted then.
    generation = 0
    proven: BaseStationId | GatewayEui | None = None
    gateway: GatewayEui | None = None
    station: BaseStationId | None = None


class BasicsStationServer(StationPort):
    """Stations behind one TCP port."""

    name = "basics-station"
    plans_both = True

    def __init__(self, host: Host, plan: ChannelPlan, options: LnsOptions) -> None:
        super().__init__(host, options.certificate, required=options.required)
        self.authenticates = options.required
        self._default = StationProfile(plan)
        self._options = options
        self._counts = Counts(Counter(), Counter(), Counter())
        self._stations: dict[BaseStationId, tuple[Station, _Connection]] = {}
        self._next_number = 0
        self._server: Server | None = None
        self._pinging: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def counts(self) -> MessageCounts:
        return MessageCounts(*self._counts)

    def lag(self, now: float) -> float:
        return 0.0

    def problem(self, now: float) -> str | None:
        if self._server is not None and not self._server.is_serving():
            return Text("Basics Station's port is not served")
        return None

    def connected(self) -> list[BaseStationId]:
        """The stations that are connected now."""
        return list(self._stations)

    async def start(self, sock: socket.socket | None) -> None:
        if sock is None:
            return
        self._watch(self._counts.refused, "station_handshake_failed")
        self._server = await serve(
            self._serve,
            sock=sock,
            ssl=None if self._options.certificate is None else self._options.certificate.context,
            create_connection=_Connection,
            process_request=self._admit,
            compression=None,
            server_header=None,
            open_timeout=_OPENING,
            # Pinged by one task for all.
            ping_interval=None,
            max_size=_LONGEST_MESSAGE,
            max_queue=64,
        )
        self._pinging = asyncio.get_running_loop().create_task(self._ping())

    async def stop(self) -> None:
        if self._pinging is not None:
            self._pinging.cancel()
        if self._server is not None:
            self._server.close(code=_GOING_AWAY)
            await self._server.wait_closed()

    # Who may connect.

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        try:
            return self._judge(connection, request)
        except Exception as error:
            self._host.caught(_TASK, error)
            return _response(HTTPStatus.INTERNAL_SERVER_ERROR, "the server has a fault; it is in its log")

    def _judge(self, connection: ServerConnection, request: Request) -> Response | None:
        path = request.path.partition("?")[0]
        if path != _DISCOVERY and not path.startswith(_STATION):
            words = f"stations connect to {_DISCOVERY}"
            return self._refuse(connection, "bad_path", HTTPStatus.NOT_FOUND, words)
        assert self._server is not None
        if len(self._server.connections) > self._options.most:
            words = "too many connections"
            return self._refuse(connection, "overload", HTTPStatus.SERVICE_UNAVAILABLE, words)
        assert isinstance(connection, _Connection)
        try:
            known, connection.proof = self._identify(
                request.headers.get_all("Authorization"), connection.transport.get_extra_info("ssl_object")
            )
        except NotAuthenticated as error:
            if path != _DISCOVERY:
                with contextlib.suppress(InvalidIdentifier):
                    gateway = parse_router_id(path.removeprefix("/"))
                    note_unproven(self._host, gateway, error.words, _address(connection))
            return self._refuse(connection, "not_authenticated", HTTPStatus.UNAUTHORIZED, str(error))
        connection.proven = known
        if self._options.certificate is not None:
            connection.generation = self._options.certificate.generation
        if path == _DISCOVERY:
            return None
        try:
            connection.gateway = gateway = parse_router_id(path.removeprefix("/"))
        except InvalidIdentifier as error:
            return self._refuse(connection, "bad_router", HTTPStatus.BAD_REQUEST, str(error))
        try:
            connection.station = admit(self._host, gateway, known, _address(connection))
        except Refused as refused:
            return self._refuse(connection, refused.code, HTTPStatus.FORBIDDEN, str(refused))
        return None

    def _refuse(self, connection: ServerConnection, code: str, status: HTTPStatus, words: str) -> Response:
        self._counts.refused[code] += 1
        log.info("station_refused", code=code, address=_address(connection), error=words)
        return _response(status, words)

    # Connections.

    async def _serve(self, connection: ServerConnection) -> None:
        assert isinstance(connection, _Connection)
        try:
            if connection.station is None:
                await self._discover(connection)
            else:
                await self._talk(connection, connection.station)
        except (ConnectionClosed, TimeoutError, OSError):
            pass
        except Exception as error:
            self._host.caught(_TASK, error)

    async def _discover(self, connection: _Connection) -> None:
        text = await asyncio.wait_for(connection.recv(), _QUESTION)
        self._counts.received["discovery"] += 1
        answer: dict[str, Any]
        try:
            gateway = parse_router_id(parse_discovery(text).router)
        except (MessageError, InvalidIdentifier) as error:
            self._counts.refused["bad_discovery"] += 1
            answer = {"router": None, "error": str(error)}
        else:
            answer = {"router": id6(gateway)}
            try:
                admit(self._host, gateway, connection.proven, _address(connection))
                answer |= {"muxs": id6(gateway), "uri": f"{self._base(connection)}{_STATION}{gateway}"}
            except Refused as refused:
                self._counts.refused[refused.code] += 1
                answer["error"] = str(refused)
        await connection.send(encode(answer))

    def _base(self, connection: ServerConnection) -> str:
        """Scheme, host and port, all of which stations insist on. Raises `Refused`."""
        if self._options.uri is not None:
            return self._options.uri.rstrip("/")
        assert connection.request is not None
        scheme, default = ("ws", "80") if self._options.certificate is None else ("wss", "443")
        asked = only(connection.request.headers.get_all("Host")) or ""
        host, colon, port = asked.rpartition(":")
        if not colon or asked.endswith("]"):
            host, port = asked, default
        if not _HOST.fullmatch(host) or not (
            port.isascii() and port.isdigit() and 0 < int(port[:6]) < 65_536
        ):
            raise Refused("bad_host", "the Host header is no address")
        return f"{scheme}://{host}:{port}"

    async def _talk(self, connection: _Connection, identifier: BaseStationId) -> None:
        self._next_number += 1
        profile = self._profile(identifier)
        wires = Wires(partial(self._send, connection), connection.send if self._options.shells else None)
        station = Station(self._host, identifier, self._next_number, profile, self._counts, wires)
        now = self._host.clock()
        seen = self._host.presence.seen(identifier, now)
        before = self._stations.get(identifier)
        self._stations[identifier] = station, connection
        if before is not None:
            # The station has come back before its old connection was found dead; or there are two.
            before[0].end()
            self._spawn(self._replaced(before[1], connection, seen.addresses))
        remote = connection.remote_address
        if isinstance(remote, tuple):
            # Each connection has a port of its own, so two base stations are told apart by their hosts.
            seen.addresses.keep_alive((str(remote[0]), 0), now)
        seen.begins(_address(connection), now)
        self._host.connected(self, identifier)
        self._host.directory.used(connection.proof.token, connection.proof.serial)
        log.info("station_connected", base_station=str(identifier), address=_address(connection))
        try:
            async for text in connection:
                station.received(text)
        finally:
            station.end()
            current = self._stations.get(identifier)
            if current is not None and current[0] is station:
                del self._stations[identifier]
                self._host.disconnected(self, identifier)
            log.info("station_disconnected", base_station=str(identifier))

    async def _replaced(self, before: _Connection, connection: _Connection, addresses: Addresses) -> None:
        """End a connection in whose place another one of the base station is now. Where it was open and its
        end is answered, it was alive: two base stations are connected with one EUI."""
        was_open = before.protocol.state is State.OPEN
        # Once it is closed, one by TLS does not say its address any more.
        one, other = before.remote_address, connection.remote_address
        await before.close(_NORMAL)
        alive = was_open and before.protocol.close_rcvd is not None
        # Those of two hosts are told apart by them.
        if alive and isinstance(one, tuple) and isinstance(other, tuple) and one[0] == other[0]:
            addresses.met(one[:2], other[:2], self._host.clock())
            log.info("station_replaced", base_station=str(before.station), address=f"{one[0]}:{one[1]}")

    def _profile(self, identifier: BaseStationId) -> StationProfile:
        return self._host.directory.profile(identifier) or self._default

    def transmit(self, downlink: GatewayDownlink) -> None:
        """Give a frame to its station; reports at once if it is not connected."""
        found = self._stations.get(downlink.base_station)
        if found is not None:
            found[0].transmit(downlink)
            return
        report = TransmitReport(downlink.token, downlink.base_station, "NO_ADDRESS")
        asyncio.get_running_loop().call_soon(self._host.report, report)

    # What an operator does on a station.

    def run_command(self, base_station: BaseStationId, command: str, arguments: list[str]) -> None:
        """Have a station run a program. Raises `RemoteRefused`."""
        connection = self._found(base_station)[1]
        message = {"msgtype": "runcmd", "command": command, "arguments": arguments}
        # Without the time of the others, which Station does not know here.
        self._write(connection, encode(message))

    def check_shell(self, base_station: BaseStationId) -> None:
        """Raises `RemoteRefused` where no shell can be opened on a station."""
        self._found(base_station)[0].shells_or_refusal().check()

    async def open_shell(self, base_station: BaseStationId, user: str, terminal: str) -> RemoteShell:
        """Open a shell on a station. Raises `RemoteRefused`."""
        return await self._found(base_station)[0].shells_or_refusal().open(user, terminal)

    def _found(self, base_station: BaseStationId) -> tuple[Station, _Connection]:
        found = self._stations.get(base_station)
        if found is None or found[0].version is None:
            raise RemoteRefused("not_connected")
        return found

    def _send(
        self, connection: ServerConnection, message: dict[str, Any], decided: float | None = None, /
    ) -> None:
        # By the time of every message stations measure the way to here.
        message["MuxTime"] = self._host.clock()
        if self._write(connection, encode(message)) and decided is not None:
            self._host.handed_over(self.name, decided)

    def _write(self, connection: ServerConnection, text: str) -> bool:
        """Give a message to the socket in this turn of the event loop: in the next one, the frames that have
        come meanwhile would be read first. False where the connection is closing."""
        transport = connection.transport
        if connection.protocol.state is not State.OPEN or transport.is_closing():
            return False
        connection.protocol.send_text(text.encode())
        for octets in connection.protocol.data_to_send():
            transport.write(octets)
        if transport.get_write_buffer_size() > _MOST_UNREAD:
            self._counts.refused["unread"] += 1
            log.info("station_reads_nothing", address=_address(connection))
            transport.abort()
        return True

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(self._quietly(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _quietly(self, work: Any) -> None:
        try:
            await work
        except (ConnectionClosed, OSError):
            # The end of the connection is seen where it is read.
            pass
        except Exception as error:
            self._host.caught(_TASK, error)

    async def _ping(self) -> None:
        """Find connections that are dead, and note those that live: some at a time, for a thousand at once
        would make frames wait."""
        generation = 0
        for turn in itertools.cycle(range(_TURNS)):
            await asyncio.sleep(_PING / _TURNS)
            certificate = self._options.certificate
            if certificate is not None:
                certificate.look()
            # Whom is trusted no more is to go at once.
            changed = certificate is not None and certificate.generation != generation
            if certificate is not None:
                generation = certificate.generation
            for identifier, (station, connection) in self._stations.items():
                if station.number % _TURNS != turn and not (changed and connection.proof.serial):
                    continue
                if self._may_stay(identifier, connection):
                    if station.profile == self._profile(identifier):
                        self._spawn(self._check(identifier, connection))
                    else:
                        # It comes back at once, and gets what is right now.
                        log.info("station_profile_changed", base_station=str(identifier))
                        self._spawn(connection.close(_RESTART))
                else:
                    log.info("station_dismissed", base_station=str(identifier))
                    self._spawn(connection.close(_POLICY))

    def _may_stay(self, identifier: BaseStationId, connection: _Connection) -> bool:
        """Whether it is still registered, and what it has proven itself with was not revoked."""
        directory, proof = self._host.directory, connection.proof
        if connection.gateway is None or directory.find(connection.gateway) != identifier:
            return False
        if proof.serial is not None:
            certificate = self._options.certificate
            if proof.expires_at < self._host.clock() or directory.is_revoked(proof.serial):
                return False
            if certificate is None:
                return True
            # One of an authority between comes back at once, if its chain is still good.
            verified = connection.generation == certificate.generation
            return certificate.refusal(proof.certificate, verified=verified) is None
        return proof.token is None or directory.station_of_token(proof.token) == identifier

    async def _check(self, identifier: BaseStationId, connection: ServerConnection) -> None:
        try:
            async with asyncio.timeout(_PING):
                latency = await (await connection.ping())
        except TimeoutError:
            log.info("station_silent", base_station=str(identifier))
            await connection.close(_NORMAL)
        else:
            self._host.presence.seen(identifier, self._host.clock()).round_trip(latency)


def _address(connection: ServerConnection) -> str:
    remote = connection.remote_address
    return f"{remote[0]}:{remote[1]}" if isinstance(remote, tuple) else "unknown"


def _response(status: HTTPStatus, words: str) -> Response:
    body = words.encode() + b"\n"
    headers = Headers(
        {"Content-Type": "text/plain; charset=utf-8", "Content-Length": str(len(body)), "Connection": "close"}
    )
    return Response(status.value, status.phrase, headers, body)
