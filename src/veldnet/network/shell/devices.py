"""Device table in memory: loaded on demand in batches, bounded, takes precedence over the store.

An entry may be ahead of the store by the commits under way, so it is never loaded over, and put to rest or
dropped only when nothing of it is still to be written.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import islice
from typing import Generic, TypeVar

import msgspec
import structlog
from msgspec.structs import replace

from veldnet.domain.devices import DeviceRow
from veldnet.domain.partitions import partition_of_address, partition_of_eui
from veldnet.lorawan import DevEui
from veldnet.network.core.restoring import catch_up_memory, catch_up_state
from veldnet.network.core.state import DeviceState, decode_join_memory, decode_state
from veldnet.store import Store, StoreError
from veldnet.supervision import Supervisor

from .address_index import AddressIndex
from .catalogue import Catalogue
from .entries import Entry
from .options import ServerOptions
from .partitions import Owned
from .resting import REST_AFTER, Resting
from .runtime import Runtime
from .session_addresses import SessionAddresses

log = structlog.get_logger(__name__)

K = TypeVar("K")

_LOAD_BATCH = 400
# A query costs a millisecond before its first row; a deduplication window leaves time to fill it.
_ADDRESS_LOAD_DELAY = 0.020
# Seconds for which a device counts as in use: longer than a join takes, vault and all.
_IN_USE = 10.0
# Devices that are put to rest with each use of one, so that no frame waits long: more than one, or those that
# somebody has only looked at would pile up.
_AT_ONCE = 2
# Values that are shared among devices.
_MOST_SHARED = 10_000


class _Loader(Generic[K]):
    """Collects keys for a moment, and while a query runs, and loads them together. Those who asked are called
    before `afterwards` may drop anything again."""

    def __init__(
        self,
        load: Callable[[Sequence[K]], Awaitable[None]],
        afterwards: Callable[[], None],
        supervisor: Supervisor,
        delay: float = 0.0,
    ) -> None:
        self._supervisor = supervisor
        self._load = load
        self._afterwards = afterwards
        self._delay = delay
        self._waiting: dict[K, list[Callable[[bool], None]]] = {}
        self._asked: list[K] = []
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def request(self, key: K, done: Callable[[bool], None] | None = None) -> None:
        """Load a key; `done` hears whether the store answered."""
        waiting = self._waiting.setdefault(key, [])
        if done is not None:
            waiting.append(done)
        if self._task is None:
            self._begin()

    def _begin(self) -> None:
        self._task = self._supervisor.start("device loading", self._run())
        self._task.add_done_callback(self._finished)

    def _finished(self, _task: asyncio.Task[None]) -> None:
        self._task = None
        if self._waiting and not self._closed:
            self._begin()

    async def _run(self) -> None:
        while self._waiting:
            if len(self._waiting) < _LOAD_BATCH:
                await asyncio.sleep(self._delay)
            await self._load_some()

    async def _load_some(self) -> None:
        """Load a batch. Whatever happens, all who wait for it are called, and the next batch is loaded."""
        keys = self._asked = list(islice(self._waiting, _LOAD_BATCH))
        callbacks = [done for key in keys for done in self._waiting.pop(key)]
        loaded = False
        try:
            await self._load(keys)
            loaded = True
        except Exception as error:
            self._supervisor.caught("device loading", error)
        finally:
            self._asked = []
            for done in callbacks:
                self._supervisor.guard("received frames", done, loaded)
        self._supervisor.guard("device loading", self._afterwards)

    @property
    def keys(self) -> Iterable[K]:
        """What is asked for, and what the query under way is about."""
        return (*self._waiting, *self._asked)

    @property
    def task(self) -> asyncio.Task[None] | None:
        """The loading under way."""
        return self._task

    def close(self) -> None:
        """Stop loading."""
        self._closed = True
        if self._task is not None:
            self._task.cancel()


class DeviceTable:
    """The devices of the partitions this process owns, as far as they are in use."""

    def __init__(
        self,
        runtime: Runtime,
        store: Store,
        catalogue: Catalogue,
        session_addresses: SessionAddresses,
        options: ServerOptions,
        on_load: Callable[[Entry], None],
    ) -> None:
        self.owned = Owned(session_addresses.space, shared=options.shared)
        self.session_addresses = session_addresses
        self.store = store
        self._catalogue = catalogue
        self._capacity = options.capacity
        self._generation = options.generation
        self._on_load = on_load
        self._clock = runtime.clock
        # Those in use, the one used last at the end, and all others.
        self._entries: OrderedDict[int, Entry] = OrderedDict()
        self._resting = Resting()
        # Of those in use; whoever rests is found in the store by its DevEUI.
        self._by_dev_eui: dict[str, int] = {}
        self._index = AddressIndex()
        # What the store does not know.
        self._unknown: OrderedDict[str, None] = OrderedDict()
        # Devices of a subscriber, or of a maker, have texts in common.
        self._shared: dict[str, str] = {}
        # How often partitions were forgotten. What was read before is out of date after.
        self._forgotten = 0
        supervisor = runtime.supervisor
        self._addresses: _Loader[int] = _Loader(
            self._load_addresses, self._trim, supervisor, _ADDRESS_LOAD_DELAY
        )
        self._euis: _Loader[str] = _Loader(self._load_euis, self._trim, supervisor)
        self._refs: _Loader[int] = _Loader(self._load_refs, self._trim, supervisor)

    def __len__(self) -> int:
        return len(self._entries) + len(self._resting)

    # Lookup. None means: not in memory, ask for it.

    def on_address(self, dev_addr: int) -> list[Entry] | None:
        """The devices with a session on an address."""
        refs = self._index.all_refs(dev_addr)
        return None if refs is None else self._awake(refs)

    def in_memory(self, dev_addr: int) -> list[Entry]:
        """The devices in memory with a session on an address; the store may have others."""
        return self._awake(self._index.refs(dev_addr))

    def _awake(self, refs: tuple[int, ...]) -> list[Entry]:
        entries = self._entries
        return [entry for ref in refs if (entry := entries.get(ref) or self._wake(ref)) is not None]

    def sharing(self, dev_addr: int) -> int:
        """How many devices in memory have a session on an address."""
        return len(self._index.refs(dev_addr))

    def by_dev_eui(self, dev_eui: str) -> Entry | None:
        ref = self._by_dev_eui.get(dev_eui)
        return None if ref is None else self._entries[ref]

    def is_unknown(self, dev_eui: str) -> bool:
        return dev_eui in self._unknown

    def by_ref(self, ref: int) -> Entry | None:
        entry = self._entries.get(ref)
        return self._wake(ref) if entry is None else entry

    def request_address(self, dev_addr: int, done: Callable[[bool], None] | None = None) -> None:
        self._addresses.request(dev_addr, done)

    def request_dev_eui(self, dev_eui: str, done: Callable[[bool], None] | None = None) -> None:
        self._euis.request(dev_eui, done)

    async def get(self, *, ref: int | None = None, dev_eui: str | None = None) -> Entry | None:
        """A device by reference or DevEUI, from memory or the store. Raises `StoreError`."""
        entry = self.by_ref(ref) if ref is not None else self.by_dev_eui(dev_eui or "")
        if entry is not None:
            return entry
        answered: asyncio.Future[Entry | None] = asyncio.get_running_loop().create_future()

        def done(loaded: bool) -> None:
            if answered.done():
                return
            if loaded:
                answered.set_result(self.by_ref(ref) if ref is not None else self.by_dev_eui(dev_eui or ""))
            else:
                answered.set_exception(StoreError("the store did not answer"))

        if ref is not None:
            self._refs.request(ref, done)
        else:
            self._euis.request(dev_eui or "", done)
        return await answered

    # Loading.

    async def _load_addresses(self, dev_addrs: Sequence[int]) -> None:
        self._add(await self._read(lambda: self.store.devices_by_dev_addr(dev_addrs)))
        for dev_addr in dev_addrs:
            if partition_of_address(dev_addr) in self.owned:
                self._index.complete(dev_addr)

    async def _load_euis(self, dev_euis: Sequence[str]) -> None:
        rows = await self._read(lambda: self.store.devices_by_dev_eui(dev_euis))
        self._add(rows)
        for dev_eui in set(dev_euis) - {row.dev_eui for row in rows}:
            self._unknown[dev_eui] = None

    async def _load_refs(self, refs: Sequence[int]) -> None:
        self._add(await self._read(lambda: self.store.devices_by_ref(refs)))

    async def _read(self, query: Callable[[], Awaitable[list[DeviceRow]]]) -> list[DeviceRow]:
        """Rows as they are now: other nodes may have written what was read before partitions were taken."""
        while True:
            before = self._forgotten
            rows = await query()
            if before == self._forgotten:
                return rows

    def _add(self, rows: Iterable[DeviceRow]) -> None:
        for row in rows:
            # What rests is as the store has it.
            if row.ref in self._entries or row.partition not in self.owned or self._wake(row.ref):
                continue
            entry = self._enter(row)
            if entry is not None:
                self._add_addresses(row.ref, addresses(entry.state))

    def _enter(self, row: DeviceRow) -> Entry | None:
        """Take a row into use; its addresses are not touched. None if it cannot be served, which must not
        keep others from being loaded."""
        try:
            state = catch_up_state(decode_state(row.state), self._generation)
            memory = catch_up_memory(decode_join_memory(row.join_memory), self._generation)
            # The decoded forms replace the stored ones.
            device = self._catalogue.device(self._compact(row))
        except (msgspec.DecodeError, ValueError, LookupError) as error:
            log.error("device_unreadable", dev_eui=row.dev_eui, ref=row.ref, error=repr(error))
            self._unknown[row.dev_eui] = None
            return None
        entry = self._entries[row.ref] = Entry(device, state, memory, self._clock(), row.monitoring)
        self._by_dev_eui[row.dev_eui] = row.ref
        if state.in_flight:
            self._on_load(entry)
        return entry

    def _wake(self, ref: int) -> Entry | None:
        row = self._resting.take(ref)
        if row is None:
            return None
        entry = self._enter(row)
        if entry is None:
            self._forget_addresses(ref, decode_state(row.state))
        return entry

    def _rest(self, now: float) -> None:
        """Put devices to rest that have not been used for a while."""
        entries = self._entries
        for _ in range(min(_AT_ONCE, len(self._entries))):
            ref, idle = next(iter(entries.items()))
            if idle.used_at > now - REST_AFTER:
                break
            if idle.busy:
                entries.move_to_end(ref)
                continue
            del entries[ref]
            del self._by_dev_eui[idle.device.row.dev_eui]
            idle.removed = True
            self._resting.put(idle)

    def _compact(self, row: DeviceRow) -> DeviceRow:
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

    def _add_addresses(self, ref: int, dev_addrs: Iterable[int]) -> None:
        self._index.add(ref, dev_addrs)
        for dev_addr in dev_addrs:
            self.session_addresses.add(dev_addr)

    # Changing.

    def set_state(self, entry: Entry, state: DeviceState) -> None:
        """Take over the state after a transition."""
        before, after = addresses(entry.state), addresses(state)
        entry.state = state
        if before != after:
            ref = entry.device.row.ref
            self._index.remove(ref, before - after)
            self._add_addresses(ref, after - before)

    def used(self, entry: Entry, now: float) -> None:
        """Note that a device is in use, so that others are dropped before it."""
        entry.used_at = now
        self._entries.move_to_end(entry.device.row.ref)
        self._rest(now)
        if len(self) > self._capacity:
            self._trim()

    async def refresh(self, refs: Sequence[int]) -> list[Entry]:
        """Take up a change of the inventory: new rules for devices, or their removal. Returns those that are
        in memory, or of which the network or monitoring knows something."""
        # The store has what rests.
        for ref in refs:
            self.drop_resting(ref)
        rows = {row.ref: row for row in await self._read(lambda: self.store.devices_by_ref(refs))}
        met = []
        for ref in refs:
            entry, row = self._entries.get(ref), rows.get(ref)
            if row is not None:
                self._unknown.pop(row.dev_eui, None)
                if entry is None:
                    entry = self._come(row)
                else:
                    entry.device = self._catalogue.device(self._compact(row))
                if entry is not None:
                    met.append(entry)
            elif entry is not None:
                self._drop(entry)
        return met

    def _come(self, row: DeviceRow) -> Entry | None:
        """Take up a device that is perhaps new. One of which nothing is known yet needs no memory."""
        dev_addrs = addresses(decode_state(row.state))
        for dev_addr in dev_addrs:
            self.session_addresses.add(dev_addr)
        # A device that has come with its session is not among those that were read.
        self._index.ask_again(dev_addrs)
        if dev_addrs or row.monitoring is not None:
            self._add([row])
        return self._entries.get(row.ref)

    def refresh_rules(self) -> None:
        """Take up changed connectivity plans and device profiles. A device that rests does so when it
        wakes."""
        # A device whose profile was not known yet may be served now.
        self._unknown.clear()
        for entry in self._entries.values():
            try:
                entry.device = self._catalogue.device(entry.device.row)
            except LookupError as error:
                # It keeps the rules that it had.
                row = entry.device.row
                log.error("device_unreadable", dev_eui=row.dev_eui, ref=row.ref, error=repr(error))

    async def refresh_routing(self, routing_profile_ref: int) -> None:
        """Take up a new AS transport key of a routing profile."""
        refs = [
            ref
            for ref, entry in self._entries.items()
            if entry.device.row.routing_profile_ref == routing_profile_ref
        ]
        for ref in self._resting.of_routing(routing_profile_ref):
            self.drop_resting(ref)
        for start in range(0, len(refs), _LOAD_BATCH):
            for row in await self.store.devices_by_ref(refs[start : start + _LOAD_BATCH]):
                entry = self._entries.get(row.ref)
                if entry is not None:
                    entry.device = self._catalogue.device(self._compact(row))

    def _drop(self, entry: Entry) -> None:
        row = entry.device.row
        entry.removed = True
        del self._entries[row.ref]
        self._by_dev_eui.pop(row.dev_eui, None)
        self._forget_addresses(row.ref, entry.state)

    def drop_resting(self, ref: int) -> None:
        """Forget what rests: what the store has of it may be newer."""
        row = self._resting.take(ref)
        if row is not None:
            self._forget_addresses(ref, decode_state(row.state))

    def _forget_addresses(self, ref: int, state: DeviceState) -> None:
        dev_addrs = addresses(state)
        self._index.remove(ref, dev_addrs)
        self._index.ask_again(dev_addrs)

    def _trim(self) -> None:
        """Drop the devices unused for longest. One with unwritten state stays, and one in use just now: what
        was loaded for a frame must still be there when the frame is answered."""
        too_many = len(self) - self._capacity
        if too_many > 0:
            # Some more, so that the next load has room.
            for ref in self._resting.oldest(too_many + self._capacity // 64):
                self.drop_resting(ref)
        settled = self._clock() - _IN_USE
        kept = 0
        while len(self) > self._capacity and kept < 1000:
            ref, entry = next(iter(self._entries.items()))
            if entry.used_at > settled:
                break
            if entry.unwritten:
                self._entries.move_to_end(ref)
                kept += 1
            else:
                self._drop(entry)
        self._index.trim(2 * self._capacity)
        while len(self._unknown) > 2 * self._capacity:
            self._unknown.popitem(last=False)

    # Partitions.

    def _of(self, stored: frozenset[int]) -> list[Entry]:
        return [entry for entry in self._entries.values() if entry.device.row.partition in stored]

    def busy(self, stored: frozenset[int]) -> bool:
        """Whether anything of partitions is being loaded or written, or will come back."""
        if any(partition_of_address(dev_addr) in stored for dev_addr in self._addresses.keys):
            return True
        if any(partition_of_eui(DevEui.parse(dev_eui)) in stored for dev_eui in self._euis.keys):
            return True
        return any(entry.unwritten or entry.pending for entry in self._of(stored))

    def forget(self, stored: frozenset[int]) -> None:
        """Drop the devices of partitions: others will write them."""
        self._forgotten += 1
        for entry in self._of(stored):
            self._drop(entry)
        for ref in self._resting.of_partitions(stored):
            self.drop_resting(ref)
        self._index.forget_vacant(stored)
        # Devices may be made meanwhile.
        self._unknown.clear()

    def forget_all(self) -> None:
        """Drop everything, after a failed commit: the store holds the truth."""
        for entry in self._entries.values():
            entry.removed = True
        self._entries.clear()
        self._resting.clear()
        self._by_dev_eui.clear()
        self._index.clear()

    @property
    def loading(self) -> set[asyncio.Task[None]]:
        """Loads under way, on which frames may wait."""
        loaders = (self._addresses, self._euis, self._refs)
        return {loader.task for loader in loaders if loader.task is not None}

    def close(self) -> None:
        for loader in (self._addresses, self._euis, self._refs):
            loader.close()


def addresses(state: DeviceState) -> frozenset[int]:
    """The addresses of a device's sessions."""
    return frozenset([int(session.dev_addr) for session in state.sessions])
