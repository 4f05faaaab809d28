"""Shell of the network server: feeds the transitions, commits their results and carries out effects.

Everything here runs on one event loop. `clock` gives Unix seconds, `rng` the randomness of addresses; both
are arguments, so that a simulation owns time and chance.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TypeGuard

import structlog

from veldnet.domain.joins import JoinKeys
from veldnet.keys import Vault
from veldnet.lorawan import BaseStationId, DevAddr, DevEui
from veldnet.lorawan.frames import DataFrame, JoinRequest, RejoinRequest
from veldnet.lorawan.radio import GatewayDownlink, GatewayUplink, TransmitReport
from veldnet.network.core.addressing import AddressSpace
from veldnet.network.core.air_schedule import AirSchedule
from veldnet.network.core.base_station_radios import BaseStationRadios, RadioSettings, default_radio
from veldnet.network.core.context import Context, E, context_of
from veldnet.network.core.device_class import has_unsolicited_downlinks
from veldnet.network.core.events import (
    Answer,
    AnswerDue,
    AnswerLater,
    AskVault,
    ContextReset,
    DataReceived,
    DownlinkReported,
    DownlinkSubmitted,
    Effect,
    JoinRequested,
    ReceivedFrame,
    RejoinRequested,
    SendDue,
    SubmissionRefusal,
    Transition,
    Transmit,
    VaultAnswered,
    Wake,
)
from veldnet.network.core.inspection import DeviceView, QueuedView, inspect, queued, under_way
from veldnet.network.core.join import answer_join, request_join
from veldnet.network.core.outcome import ask_rejoin, deactivate, report_downlink, reset_context, send_due
from veldnet.network.core.parameters import NetworkParameters
from veldnet.network.core.records import JoinRecord, Record, RefusedRecord
from veldnet.network.core.rejoin import request_rejoin
from veldnet.network.core.submission import submit_downlink
from veldnet.network.core.transmission import SUCCESS, TOO_LATE, Done
from veldnet.network.core.uplink import answer_late, match, receive_data
from veldnet.network.core.uplink_record import wrong_mic
from veldnet.network.shell.shared_addresses import likeliest_first
from veldnet.store import IdSource, Store, StoreError
from veldnet.supervision import Supervisor

from .admission import Admission
from .catalogue import Catalogue
from .commit_loop import CommitLoop
from .counters import Counters
from .deduplication import Deduplicator, ReceivedType
from .device_timers import DeviceTimers
from .devices import DeviceTable, Entry
from .reception import Reception
from .refusals import Refusals
from .session_addresses import SessionAddresses
from .transmitter import Transmitter
from .vault_orders import VaultOrders

log = structlog.get_logger(__name__)

# Devices an address is given to while others are free.
MAX_SHARING = 8
_RESUME_BATCH = 200
# Seconds before a store that did not answer is asked again.
_STORE_PAUSE = 1.0
# What is still not reported then is settled when the device is loaded again.
_REPORT_ATTEMPTS = 60


class UnknownDevice(LookupError):
    """No device has this identifier."""


class NetworkServer:
    """The network server of the partitions this process owns."""

    def __init__(
        self,
        parameters: NetworkParameters,
        store: Store,
        vault: Vault,
        *,
        clock: Callable[[], float],
        rng: random.Random,
        send: Callable[[GatewayDownlink], None],
        deduplication_window: float = 0.2,
        capacity: int = 200_000,
        generation: int = 0,
        ids: IdSource,
        commit_interval: float = 0.010,
        commit_size: int = 500,
        duty_cycle: bool = True,
        radio_settings: Callable[[BaseStationId], RadioSettings] = default_radio,
        supervisor: Supervisor | None = None,
    ) -> None:
        self._supervisor = supervisor if supervisor is not None else Supervisor(expected=(StoreError,))
        self.parameters = parameters
        self.counters = Counters()
        self.catalogue = Catalogue()
        self._store = store
        self._clock = clock
        self._rng = rng
        self._ids = ids
        self.addresses = AddressSpace(parameters.net_id)
        self._session_addresses = SessionAddresses(parameters.net_id)
        self.devices = DeviceTable(
            store,
            self.catalogue,
            capacity=capacity,
            generation=generation,
            on_load=self._resume,
            addresses=self._session_addresses,
            clock=clock,
            supervisor=self._supervisor,
        )
        self.commits = CommitLoop(
            store,
            self.counters,
            self._release,
            self._commit_failed,
            interval=commit_interval,
            size=commit_size,
            supervisor=self._supervisor,
        )
        regions = [plan.region for plan in parameters.channel_plans.values()]
        self.air = AirSchedule(regions, duty_cycle=duty_cycle, radios=BaseStationRadios(radio_settings))
        self._transmitter = Transmitter(
            clock,
            send,
            self._transmitted,
            self.air,
            lead=parameters.lead,
            timeout=parameters.transmit_timeout,
        )
        self._refusals = Refusals(
            self.counters, self.commits, self._ids, clock, parameters.unknown_device_limit
        )
        self.gate = Admission(
            self._session_addresses,
            self.devices,
            self._refusals,
            self._counter_of,
            parameters.unknown_device_limit,
        )
        self._reception = Reception(
            Deduplicator(deduplication_window, max(2.0, parameters.rx1_delay + 1.0)),
            self.addresses,
            self.devices,
            self.gate,
            self.commits,
            self._refusals,
            self.counters,
            self._ids,
            clock,
            self._received,
        )
        self._timers = DeviceTimers(clock, self._timer_fired)
        self._orders = VaultOrders(vault, self.counters, clock, self._vault_answered, self._supervisor)
        self._answers: dict[int, asyncio.Future[SubmissionRefusal | None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loading_addresses: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Load the rules devices live by; devices themselves are loaded when they are heard, or when a
        downlink waits for them that needs no uplink."""
        await self.catalogue.load(self._store)
        self._loading_addresses = self._supervisor.keep("session addresses", self._load_addresses)
        self._spawn("queued downlinks", self._resume_unsolicited())

    async def _load_addresses(self) -> None:
        """Learn which addresses have a session, in the background: there may be a million of them."""
        await self._session_addresses.load(self._store)

    async def _resume_unsolicited(self) -> None:
        """Go on with the devices of class B and C for which a process before this one had something left."""
        after = 0
        while True:
            try:
                refs = await self._store.devices_with_unsolicited_downlinks(after, _RESUME_BATCH)
            except StoreError as error:
                log.warning("queued_downlinks_not_loaded", error=str(error))
                await asyncio.sleep(_STORE_PAUSE)
                continue
            if not refs:
                return
            for ref in refs:
                await self._send_due(ref)
            after = refs[-1]

    async def stop(self) -> None:
        """Finish what was received, then rest."""
        self._reception.finish()
        while waiting := self._under_way():
            await asyncio.wait(waiting)
        await self.commits.drain()
        self.close()

    def _under_way(self) -> set[asyncio.Task[None]]:
        """What received frames wait for: the store, the vault, reports on downlinks."""
        return self._orders.tasks | self._tasks | self.devices.loading

    def close(self) -> None:
        """Let go of timers and tasks at once, finished or not."""
        if self._loading_addresses is not None:
            self._loading_addresses.cancel()
        self._reception.close()
        self._timers.close()
        self._transmitter.close()
        self.devices.close()
        for task in (*self._orders.tasks, *self._tasks):
            task.cancel()
        for answer in self._answers.values():
            answer.cancel()

    # Uplinks.

    def receive(self, uplink: GatewayUplink) -> None:
        """Take a base station's copy of a frame."""
        self._reception.receive(uplink)

    @property
    def lag(self) -> float:
        """Seconds that frames wait before they are judged or written; infinite where there is no room."""
        return max(self._reception.lag, self.commits.lag)

    def _received(self, received: ReceivedFrame, frame: ReceivedType) -> None:
        if isinstance(frame, DataFrame):
            self._data(received, frame)
        else:
            self._join(received, frame)

    def _context(self, entry: Entry, event: E) -> Context[E]:
        """What a transition of a device goes by."""
        return context_of(self.parameters, entry.device, event, self._clock())

    def _counter_of(self, uplink: GatewayUplink, frame: DataFrame) -> str | None:
        """How the counter of a copy is found in the session in memory that its MIC fits; None without one."""
        event = DataReceived(ReceivedFrame(0, 0, (uplink,), uplink.received_at), frame)
        for entry in self.devices.in_memory(frame.dev_addr):
            found = match(self._context(entry, event), entry.state)
            if found is not None:
                return found.verdict
        return None

    def _data(self, received: ReceivedFrame, frame: DataFrame) -> None:
        entries = self.devices.on_address(frame.dev_addr)
        if entries is None:
            self.devices.request_address(int(frame.dev_addr), partial(self._data_loaded, received, frame))
            return
        event = DataReceived(received, frame)
        for entry in likeliest_first(entries, frame, received):
            context = self._context(entry, event)
            found = match(context, entry.state)
            if found is not None:
                if found.verdict == "counter_replayed" and self._reception.are_late_copies(received):
                    return
                self._refusals.genuine(received)
                self._apply(entry, receive_data(context, entry.state, found), received)
                return
        if self._reception.are_late_copies(received):
            # Of a session that has ended since.
            return
        if len(entries) == 1:
            # Nobody else has the address, so that the frame is this device's, or pretends to be.
            context = self._context(entries[0], event)
            refusal = wrong_mic(context, entries[0].state)
            self._apply(entries[0], refusal, received)
            return
        reason = "wrong_mic" if entries else "unknown_dev_addr"
        words = f"the MIC fits none of {len(entries)} sessions on DevAddr {frame.dev_addr}"
        self._refusals.frame(received, reason, words)

    def _data_loaded(self, received: ReceivedFrame, frame: DataFrame, loaded: bool) -> None:
        if loaded:
            self._data(received, frame)
        else:
            self.counters.refused["store_unavailable"] += 1

    def _join(self, received: ReceivedFrame, request: JoinRequest | RejoinRequest) -> None:
        dev_eui = str(request.dev_eui)
        entry = self.devices.by_dev_eui(dev_eui)
        if entry is None:
            if self.devices.is_unknown(dev_eui):
                self._refusals.frame(received, "unknown_dev_eui", f"no device has DevEUI {dev_eui}")
            else:
                self.devices.request_dev_eui(dev_eui, partial(self._join_loaded, received, request))
            return
        if self._reception.are_late_copies(received):
            return
        dev_addr = self._allocate(request.dev_eui)
        if isinstance(request, JoinRequest):
            join = self._context(entry, JoinRequested(received, request, dev_addr))
            transition = request_join(join, entry.state, entry.memory)
        else:
            rejoin = self._context(entry, RejoinRequested(received, request, dev_addr))
            transition = request_rejoin(rejoin, entry.state, entry.memory)
        self._apply(entry, transition, received)

    def _join_loaded(
        self, received: ReceivedFrame, request: JoinRequest | RejoinRequest, loaded: bool
    ) -> None:
        if loaded:
            self._join(received, request)
        else:
            self.counters.refused["store_unavailable"] += 1

    def _allocate(self, dev_eui: DevEui) -> DevAddr:
        dev_addr = self.addresses.allocate(dev_eui, self._rng)
        for _attempt in range(8):
            if self.devices.sharing(dev_addr) < MAX_SHARING:
                break
            dev_addr = self.addresses.allocate(dev_eui, self._rng)
        return dev_addr

    def _apply(self, entry: Entry, transition: Transition, received: ReceivedFrame | None = None) -> None:
        """Take over a transition. One that changes nothing durable needs no commit; one of a device that was
        removed meanwhile is dropped."""
        if entry.removed:
            return
        unchanged = transition.state is entry.state and transition.join_memory is None
        refused = [record for record in transition.records if _is_refusal(record)]
        brought_by = None if received is None else received.brought_by
        if refused and not self._refusals.of_device(refused, brought_by) and unchanged:
            return
        if unchanged and not transition.records:
            for effect in transition.effects:
                self._release(entry, effect)
            return
        self.devices.set_state(entry, transition.state)
        if transition.join_memory is not None:
            entry.memory = transition.join_memory
        self.devices.used(entry, self._clock())
        if received is not None and not refused:
            self._reception.accepted(received)
        self.commits.add(entry, transition)

    # Effects.

    def _release(self, entry: Entry, effect: Effect) -> None:
        if isinstance(effect, Transmit):
            self._transmitter.transmit(entry.device.row.ref, effect)
        elif isinstance(effect, AskVault):
            self._orders.ask(entry, effect)
        elif isinstance(effect, Answer):
            answer = self._answers.pop(id(effect), None)
            if answer is not None and not answer.done():
                answer.set_result(effect.refusal)
        elif isinstance(effect, Wake):
            self._timers.at(entry.device.row.ref, effect.at)
        elif isinstance(effect, AnswerLater):
            delay = max(effect.at - self._clock(), 0.0)
            asyncio.get_running_loop().call_later(delay, self._answer_late, entry, effect.event)

    def _answer_late(self, entry: Entry, event: AnswerDue) -> None:
        if not entry.removed:
            context = self._context(entry, event)
            self._apply(entry, answer_late(context, entry.state))

    def _timer_fired(self, ref: int) -> None:
        self._spawn("queued downlinks", self._send_due(ref))

    async def _send_due(self, ref: int) -> None:
        try:
            entry = await self.devices.get(ref=ref)
        except StoreError:
            # The downlink is still in the queue; try again when the store answers.
            self._timers.at(ref, self._clock() + _STORE_PAUSE)
            return
        if entry is None or entry.removed or not has_unsolicited_downlinks(entry.device, entry.state):
            return
        now = self._clock()
        event = SendDue(self._ids.next(now), self._ids.next(now))
        self._apply(entry, send_due(self._context(entry, event), entry.state))

    @property
    def joins_waiting(self) -> int:
        """Join-requests that wait for their vault."""
        return self._orders.waiting

    def _vault_answered(self, entry: Entry, event: VaultAnswered) -> None:
        transition = answer_join(self._context(entry, event), entry.state, entry.memory)
        if isinstance(event.answer, JoinKeys):
            self._refusals.genuine(event.join.received)
        self._apply(entry, transition, event.join.received)

    # Downlinks.

    def transmit_reported(self, report: TransmitReport) -> None:
        """Take a base station's word on a downlink."""
        self._transmitter.reported(report)

    def _transmitted(self, device_ref: int, token: int, outcome: Done) -> None:
        now = self._clock()
        event = DownlinkReported(
            self._ids.next(now),
            token,
            self._ids.next(now),
            outcome.delivered,
            outcome.window,
            outcome.cause_rx1,
            outcome.cause_rx2,
            outcome.cause_ping,
            outcome.decision,
        )
        entry = self.devices.by_ref(device_ref)
        if entry is not None:
            self._report(entry, event)
        else:
            self._spawn("downlink reports", self._report_later(device_ref, event))

    async def _report_later(self, device_ref: int, event: DownlinkReported) -> None:
        for _attempt in range(_REPORT_ATTEMPTS):
            try:
                entry = await self.devices.get(ref=device_ref)
            except StoreError:
                await asyncio.sleep(_STORE_PAUSE)
                continue
            if entry is not None:
                self._report(entry, event)
            return

    def _report(self, entry: Entry, event: DownlinkReported) -> None:
        self._apply(entry, report_downlink(self._context(entry, event), entry.state))

    def _resume(self, entry: Entry) -> None:
        """A device loaded with downlinks in flight: a process before this one handed them over, or died."""
        for item in entry.state.in_flight:
            if not self._transmitter.in_flight(item.token):
                outcome = Done(
                    False,
                    None,
                    TOO_LATE,
                    TOO_LATE,
                    SUCCESS,
                    "unknown: the server restarted while it was in flight",
                )
                ref = entry.device.row.ref
                asyncio.get_running_loop().call_soon(self._transmitted, ref, item.token, outcome)

    async def submit(
        self,
        dev_eui: DevEui,
        *,
        fport: int | None,
        payload: bytes | None,
        fcnt: int | None = None,
        confirmed: bool = False,
        flush: bool = False,
        expires_at: float | None = None,
        correlation_id: str | None = None,
        priority: int = 0,
    ) -> SubmissionRefusal | None:
        """Queue a downlink; returns when it is durable, or why it was refused.

        Raises `UnknownDevice`, and `StoreError` when it could not be made durable.
        """
        entry = await self.devices.get(dev_eui=str(dev_eui))
        if entry is None or entry.removed:
            raise UnknownDevice(f"no device has DevEUI {dev_eui}")
        now = self._clock()
        event = DownlinkSubmitted(
            self._ids.next(now),
            self._ids.next(now),
            fport,
            payload,
            fcnt,
            confirmed,
            flush,
            expires_at,
            correlation_id,
            priority,
        )
        transition = submit_downlink(self._context(entry, event), entry.state)
        answer_effect = transition.effects[0]
        answer: asyncio.Future[SubmissionRefusal | None] = asyncio.get_running_loop().create_future()
        self._answers[id(answer_effect)] = answer
        self._apply(entry, transition)
        try:
            return await answer
        except asyncio.CancelledError:
            if answer.cancelled():
                raise StoreError("the downlink could not be made durable") from None
            raise

    async def reset_context(self, device_ref: int) -> None:
        """Drop the security context of a device. Raises `UnknownDevice`."""
        entry = await self.devices.get(ref=device_ref)
        if entry is None:
            raise UnknownDevice(f"no device has ref {device_ref}")
        context = self._context(entry, ContextReset(self._ids.next(self._clock())))
        self._apply(entry, reset_context(context, entry.state, entry.memory))
        await self.commits.durable()

    async def ask_rejoin(self, device_ref: int) -> bool:
        """Ask a 1.1 device to renew its session with its next downlink; False if it has no 1.1 session.

        Raises `UnknownDevice`.
        """
        entry = await self.devices.get(ref=device_ref)
        if entry is None:
            raise UnknownDevice(f"no device has ref {device_ref}")
        transition = ask_rejoin(entry.state)
        if transition.state is entry.state:
            return False
        self._apply(entry, transition)
        await self.commits.durable()
        return True

    async def inspect(self, device_ref: int) -> DeviceView:
        """What is known of a device's session, without keys. Raises `UnknownDevice`."""
        entry = await self.devices.get(ref=device_ref)
        if entry is None:
            raise UnknownDevice(f"no device has ref {device_ref}")
        return inspect(self.parameters, entry.device, entry.state, entry.memory)

    async def queued(self, device_ref: int) -> list[QueuedView]:
        """The downlinks that wait for a device. Raises `UnknownDevice`."""
        entry = await self.devices.get(ref=device_ref)
        if entry is None:
            raise UnknownDevice(f"no device has ref {device_ref}")
        return queued(entry.state)

    async def downlinks(self, device_ref: int) -> tuple[list[QueuedView], list[QueuedView]]:
        """A device's downlinks that are queued, and those being sent. Raises `UnknownDevice`."""
        entry = await self.devices.get(ref=device_ref)
        if entry is None:
            raise UnknownDevice(f"no device has ref {device_ref}")
        return queued(entry.state), under_way(entry.state)

    # Failures and changes.

    def _commit_failed(self) -> None:
        """Memory is ahead of a store that could not follow: begin again from what is stored."""
        self.devices.forget_all()
        for answer in self._answers.values():
            answer.cancel()
        self._answers.clear()

    def _spawn(self, name: str, work: Coroutine[None, None, None]) -> None:
        task = self._supervisor.start(name, work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def device_changed(self, ref: int) -> None:
        """A device was created, changed or removed."""
        await self.devices.refresh(ref)
        entry = await self.devices.get(ref=ref)
        if entry is not None and entry.state.sessions and not entry.device.active:
            context = self._context(entry, ContextReset(self._ids.next(self._clock())))
            self._apply(entry, deactivate(context, entry.state))
            await self.commits.durable()

    async def rules_changed(self) -> None:
        """Connectivity plans or device profiles changed."""
        await self.catalogue.load(self._store)
        self.devices.refresh_rules()


def _is_refusal(record: Record) -> TypeGuard[JoinRecord | RefusedRecord]:
    if isinstance(record, JoinRecord):
        return record.outcome != "accepted"
    return isinstance(record, RefusedRecord)
