"""The messages in memory, by lane: a bounded part of what is pending; the rest waits in the store."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from veldnet.store import DeliveryRow, Store

from .lanes import Lane, Pending
from .ledger import LaneKey, decode_message
from .outbox import Outbox

_LANE_PAGE = 100


class HeldMessages:
    """Lanes by device and destination. At most `most` messages are held."""

    def __init__(self, store: Store, outbox: Outbox, most: int) -> None:
        self.lanes: dict[LaneKey, Lane] = {}
        self.count = 0
        self._store = store
        self._outbox = outbox
        self._most = most
        self._of_device: dict[int, set[LaneKey]] = {}

    def lane(self, key: LaneKey) -> Lane:
        """The lane of a key, made where there is none."""
        lane = self.lanes.get(key)
        if lane is None:
            lane = self.lanes[key] = Lane(key)
            self._of_device.setdefault(key[0], set()).add(key)
        return lane

    def drop(self, key: LaneKey) -> None:
        """Nothing of a lane is left."""
        self.lanes.pop(key, None)
        keys = self._of_device.get(key[0])
        if keys is not None:
            keys.discard(key)
            if not keys:
                del self._of_device[key[0]]

    def of_device(self, device_ref: int) -> list[Lane]:
        return [self.lanes[key] for key in self._of_device.get(device_ref, ())]

    def add(self, key: LaneKey, pending: Pending) -> Lane:
        """A message that has just been committed."""
        lane = self.lane(key)
        if lane.spilled or self.count >= self._most:
            # Behind what waits in the store already, or no room: the store keeps it.
            lane.spilled = True
        else:
            lane.pending.append(pending)
            self.count += 1
        return lane

    def remove(self, lane: Lane, pending: Pending) -> None:
        """A message has ended."""
        if lane.pending[0] is pending:
            lane.pending.popleft()
        else:
            lane.pending.remove(pending)
        self.count -= 1

    async def load(self, lane: Lane) -> None:
        """Fetch the next page of a lane; while the query runs, new messages stay in the store."""
        gone = self._outbox.gone
        rows = await self._store.pending_deliveries(*lane.key, _LANE_PAGE)
        listed = {row.id: row for row in rows}
        if len(rows) < _LANE_PAGE:
            lane.spilled = False
            # What was committed between the query and now was not taken up in memory.
            later = await self._store.pending_deliveries(*lane.key, _LANE_PAGE)
            listed |= {row.id: row for row in later}
        held = {pending.id for pending in lane.pending} | gone | self._outbox.gone
        loaded = [_from_row(row) for row in listed.values() if row.id not in held]
        if loaded:
            lane.pending = deque(sorted([*lane.pending, *loaded], key=lambda pending: pending.id))
            self.count += len(loaded)

    @property
    def heads(self) -> Iterator[Pending]:
        """The first message of each lane."""
        return (lane.pending[0] for lane in self.lanes.values() if lane.pending)


def _from_row(row: DeliveryRow) -> Pending:
    orphan = row.device_subscriber_ref != row.subscriber_ref
    return Pending(
        row.id,
        row.frame_id,
        row.subscriber_ref,
        row.expires_at,
        decode_message(row.message),
        row.attempts,
        orphan=orphan,
    )
