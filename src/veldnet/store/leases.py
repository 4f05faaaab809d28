"""Which process may write for which partitions. Each taking has an epoch above all before; a transaction
proves that every partition it writes for still has the epoch under which its process took it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property
from typing import Any

import msgspec
from sqlalchemy import Connection, func, select, update

from .locks import fence, lock_table
from .schema import leases, nodes
from .upserts import put

# Numbers of processes that fit into identifiers; see `ids`.
PROCESSES = 64
# Milliseconds.
LONGEST_LEASE = 60_000


class Proof(msgspec.Struct, frozen=True):
    """What a transaction proves. `held` has the bits of partitions, whose epochs have the sum `epochs`: they
    only rise, so a partition that is gone or was taken again changes it. `member` is the epoch under which a
    node has joined others; None of a process that serves alone."""

    owner: str
    process: int
    member: int | None
    held: int
    epochs: int


class Lease(msgspec.Struct, frozen=True, dict=True):
    """What a process holds: partitions by the epoch of their taking. `process` is its number in identifiers,
    which no other holder has."""

    owner: str
    process: int
    epochs: Mapping[int, int]
    member: int | None = None

    @property
    def newest(self) -> int:
        return max(self.epochs.values())

    @cached_property
    def proof(self) -> Proof:
        """Of all that is held."""
        held = sum(1 << partition for partition in self.epochs)
        # As databases see 64 bits.
        signed = held - (1 << 64) if held >> 63 else held
        return Proof(self.owner, self.process, self.member, signed, sum(self.epochs.values()))

    @cached_property
    def change_proof(self) -> Proof:
        """Of a change of management, which is of no partition: a node proves that it is a member."""
        if self.member is None:
            return self.proof
        return Proof(self.owner, self.process, self.member, 0, 0)

    def more(self, epochs: Mapping[int, int]) -> Lease:
        return Lease(self.owner, self.process, {**self.epochs, **epochs}, self.member)

    def less(self, partitions: Collection[int]) -> Lease:
        kept = {partition: epoch for partition, epoch in self.epochs.items() if partition not in partitions}
        return Lease(self.owner, self.process, kept, self.member)


def next_epoch(connection: Connection) -> int:
    """Above all that were given; with the table of leases locked."""
    given = (connection.execute(select(func.max(each.c.epoch))).scalar() for each in (leases, nodes))
    return max(epoch or 0 for epoch in given) + 1


def free_process(connection: Connection, start: int, besides: Collection[int] = ()) -> int | None:
    """A number that no process has, looked for from `start` on, so that it is not used again soon."""
    used = set(besides)
    for table in (leases, nodes):
        used.update(connection.execute(select(table.c.process)).scalars())
    wanted = (number % PROCESSES for number in range(start, start + PROCESSES))
    return next((number for number in wanted if number not in used), None)


def take(connection: Connection, owner: str, partitions: Iterable[int]) -> Lease:
    """Hold partitions from now on, whoever held them, beside those that the owner holds already."""
    lock_table(connection, leases)
    held = connection.execute(select(leases)).all()
    wanted = set(partitions)
    epoch = next_epoch(connection)
    mine = [row for row in held if row.owner == owner]
    others = {row.process for row in held if row.owner != owner and row.partition not in wanted}
    others.update(connection.execute(select(nodes.c.process)).scalars())
    free = (number % PROCESSES for number in range(epoch, epoch + PROCESSES))
    process = mine[0].process if mine else next(number for number in free if number not in others)
    _put(connection, owner, process, dict.fromkeys(wanted, epoch))
    epochs = {row.partition: row.epoch for row in mine} | dict.fromkeys(wanted, epoch)
    return Lease(owner, process, epochs)


def take_free(connection: Connection, lease: Lease, partitions: Collection[int], now: int) -> dict[int, int]:
    """Take those of some partitions that nobody holds, or a node that has not renewed its lease in time, or a
    process that serves no more; returns what was taken, by epoch. Transactions of who held them have ended
    when this returns."""
    lock_table(connection, leases)
    lives = nodes.c.expires_at.between(now + 1, now + LONGEST_LEASE)
    living = set(connection.execute(select(nodes.c.name).where(lives)).scalars())
    held = {row.partition: row for row in connection.execute(select(leases))}
    wanted = [
        partition
        for partition in sorted(partitions)
        if partition not in held or held[partition].owner not in living
    ]
    if not wanted:
        return {}
    before = {held[each].process for each in wanted if each in held and held[each].owner}
    for process in sorted(before - {lease.process}):
        fence(connection, process)
    taken = dict.fromkeys(wanted, next_epoch(connection))
    _put(connection, lease.owner, lease.process, taken)
    return taken


def release(connection: Connection, owner: str, partitions: Collection[int]) -> None:
    """Let others take partitions that the owner still holds."""
    lock_table(connection, leases)
    mine = leases.c.partition.in_(sorted(partitions)) & (leases.c.owner == owner)
    connection.execute(update(leases).where(mine).values(owner=""))


def _put(connection: Connection, owner: str, process: int, epochs: Mapping[int, int]) -> None:
    rows: list[dict[str, Any]] = [
        {"partition": partition, "epoch": epoch, "owner": owner, "process": process}
        for partition, epoch in sorted(epochs.items())
    ]
    put(connection, leases, rows)
