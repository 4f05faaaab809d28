"""Which process may write for which partitions. Each taking has an epoch above all before; a transaction
proves that every partition its process holds still has the epoch under which it was taken."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec
from sqlalchemy import Connection, select

from .locks import lock_table
from .schema import leases
from .upserts import put

PARTITIONS = 64
# Numbers of processes that fit into identifiers; see `ids`.
_PROCESSES = 64
# What is proven; `{mark}` is how the driver marks a value. Epochs only rise, so a partition that is gone or
# was taken again changes the sum.
PROOF = "SELECT SUM(epoch) FROM leases WHERE owner = {mark}"


class Lease(msgspec.Struct, frozen=True):
    """What a process holds: partitions by the epoch of their taking. `process` is its number in identifiers,
    which no other holder has."""

    owner: str
    process: int
    epochs: dict[int, int]

    @property
    def newest(self) -> int:
        return max(self.epochs.values())

    @property
    def total(self) -> int:
        """What `PROOF` gives as long as nobody has taken any of it."""
        return sum(self.epochs.values())


def take(connection: Connection, owner: str, partitions: Iterable[int]) -> Lease:
    """Hold partitions from now on, whoever held them, beside those that the owner holds already."""
    lock_table(connection, leases)
    held = connection.execute(select(leases)).all()
    wanted = set(partitions)
    epoch = max((row.epoch for row in held), default=0) + 1
    mine = [row for row in held if row.owner == owner]
    others = {row.process for row in held if row.owner != owner and row.partition not in wanted}
    free = (number % _PROCESSES for number in range(epoch, epoch + _PROCESSES))
    process = mine[0].process if mine else next(number for number in free if number not in others)
    rows = [
        {"partition": partition, "epoch": epoch, "owner": owner, "process": process}
        for partition in sorted(wanted)
    ]
    put(connection, leases, rows)
    epochs = {row.partition: row.epoch for row in mine} | dict.fromkeys(wanted, epoch)
    return Lease(owner, process, epochs)
