"""Everything that base stations connect to: the protocols, CUPS for updates, commands and remote shells."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from veldnet.assembly.base_station_directory import BaseStations
from veldnet.assembly.protocols import PROTOCOLS, Keeper, cups_server
from veldnet.assembly.remote_operation import RemoteDesk
from veldnet.assembly.update_desk import update_desk
from veldnet.gateways import Hub
from veldnet.keys import Vaults
from veldnet.settings import Settings
from veldnet.store import Store


class StationServices:
    """Registers all that the settings have served at the hub. `take_up` has what CUPS writes seen at once."""

    def __init__(
        self,
        settings: Settings,
        hub: Hub,
        store: Store,
        vault: Vaults,
        directory: BaseStations,
        take_up: Callable[[], Awaitable[None]],
    ) -> None:
        self._hub = hub
        hub.listen_only = settings.gateways.listen_only
        self._desk = update_desk(settings, hub, store, vault, directory, take_up)
        self.remote = RemoteDesk(settings.gateways, hub, store, hub.clock)
        self._keepers: list[Keeper] = []
        for entry in PROTOCOLS:
            served = entry.serve(settings, hub, store)
            if served is not None:
                hub.register(served.protocol)
                if served.keeper is not None:
                    self._keepers.append(served.keeper)
        self._keepers.append(self._desk)
        hub.register(cups_server(settings, hub, self._desk))

    async def restore(self) -> None:
        """Go on where the process before this one was."""
        for keeper in self._keepers:
            await keeper.restore()

    async def write(self) -> None:
        """Write what the next process must know of connections."""
        for keeper in self._keepers:
            await keeper.write()

    def certificate_problem(self) -> str | None:
        """What is wrong with the certificates of base stations, in words."""
        return self._desk.problem() or self._hub.certificate_problem()

    async def stop(self) -> None:
        await self.remote.stop()
        await self._hub.stop()
