"""Connectivity plans and device profiles in memory: shared by all devices, reloaded on change."""

from __future__ import annotations

from sqlalchemy import Connection, select

from veldnet.domain.devices import DeviceRow
from veldnet.domain.documents import PlanSettings, ProfileSettings, decode_plan, decode_profile
from veldnet.network.core.events import Device
from veldnet.store import Store, readable
from veldnet.store.schema import connectivity_plans, device_profiles, subscribers


class Catalogue:
    """The rules devices live by."""

    def __init__(self) -> None:
        self.plans: dict[int, PlanSettings] = {}
        self.profiles: dict[int, ProfileSettings] = {}
        self._suspended: frozenset[int] = frozenset()

    async def load(self, store: Store) -> None:
        def query(
            connection: Connection,
        ) -> tuple[dict[int, PlanSettings], dict[int, ProfileSettings], frozenset[int]]:
            plans = connection.execute(
                select(connectivity_plans.c.ref, connectivity_plans.c.settings).where(
                    connectivity_plans.c.suspended.is_(False)
                )
            )
            profiles = connection.execute(select(device_profiles.c.ref, device_profiles.c.settings))
            suspended = connection.execute(
                select(subscribers.c.ref).where(subscribers.c.suspended.is_(True))
            ).scalars()
            return (
                dict(readable("plan", plans, lambda row: (row.ref, decode_plan(row.settings)))),
                dict(
                    readable("device profile", profiles, lambda row: (row.ref, decode_profile(row.settings)))
                ),
                frozenset(suspended),
            )

        self.plans, self.profiles, self._suspended = await store.read(query)

    def device(self, row: DeviceRow) -> Device:
        """A device with its rules. Without service, as of a suspended plan or subscriber, it has no plan."""
        plan = self.plan_of(row.plan_ref, row.subscriber_ref)
        return Device(row, self.profiles[row.profile_ref], plan)

    def plan_of(self, plan_ref: int | None, subscriber_ref: int) -> PlanSettings | None:
        """The rules of a plan, None where it gives no service to a subscriber."""
        if plan_ref is None or subscriber_ref in self._suspended:
            return None
        return self.plans.get(plan_ref)
