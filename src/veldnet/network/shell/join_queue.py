"""Queue of joins for a vault: devices without a session first, customers round-robin, late ones dropped.

After a power cut thousands of devices ask within seconds, and a hardware module does some hundred joins a
second. A join-accept that comes after RX2 is of no use to anybody, so an order whose time is over does not
cost the module anything; its device asks again.
"""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")

MOST = 20_000
# Where so many wait, a device that asks again and again, or whose requests somebody forges, has no more
# places than these.
CROWDED, MOST_OF_DEVICE = 1000, 4


class Waiting(NamedTuple, Generic[T]):
    """An order. `deadline` is when its answer is of no use any more, `customer` whose turn it takes, `urgent`
    whether its device is cut off."""

    order: T
    device: int
    customer: int
    deadline: float
    urgent: bool


class _Turns(Generic[T]):
    """Customers take turns; each is served in the order of its requests."""

    def __init__(self) -> None:
        self._customers: OrderedDict[int, deque[Waiting[T]]] = OrderedDict()

    def put(self, waiting: Waiting[T]) -> None:
        self._customers.setdefault(waiting.customer, deque()).append(waiting)

    def take(self) -> Waiting[T] | None:
        if not self._customers:
            return None
        customer, waiting = next(iter(self._customers.items()))
        taken = waiting.popleft()
        if waiting:
            self._customers.move_to_end(customer)
        else:
            del self._customers[customer]
        return taken


class JoinQueue(Generic[T]):
    """The orders that wait for one vault."""

    def __init__(self, most: int = MOST, crowded: int = CROWDED) -> None:
        self._most = most
        self._crowded = crowded
        self._urgent: _Turns[T] = _Turns()
        self._others: _Turns[T] = _Turns()
        self._of_device: Counter[int] = Counter()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def put(self, waiting: Waiting[T]) -> bool:
        """Let an order wait; False where there is no room for it."""
        full = self._length >= self._most
        if full or (self._length >= self._crowded and self._of_device[waiting.device] >= MOST_OF_DEVICE):
            return False
        (self._urgent if waiting.urgent else self._others).put(waiting)
        self._of_device[waiting.device] += 1
        self._length += 1
        return True

    def take(self, most: int, now: float) -> tuple[list[Waiting[T]], list[Waiting[T]]]:
        """The next orders, and those found to be too late."""
        taken: list[Waiting[T]] = []
        late: list[Waiting[T]] = []
        while len(taken) < most and (waiting := self._urgent.take() or self._others.take()) is not None:
            self._length -= 1
            self._of_device[waiting.device] -= 1
            if not self._of_device[waiting.device]:
                del self._of_device[waiting.device]
            (late if waiting.deadline < now else taken).append(waiting)
        return taken, late
