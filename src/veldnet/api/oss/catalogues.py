"""Device profiles and connectivity plans on the paths of ThingPark's OSS."""

from __future__ import annotations

import msgspec

from veldnet.api.routers import OSS
from veldnet.api.services import Services
from veldnet.domain.resources import CommunicationType
from veldnet.domain.scope import Scope
from veldnet.inventory import offers

from .shapes import MINE, FirstPage, href

_PAGE = 100


class OssProfile(msgspec.Struct):
    """A device profile."""

    ID: str
    commercialName: str
    typeMAC: str
    connectivity: str = "LORAWAN"


class OssProfiles(msgspec.Struct):
    briefs: list[OssProfile]
    more: bool


class OssPlan(msgspec.Struct):
    """A connectivity plan, how many devices may have it, and how many do."""

    ID: str
    commercialName: str
    communicationType: CommunicationType
    granted: int
    used: int
    href: str
    connectivity: str = "LORAWAN"


class OssPlans(msgspec.Struct):
    briefs: list[OssPlan]
    more: bool


class OssPage(msgspec.Struct, frozen=True):
    """Which page of 100."""

    pageIndex: FirstPage = 1

    @property
    def part(self) -> slice:
        return slice((self.pageIndex - 1) * _PAGE, self.pageIndex * _PAGE)

    def more(self, count: int) -> bool:
        return count > self.pageIndex * _PAGE


@OSS.get(f"{MINE}/deviceProfiles")
async def list_profiles(services: Services, scope: Scope, query: OssPage) -> OssProfiles:
    """The device profiles that the subscriber may use."""
    listed = await services.read(lambda c: offers.list_device_profiles(c, scope))
    return OssProfiles(
        [OssProfile(each.id, each.name, each.typeMAC) for each in listed[query.part]], query.more(len(listed))
    )


@OSS.get(f"{MINE}/networkSubscriptions")
async def list_plans(services: Services, scope: Scope, query: OssPage) -> OssPlans:
    """The connectivity plans that the subscriber has."""
    listed = await services.read(lambda c: offers.list_connectivity_plans(c, scope))
    briefs = [
        OssPlan(
            each.id,
            each.name,
            each.communicationType,
            each.grantedConnections,
            each.usedConnections,
            href(f"/networkSubscriptions/{each.ref}"),
        )
        for each in listed[query.part]
    ]
    return OssPlans(briefs, query.more(len(listed)))
