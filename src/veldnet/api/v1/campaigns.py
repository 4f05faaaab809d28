"""Campaigns: firmware or configuration over the air, for many devices."""

from __future__ import annotations

import base64
import binascii
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta

from veldnet import campaigns
from veldnet.api.errors import language_of
from veldnet.api.query import PageSize, Parameter, moment
from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.asgi import Request, Stream
from veldnet.assembly.campaigning import prepare_group
from veldnet.campaigns import (
    CampaignDeviceView,
    CampaignState,
    CampaignView,
    DeviceState,
    GroupOptions,
    Kind,
    NewCampaign,
    Options,
    campaign_device_view,
    campaign_view,
)
from veldnet.domain.errors import InvalidField
from veldnet.domain.resources import HealthState
from veldnet.domain.scope import Scope
from veldnet.domain.spreadsheets import csv_text
from veldnet.inventory.devices import Wanted
from veldnet.inventory.groups import MulticastGroup

_PAGE = 500
# DevEUIs and the like beside the file, which is a third longer in base64.
_MOST_BODY = 1 << 20


class DeviceChoice(msgspec.Struct, frozen=True):
    """Which devices: those that meet all of it."""

    search: Annotated[str, Meta(max_length=100)] | None = None
    tag: Annotated[str, Meta(max_length=100)] | None = None
    healthState: HealthState | None = None
    connectivityPlanId: str | None = None
    deviceProfileId: str | None = None


class CampaignMulticast(msgspec.Struct, frozen=True, kw_only=True):
    """Fragments go to a multicast group that the campaign makes for its devices (TS005), with a key and an
    address of its own; it takes a connection of a plan of communicationType MULTICAST. Devices know it as
    `groupNumber`, and take fragments on `fragmentationPort`. Once all have joined it, or after `gathering`
    seconds, a session is planned that begins `lead` seconds later: at least as long as a device is silent.
    What is missing then is brought by further `sessions`, and at last to each device alone. Refused where the
    duty cycle of base stations does not let all join within `gathering`. Without frequency
    (MHz) or data rate those of the region apply; `pingSlotPeriod` in seconds is for class B."""

    deviceClass: Literal["B", "C"] = "C"
    connectivityPlanId: str | None = None
    region: str | None = None
    pingSlotPeriod: int | None = None
    downlinkFrequency: float | None = None
    downlinkDataRate: int | None = None
    groupNumber: Annotated[int, Meta(ge=0, le=3)] = 0
    fragmentationPort: Annotated[int, Meta(ge=1, le=223)] = 201
    lead: Annotated[int, Meta(ge=60, le=604_800)] = 7200
    gathering: Annotated[int, Meta(ge=60, le=2_592_000)] = 86_400
    sessions: Annotated[int, Meta(ge=1, le=20)] = 2


class CampaignBody(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign to create: `content` is the file in base64; `devices` are DevEUIs, else `matching` says
    which. `redundancy` is in percent of the fragments; `inFlight` fragments at most wait for a device, which
    has `answerTimeout` seconds for each answer, and `retries` more attempts; what is missing is repaired in
    so many `rounds`. `dutyCycleShare` is how many percent of the time a base station transmits for campaigns
    at most. With `apply` devices are asked to start what they have received (TS006). `packageVersion` is that
    of the package for fragments (TS004): devices with another one are refused. With `multicast` fragments go
    to all devices at once, else to each by itself. Without `endsAt` it ends after two weeks."""

    name: str
    content: str
    kind: Kind = "firmware"
    devices: list[str] | None = None
    matching: DeviceChoice | None = None
    startsAt: str | None = None
    endsAt: str | None = None
    fragmentSize: Annotated[int, Meta(ge=8, le=219)] = 48
    redundancy: Annotated[int, Meta(ge=0, le=200)] = 20
    inFlight: Annotated[int, Meta(ge=1, le=8)] = 4
    answerTimeout: Annotated[int, Meta(ge=10, le=172_800)] = 7200
    retries: Annotated[int, Meta(ge=0, le=20)] = 3
    rounds: Annotated[int, Meta(ge=0, le=20)] = 4
    dutyCycleShare: Annotated[float, Meta(ge=0.01, le=10)] = 1.0
    apply: bool = True
    packageVersion: Literal[1, 2] = 1
    multicast: CampaignMulticast | None = None


class CampaignDevicePage(msgspec.Struct, frozen=True):
    """Devices of a campaign; `after` is the parameter of the next page."""

    devices: list[CampaignDeviceView]
    after: str | None


def _after(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 18:
        raise InvalidField("{name} must be that of the page before", name=name)
    return int(text)


class CampaignDeviceFilter(msgspec.Struct, frozen=True):
    """Which devices of a campaign."""

    state: Annotated[DeviceState | None, Parameter("Only devices in this state.")] = None
    after: Annotated[int, Parameter("`after` of the page before.", read=_after)] = 0
    pageSize: PageSize = 100


def _most_body(services: Services) -> int:
    return services.settings.max_body + _MOST_BODY


@SUBSCRIBER.get("/campaigns", "listCampaigns", "Campaigns", "Campaigns, newest first.")
async def list_campaigns(services: Services, scope: Scope, request: Request) -> list[CampaignView]:
    language = language_of(request)
    found = await services.read(lambda c: campaigns.list_campaigns(c, scope))
    return [campaign_view(each, language) for each in found]


@SUBSCRIBER.post(
    "/campaigns",
    "createCampaign",
    "Campaigns",
    "Create a campaign: a file for many devices.",
    status=201,
    max_body=_most_body,
)
async def create_campaign(services: Services, scope: Scope, body: CampaignBody) -> CampaignView:
    """Devices whose payload the network cannot read, or that are in another campaign, are refused with the
    reason; the others begin at `startsAt`."""
    platform = services.platform
    parameters = platform.network.parameters
    new = msgspec.structs.replace(_new(body), channel_plans=parameters.channel_plans)
    if body.multicast is not None:
        asked = _asked_group(body.multicast)
        group, options = await prepare_group(
            platform.store, platform.vault, parameters, new.name, new.options, asked
        )
        new = msgspec.structs.replace(new, group=group, options=options)
    now = _now(services)
    details = {
        "name": new.name,
        "size": len(new.content),
        "devices": None if body.devices is None else len(body.devices),
    }
    made = await services.change(
        lambda c: campaigns.create_campaign(c, scope, new, now),
        by=scope,
        action="campaign.created",
        details=details,
    )
    return campaign_view(made)


@SUBSCRIBER.get("/campaigns/{campaignRef}", "getCampaign", "Campaigns", "A campaign with its progress.")
async def get_campaign(campaign_ref: str, services: Services, scope: Scope, request: Request) -> CampaignView:
    found = await services.read(lambda c: campaigns.get_campaign(c, scope, campaign_ref))
    return campaign_view(found, language_of(request))


@SUBSCRIBER.get(
    "/campaigns/{campaignRef}/devices",
    "listCampaignDevices",
    "Campaigns",
    "Devices of a campaign and how far they are.",
)
async def list_campaign_devices(
    campaign_ref: str,
    services: Services,
    scope: Scope,
    query: CampaignDeviceFilter,
    request: Request,
) -> CampaignDevicePage:
    language = language_of(request)
    page = await services.read(
        lambda c: campaigns.list_devices(
            c, scope, campaign_ref, state=query.state, after=query.after, limit=query.pageSize
        )
    )
    devices = [campaign_device_view(each, language) for each in page.devices]
    return CampaignDevicePage(devices, None if page.after is None else str(page.after))


@SUBSCRIBER.get(
    "/campaigns/{campaignRef}/report",
    "reportCampaign",
    "Campaigns",
    "The devices of a campaign as CSV.",
    media="text/csv",
)
async def report_campaign(campaign_ref: str, services: Services, scope: Scope, request: Request) -> Stream:
    """A line for each device: state, reason, fragments, session of the group."""
    language = language_of(request)
    await services.read(lambda c: campaigns.get_campaign(c, scope, campaign_ref))

    async def rows() -> AsyncIterator[bytes]:
        names = CampaignDeviceView.__struct_fields__
        yield csv_text([names]).encode()
        after: int | None = 0
        while after is not None:
            page = await services.read(
                partial(
                    campaigns.list_devices,
                    scope=scope,
                    ref=campaign_ref,
                    state=None,
                    after=after,
                    limit=_PAGE,
                )
            )
            views = (campaign_device_view(each, language) for each in page.devices)
            yield csv_text(msgspec.structs.astuple(view) for view in views).encode()
            after = page.after

    return Stream(
        rows(),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="campaign.csv"'},
    )


@SUBSCRIBER.post("/campaigns/{campaignRef}/pause", "pauseCampaign", "Campaigns", "Pause a campaign.")
async def pause_campaign(campaign_ref: str, services: Services, scope: Scope) -> CampaignView:
    """Nothing more is sent; what already waits for devices goes out."""
    return await _change(services, scope, campaign_ref, "paused")


@SUBSCRIBER.post("/campaigns/{campaignRef}/resume", "resumeCampaign", "Campaigns", "Resume a campaign.")
async def resume_campaign(campaign_ref: str, services: Services, scope: Scope) -> CampaignView:
    return await _change(services, scope, campaign_ref, "running")


@SUBSCRIBER.post("/campaigns/{campaignRef}/abort", "abortCampaign", "Campaigns", "Abort a campaign.")
async def abort_campaign(campaign_ref: str, services: Services, scope: Scope) -> CampaignView:
    """End it for all devices that are not done. It cannot be resumed."""
    return await _change(services, scope, campaign_ref, "aborted")


@SUBSCRIBER.delete("/campaigns/{campaignRef}", "deleteCampaign", "Campaigns", "Delete a campaign that ended.")
async def delete_campaign(campaign_ref: str, services: Services, scope: Scope) -> None:
    await services.change(
        lambda c: campaigns.remove_campaign(c, scope, campaign_ref),
        by=scope,
        action="campaign.deleted",
        what=f"campaign {campaign_ref}",
    )


async def _change(services: Services, scope: Scope, ref: str, state: CampaignState) -> CampaignView:
    now = _now(services)
    found = await services.change(
        lambda c: campaigns.change_state(c, scope, ref, state, now),
        by=scope,
        action=f"campaign.{state}",
        what=f"campaign {ref}",
    )
    return campaign_view(found)


def _now(services: Services) -> int:
    return round(services.platform.clock() * 1000)


def _new(body: CampaignBody) -> NewCampaign:
    try:
        content = base64.b64decode(body.content, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidField("content must be the file in base64") from None
    if body.devices is not None and body.matching is not None:
        raise InvalidField("give devices or matching, not both")
    if body.devices is None and body.matching is None:
        raise InvalidField("devices or matching must say which devices the campaign is for")
    choice = body.matching
    return NewCampaign(
        body.name,
        body.kind,
        content,
        Options(
            body.fragmentSize,
            body.redundancy,
            body.inFlight,
            body.answerTimeout,
            body.retries,
            body.rounds,
            body.dutyCycleShare,
            body.apply,
            body.packageVersion,
            _group_options(body.multicast),
        ),
        body.devices,
        None
        if choice is None
        else Wanted(
            text=choice.search,
            tag=choice.tag,
            health=choice.healthState,
            plan_id=choice.connectivityPlanId,
            profile_id=choice.deviceProfileId,
        ),
        None if body.startsAt is None else moment(body.startsAt, "startsAt"),
        None if body.endsAt is None else moment(body.endsAt, "endsAt"),
    )


def _group_options(multicast: CampaignMulticast | None) -> GroupOptions | None:
    if multicast is None:
        return None
    return GroupOptions(
        multicast.deviceClass,
        multicast.groupNumber,
        multicast.lead,
        multicast.gathering,
        multicast.sessions,
        multicast.fragmentationPort,
    )


def _asked_group(multicast: CampaignMulticast) -> MulticastGroup:
    plan, region = multicast.connectivityPlanId, multicast.region
    return MulticastGroup(
        deviceClass=multicast.deviceClass,
        connectivityPlanId=UNSET if plan is None else plan,
        region=UNSET if region is None else region,
        pingSlotPeriod=multicast.pingSlotPeriod,
        downlinkFrequency=multicast.downlinkFrequency,
        downlinkDataRate=multicast.downlinkDataRate,
    )
