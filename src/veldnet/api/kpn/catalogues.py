"""Catalogues of a subscriber: connectivity plans, device profiles, HSM groups."""

from __future__ import annotations

import msgspec

from veldnet.api.query import PageIndex
from veldnet.api.routers import KPN
from veldnet.api.services import Services
from veldnet.domain.resources import ConnectivityPlan, DeviceProfile, HSMGroup
from veldnet.domain.scope import Scope
from veldnet.inventory import offers
from veldnet.inventory.devices import PAGE


class HsmGroupPage(msgspec.Struct, frozen=True):
    pageIndex: PageIndex = None


@KPN.get("/connectivityPlans", "Connectivityplansretrieval", "Subscription", "List connectivity plans.")
async def list_connectivity_plans(services: Services, scope: Scope) -> list[ConnectivityPlan]:
    return await services.read(lambda c: offers.list_connectivity_plans(c, scope))


@KPN.get("/deviceProfiles", "Deviceprofilesretrieval", "Device", "List device profiles.")
async def list_device_profiles(services: Services, scope: Scope) -> list[DeviceProfile]:
    return await services.read(lambda c: offers.list_device_profiles(c, scope))


@KPN.get("/hsmGroups", "HSMgroupsretrieval", "DeviceSecurity", "List HSM groups.")
async def list_hsm_groups(services: Services, scope: Scope, query: HsmGroupPage) -> list[HSMGroup]:
    page = query.pageIndex
    groups = await services.read(lambda c: offers.list_hsm_groups(c, scope.operator_ref))
    return groups if page is None else groups[(page - 1) * PAGE : page * PAGE]
