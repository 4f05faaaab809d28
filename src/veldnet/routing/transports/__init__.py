"""How messages reach application servers: one module for each transport, entered here by its schemes."""

from collections.abc import Callable, Mapping

from veldnet.connections import Outcome

from .http import HttpTransport
from .interface import Attempt, Sender, Transport, TransportSettings

Transports = Mapping[str, Callable[[TransportSettings], Transport]]

TRANSPORTS: Transports = {
    "http": HttpTransport,
    "https": HttpTransport,
}

__all__ = ["TRANSPORTS", "Attempt", "Outcome", "Sender", "Transport", "TransportSettings", "Transports"]
