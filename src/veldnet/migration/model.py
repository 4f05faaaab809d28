"""What a network consists of that is moved here, whichever network server it comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, Protocol

import msgspec

from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.inventory.flows import Connection
from veldnet.lorawan import AesKey, GatewayEui
from veldnet.network.core import MovedSession


class Damaged(Exception):
    """The source cannot be read, or is not what it should be; the text says where and what to do."""


class NotMovable(Exception):
    """Something cannot be moved; the text says why."""


class Plan(msgspec.Struct, frozen=True):
    """A connectivity plan to be made where there is none of that id."""

    id: str
    name: str
    settings: PlanSettings


class Decoder(msgspec.Struct, frozen=True):
    name: str
    kind: Literal["JAVASCRIPT", "CAYENNE_LPP"]
    source: str = ""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """A model of devices: the device profile and plan to be made of it, and what reads its payloads."""

    id: str
    name: str
    settings: ProfileSettings
    plan: Plan
    decoder: Decoder | None = None
    # What of it has no counterpart here.
    remarks: tuple[str, ...] = ()
    # Why no device of it can be served; empty where they can.
    problem: str = ""


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A device. `name` and `eui` as the source has them; `profile` is the key of its model.
    `last_join_nonce` is the last JoinNonce that was given."""

    eui: str
    name: str = ""
    description: str = ""
    profile: str = ""
    join_eui: str | None = None
    device_class: Literal["A", "B", "C"] = "A"
    personalised: bool = False
    app_key: AesKey | None = None
    nwk_key: AesKey | None = None
    gen_app_key: AesKey | None = None
    session: MovedSession | None = None
    pending: MovedSession | None = None
    last_join_nonce: int = 0
    dev_nonces: tuple[int, ...] = ()
    tags: tuple[str, ...] = ()
    latitude: float | None = None
    longitude: float | None = None
    remarks: tuple[str, ...] = ()
    # Why it has come without its session although it has one.
    without_session: str = ""
    # Why it cannot be moved at all; empty where it can.
    problem: str = ""
    # Why it is not served there; one in shadow here is disabled there to be cut over.
    disabled: str = ""


class BaseStation(msgspec.Struct, frozen=True):
    eui: GatewayEui
    name: str
    latitude: float | None = None
    longitude: float | None = None
    altitude: float | None = None


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A multicast group with its session keys. `fcnt_down` is the next counter, frequencies are in Hz."""

    eui: str
    name: str
    dev_addr: str
    nwk_s_key: AesKey
    app_s_key: AesKey
    fcnt_down: int
    group_class: Literal["B", "C"]
    region: str
    frequency: int | None = None
    data_rate: int | None = None
    ping_period: int | None = None
    members: tuple[str, ...] = ()
    remarks: tuple[str, ...] = ()


class Unmoved(msgspec.Struct, frozen=True):
    """Something that cannot be moved, by its id and name, and why."""

    id: str
    name: str
    problem: str


class Integration(msgspec.Struct, frozen=True, kw_only=True):
    """Where messages of the devices with a tag go: a flow, and a connection for each address."""

    name: str
    tag: str
    connections: tuple[Connection, ...] = ()
    remarks: tuple[str, ...] = ()
    problem: str = ""


class Source(Protocol):
    """A network that is moved. It is read piece by piece, and may raise `Damaged` at any of them."""

    # Such as `ChirpStack`, for names of what is made.
    name: str

    def count(self) -> int | None:
        """How many devices there are, None where that is not known before they are read."""

    def profile(self, key: str) -> Profile:
        """A model by the key that a device has for it."""

    def devices(self) -> Iterator[Sequence[Device]]:
        """Batches of devices."""

    def base_stations(self) -> Sequence[BaseStation | Unmoved]: ...

    def groups(self) -> Sequence[Group | Unmoved]: ...

    def integrations(self) -> Sequence[Integration]: ...
