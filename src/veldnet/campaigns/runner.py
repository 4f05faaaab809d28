"""Works on the campaigns: takes up what has happened since, and sends what comes next.

One node of an installation runs it. Downlinks are submitted before what follows from them is written: where a
process ends between the two, some fragments are sent twice, which devices do not mind, and none is left out.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import structlog
from msgspec.structs import replace
from sqlalchemy import Connection

from veldnet.domain.groups import GroupRow, MemberKeys
from veldnet.lorawan import DevEui
from veldnet.network.core import DownlinkRequest, SubmissionRefusal
from veldnet.network.shell import UnknownDevice
from veldnet.store import LeaseLost, Store, StoreError

from .airtime import AirtimeShares
from .failures import failure_of, note_failure, note_working
from .group_runner import GroupRunner, GroupTurn, Submit
from .group_work import Regions
from .listening import Listener
from .machine import on_answer, on_sent, on_time, on_unsent
from .pacing import Asking, Pacer, asks
from .records import devices_under_way
from .states import ASKING, Message, Plan, Ports, Progress, Reason, Situation, Step, end, hold
from .work import (
    Done,
    Event,
    Item,
    PlanRow,
    Round,
    Work,
    decode_plan,
    finish,
    has_events,
    open_campaigns,
    read_plans,
    read_round,
    turn,
)

log = structlog.get_logger(__name__)


# Keys of devices by their refs, for a group, and None where there is none; those that are left out have none.
Keys = Callable[[Sequence[int], int | None], Awaitable[Mapping[int, MemberKeys]]]
# Devices that are submitted to at the same time.
_AT_ONCE = 64
# Batches of one run, so that others have their turn.
_BATCHES = 10
# Milliseconds until a downlink is tried again that the plan's limit has refused.
_LIMITED = 60_000
_PLANS = 8
# Milliseconds after which campaigns are looked at although nothing is due.
_LOOK_AT_LEAST = 60_000
# States in which a device is told the group's address, key and counters next.
_JOINING = frozenset(("pending", "joiningGroup"))
# States from which a device may come to its set-up.
_SET_UP = frozenset(("pending", "joiningGroup", "settingUp", "statusAsked"))
# Codes of the tunnel interface: refusals that pass, and those of a device that can never take part.
_NO_STATION, _SIZE, _NO_KEY, _RATE = 115, 116, 119, 121


class NetworkParts(NamedTuple):
    """What campaigns need of the network: `submit` queues a downlink at the node that serves the device or
    group, `keys` asks the vaults, `next_counter` is that of the next frame of a group."""

    submit: Submit
    keys: Keys
    next_counter: Callable[[GroupRow], int]
    regions: Regions


class Runner:
    """Does what is due, each time that it is asked to."""

    def __init__(self, store: Store, clock: Callable[[], float], network: NetworkParts) -> None:
        self.listener = Listener()
        # Whether other nodes serve devices too, whose answers this one does not see.
        self.alone = True
        # Failures of campaigns, and of single devices in them (`device`).
        self.failures: Counter[str] = Counter()
        self._store = store
        self._clock = clock
        self._network = network
        self._submit = network.submit
        self._submit = network.submit
        self._shares = AirtimeShares()
        self._pacer = Pacer(store, network.regions)
        self._groups = GroupRunner(store, network.submit, self._shares, self._pacer)
        self._any = False
        self._plans: dict[int, PlanRow] = {}
        # How many times campaigns were changed from outside; that and the commits of the listener when it was
        # looked last; and between which times nothing is to be done unless these change.
        self._reloads = 0
        self._seen = -1
        self._idle = range(0)

    async def reload(self) -> None:
        """Know the devices of campaigns again, and whether there is one that has not ended."""
        self.listener.devices = await self._store.read(devices_under_way)
        self._any = bool(await self._store.read(open_campaigns))
        self._reloads += 1

    async def run(self) -> None:
        """Do what is due now."""
        if not self._any:
            return
        for _ in range(_BATCHES):
            now = round(self._clock() * 1000)
            if not await self._wanted(now) or not await self._round(now):
                return

    async def _wanted(self, now: int) -> bool:
        """Whether there may be something to do."""
        if now not in self._idle or self._seen != self.listener.noted + self._reloads:
            return True
        return not self.alone and await self._store.read(has_events)

    async def _round(self, now: int) -> bool:
        """Works on all campaigns together, and where that fails on each by itself, so that one that fails is
        found and rests, and the others go on. Returns whether to go on at once. Raises `StoreError` where the
        store does not work at all."""
        self._seen, self._idle = self.listener.noted + self._reloads, range(0)
        try:
            return await self._work(now)
        except LeaseLost:
            raise
        except Exception as error:
            opened = await self._store.read(open_campaigns)
            log.warning("campaigns_apart", campaigns=len(opened), error=str(error) or repr(error))
        for each in opened:
            if each.rests(now):
                continue
            try:
                await self._work(now, each.ref)
            except LeaseLost:
                raise
            except Exception as error:
                await self._failed(each.ref, each.failures + 1, error, now)
        return True

    async def _failed(self, ref: int, failures: int, error: Exception, now: int) -> None:
        failure = failure_of(error)
        self.failures[failure] += 1
        unexpected = None if failure != "unexpected" else error
        log.error("campaign_failed", campaign=ref, failures=failures, error=repr(error), exc_info=unexpected)
        self._plans.pop(ref, None)
        await self._store.write(partial(note_failure, ref=ref, failure=failure, failures=failures, now=now))

    async def _work(self, now: int, only: int | None = None) -> bool:
        """On all campaigns that do not rest, or on one. Returns whether to go on at once."""
        found = await self._store.read(partial(read_round, regions=self._network.regions, now=now, only=only))
        turning = [each for each in found.campaigns if each.turns(now)]
        if turning:
            await self._store.write(partial(turn, turning=turning, now=now))
            return True
        more = await self._work_on(found, now, only)
        mended = [each.ref for each in found.campaigns if each.failures]
        if mended:
            log.info("campaigns_work_again", campaigns=mended)
            await self._store.write(partial(note_working, refs=mended))
        return more

    async def _work_on(self, found: Round, now: int, only: int | None) -> bool:
        work = found.work
        self._groups.take(found.groups, only)
        self._groups.changed(item.campaign_ref for item in work.items)
        turns = await self._run_groups(now)
        if any(each.planned for each in turns):
            # Devices that wait are told of it.
            return True
        if work.items or work.stale:
            await self._do(work, now, only)
            return work.more
        if found.done:
            # Their last devices were deleted.
            await self._store.write(partial(finish, now=now, only=only))
            return False
        due = [each.next_at for each in found.all] + [each.next_at for each in turns]
        self._idle = range(now, min([now + _LOOK_AT_LEAST, *due]))
        return False

    async def _run_groups(self, now: int) -> list[GroupTurn]:
        refs = sorted(self._groups.groups)
        await self._load_plans(refs)
        rows = [row for ref in refs if (row := self._plans.get(ref)) is not None]
        return [await self._groups.run(row.ref, decode_plan(row), row.starts_at, now) for row in rows]

    async def _do(self, work: Work, now: int, only: int | None) -> None:
        await self._load_plans(sorted({item.campaign_ref for item in work.items}))
        later = await self._pacer.later(
            [self._asking(item) for item in work.items if self._asks(item, now)], now
        )
        waiting = [
            Done(item, hold(item.progress, later[item.device_ref]))
            for item in work.items
            if item.device_ref in later
        ]
        done = await self._answer([item for item in work.items if item.device_ref not in later], now)
        asked = [
            self._asking(each.item)
            for each in done
            if each.item.events and each.progress.state in ASKING
            if each.progress.state != each.item.progress.state
        ]
        await self._pacer.asked(asked, now)
        worked_off = [event.id for each in done for event in each.item.events]

        def write(connection: Connection) -> None:
            work.write(connection, [*waiting, *done], [*work.stale, *worked_off], now)
            finish(connection, now, only)

        await self._store.write(write)

    async def _answer(self, items: Sequence[Item], now: int) -> list[Done]:
        """What is written of devices, without those whose downlinks could not be queued."""
        keys = await self._keys_of(items)
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(item: Item) -> Done | None:
            async with gate:
                return await self._device(item, keys.get(item.device_ref), now)

        outcomes = await asyncio.gather(*(one(item) for item in items))
        return [each for each in outcomes if each is not None]

    def _asks(self, item: Item, now: int) -> bool:
        if item.events or item.campaign_ref not in self._plans:
            return False
        group = self._groups.groups.get(item.campaign_ref)
        return asks(item.progress, None if group is None else group.session, now)

    def _asking(self, item: Item) -> Asking:
        plan = decode_plan(self._plans[item.campaign_ref])
        return Asking(item, plan.options.duty_cycle_share / 100)

    async def _load_plans(self, refs: Sequence[int]) -> None:
        missing = [ref for ref in refs if ref not in self._plans]
        if missing:
            others = [ref for ref in self._plans if ref not in refs]
            for ref in others[: max(len(self._plans) + len(missing) - _PLANS, 0)]:
                del self._plans[ref]
            self._plans |= {row.ref: row for row in await self._store.read(lambda c: read_plans(c, missing))}

    async def _keys_of(self, items: Sequence[Item]) -> dict[int, MemberKeys]:
        """Those of the devices that are set up now: one request for each campaign."""
        wanted: dict[int, list[int]] = {}
        for item in items:
            row = self._plans.get(item.campaign_ref)
            if row is not None and item.progress.state in _SET_UP and _keyed(decode_plan(row)):
                wanted.setdefault(item.campaign_ref, []).append(item.device_ref)
        found: dict[int, MemberKeys] = {}
        for ref, device_refs in wanted.items():
            found |= await self._network.keys(device_refs, self._plans[ref].group_ref)
        return found

    def _situation(self, item: Item, keys: MemberKeys | None, now: int) -> Situation | None:
        """None where the campaign, or its group, cannot be worked on. Raises `UnreadableGroup`."""
        row = self._plans.get(item.campaign_ref)
        if row is None:
            return None
        plan = decode_plan(row)
        if plan.options.group is None:
            return Situation(plan, item.ports or Ports(), now, keys=keys)
        group = self._groups.groups.get(item.campaign_ref)
        if group is None:
            return None
        another = group.session is None or group.session.number < plan.options.group.sessions
        ports = item.ports or Ports()
        joining = item.progress.state in _JOINING
        next_fcnt = self._network.next_counter(group.row) if joining else 0
        return Situation(plan, ports, now, group.terms, group.session, another, keys, next_fcnt)

    async def _device(self, item: Item, keys: MemberKeys | None, now: int) -> Done | None:
        at = self._situation(item, keys, now)
        if at is None:
            return None
        before = item.progress
        if item.ports is None:
            self.failures["device"] += 1
            return Done(item, end(before, "refused", "profile"))
        try:
            step = self._step(at, item)
        except Exception:
            # What one device has sent does not hold up the others.
            self.failures["device"] += 1
            log.exception("campaign_device_failed", campaign=item.campaign_ref, device=item.dev_eui)
            return Done(item, _faulty(at, before))
        refusal = None
        try:
            for message in step.messages:
                request = DownlinkRequest(
                    fport=message.fport, payload=message.payload, expires_at=message.expires_at / 1000
                )
                refusal = await self._submit(DevEui.parse(item.dev_eui), request)
                if refusal is not None:
                    break
        except UnknownDevice:
            return Done(item, before)
        except StoreError as error:
            log.warning("campaign_downlink_not_queued", device=item.dev_eui, error=str(error))
            return None
        if refusal is not None:
            return Done(item, _refused(at, before, step, refusal))
        return Done(item, step.progress)

    def _step(self, at: Situation, item: Item) -> Step:
        """All that has happened to the device, in order; of what was sent the last counts, for how many
        fragments still wait."""
        progress = item.progress
        messages: list[Message] = []
        waiting, free_at, unsent = None, at.now, 0
        for event in item.events:
            if event.payload is None or event.fport is None:
                waiting = event.waiting or 0
                unsent += event.airtime is None
                free_at = max(free_at, self._charge(at, event))
                continue
            step = on_answer(at, progress, event.fport, event.payload)
            progress = step.progress
            messages += step.messages
        if waiting is not None and not messages:
            if free_at > at.now and progress.sent < progress.target:
                return Step(hold(progress, free_at))
            step = on_sent(at, progress, waiting, unsent)
            progress, messages = step.progress, list(step.messages)
            if not waiting and any(event.unsent for event in item.events):
                progress = on_unsent(at, progress).progress
        due = progress.due_at
        if not item.events and due is not None and due <= at.now:
            return on_time(at, progress)
        return Step(progress, tuple(messages))

    def _charge(self, at: Situation, event: Event) -> int:
        share = at.plan.options.duty_cycle_share / 100
        return self._shares.charge(event.base_station, event.airtime or 0, share, at.now)


def _keyed(plan: Plan) -> bool:
    """Whether devices need keys for the set-up."""
    return plan.options.group is not None or plan.options.package_version >= 2


def _faulty(at: Situation, before: Progress) -> Progress:
    """How far a device is whose answers could not be worked off: it is asked again, as often as one that is
    silent."""
    if before.tries >= at.plan.options.retries:
        return end(before, "refused", "fault")
    due = at.now + at.plan.options.answer_timeout * 1000
    return replace(before, tries=before.tries + 1, held=False, due_at=due)


def _refused(at: Situation, before: Progress, step: Step, refusal: SubmissionRefusal) -> Progress:
    """How far a device is of which a downlink was refused."""
    if refusal.code == _RATE:
        # Go on where it was, once the plan's limit lets it.
        rewound = replace(step.progress, sent=min(before.sent, step.progress.sent))
        if rewound.state in ("receiving", "missingFragments"):
            return hold(rewound, at.now + _LIMITED)
        return replace(before, due_at=at.now + _LIMITED)
    if refusal.code in (_NO_STATION, _SIZE) and before.tries < at.plan.options.retries:
        later = at.now + at.plan.options.answer_timeout * 1000
        return replace(before, tries=before.tries + 1, due_at=later)
    reasons: dict[int, Reason] = {_NO_STATION: "noAnswer", _SIZE: "payloadSize", _NO_KEY: "hsm"}
    reason = reasons.get(refusal.code, "downlink")
    return end(before, "timedOut" if refusal.code == _NO_STATION else "refused", reason)
