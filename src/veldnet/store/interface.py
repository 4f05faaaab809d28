"""What the rest of the house may ask of a store.

Two ways lead in. Frames go through `commit`: many rows of many devices in one durable transaction.
Management goes through `read` and `write`: a function over a SQLAlchemy connection, in a transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Any, Protocol, TypeVar

import msgspec
from sqlalchemy import Connection

from veldnet.domain.devices import DeviceRow

from .schema import HOURLY_COUNTERS

T = TypeVar("T")


class StoreError(Exception):
    """The store could not do what was asked; nothing of it was written."""


class LeaseLost(StoreError):
    """Another process owns the partitions now; this one must stop writing."""


class Conflict(StoreError):
    """A row is there already, or one that it names is not."""


class Statement(Enum):
    """The statements of the hot path; each engine has its own text for them. Values name the columns."""

    INSERT_FRAME = (
        "id device_ref kind outcome fcnt fport size rssi snr data_rate base_station copies "
        "at flags gap airtime sf heard subscriber_ref plan_ref battery margin"
    )
    INSERT_BODY = "frame_id part body"
    UPDATE_STATE = "dev_addr pending_dev_addr state restless current_class watch device_ref"
    UPDATE_JOIN_MEMORY = "join_memory device_ref"
    INSERT_DELIVERY = "id frame_id device_ref subscriber_ref lane expires_at state last_error message"
    DELETE_DELIVERY = "id"
    NOTE_ATTEMPT = "attempts last_error last_attempt_at next_attempt_at address id"
    SET_DELIVERY_ASIDE = "reason attempts last_error last_attempt_at address id"
    INSERT_DELIVERY_RESULT = "frame_id delivery_id result"
    UPDATE_CHECK = "check_at device_ref"
    UPDATE_HEALTH = "health ref"
    ADD_HOURLY = f"scope scope_ref hour {' '.join(HOURLY_COUNTERS)}"
    PUT_ALARM = (
        "device_ref type object state occurrence acked created_at updated_at acked_at ack_author "
        "info1 info2 info3 info4 info5"
    )
    ACKNOWLEDGE_ALARM = "acked_at ack_author device_ref type object"
    INSERT_ALARM_HISTORY = "device_ref type object cleared_at"
    INSERT_NOTIFICATION = "id scope scope_ref event"


Rows = tuple[Statement, Sequence[tuple[Any, ...]]]


class DeliveryRow(msgspec.Struct, frozen=True, gc=False):
    """A message on its way to an application server."""

    id: int
    frame_id: int
    device_ref: int
    subscriber_ref: int
    lane: str
    expires_at: int
    message: bytes
    attempts: int = 0
    # Whose the device is now; None where it does not exist any more.
    device_subscriber_ref: int | None = None


class Store(Protocol):
    """Durable state. Every method may raise `StoreError`, and no error of an engine or its driver. Once what
    was in the way is over, the store works again."""

    async def commit(self, rows: Iterable[Rows]) -> None:
        """Write all rows durably or none. Raises `LeaseLost` when another process has taken over."""

    async def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query that changes nothing."""

    async def write(self, change: Callable[[Connection], T]) -> T:
        """Run a change in a transaction of its own. An exception of `change` itself undoes it and passes
        through; what the engine refuses in it becomes `StoreError`, `Conflict` where a constraint is
        broken. Raises `LeaseLost` as `commit` does."""

    async def devices_by_dev_addr(self, dev_addrs: Sequence[int]) -> list[DeviceRow]:
        """All devices with a session, current or pending, on one of the addresses."""

    async def devices_by_dev_eui(self, dev_euis: Sequence[str]) -> list[DeviceRow]: ...

    async def devices_by_ref(self, refs: Sequence[int]) -> list[DeviceRow]: ...

    async def restless_devices(self, after: int, limit: int) -> list[int]:
        """References, in order and behind `after`, of devices for which something waits to be sent."""

    async def devices_to_check(self, now: int, limit: int) -> list[int]:
        """References of devices whose `check_at` (Unix milliseconds) has come, those due first."""

    async def pending_lanes(self, after: tuple[int, str], limit: int) -> list[tuple[int, str]]:
        """Device and lane of pending deliveries, in order, behind `after`."""

    async def pending_deliveries(self, device_ref: int, lane: str, limit: int) -> list[DeliveryRow]:
        """The oldest pending deliveries of a lane."""

    async def close(self) -> None: ...
