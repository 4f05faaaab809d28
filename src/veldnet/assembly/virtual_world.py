"""What a server under a virtual clock offers to tests of customers: time that can be moved, and virtual
devices. The platform and the API know it by this interface; `veldnet.virtual` is behind it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Protocol

import msgspec

from veldnet.connections import Outcome
from veldnet.domain.documents import ProfileSettings
from veldnet.domain.errors import BadRequest
from veldnet.lorawan import AesKey, BaseStationId, DevEui, JoinEui
from veldnet.monitoring import Post
from veldnet.routing import Attempt, Sender

if TYPE_CHECKING:
    from veldnet.assembly.platform import Platform


class NotVirtual(BadRequest):
    """A request for a server under a virtual clock."""

    def __init__(self) -> None:
        super().__init__(
            "this server follows the clock of the system; time is moved and uplinks are injected only where "
            "it was started with --virtual-clock, on sandbox data"
        )


class DidNotJoin(BadRequest):
    """The network did not answer the join-requests of a virtual device."""


class VirtualIdentity(msgspec.Struct, frozen=True):
    """What is engraved in a virtual device; without `app_key` the one it was made with earlier."""

    ref: int
    dev_eui: DevEui
    join_eui: JoinEui
    profile: ProfileSettings
    app_key: AesKey | None = None
    nwk_key: AesKey | None = None


class VirtualUplink(msgspec.Struct, frozen=True):
    """A frame that a virtual device is to send, and which base stations hear it how well. `rssi` in dBm,
    `snr` in dB; `rejoin` has the device join again before."""

    fport: int
    payload: bytes
    confirmed: bool
    stations: tuple[BaseStationId, ...]
    rssi: float
    snr: float
    data_rate: int | None = None
    rejoin: bool = False


class SeenDownlink(msgspec.Struct, frozen=True):
    """A downlink as the device received it; `payload` is decrypted. `at` in Unix seconds."""

    at: float
    fport: int | None
    payload: bytes
    fcnt: int | None
    confirmed: bool
    acknowledges: bool
    pending: bool


class UplinkOutcome(msgspec.Struct, frozen=True):
    """What became of an uplink: its counter, how often it was transmitted, and what came back."""

    fcnt: int
    joined: bool
    transmissions: int
    acknowledged: bool
    downlinks: tuple[SeenDownlink, ...]


class VirtualDeviceState(msgspec.Struct, frozen=True):
    """A virtual device as it knows itself."""

    joined: bool
    dev_addr: str | None
    device_class: str
    uplinks: int
    downlinks: tuple[SeenDownlink, ...]


class VirtualWorld(Protocol):
    """Time and radio of a server under a virtual clock."""

    def attach(self, platform: Platform) -> None:
        """Become the surroundings of a platform that is being made."""

    def resume(self, lead: float) -> None:
        """Begin so many seconds ahead of the system's clock, where a server before was."""

    async def still(self) -> None:
        """Wait while time is moved: what looks at the world outside has nothing to see meanwhile."""

    def awaiting(self) -> AbstractContextManager[None]:
        """While this is open, time passes no faster than outside: somebody there has to answer."""

    def now(self) -> float: ...

    async def advance(self, seconds: float) -> float:
        """Move time ahead; returns the seconds that are left because it took too long."""

    async def uplink(self, identity: VirtualIdentity, uplink: VirtualUplink) -> UplinkOutcome:
        """Let a device send, after it has joined if it had not. Raises `DidNotJoin` and `BadRequest`."""

    def device(self, ref: int) -> VirtualDeviceState | None: ...


class WaitedSender:
    """The way of messages to application servers, during which virtual time waits."""

    def __init__(self, sender: Sender, world: VirtualWorld) -> None:
        self._sender = sender
        self._world = world

    async def send(self, attempt: Attempt) -> Outcome:
        with self._world.awaiting():
            return await self._sender.send(attempt)

    async def try_out(self, attempt: Attempt) -> list[Outcome]:
        with self._world.awaiting():
            return await self._sender.try_out(attempt)

    async def close(self) -> None:
        await self._sender.close()


def waited_post(post: Post, world: VirtualWorld) -> Post:
    """The way of webhooks, during which virtual time waits."""

    async def waited(url: str, headers: dict[str, str], body: bytes) -> str | None:
        with world.awaiting():
            return await post(url, headers, body)

    return waited
