"""The base stations of a town: registered where they are not yet, connected, and seen by the server."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable, Sequence

import aiohttp

from veldnet.lorawan import GatewayEui

from .backhaul import Backhaul, ConnectedLink, NotConnected, ProtocolName, TokenNeeded, close_all
from .base_station import BaseStation
from .customer import Account, ApiProblem
from .operator import Operator, Registered

# Seconds in which the server has to find a base station connected.
_TIMEOUT = 10.0
# Semtech UDP may lead to a program of ChirpStack, which speaks to the server for the base station, and says
# nothing before that has sent its statistics.
_STATISTICS = 40.0
_BY: dict[ProtocolName, tuple[ProtocolName, ...]] = {"semtech-udp": ("chirpstack-mqtt",)}


class Sites:
    """Base stations and their connections, by their numbers. `position` says where each stands."""

    def __init__(
        self, http: str, account: Account, backhaul: Backhaul, position: Callable[[int], tuple[float, float]]
    ) -> None:
        self._http = http
        self._account = account
        self._backhaul = backhaul
        self._position = position
        self._links: list[ConnectedLink] = []
        self._tokens: list[tuple[str, str]] = []

    async def connect(
        self, session: aiohttp.ClientSession, stations: Sequence[BaseStation], rng: random.Random
    ) -> None:
        """Register and connect. Raises `NotConnected`, which says what is missing."""
        protocols = [self._backhaul.protocol(number) for number in range(len(stations))]
        if not self._account.operator_username:
            self._needs_nobody(stations, protocols)
            for station, protocol in zip(stations, protocols, strict=True):
                self._links.append(await self._backhaul.connect(station, protocol, rng))
            return
        async with Operator(self._http, self._account, session) as operator:
            known = await operator.base_stations()
            for number, station in enumerate(stations):
                if station.eui not in known:
                    name = f"Town base station {number + 1}"
                    known[station.eui] = await operator.register(station.eui, name, self._position(number))
            for station, protocol in zip(stations, protocols, strict=True):
                self._links.append(await self._connect(operator, known[station.eui], station, protocol, rng))
            await self._seen(operator, dict(zip([s.eui for s in stations], protocols, strict=True)))

    @staticmethod
    def _needs_nobody(stations: Sequence[BaseStation], protocols: Sequence[ProtocolName]) -> None:
        if len(stations) > 1:
            raise NotConnected(
                f"{len(stations)} base stations ({', '.join(dict.fromkeys(protocols))}) are registered by an "
                "operator: the account file needs operator_username and operator_password"
            )

    async def _connect(
        self,
        operator: Operator,
        registered: Registered,
        station: BaseStation,
        protocol: ProtocolName,
        rng: random.Random,
    ) -> ConnectedLink:
        try:
            return await self._backhaul.connect(station, protocol, rng)
        except TokenNeeded:
            ref, token = await operator.issue_token(registered.id)
            self._tokens.append((registered.id, ref))
            return await self._backhaul.connect(station, protocol, rng, token)

    async def _seen(self, operator: Operator, wanted: dict[GatewayEui, ProtocolName]) -> None:
        """Wait until the server has found each base station by its protocol."""
        end = time.monotonic() + (_STATISTICS if "semtech-udp" in wanted.values() else _TIMEOUT)
        while True:
            known = await operator.base_stations()
            missing = {
                eui: name
                for eui, name in wanted.items()
                if known[eui].protocol not in (name, *_BY.get(name, ()))
            }
            if not missing:
                return
            if time.monotonic() > end:
                eui, protocol = next(iter(missing.items()))
                now = known[eui].protocol
                raise NotConnected(
                    f"the server does not find base station {eui} at {self._backhaul.address(protocol)}"
                    + (f", but by {now}" if now else "")
                    + (": does it read that broker (gateways.mqtt)?" if protocol == "chirpstack-mqtt" else "")
                )
            await asyncio.sleep(0.2)

    async def leave(self) -> None:
        """Disconnect, and take the tokens back that were needed."""
        await close_all(self._links)
        self._links.clear()
        if not self._tokens:
            return
        tokens, self._tokens = self._tokens, []
        # A server that has gone meanwhile keeps them.
        with contextlib.suppress(aiohttp.ClientError, ApiProblem):
            async with (
                aiohttp.ClientSession() as session,
                Operator(self._http, self._account, session) as operator,
            ):
                for station_id, ref in tokens:
                    await operator.revoke_token(station_id, ref)
