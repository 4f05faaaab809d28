"""Context of a transition, besides the device state."""

from __future__ import annotations

from typing import Generic, TypeVar

import msgspec

from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.lorawan.regions import ChannelPlan

from .events import DataReceived, Device, Event
from .parameters import NetworkParameters

E_co = TypeVar("E_co", bound=Event, covariant=True)
E = TypeVar("E", bound=Event)

# The rules of a device without a connectivity plan: it may send nothing, and nothing of it is counted.
NO_PLAN = PlanSettings(downlinkTransmission=False, uplinkRate=0, downlinkRate=0)


class Context(msgspec.Struct, Generic[E_co], frozen=True, gc=False):
    """The network, the device with its channels and its plan, the event, and the time in Unix seconds.

    `channel_plan` is `UNSERVED` where the network does not serve the device's region, `plan` is `NO_PLAN` for
    a device without one.
    """

    network: NetworkParameters
    channel_plan: ChannelPlan
    device: Device
    plan: PlanSettings
    event: E_co
    now: float

    @property
    def profile(self) -> ProfileSettings:
        return self.device.profile


UplinkContext = Context[DataReceived]


def context_of(network: NetworkParameters, device: Device, event: E, now: float) -> Context[E]:
    """The context of an event at a device."""
    return Context(network, network.channel_plan(device.profile), device, device.plan or NO_PLAN, event, now)
