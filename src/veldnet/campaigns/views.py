"""A campaign as API and commands show it."""

from __future__ import annotations

from typing import Literal, cast

import msgspec

from veldnet.domain.resources import timestamp
from veldnet.texts import Language, in_language

from .failures import Failure, failure_text
from .records import Campaign, CampaignDevice, Kind
from .states import CampaignState, DeviceState
from .texts import reason_text


class CampaignSession(msgspec.Struct, frozen=True):
    """A session of a campaign's group: fragments `firstFragment` to `lastFragment` are sent, as far as
    `sent`; devices listen until `endsAt`."""

    number: int
    startsAt: str
    endsAt: str
    firstFragment: int
    lastFragment: int
    sent: int


class CampaignGroup(msgspec.Struct, frozen=True):
    """The group of a campaign; `groupRef` while it exists, `plannedSessions` is how many there may be.
    `setUpTime` is how many seconds base stations need to have all devices join it, by their duty cycle, as
    estimated when the campaign was made; null where none of the devices had been heard."""

    groupRef: str | None
    deviceClass: Literal["B", "C"]
    groupNumber: int
    lead: int
    gathering: int
    plannedSessions: int
    setUpTime: int | None
    sessions: list[CampaignSession]


class CampaignEstimate(msgspec.Struct, frozen=True):
    """What messages to single devices need, as estimated when the campaign was made: `uplinks` of each device
    of class A, which hears one after each; `time`, seconds that the base station with most to do takes for
    them by its duty cycle and the campaign's share; `airtime`, the seconds of transmission of all base
    stations. Both are null where none of the devices had been heard; `unheardDevices` of the others are
    counted like those that were. Fragments to a group are not counted."""

    uplinks: int
    time: int | None
    airtime: int | None
    heardDevices: int
    unheardDevices: int


class CampaignFailure(msgspec.Struct, frozen=True):
    """Why a campaign cannot be worked on: a code, and a sentence in the caller's language. It has failed so
    many times running since `since`, and is tried again at `retryAt` (null where nothing is to be done for
    it); other campaigns go on meanwhile."""

    reason: Failure
    reasonText: str
    failures: int
    since: str
    retryAt: str | None


class CampaignView(msgspec.Struct, frozen=True):
    """A campaign; `digest` is SHA-256 of the file, `devices` how many are in each state, `group` where the
    fragments go to one. `estimate` is null for campaigns of earlier versions, `failure` while the campaign
    works."""

    ref: str
    name: str
    kind: Kind
    state: CampaignState
    createdAt: str
    createdBy: str
    startsAt: str
    endsAt: str
    endedAt: str | None
    size: int
    digest: str
    fragments: int
    fragmentSize: int
    redundancy: int
    inFlight: int
    answerTimeout: int
    retries: int
    rounds: int
    dutyCycleShare: float
    apply: bool
    packageVersion: int
    group: CampaignGroup | None
    estimate: CampaignEstimate | None
    failure: CampaignFailure | None
    devices: dict[DeviceState, int]


def campaign_view(found: Campaign, language: Language = "en") -> CampaignView:
    options = found.options
    return CampaignView(
        str(found.ref),
        found.name,
        found.kind,
        found.state,
        timestamp(found.created_at),
        found.created_by,
        timestamp(found.starts_at),
        timestamp(found.ends_at),
        None if found.ended_at is None else timestamp(found.ended_at),
        found.size,
        found.digest.hex(),
        found.fragments,
        options.fragment_size,
        options.redundancy,
        options.in_flight,
        options.answer_timeout,
        options.retries,
        options.rounds,
        options.duty_cycle_share,
        options.apply,
        options.package_version,
        _group_view(found),
        None if (needs := options.needs) is None else CampaignEstimate(*msgspec.structs.astuple(needs)),
        _failure_view(found, language),
        found.devices,
    )


def _failure_view(found: Campaign, language: Language) -> CampaignFailure | None:
    failure = "options" if found.unreadable else found.failure
    if failure is None:
        return None
    since = found.created_at if found.failed_at is None else found.failed_at
    return CampaignFailure(
        cast("Failure", failure),
        in_language(failure_text(failure), language),
        found.failures,
        timestamp(since),
        None if found.retry_at is None else timestamp(found.retry_at),
    )


def _group_view(found: Campaign) -> CampaignGroup | None:
    group = found.options.group
    if group is None:
        return None
    sessions = [
        CampaignSession(
            each.number,
            timestamp(each.starts_at),
            timestamp(each.ends_at),
            each.first,
            each.last,
            each.sent,
        )
        for each in found.sessions
    ]
    return CampaignGroup(
        None if found.group_ref is None else str(found.group_ref),
        group.group_class,
        group.number,
        group.lead,
        group.gathering,
        group.sessions,
        group.set_up or None,
        sessions,
    )


class CampaignDeviceView(msgspec.Struct, frozen=True):
    """How far a device is: `sent` fragments of `target`, and how many it said it still needs; `session` is
    the newest of the group that it was told of, 0 where there is none. `reason` is a code, `reasonText` a
    sentence in the caller's language."""

    deviceRef: str
    deviceEUI: str
    name: str
    state: DeviceState
    reason: str | None
    reasonText: str | None
    sent: int
    target: int
    missing: int | None
    rounds: int
    session: int
    changedAt: str


def campaign_device_view(found: CampaignDevice, language: Language = "en") -> CampaignDeviceView:
    text = None
    if found.reason is not None:
        text = in_language(reason_text(found.reason), language)
    return CampaignDeviceView(
        str(found.device_ref),
        found.dev_eui,
        found.name,
        found.state,
        found.reason,
        text,
        found.sent,
        found.target,
        found.missing,
        found.rounds,
        found.session,
        timestamp(found.changed_at),
    )
