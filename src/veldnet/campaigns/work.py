"""What a run of the campaigns reads and writes: a few statements for hundreds of devices."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec
import structlog
from sqlalchemy import Connection, bindparam, delete, exists, func, or_, select, update

from veldnet.domain.documents import ProfileSettings
from veldnet.inventory import changes
from veldnet.store.schema import campaign_devices, campaign_events, campaigns, device_profiles, devices

from .block import Block
from .failures import WORKING
from .group_work import CampaignGroup, Regions, read_group
from .records import UNFINISHED, end_devices, end_group
from .states import CampaignState, Plan, Ports, Progress, read_options, within

log = structlog.get_logger(__name__)

# Devices whose time has come, and events, of one batch.
_DUE, _EVENTS = 200, 1000


class Event(msgspec.Struct, frozen=True):
    """See `campaign_events` of the schema."""

    id: int
    device_ref: int
    fport: int | None
    payload: bytes | None
    waiting: int | None
    base_station: int | None
    airtime: int | None

    @property
    def unsent(self) -> bool:
        """Whether a base station could not send it; what was discarded unsent was given to none."""
        return self.payload is None and self.airtime is None and self.base_station is not None


class Item(msgspec.Struct, frozen=True):
    """A device for which something is to be done, and what has happened to it, in order; `ports` None where
    its device profile cannot be read."""

    campaign_ref: int
    device_ref: int
    dev_eui: str
    ports: Ports | None
    region: str
    progress: Progress
    events: tuple[Event, ...] = ()


class Done(msgspec.Struct, frozen=True):
    item: Item
    progress: Progress


class Work(msgspec.Struct, frozen=True):
    """`stale` are events of devices that are in no campaign any more; `more`: there is more to do."""

    items: list[Item]
    stale: list[int]
    more: bool

    @staticmethod
    def write(connection: Connection, done: Sequence[Done], events: Sequence[int], now: int) -> None:
        """Keep how far devices are, and forget the events that have led there. What was ended meanwhile stays
        ended."""
        kept = [Done(each.item, within(each.progress, now)) for each in done]
        changed = [each for each in kept if each.progress != each.item.progress]
        if changed:
            columns = campaign_devices.c
            names = Progress.__struct_fields__
            statement = (
                update(campaign_devices)
                .where(
                    columns.campaign_ref == bindparam("in_campaign"),
                    columns.device_ref == bindparam("of_device"),
                    columns.due_at.is_not(None),
                )
                .values({name: bindparam(f"new_{name}") for name in (*names, "changed_at")})
            )
            rows = [
                {
                    "in_campaign": each.item.campaign_ref,
                    "of_device": each.item.device_ref,
                    "new_changed_at": now,
                }
                | {f"new_{name}": getattr(each.progress, name) for name in names}
                for each in sorted(changed, key=lambda each: (each.item.campaign_ref, each.item.device_ref))
            ]
            connection.execute(statement, rows)
        if events:
            gone = delete(campaign_events).where(campaign_events.c.id == bindparam("worked_off"))
            connection.execute(gone, [{"worked_off": event} for event in sorted(events)])


class PlanRow(msgspec.Struct, frozen=True):
    """What the plan of a campaign is made of."""

    ref: int
    options: str
    content: bytes
    digest: bytes
    group_ref: int | None
    starts_at: int


@lru_cache(maxsize=8)
def decode_plan(row: PlanRow) -> Plan:
    options = read_options(row.options)
    block = Block(row.content, options.fragment_size, options.package_version)
    return Plan(options, block, row.digest[:4], row.ref)


def read_plans(connection: Connection, refs: Sequence[int]) -> list[PlanRow]:
    names = (campaigns.c[name] for name in PlanRow.__struct_fields__)
    rows = connection.execute(select(*names).where(campaigns.c.ref.in_(refs)))
    return [PlanRow(**row._mapping) for row in rows]


class OpenCampaign(msgspec.Struct, frozen=True):
    """A campaign that has not ended; times in Unix milliseconds. `first_due` is when something is due for one
    of its devices, None where none is under way any more."""

    ref: int
    state: CampaignState
    starts_at: int
    ends_at: int
    group_ref: int | None
    failures: int
    retry_at: int | None
    first_due: int | None

    def rests(self, now: int) -> bool:
        """Whether it has failed, and is not to be tried again yet."""
        return self.retry_at is not None and now < self.retry_at

    def turns(self, now: int) -> bool:
        """Whether it begins, or its window is over."""
        return self.ends_at <= now or (self.state == "scheduled" and self.starts_at <= now)

    @property
    def running(self) -> bool:
        return self.state == "running"

    @property
    def next_at(self) -> int:
        """When something is due unless a device answers before."""
        return max(self._due_at, self.retry_at or 0)

    @property
    def _due_at(self) -> int:
        if self.state == "scheduled":
            return min(self.starts_at, self.ends_at)
        if self.running and self.first_due is not None:
            return min(self.first_due, self.ends_at)
        return self.ends_at


def open_campaigns(connection: Connection) -> list[OpenCampaign]:
    columns, device = campaigns.c, campaign_devices.c
    first_due = (
        select(func.min(device.due_at))
        .where(device.campaign_ref == columns.ref, device.due_at.is_not(None))
        .correlate(campaigns)
        .scalar_subquery()
        .label("first_due")
    )
    names = [columns[name] for name in OpenCampaign.__struct_fields__ if name != "first_due"]
    query = select(*names, first_due).where(columns.state.in_(UNFINISHED)).order_by(columns.ref)
    return [OpenCampaign(**row._mapping) for row in connection.execute(query)]


def turn(connection: Connection, turning: Sequence[OpenCampaign], now: int) -> None:
    """Begin campaigns whose time has come, and end those whose window is over."""
    columns = campaigns.c
    for each in turning:
        state: CampaignState = "running"
        if each.ends_at <= now:
            state = "complete"
            end_devices(connection, each.ref, "timedOut", "windowOver", now)
            end_group(connection, each.ref)
        ended_at = now if state == "complete" else None
        mine = update(campaigns).where(columns.ref == each.ref, columns.state == each.state)
        connection.execute(mine.values(WORKING | {"state": state, "ended_at": ended_at}))
        changes.note(connection, "campaigns", each.ref)


def done_campaigns(connection: Connection, now: int, only: int | None) -> list[int]:
    """Running campaigns of which no device is under way any more."""
    columns = campaigns.c
    under_way = exists().where(
        campaign_devices.c.campaign_ref == columns.ref, campaign_devices.c.due_at.is_not(None)
    )
    query = select(columns.ref).where(
        columns.state == "running", ~under_way, func.coalesce(columns.retry_at, 0) <= now
    )
    if only is not None:
        query = query.where(columns.ref == only)
    return list(connection.execute(query).scalars())


def finish(connection: Connection, now: int, only: int | None = None) -> None:
    """End campaigns of which no device is under way any more, all that do not rest or `only` that one."""
    columns = campaigns.c
    refs = done_campaigns(connection, now, only)
    for ref in refs:
        ended = WORKING | {"state": "complete", "ended_at": now}
        connection.execute(update(campaigns).where(columns.ref == ref).values(ended))
        end_group(connection, ref)
        changes.note(connection, "campaigns", ref)
    if refs and not open_campaigns(connection):
        connection.execute(delete(campaign_events))


class Round(msgspec.Struct, frozen=True):
    """What a run finds: the `campaigns` to work on, of `all` that have not ended, the groups of the running
    ones by campaign, and what is due for devices."""

    all: list[OpenCampaign]
    campaigns: list[OpenCampaign]
    groups: dict[int, CampaignGroup]
    work: Work

    @property
    def done(self) -> bool:
        """Whether there are running campaigns of which no device is under way any more."""
        return any(each.running and each.first_due is None for each in self.campaigns)


def read_round(connection: Connection, regions: Regions, now: int, only: int | None = None) -> Round:
    """A handful of queries, however many devices there are: of all campaigns that do not rest, or of `only`
    one."""
    opened = open_campaigns(connection)
    found = [each for each in opened if not each.rests(now) and only in (None, each.ref)]
    chosen = {each.ref for each in found}
    left = [each.ref for each in opened if each.ref not in chosen]
    groups = {
        each.ref: group
        for each in found
        if each.running and each.group_ref is not None
        if (group := read_group(connection, each.ref, each.group_ref, regions)) is not None
    }
    return Round(opened, found, groups, _read_work(connection, found, left, now))


def has_events(connection: Connection) -> bool:
    """Whether devices have answered, or were sent something, at whichever node."""
    return connection.execute(select(campaign_events.c.id).limit(1)).first() is not None


def _read_work(connection: Connection, found: Sequence[OpenCampaign], left: Sequence[int], now: int) -> Work:
    """The oldest events, but for those of paused campaigns and those that are `left`; and devices whose time
    has come."""
    events = _events(connection, left)
    by_device: dict[int, list[Event]] = {}
    for event in events:
        by_device.setdefault(event.device_ref, []).append(event)
    refs = dict.fromkeys(by_device)
    for each in found:
        if each.running and each.first_due is not None and each.first_due <= now:
            refs |= dict.fromkeys(_due(connection, each.ref, now))
    items = [
        msgspec.structs.replace(item, events=tuple(by_device.get(item.device_ref, ())))
        for item in _items(connection, list(refs))
    ]
    known = {item.device_ref for item in items}
    stale = [event.id for event in events if event.device_ref not in known]
    return Work(items, stale, len(events) == _EVENTS)


def _events(connection: Connection, left: Sequence[int]) -> list[Event]:
    columns = campaign_events.c
    paused = (
        exists()
        .where(
            campaign_devices.c.device_ref == columns.device_ref,
            campaign_devices.c.due_at.is_not(None),
            campaigns.c.ref == campaign_devices.c.campaign_ref,
            or_(campaigns.c.state == "paused", campaigns.c.ref.in_(left)),
        )
        .correlate(campaign_events)
    )
    names = (columns[name] for name in Event.__struct_fields__)
    rows = connection.execute(select(*names).where(~paused).order_by(columns.id).limit(_EVENTS))
    return [Event(**row._mapping) for row in rows]


def _due(connection: Connection, ref: int, now: int) -> Sequence[int]:
    columns = campaign_devices.c
    query = select(columns.device_ref).where(columns.campaign_ref == ref, columns.due_at <= now)
    return connection.execute(query.order_by(columns.due_at).limit(_DUE)).scalars().all()


def _items(connection: Connection, refs: Sequence[int]) -> list[Item]:
    """Devices that are under way in running campaigns."""
    if not refs:
        return []
    columns = campaign_devices.c
    names = [columns[name] for name in Progress.__struct_fields__]
    rows = connection.execute(
        select(
            columns.campaign_ref, columns.device_ref, devices.c.dev_eui, device_profiles.c.settings, *names
        )
        .join(campaigns, campaigns.c.ref == columns.campaign_ref)
        .join(devices, devices.c.ref == columns.device_ref)
        .join(device_profiles, device_profiles.c.ref == devices.c.profile_ref)
        .where(columns.device_ref.in_(refs), columns.due_at.is_not(None), campaigns.c.state == "running")
        .order_by(columns.device_ref)
    ).all()
    return [
        Item(
            row.campaign_ref,
            row.device_ref,
            row.dev_eui,
            *_ports(row.settings),
            Progress(**{name: row._mapping[name] for name in Progress.__struct_fields__}),
        )
        for row in rows
    ]


@lru_cache(maxsize=256)
def _ports(settings: str) -> tuple[Ports | None, str]:
    """The ports of a profile, and its region; None and no region where it cannot be read."""
    try:
        profile = msgspec.json.decode(settings, type=ProfileSettings)
    except msgspec.DecodeError as error:
        log.error("device_profile_unreadable", error=str(error))
        return None, ""
    ports = Ports(
        profile.fragmentationPort, profile.firmwarePort, profile.multicastSetupPort, profile.clockSyncPort
    )
    return ports, profile.region
