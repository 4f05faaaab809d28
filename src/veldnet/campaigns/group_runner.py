"""Works on the groups of campaigns: plans their sessions, and sends fragments in them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial

import msgspec
import structlog
from msgspec.structs import replace

from veldnet.lorawan import DevEui
from veldnet.network.core import DownlinkRequest, SubmissionRefusal
from veldnet.network.shell import UnknownDevice, UnreadableGroup
from veldnet.store import Store, StoreError

from .airtime import AirtimeShares
from .group_work import CampaignGroup, due_for_planning, note_sent, patience_ends
from .machine import fragment_payload
from .pacing import Pacer
from .planning import Pace, pace_of, plan_next
from .sessions import due_fragments, fragment_at
from .states import Plan, Session

log = structlog.get_logger(__name__)

Submit = Callable[[DevEui, DownlinkRequest], Awaitable[SubmissionRefusal | None]]
# Milliseconds after which it is looked again whether a session is to be planned: where devices have
# answered, and where none has.
_LOOK_EVERY, _LOOK_AT_LEAST = 10_000, 60_000
# What was missed by a pause is made up for at so many times the pace.
_CATCH_UP = 2
# Milliseconds until a fragment is tried again that was refused.
_LATER = 30_000


class GroupTurn(msgspec.Struct, frozen=True):
    """What was done for a group: `planned` where its devices have a new session, or none to come; and when
    something is due next, in Unix milliseconds."""

    planned: bool
    next_at: int


class GroupRunner:
    """`submit` queues a downlink at the node that serves the group; what is sent takes of the `shares` that
    fragments to single devices have, too."""

    def __init__(self, store: Store, submit: Submit, shares: AirtimeShares, pacer: Pacer) -> None:
        self._store = store
        self._submit = submit
        self._shares = shares
        self._pacer = pacer
        # By campaign: its group, when it was looked at last, and when a fragment was sent last.
        self.groups: dict[int, CampaignGroup] = {}
        self._looked: dict[int, int] = {}
        self._sent_at: dict[int, int] = {}
        # Refused: not before.
        self._not_before: dict[int, int] = {}
        # By campaign: the number of a session, and who sends in it.
        self._paces: dict[int, tuple[int, Pace]] = {}
        # Campaigns in which something has happened since they were looked at.
        self._changed: set[int] = set()

    def take(self, groups: dict[int, CampaignGroup], only: int | None = None) -> None:
        """Know the groups of the running campaigns to work on as they are now, or that of `only` one."""
        self.groups = groups
        if only is not None:
            return
        for known in (self._looked, self._sent_at, self._not_before, self._paces):
            for ref in [each for each in known if each not in groups]:
                del known[ref]
        self._changed &= groups.keys()

    def changed(self, refs: Iterable[int]) -> None:
        """Something has happened to devices of these campaigns."""
        self._changed.update(refs)

    async def run(self, ref: int, plan: Plan, begun: int, now: int) -> GroupTurn:
        """Do for a campaign what is due. Raises `StoreError`."""
        await self._send(ref, plan, now)
        group = self.groups[ref]
        if group.session is not None and not group.session.over(now):
            return GroupTurn(False, self._fragment_at(ref, group.session, now))
        look_at = self._look_at(ref, plan, group, begun)
        if now < look_at:
            return GroupTurn(False, look_at)
        self._looked[ref] = now
        self._changed.discard(ref)
        need = await self._store.read(lambda c: due_for_planning(c, ref, plan, group.session, begun, now))
        if need is None:
            return GroupTurn(False, self._look_at(ref, plan, group, begun))
        around = self._pacer.around(now)
        await self._store.write(lambda c: plan_next(c, plan, group, need, around))
        return GroupTurn(True, now)

    def _look_at(self, ref: int, plan: Plan, group: CampaignGroup, begun: int) -> int:
        """When it is looked again whether a session is to be planned: soon where something has happened, else
        when nobody is waited for any longer."""
        looked = self._looked.get(ref)
        if looked is None:
            return 0
        if ref in self._changed:
            return looked + _LOOK_EVERY
        over = patience_ends(plan, group.session, begun)
        return over if looked < over <= looked + _LOOK_AT_LEAST else looked + _LOOK_AT_LEAST

    def _fragment_at(self, ref: int, session: Session, now: int) -> int:
        """When the next fragment of a session may be sent."""
        paced = self._sent_at.get(ref, 0) + session.spacing // _CATCH_UP
        return max(fragment_at(session, session.sent + 1), paced, self._not_before.get(ref, 0), now + 1)

    async def _send(self, ref: int, plan: Plan, now: int) -> None:
        """Submit the fragments whose time has come, then write how far they are: where a process ends between
        the two, some are sent twice."""
        group = self.groups[ref]
        session = group.session
        if session is None or now < self._not_before.get(ref, 0):
            return
        most = plan.options.in_flight
        if ref in self._sent_at:
            most = min(most, (now - self._sent_at[ref]) * _CATCH_UP // session.spacing)
        sent = session.sent
        for number in due_fragments(session, now, most):
            if not await self._submitted(ref, plan, group, session, number, now):
                break
            sent = number
        if sent > session.sent:
            self._sent_at[ref] = now
            await self._charge(ref, plan, sent - session.sent, now)
            await self._store.write(partial(note_sent, campaign_ref=ref, number=session.number, sent=sent))
            self.groups[ref] = replace(group, session=replace(session, sent=sent))

    async def _charge(self, ref: int, plan: Plan, fragments: int, now: int) -> None:
        """Note what fragments take of the base stations that send them."""
        group = self.groups[ref]
        assert group.session is not None
        number, pace = self._paces.get(ref, (0, None))
        if pace is None or number != group.session.number:
            size = plan.options.fragment_size
            pace = await self._store.read(lambda c: pace_of(c, size, group))
            self._paces[ref] = group.session.number, pace
        share = plan.options.duty_cycle_share / 100
        for station in pace.stations:
            self._shares.charge(station, round(pace.airtime * 10_000) * fragments, share, now)

    async def _submitted(
        self, ref: int, plan: Plan, group: CampaignGroup, session: Session, number: int, now: int
    ) -> bool:
        request = DownlinkRequest(
            fport=plan.group_fport,
            payload=fragment_payload(plan, number),
            expires_at=session.ends_at / 1000,
            retry_ineligible=False,
        )
        try:
            refusal = await self._submit(DevEui.parse(group.row.dev_eui), request)
        except UnreadableGroup:
            # It does not change by itself.
            raise
        except (StoreError, UnknownDevice) as error:
            log.warning("campaign_fragment_not_queued", campaign=ref, error=str(error))
            return False
        if refusal is not None:
            log.warning("campaign_fragment_refused", campaign=ref, code=refusal.code)
            self._not_before[ref] = now + _LATER
        return refusal is None
