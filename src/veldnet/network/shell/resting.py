"""Devices that rest: what has not been used for a while is kept as the store would give it, in one value of
octets. That takes a fifth of the memory of a device in use, and a frame that wakes it takes some microseconds
longer."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from struct import Struct

import msgspec
from msgspec.structs import replace

from veldnet.domain.devices import DeviceRow
from veldnet.network.core.state import encode_join_memory, encode_state

from .entries import Entry

# Seconds without use after which a device rests.
REST_AFTER = 300.0
# What is asked of many at once is beside the rest: the partition, and the routing profile or 0.
_HEADER = Struct("<BI")
_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(DeviceRow)


class Resting:
    """The devices of a table that rest, by reference, those first that have rested longest."""

    def __init__(self) -> None:
        self._rows: dict[int, bytes] = {}

    def __len__(self) -> int:
        return len(self._rows)

    def __contains__(self, ref: int) -> bool:
        return ref in self._rows

    def put(self, entry: Entry) -> None:
        """Keep a device of which nothing is still to be written."""
        row = entry.device.row
        memory = encode_join_memory(entry.memory)
        row = replace(
            row, state=encode_state(entry.state), join_memory=memory, monitoring=entry.stored_monitoring
        )
        self._rows[row.ref] = _HEADER.pack(row.partition, row.routing_profile_ref or 0) + _encode(row)

    def take(self, ref: int) -> DeviceRow | None:
        """Hand a device back, as the store would give it."""
        octets = self._rows.pop(ref, None)
        return None if octets is None else _decoder.decode(memoryview(octets)[_HEADER.size :])

    def oldest(self, count: int) -> list[int]:
        return list(islice(self._rows, count))

    def of_partitions(self, stored: frozenset[int]) -> list[int]:
        return self._where(lambda partition, _routing: partition in stored)

    def of_routing(self, routing_profile_ref: int) -> list[int]:
        return self._where(lambda _partition, routing: routing == routing_profile_ref)

    def _where(self, wanted: Callable[[int, int], bool]) -> list[int]:
        read = _HEADER.unpack_from
        return [ref for ref, octets in self._rows.items() if wanted(*read(octets))]

    def clear(self) -> None:
        self._rows.clear()
