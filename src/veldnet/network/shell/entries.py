"""Devices in memory."""

from __future__ import annotations

import msgspec

from veldnet.network.core.events import Device
from veldnet.network.core.state import DeviceState, JoinMemory


class Entry(msgspec.Struct, eq=False, gc=False):
    """A device in memory that is in use, or was a while ago. `unwritten` counts the commits that will still
    write it, `pending` what else will come back to it. `monitoring` is what that room keeps of the device, as
    it came from the store or as the value it has decoded it to; it is loaded, written and dropped together
    with the state. `removed` says that the table no longer has it: the device is gone, or has been put to
    rest. Nothing of it leads back to it, so a search for garbage need not look at it."""

    device: Device
    state: DeviceState
    memory: JoinMemory
    used_at: float
    monitoring: bytes | msgspec.Struct | None = None
    unwritten: int = 0
    pending: int = 0
    removed: bool = False

    @property
    def stored_monitoring(self) -> bytes | None:
        value = self.monitoring
        return value if value is None or isinstance(value, bytes) else _encode_monitoring(value)

    @property
    def busy(self) -> bool:
        """Whether anything of it is on its way to the store, or will come back to it."""
        return self.unwritten > 0 or self.pending > 0


_encode_monitoring = msgspec.msgpack.Encoder().encode


def new_entry(device: Device) -> Entry:
    """A device of which nothing is known yet."""
    return Entry(device, DeviceState(), JoinMemory(), 0.0)
