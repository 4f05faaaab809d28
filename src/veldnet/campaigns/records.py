"""Campaigns in the store: created, listed, paused, ended."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

import msgspec
from msgspec.structs import replace
from sqlalchemy import Connection, delete, func, insert, select, update

from veldnet.domain.devices import SHADOW
from veldnet.domain.documents import decode_profile
from veldnet.domain.errors import BadRequest, InUse, InvalidField, NotFound
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import Scope
from veldnet.inventory import changes, devices, groups
from veldnet.inventory.names import check_name
from veldnet.inventory.rows import inserted_ref, ref_of
from veldnet.lorawan import DevAddr
from veldnet.lorawan.regions import ChannelPlan
from veldnet.store import lock_row, readable
from veldnet.store.schema import (
    campaign_devices,
    campaigns,
    device_profiles,
    multicast_members,
    subscribers,
)
from veldnet.store.schema import devices as device_rows

from .block import MAX_SIZE, count_of
from .capacity import SET_UP, TELL, estimate, reach_of
from .estimating import hearing, joining_beside, needs_of, session_time
from .failures import WORKING
from .group_work import sessions_of
from .states import (
    CampaignState,
    DeviceState,
    Options,
    Session,
    UnreadableOptions,
    check_options,
    read_options,
)

Kind = Literal["firmware", "configuration"]
# Why a device takes no part from the beginning.
NoPart = Literal["hsm", "busy", "region", "shadow", "profile"]
MOST_DEVICES = 10_000
# Campaigns of a subscriber.
MOST = 200
# Nodes need a moment to know the devices before anything is sent to them.
_START_AFTER = 5_000
_LONGEST_WINDOW = 400 * 86_400_000
_MOST_FRAGMENTS = 8_000
_LONGEST_NAME = 100
_AT_ONCE = 500
# The last session counter of version 2 of TS004: campaigns are counted by it.
LAST_SESSION = 0xFFFF
UNFINISHED: tuple[CampaignState, ...] = ("scheduled", "running", "paused")


class CampaignGroupKeys(msgspec.Struct, frozen=True):
    """The group that a new campaign makes: checked, with an address and its sealed keys."""

    new: groups.NewGroup
    dev_addr: DevAddr
    keys: groups.SealedKeys
    channel_plan: ChannelPlan


class NewCampaign(msgspec.Struct, frozen=True):
    """A campaign to create. Its devices are named by DevEUI, or found as `wanted`; times in Unix
    milliseconds. `group` where the fragments go to one; what the campaign needs is estimated by the
    `channel_plans` of the network's regions."""

    name: str
    kind: Kind
    content: bytes
    options: Options
    dev_euis: Sequence[str] | None
    wanted: devices.Wanted | None
    starts_at: int | None
    ends_at: int | None
    group: CampaignGroupKeys | None = None
    channel_plans: Mapping[str, ChannelPlan] = msgspec.field(default_factory=dict)


class Campaign(msgspec.Struct, frozen=True):
    """A campaign, with the number of devices in each state; times in Unix milliseconds, `digest` SHA-256. One
    that cannot be worked on has a `failure`. `unreadable`: its options are not known, and those of a new
    campaign stand for them."""

    ref: int
    name: str
    kind: Kind
    state: CampaignState
    created_at: int
    created_by: str
    starts_at: int
    ends_at: int
    ended_at: int | None
    options: Options
    size: int
    digest: bytes
    group_ref: int | None
    failure: str | None
    failed_at: int | None
    failures: int
    retry_at: int | None
    sessions: list[Session]
    devices: dict[DeviceState, int]
    unreadable: bool = False

    @property
    def fragments(self) -> int:
        """Of the file, without redundancy."""
        return count_of(self.size, self.options.fragment_size)


class CampaignDevice(msgspec.Struct, frozen=True):
    """How far a device is; `session` is the newest of the group that it was told of, 0 where there is none;
    `changed_at` in Unix milliseconds."""

    device_ref: int
    dev_eui: str
    name: str
    state: DeviceState
    reason: str | None
    sent: int
    target: int
    missing: int | None
    rounds: int
    session: int
    changed_at: int


class DevicePage(msgspec.Struct, frozen=True):
    """Devices in the order of their refs; `after` is where to go on."""

    devices: list[CampaignDevice]
    after: int | None


class _Chosen(msgspec.Struct, frozen=True):
    """A device of a new campaign, its region, and why it takes no part in it."""

    ref: int
    region: str
    reason: NoPart | None


def create_campaign(connection: Connection, scope: Scope, new: NewCampaign, now: int) -> Campaign:
    """`now` in Unix milliseconds, by the clock that campaigns run by. Raises `InvalidField`, `BadRequest`."""
    starts_at, ends_at = _window(new, now)
    _check(new)
    lock_row(connection, subscribers, scope.subscriber_ref)
    mine = campaigns.c.subscriber_ref == scope.subscriber_ref
    if connection.execute(select(func.count()).where(mine)).scalar_one() >= MOST:
        raise BadRequest("there are {most} campaigns; remove one first", most=MOST)
    chosen = _chosen(connection, scope, new)
    if not chosen:
        raise InvalidField("the campaign has no devices: no device matches")
    options = _planned(connection, new, chosen, starts_at, ends_at)
    row = {
        "subscriber_ref": scope.subscriber_ref,
        "name": new.name.strip(),
        "kind": new.kind,
        "state": "scheduled",
        "created_at": now,
        "created_by": scope.display_name,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "options": msgspec.json.encode(options).decode(),
        "size": len(new.content),
        "digest": hashlib.sha256(new.content).digest(),
        "content": new.content,
    }
    ref = inserted_ref(connection.execute(insert(campaigns).values(row)))
    if ref > LAST_SESSION and new.options.package_version >= 2:
        raise BadRequest("session counters of version 2 of the package are used up; use packageVersion 1")
    rows = [
        {
            "campaign_ref": ref,
            "device_ref": each.ref,
            "state": "pending" if each.reason is None else "refused",
            "reason": each.reason,
            "due_at": starts_at if each.reason is None else None,
            "changed_at": now,
        }
        for each in chosen
    ]
    for some in _some(rows):
        connection.execute(insert(campaign_devices), some)
    if new.group is not None:
        taking_part = [each.ref for each in chosen if each.reason is None]
        _create_group(connection, scope, ref, new.group, taking_part)
    changes.note(connection, "campaigns", ref)
    return get_campaign(connection, scope, str(ref))


def _planned(
    connection: Connection, new: NewCampaign, chosen: Sequence[_Chosen], starts_at: int, ends_at: int
) -> Options:
    """The options of a campaign, with what it needs and how long the set-up of a group takes. Raises
    `InvalidField` where base stations have not the air time for it."""
    by_region: dict[str, list[int]] = {}
    for each in chosen:
        if each.reason is None:
            by_region.setdefault(each.region, []).append(each.ref)
    refs = [ref for some in by_region.values() for ref in some]
    heard = hearing(connection, refs)
    needs = needs_of(new.options, len(new.content), heard, by_region, new.channel_plans)
    options, group = replace(new.options, needs=needs), new.options.group
    if group is None or new.group is None:
        return options
    channel_plan, share = new.group.channel_plan, options.duty_cycle_share / 100
    reach = reach_of(channel_plan, heard)
    others = joining_beside(connection, channel_plan, reach)
    joining = estimate(channel_plan, reach | others, len(refs) + len(others), SET_UP, share)
    if joining.seconds > group.gathering:
        raise InvalidField(
            "the duty cycle of {stations} base stations lets {count} devices join the group, beside {others} "
            "of other campaigns, in {needed} seconds; gathering is {gathering}: make it longer, or take "
            "fewer devices",
            stations=joining.stations,
            count=len(refs),
            others=len(others),
            needed=joining.seconds,
            gathering=group.gathering,
        )
    telling = estimate(channel_plan, reach, len(refs), TELL, share)
    soonest = starts_at + (joining.seconds + telling.seconds + group.lead) * 1000
    over = soonest + session_time(options, len(new.content), new.group.new)
    if over > ends_at:
        raise InvalidField(
            "the first session can begin at {soonest} and be over at {over}, so endsAt must be later",
            soonest=timestamp(soonest),
            over=timestamp(over),
        )
    return replace(options, group=replace(group, set_up=joining.seconds))


def _create_group(
    connection: Connection, scope: Scope, ref: int, group: CampaignGroupKeys, members: Sequence[int]
) -> None:
    """The group of a campaign, with the devices that take part as its members."""
    made = groups.create_group(connection, scope, group.new, group.dev_addr, group.keys)
    group_ref = int(str(made.ref))
    rows = [{"group_ref": group_ref, "device_ref": each} for each in members]
    for some in _some(rows):
        connection.execute(insert(multicast_members), some)
    connection.execute(update(campaigns).where(campaigns.c.ref == ref).values(group_ref=group_ref))


def end_group(connection: Connection, ref: int) -> None:
    """Remove the group of a campaign, if it has one."""
    group_ref = connection.execute(select(campaigns.c.group_ref).where(campaigns.c.ref == ref)).scalar()
    if group_ref is not None:
        connection.execute(update(campaigns).where(campaigns.c.ref == ref).values(group_ref=None))
        groups.drop_group(connection, group_ref)


def _window(new: NewCampaign, now: int) -> tuple[int, int]:
    starts_at = max(new.starts_at or 0, now + _START_AFTER)
    ends_at = starts_at + 14 * 86_400_000 if new.ends_at is None else new.ends_at
    if not starts_at < ends_at <= now + _LONGEST_WINDOW:
        raise InvalidField("endsAt must be after startsAt, and within 400 days")
    return starts_at, ends_at


def _check(new: NewCampaign) -> None:
    check_name(new.name, most=_LONGEST_NAME)
    check_options(new.options)
    if not 0 < len(new.content) <= MAX_SIZE:
        raise InvalidField("content must have 1 to {most} octets", most=MAX_SIZE)
    count = count_of(len(new.content), new.options.fragment_size)
    if count > _MOST_FRAGMENTS:
        raise InvalidField(
            "content makes {count} fragments of {size} octets; at most {most} are sent",
            count=count,
            size=new.options.fragment_size,
            most=_MOST_FRAGMENTS,
        )


def _chosen(connection: Connection, scope: Scope, new: NewCampaign) -> list[_Chosen]:
    columns = device_rows.c
    query = select(
        columns.ref,
        columns.dev_eui,
        columns.hsm_group_ref,
        columns.profile_ref,
        columns.processing_strategy,
    ).order_by(columns.ref)
    if new.dev_euis is not None:
        euis = list(dict.fromkeys(each.strip().upper() for each in new.dev_euis))
        if len(euis) > MOST_DEVICES:
            raise InvalidField("a campaign has {most} devices at most", most=MOST_DEVICES)
        own = query.where(columns.subscriber_ref == scope.subscriber_ref)
        found = [
            row for some in _some(euis) for row in connection.execute(own.where(columns.dev_eui.in_(some)))
        ]
        unknown = sorted(set(euis) - {row.dev_eui for row in found})
        if unknown:
            raise InvalidField(
                "{count} of the devices do not exist, such as {first}",
                count=len(unknown),
                first=unknown[0][:40],
            )
    else:
        wanted = devices.condition(connection, scope, new.wanted or devices.Wanted())
        found = list(connection.execute(query.where(wanted).limit(MOST_DEVICES + 1)))
        if len(found) > MOST_DEVICES:
            raise InvalidField("more than {most} devices match; narrow the filter", most=MOST_DEVICES)
    busy = _busy(connection, [row.ref for row in found])
    regions = _regions(connection, {row.profile_ref for row in found})

    chosen: list[_Chosen] = []
    for row in found:
        reason: NoPart | None = "busy" if row.ref in busy else None
        region = regions.get(row.profile_ref, "")
        if new.group is not None and region != new.group.new.region.name:
            reason = "region"
        if row.hsm_group_ref is not None:
            reason = "hsm"
        if row.processing_strategy == SHADOW:
            reason = "shadow"
        if not region:
            reason = "profile"
        chosen.append(_Chosen(row.ref, region, reason))
    return chosen


def _regions(connection: Connection, profiles: Iterable[int]) -> dict[int, str]:
    """The regions of device profiles, of those that can be read."""
    columns = device_profiles.c
    query = select(columns.ref, columns.settings).where(columns.ref.in_(sorted(profiles)))
    return dict(
        readable(
            "device profile",
            connection.execute(query),
            lambda row: (row.ref, decode_profile(row.settings).region),
        )
    )


def _busy(connection: Connection, refs: Sequence[int]) -> set[int]:
    """Devices that are under way in a campaign."""
    columns = campaign_devices.c
    return {
        ref
        for some in _some(refs)
        for ref in connection.execute(
            select(columns.device_ref).where(columns.device_ref.in_(some), columns.due_at.is_not(None))
        ).scalars()
    }


def _some(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    return (items[at : at + _AT_ONCE] for at in range(0, len(items), _AT_ONCE))


_BESIDE = ("options", "devices", "sessions", "unreadable")
_COLUMNS = [name for name in Campaign.__struct_fields__ if name not in _BESIDE]


def list_campaigns(connection: Connection, scope: Scope) -> list[Campaign]:
    """The subscriber's campaigns, the newest first."""
    return _read(connection, campaigns.c.subscriber_ref == scope.subscriber_ref)


def get_campaign(connection: Connection, scope: Scope, ref: str) -> Campaign:
    """Raises `NotFound`."""
    mine = campaigns.c.subscriber_ref == scope.subscriber_ref
    for each in _read(connection, mine & (campaigns.c.ref == ref_of(ref))):
        return each
    raise NotFound("Campaign", ref)


def _read(connection: Connection, chosen: Any) -> list[Campaign]:
    columns = campaigns.c
    query = select(*(columns[name] for name in _COLUMNS), columns.options).where(chosen)
    rows = connection.execute(query.order_by(columns.ref.desc())).all()
    counted = _counts(connection, [row.ref for row in rows])
    options = {row.ref: _options(row.options) for row in rows}
    sessions = sessions_of(
        connection, [ref for ref, each in options.items() if each is not None and each.group is not None]
    )
    return [
        Campaign(
            **{name: row._mapping[name] for name in _COLUMNS},
            options=options[row.ref] or Options(),
            sessions=sessions.get(row.ref, []),
            devices=counted.get(row.ref, {}),
            unreadable=options[row.ref] is None,
        )
        for row in rows
    ]


def _options(stored: str) -> Options | None:
    """None where they cannot be read: such a campaign can still be seen, aborted and deleted."""
    try:
        return read_options(stored)
    except UnreadableOptions:
        return None


def _counts(connection: Connection, refs: Iterable[int]) -> dict[int, dict[DeviceState, int]]:
    columns = campaign_devices.c
    query = (
        select(columns.campaign_ref, columns.state, func.count().label("devices"))
        .where(columns.campaign_ref.in_(list(refs)))
        .group_by(columns.campaign_ref, columns.state)
    )
    counted: dict[int, dict[DeviceState, int]] = {}
    for row in connection.execute(query):
        counted.setdefault(row.campaign_ref, {})[row.state] = row.devices
    return counted


def list_devices(
    connection: Connection, scope: Scope, ref: str, *, state: str | None, after: int, limit: int
) -> DevicePage:
    """Raises `NotFound`."""
    found = get_campaign(connection, scope, ref)
    columns, device = campaign_devices.c, device_rows.c
    names = [name for name in CampaignDevice.__struct_fields__ if name not in ("dev_eui", "name")]
    query = (
        select(*(columns[name] for name in names), device.dev_eui, device.name)
        .join(device_rows, device.ref == columns.device_ref)
        .where(columns.campaign_ref == found.ref, columns.device_ref > after)
    )
    if state is not None:
        query = query.where(columns.state == state)
    rows = connection.execute(query.order_by(columns.device_ref).limit(limit + 1)).all()
    page = [CampaignDevice(**row._mapping) for row in rows[:limit]]
    return DevicePage(page, page[-1].device_ref if len(rows) > limit else None)


_FROM: dict[CampaignState, tuple[CampaignState, ...]] = {
    "paused": ("scheduled", "running"),
    "running": ("paused",),
    "aborted": UNFINISHED,
}


def change_state(connection: Connection, scope: Scope, ref: str, state: CampaignState, now: int) -> Campaign:
    """Pause, resume (`running`) or abort. Raises `NotFound`, `BadRequest`."""
    columns = campaigns.c
    lock_row(connection, campaigns, ref_of(ref))
    found = get_campaign(connection, scope, ref)
    if found.state not in _FROM[state]:
        raise BadRequest("the campaign is {state}, so this cannot be done", state=found.state)
    if state == "running" and now < found.starts_at:
        state = "scheduled"
    ended_at = now if state == "aborted" else None
    connection.execute(
        update(campaigns)
        .where(columns.ref == found.ref)
        .values(WORKING | {"state": state, "ended_at": ended_at})
    )
    if state == "aborted":
        end_devices(connection, found.ref, "aborted", "aborted", now)
        end_group(connection, found.ref)
    changes.note(connection, "campaigns", found.ref)
    return get_campaign(connection, scope, ref)


def end_devices(connection: Connection, ref: int, state: DeviceState, reason: str, now: int) -> None:
    """End what is under way in a campaign."""
    columns = campaign_devices.c
    connection.execute(
        update(campaign_devices)
        .where(columns.campaign_ref == ref, columns.due_at.is_not(None))
        .values(state=state, reason=reason, due_at=None, held=False, changed_at=now)
    )


def remove_campaign(connection: Connection, scope: Scope, ref: str) -> None:
    """Raises `NotFound`, `InUse`."""
    found = get_campaign(connection, scope, ref)
    if found.state in UNFINISHED:
        raise InUse("the campaign has not ended; abort it first")
    connection.execute(delete(campaign_devices).where(campaign_devices.c.campaign_ref == found.ref))
    connection.execute(delete(campaigns).where(campaigns.c.ref == found.ref))


def devices_under_way(connection: Connection) -> frozenset[int]:
    """Those of all campaigns that have not ended."""
    columns = campaign_devices.c
    running = (
        select(columns.device_ref)
        .join(campaigns, campaigns.c.ref == columns.campaign_ref)
        .where(campaigns.c.state.in_(UNFINISHED), columns.due_at.is_not(None))
    )
    return frozenset(connection.execute(running).scalars())
