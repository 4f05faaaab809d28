"""Connectivity plans and device profiles in memory: shared by all devices, reloaded on change."""

from __future__ import annotations

from sqlalchemy import Connection, select

from veldnet.domain.devices import DeviceRow
from veldnet.domain.documents import PlanSettings, ProfileSettings, decode_plan, decode_profile
from veldnet.network.core.events import Device
from veldnet.store import Store
from veldnet.store.schema import connectivity_plans, device_profiles


class Catalogue:
    """The rules devices live by."""

    def __init__(self) -> None:
        self.plans: dict[int, PlanSettings] = {}
        self.profiles: dict[int, ProfileSettings] = {}

    async def load(self, store: Store) -> None:
        def query(connection: Connection) -> tuple[dict[int, PlanSettings], dict[int, ProfileSettings]]:
            plans = connection.execute(select(connectivity_plans.c.ref, connectivity_plans.c.settings))
            profiles = connection.execute(select(device_profiles.c.ref, device_profiles.c.settings))
            return (
                {row.ref: decode_plan(row.settings) for row in plans},
                {row.ref: decode_profile(row.settings) for row in profiles},
            )

        self.plans, self.profiles = await store.read(query)

    def device(self, row: DeviceRow) -> Device:
        """A device with its rules."""
        plan = self.plans.get(row.plan_ref) if row.plan_ref is not None else None
        return Device(row, self.profiles[row.profile_ref], plan)
