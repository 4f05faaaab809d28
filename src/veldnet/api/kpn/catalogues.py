"""What a subscriber chooses from: connectivity plans, device profiles, HSM groups."""

from __future__ import annotations

from typing import Any

from litestar import Request, get

from veldnet.api import query
from veldnet.api.auth.bearer import require_scope
from veldnet.api.services import Services
from veldnet.domain.resources import ConnectivityPlan, DeviceProfile, HSMGroup
from veldnet.inventory import offers
from veldnet.inventory.devices import PAGE


@get("/connectivityPlans")
async def list_connectivity_plans(
    request: Request[Any, Any, Any], services: Services
) -> list[ConnectivityPlan]:
    scope = await require_scope(request, services)
    return await services.read(lambda c: offers.list_connectivity_plans(c, scope))


@get("/deviceProfiles")
async def list_device_profiles(request: Request[Any, Any, Any], services: Services) -> list[DeviceProfile]:
    scope = await require_scope(request, services)
    return await services.read(lambda c: offers.list_device_profiles(c, scope))


@get("/hsmGroups")
async def list_hsm_groups(request: Request[Any, Any, Any], services: Services) -> list[HSMGroup]:
    scope = await require_scope(request, services)
    page = query.whole(request, "pageIndex", least=1)
    groups = await services.read(lambda c: offers.list_hsm_groups(c, scope.operator_ref))
    return groups if page is None else groups[(page - 1) * PAGE : page * PAGE]
