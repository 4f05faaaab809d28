"""The lease of a process that serves alone, renewed every two seconds; whether its database takes writes."""

from __future__ import annotations

import asyncio

import structlog

from veldnet.assembly.data_directory.lease import ServingLease
from veldnet.network.shell import CommitLoop
from veldnet.store import LeaseLost, Store, StoreError

log = structlog.get_logger(__name__)


class Heartbeat:
    """A node among others has none: it renews its lease of partitions (`cluster.Membership`)."""

    def __init__(self, lease: ServingLease, store: Store, commits: CommitLoop) -> None:
        # Another process has taken this one's place; it must stop.
        self.lease_lost = asyncio.Event()
        self.writable = True
        self._lease, self._store, self._commits = lease, store, commits

    async def beat(self) -> None:
        """Keep the lease. A failure of the store is no defect, and is tried again soon: so a server is ready
        again by itself once its disk has room."""
        try:
            await self._lease.beat(self._store)
        except LeaseLost as error:
            log.error("lease_lost", error=str(error))
            self.lease_lost.set()
        except StoreError as error:
            if self.writable:
                log.error("store_not_writable", error=str(error))
            self.writable = False
        else:
            if not self.writable:
                log.info("store_writable_again")
            self.writable = True

    @property
    def replaced(self) -> bool:
        """Whether the heartbeat or a commit has found another process in this one's place."""
        return self._commits.lost_lease or self.lease_lost.is_set()
