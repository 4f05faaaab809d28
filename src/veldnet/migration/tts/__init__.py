"""The Things Stack v3: the JSON that its tools export, read, and written for whoever moves on."""

from .export import TheThingsStack
from .groups import GroupKeys, multicast_device
from .others import DIALECT, gateway, webhook
from .writing import Exported, RootKeys, end_device

__all__ = [
    "DIALECT",
    "Exported",
    "GroupKeys",
    "RootKeys",
    "TheThingsStack",
    "end_device",
    "gateway",
    "multicast_device",
    "webhook",
]
