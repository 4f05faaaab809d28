"""The place of this process among the nodes: it joins, renews its lease, and has ownership follow."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol

import structlog
from msgspec.structs import replace

from veldnet.store import ClusterView, Lease, LeaseLost, NewNode, NodeInUse, StoreError
from veldnet.supervision import Supervisor
from veldnet.texts import Text

from .ownership import Ownership
from .status import report_of

log = structlog.get_logger(__name__)

# Seconds for which a lease is given, and between two renewals.
LEASE, EVERY = 3.0, 1.0
# Seconds by which the clock of a node may differ from that of the database. Identifiers and receptions are
# dated by the clocks of nodes.
MOST_SKEW = 5.0
# Seconds for which one that joins waits for a node of its name to end.
_TIMEOUT = 3 * LEASE


class VersionMismatch(StoreError):
    """Nodes of a version serve with which this one cannot."""


class Nodes(Protocol):
    """The part of a store in which nodes are written. Calls raise `StoreError`."""

    async def join(self, node: NewNode, seconds: float) -> Lease: ...

    async def beat(self, seconds: float, status: str = ...) -> ClusterView: ...

    async def leave(self) -> None: ...


class Membership:
    """`clock` is Unix seconds, `status` what the others are told of this node, as JSON. Nothing is served
    before `start`, nor after `stop`."""

    def __init__(
        self,
        node: NewNode,
        nodes: Nodes,
        ownership: Ownership,
        supervisor: Supervisor,
        clock: Callable[[], float],
        status: Callable[[], str] = lambda: "{}",
    ) -> None:
        self.node = node
        # Seconds by which the clock of this node is ahead of the database's.
        self.skew = 0.0
        self._nodes = nodes
        self._ownership = ownership
        self._supervisor = supervisor
        self._clock = clock
        self._status = status
        self._problem: str | None = None
        # Why the nodes that are there do not fit.
        self._unfit: str | None = None
        self._member = False
        self._leaving = False
        self._wake = asyncio.Event()
        self._deadline: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None

    def time(self) -> float:
        """Unix seconds by the clock of this node, or by that of the database where this one is wrong."""
        wrong = self.skew if abs(self.skew) > MOST_SKEW else 0.0
        return self._clock() - wrong

    @property
    def serves(self) -> bool:
        """Whether this node wants a share of the partitions; others take what it does not."""
        return not self._leaving and abs(self.skew) <= MOST_SKEW

    @property
    def problem(self) -> str | None:
        """Why this node serves no partition, or may soon not, in words."""
        if self._problem is not None:
            return self._problem
        if abs(self.skew) > MOST_SKEW:
            if self.skew > 0:
                return Text(
                    "the clock of this node is {skew:.0f} s ahead of that of the database: "
                    "it serves no devices",
                    skew=self.skew,
                )
            return Text(
                "the clock of this node is {skew:.0f} s behind that of the database: it serves no devices",
                skew=-self.skew,
            )
        return None

    async def start(self) -> None:
        """Join, and renew from then on. Raises `NodeInUse` where a node of this name goes on to live,
        `VersionMismatch` beside nodes that do not fit, `StoreError` where the database cannot be used."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _TIMEOUT
        while True:
            try:
                await self._join()
                break
            except NodeInUse:
                # One that was killed is there until its lease ends.
                if loop.time() >= until:
                    raise
                await asyncio.sleep(EVERY)
        await self._renew()
        if self._unfit is not None:
            raise VersionMismatch(self._unfit)
        self._task = self._supervisor.keep("membership", self._run)

    async def stop(self) -> None:
        """Give what is served, and be no node any more."""
        self._leaving = True
        if self._task is not None:
            with contextlib.suppress(StoreError):
                # Still renewed meanwhile: that may take longer than a lease.
                await self._ownership.give_all()
            self._task.cancel()
            await asyncio.wait([self._task])
        self.close()
        if self._member:
            with contextlib.suppress(StoreError):
                await self._nodes.leave()

    def close(self) -> None:
        """End at once, as a killed process does."""
        if self._task is not None:
            self._task.cancel()
        if self._deadline is not None:
            self._deadline.cancel()

    def hurry(self) -> None:
        """Look at once: a commit has found that something was lost."""
        self._wake.set()

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(EVERY):
                    await self._wake.wait()
            self._wake.clear()
            await self._renew()

    async def _join(self) -> None:
        await self._nodes.join(self.node, LEASE)
        self._member = True

    async def _renew(self) -> None:
        """One beat. Errors of the database are told by `problem`, and tried again."""
        begun = asyncio.get_running_loop().time()
        try:
            if not self._member:
                await self._join()
            status = self._status()
            view = await self._nodes.beat(LEASE, status)
            self._unfit = self._mismatch(view, status)
            if self._unfit is not None:
                self._member = False
                self._ownership.lose_all()
                await self._nodes.leave()
                raise VersionMismatch(self._unfit)
        except LeaseLost as error:
            # Another process has this name, or had it while this one was paused.
            log.error("membership_lost", node=self.node.name, error=str(error))
            self._member = False
            self._ownership.lose_all()
            self._note(str(error))
        except StoreError as error:
            self._note(Text("the lease of this node could not be renewed: {error}", error=str(error)))
        else:
            self._note(None)
            self._expire_at(begun + LEASE)
            self.skew = self._clock() - view.now / 1000
            self._ownership.follow(view, leaving=not self.serves)

    def _mismatch(self, view: ClusterView, status: str) -> str | None:
        """Why this node cannot serve with those that joined before it, in words."""
        own = next((node for node in view.living if node.name == self.node.name), None)
        if own is None:
            return None
        mine = report_of(replace(own, status=status))
        for node in view.living:
            theirs = report_of(node)
            if node.epoch < own.epoch and not mine.fits(theirs):
                return (
                    f"node {node.name} of version {node.version} speaks protocol {theirs.protocol}, and this "
                    f"one, of version {self.node.version}, {mine.protocol} and none below "
                    f"{mine.oldest_protocol}: stop all nodes of the other version first"
                )
        return None

    def _note(self, problem: str | None) -> None:
        if problem is not None and self._problem is None:
            log.warning("membership_problem", node=self.node.name, problem=str(problem))
        elif problem is None and self._problem is not None:
            log.info("membership_restored", node=self.node.name)
        self._problem = problem

    def _expire_at(self, moment: float) -> None:
        """Serve nothing from then on, unless the lease is renewed before."""
        if self._deadline is not None:
            self._deadline.cancel()
        self._deadline = asyncio.get_running_loop().call_at(moment, self._ownership.suspend)
