"""Devices in memory, and those among them that rest: what has not been used for a while is kept in its stored
form, a quarter of the decoded one, and decoded when somebody looks at it."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

import msgspec
from msgspec.structs import replace

from veldnet.domain.devices import DeviceRow
from veldnet.network.core.events import Device
from veldnet.network.core.state import DeviceState, JoinMemory, decode_state, encode_state

T = TypeVar("T")

# Seconds without use after which a device rests. The frame that wakes it takes some microseconds longer.
REST_AFTER = 300.0
# Devices that are put to rest with each use of one, so that no frame waits long: more than one, or those that
# somebody has only looked at would pile up.
_AT_ONCE = 2
# Values that are shared among devices.
_MOST_SHARED = 10_000


class Entry:
    """A device in memory. `unwritten` counts the commits that will still write it, `pending` what else will
    come back to it. `monitoring` is what that
    room keeps of the device, as it came from the store or as the value it has decoded it to; it is loaded,
    written and dropped together with the state."""

    __slots__ = (
        "_awake",
        "_monitoring",
        "_state",
        "device",
        "memory",
        "pending",
        "removed",
        "unwritten",
        "used_at",
    )

    def __init__(
        self,
        device: Device,
        state: DeviceState,
        memory: JoinMemory,
        used_at: float,
        monitoring: bytes | msgspec.Struct | None = None,
    ) -> None:
        # Those of its table that do not rest, this one among them or not.
        self._awake: OrderedDict[int, Entry] | None = None
        self._monitoring = monitoring
        self._state: DeviceState | bytes = state
        self.device = device
        self.used_at = used_at
        self.memory = memory
        self.unwritten = 0
        self.pending = 0
        self.removed = False

    @property
    def state(self) -> DeviceState:
        state = self._state
        if isinstance(state, bytes):
            state = self._state = decode_state(state)
            self._wake()
        return state

    @state.setter
    def state(self, state: DeviceState) -> None:
        self._state = state

    @property
    def monitoring(self) -> bytes | msgspec.Struct | None:
        return self._monitoring

    @monitoring.setter
    def monitoring(self, value: bytes | msgspec.Struct | None) -> None:
        self._monitoring = value
        self._wake()

    @property
    def stored_monitoring(self) -> bytes | None:
        value = self._monitoring
        return value if value is None or isinstance(value, bytes) else _encode_monitoring(value)

    def watched_by(self, awake: OrderedDict[int, Entry]) -> None:
        self._awake = awake
        self._wake()

    def _wake(self) -> None:
        if self._awake is not None and not self.removed:
            self._awake[self.device.row.ref] = self

    @property
    def busy(self) -> bool:
        """Whether anything of it is on its way to the store, or will come back to it."""
        return self.unwritten > 0 or self.pending > 0

    def rest(self) -> None:
        """Keep what the store has of it in the store's form."""
        if isinstance(self._state, DeviceState):
            self._state = encode_state(self._state)
        self._monitoring = self.stored_monitoring

    @property
    def rests(self) -> bool:
        return isinstance(self._state, bytes)


_encode_monitoring = msgspec.msgpack.Encoder().encode


def new_entry(device: Device) -> Entry:
    """A device of which nothing is known yet."""
    return Entry(device, DeviceState(), JoinMemory(), 0.0)


class Resting:
    """Puts devices of a table to rest, those first that were used first."""

    def __init__(self) -> None:
        self._awake: OrderedDict[int, Entry] = OrderedDict()
        # Devices of a subscriber, or of a maker, have much in common.
        self._shared: dict[str, str] = {}

    def __len__(self) -> int:
        """How many do not rest."""
        return len(self._awake)

    def watch(self, entry: Entry) -> None:
        entry.watched_by(self._awake)

    def used(self, entry: Entry, now: float) -> None:
        """Note that a device is in use, and put others to rest."""
        awake = self._awake
        ref = entry.device.row.ref
        awake[ref] = entry
        awake.move_to_end(ref)
        for _ in range(_AT_ONCE):
            first, idle = next(iter(awake.items()))
            if idle.used_at > now - REST_AFTER:
                break
            if idle.busy:
                awake.move_to_end(first)
            else:
                del awake[first]
                idle.rest()

    def forget(self, entry: Entry) -> None:
        self._awake.pop(entry.device.row.ref, None)

    def clear(self) -> None:
        self._awake.clear()

    def compact(self, row: DeviceRow) -> DeviceRow:
        """A row as it is kept: without what is decoded of it, and sharing texts with others."""
        return replace(
            row,
            customer_id=self._one(row.customer_id),
            join_eui=None if row.join_eui is None else self._one(row.join_eui),
            processing_strategy=row.processing_strategy and self._one(row.processing_strategy),
            device_class=self._one(row.device_class),
            vault=self._one(row.vault),
            state=None,
            join_memory=None,
            monitoring=None,
        )

    def _one(self, text: str) -> str:
        if len(self._shared) >= _MOST_SHARED:
            self._shared.clear()
        return self._shared.setdefault(text, text)
