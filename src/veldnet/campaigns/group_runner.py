"""Works on the groups of campaigns: plans their sessions, and sends fragments in them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial

import structlog
from sqlalchemy import Connection

from veldnet.lorawan import DevEui
from veldnet.network.core import DownlinkRequest, SubmissionRefusal
from veldnet.network.shell import UnknownDevice
from veldnet.store import Store, StoreError

from .group_work import CampaignGroup, Regions, due_for_planning, note_sent, plan_next, read_group
from .machine import fragment_payload
from .sessions import due_fragments
from .states import Plan
from .work import groups_under_way

log = structlog.get_logger(__name__)

Submit = Callable[[DevEui, DownlinkRequest], Awaitable[SubmissionRefusal | None]]
# Milliseconds after which it is looked again whether a session is to be planned.
_LOOK_EVERY = 10_000
# What was missed by a pause is made up for at so many times the pace.
_CATCH_UP = 2
# Milliseconds until a fragment is tried again that was refused.
_LATER = 30_000


class GroupRunner:
    """`submit` queues a downlink at the node that serves the group."""

    def __init__(self, store: Store, submit: Submit, regions: Regions) -> None:
        self._store = store
        self._submit = submit
        self._regions = regions
        # By campaign: its group, when it was looked at last, and when a fragment was sent last.
        self.groups: dict[int, CampaignGroup] = {}
        self._looked: dict[int, int] = {}
        self._sent_at: dict[int, int] = {}
        # Refused: not before.
        self._not_before: dict[int, int] = {}

    async def load(self) -> None:
        """Know the groups of the running campaigns, as they are now."""
        regions = self._regions

        def read(connection: Connection) -> dict[int, CampaignGroup]:
            return {
                ref: group
                for ref, group_ref in groups_under_way(connection)
                if (group := read_group(connection, ref, group_ref, regions)) is not None
            }

        self.groups = await self._store.read(read)
        for times in (self._looked, self._sent_at, self._not_before):
            for ref in [each for each in times if each not in self.groups]:
                del times[ref]

    async def run(self, ref: int, plan: Plan, begun: int, now: int) -> None:
        """Do for a campaign what is due. Raises `StoreError`."""
        await self._send(ref, plan, self.groups[ref], now)
        if now < self._looked.get(ref, 0) + _LOOK_EVERY:
            return
        self._looked[ref] = now
        group = self.groups[ref]
        need = await self._store.read(lambda c: due_for_planning(c, ref, plan, group.session, begun, now))
        if need is not None:
            await self._store.write(lambda c: plan_next(c, plan, group, need, now))
            await self.load()

    async def _send(self, ref: int, plan: Plan, group: CampaignGroup, now: int) -> None:
        """Submit the fragments whose time has come, then write how far they are: where a process ends between
        the two, some are sent twice."""
        session = group.session
        if session is None or now < self._not_before.get(ref, 0):
            return
        most = plan.options.in_flight
        if ref in self._sent_at:
            most = min(most, (now - self._sent_at[ref]) * _CATCH_UP // session.spacing)
        sent = session.sent
        for number in due_fragments(session, now, most):
            request = DownlinkRequest(
                fport=plan.group_fport,
                payload=fragment_payload(plan, number),
                expires_at=session.ends_at / 1000,
                retry_ineligible=False,
            )
            try:
                refusal = await self._submit(DevEui.parse(group.row.dev_eui), request)
            except (StoreError, UnknownDevice) as error:
                log.warning("campaign_fragment_not_queued", campaign=ref, error=str(error))
                break
            if refusal is not None:
                log.warning("campaign_fragment_refused", campaign=ref, code=refusal.code)
                self._not_before[ref] = now + _LATER
                break
            sent = number
        if sent > session.sent:
            self._sent_at[ref] = now
            await self._store.write(partial(note_sent, campaign_ref=ref, number=session.number, sent=sent))
