"""The Things Stack v3: the JSON that its tools export, read, and written for whoever moves on."""

from .export import TheThingsStack
from .others import DIALECT, gateway, webhook
from .writing import Exported, RootKeys, end_device

__all__ = ["DIALECT", "Exported", "RootKeys", "TheThingsStack", "end_device", "gateway", "webhook"]
