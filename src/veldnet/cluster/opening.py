"""The bus that the settings name."""

from __future__ import annotations

from veldnet.supervision import Supervisor

from .bus import Bus
from .nats_access import NatsAccess


def nats_bus(access: NatsAccess, supervisor: Supervisor) -> Bus:
    """The bus over NATS, whose client not every installation has. Raises `BusError`."""
    from .nats import NatsBus

    return NatsBus(access, supervisor)
