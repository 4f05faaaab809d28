"""Alarms of all devices together, and acknowledging many."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Literal, get_args

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection

from veldnet.api.errors import language_of
from veldnet.api.query import LAST, From, PageNumber, PageSize, Parameter, To, moment
from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.domain.errors import BadRequest, InvalidField, MissingField, NotFound
from veldnet.domain.scope import Scope
from veldnet.inventory import devices
from veldnet.inventory.rows import ref_of
from veldnet.monitoring.alarms import fleet, handling, listing
from veldnet.monitoring.alarms.fleet import AlarmPage, AlarmQuery
from veldnet.monitoring.alarms.handling import AlarmDetails, Assignee
from veldnet.monitoring.alarms.types import DEVICE_TYPES

Level = Literal["CLEARED", "UNCLEARED", "WARNING", "MINOR", "MAJOR", "CRITICAL"]
LEVELS: tuple[Level, ...] = get_args(Level)
MOST_ACKS = 500
# Days for which an alarm can be muted.
MOST_MUTED = 366


class AlarmFilter(msgspec.Struct, frozen=True):
    """Which alarms, and which page of them."""

    deviceRef: Annotated[str | None, Parameter("Only of this device.")] = None
    state: Annotated[Level | None, Parameter("Minimum state; CLEARED for cleared alarms only.")] = None
    type: Annotated[int | None, Parameter("Number of the alarm.", least=1, most=999)] = None
    acked: Annotated[bool | None, Parameter("Only acknowledged or only unacknowledged alarms.")] = None
    assignee: Annotated[
        str | None, Parameter("Only assigned to this user: a ref, `me`, or `none` for unassigned alarms.")
    ] = None
    muted: Annotated[bool | None, Parameter("Only muted alarms, or only those that are not.")] = None
    start: From = msgspec.field(default=0, name="from")
    end: To = msgspec.field(default=LAST, name="to")
    page: PageNumber = 1
    pageSize: PageSize = 100


class Acknowledgements(msgspec.Struct):
    """Alarms by their refs."""

    refs: list[str] | UnsetType = UNSET


class Acknowledged(msgspec.Struct):
    """How many are acknowledged now that were not before or were already."""

    acknowledged: int
    unknown: list[str]


@SUBSCRIBER.get("/alarms", "listAlarms", "Alarm", "Alarms of all devices, with labels.")
async def list_alarms(request: Request, services: Services, scope: Scope, query: AlarmFilter) -> AlarmPage:
    """Alarms of the subscriber's devices with labels, last updated first. `state` is the minimum state to be
    listed, CLEARED only those that are."""
    language = language_of(request)
    kind, device, state = query.type, query.deviceRef, query.state
    if kind is not None and kind not in DEVICE_TYPES:
        raise InvalidField(
            "type {kind} is no alarm of devices; there are {known}",
            kind=kind,
            known=", ".join(map(str, DEVICE_TYPES)),
        )

    def read(connection: Connection) -> AlarmPage:
        wanted = AlarmQuery(
            device_ref=None if device is None else devices.device_ref(connection, scope, device),
            state=None if state is None else LEVELS.index(state) + 1,
            type=kind,
            acked=query.acked,
            assignee=_assignee(scope, query.assignee),
            muted=query.muted,
            now=_now(services),
            start=query.start,
            end=query.end,
        )
        return fleet.list_alarms(
            connection, scope.subscriber_ref, wanted, query.page, query.pageSize, language
        )

    return await services.read(read)


def _now(services: Services) -> int:
    return round(services.platform.clock() * 1000)


def _assignee(scope: Scope, wanted: str | None) -> int | None:
    """The number of a user that alarms are assigned to, 0 for nobody."""
    if wanted is None:
        return None
    return {"me": scope.user_ref, "none": 0}.get(wanted, ref_of(wanted))


@SUBSCRIBER.post("/alarms/acks", "acknowledgeAlarms", "Alarm", "Acknowledge up to 500 alarms.")
async def acknowledge_many(services: Services, scope: Scope, body: Acknowledgements) -> Acknowledged:
    if body.refs is UNSET:
        raise MissingField("refs is mandatory")
    refs = list(dict.fromkeys(body.refs))
    if len(refs) > MOST_ACKS:
        raise InvalidField(
            "refs holds {count} alarms; at most {most_acks} are acknowledged at once",
            count=len(refs),
            most_acks=MOST_ACKS,
        )
    done, unknown = 0, []
    for ref in refs:
        try:
            alarm = await services.read(partial(listing.get_alarm, scope=scope, ref=ref))
        except NotFound:
            unknown.append(ref)
            continue
        found = await services.platform.monitoring.acknowledge(
            int(alarm.deviceRef),
            alarm.deviceAlarmTypeId,
            str(alarm.deviceAlarmObjectId or ""),
            scope.display_name,
        )
        if found:
            done += 1
        else:
            unknown.append(ref)
    await services.note(scope, "alarm.acknowledged", f"{done} deviceAlarms: {', '.join(refs)[:200]}")
    return Acknowledged(done, unknown)


@SUBSCRIBER.get("/alarms/assignees", "listAssignees", "Alarm", "Users to whom alarms can be assigned.")
async def list_assignees(services: Services, scope: Scope) -> list[Assignee]:
    return await services.read(lambda c: handling.list_assignees(c, scope))


@SUBSCRIBER.get("/alarms/{alarmRef}", "getAlarm", "Alarm", "An alarm with its comments and causes.")
async def get_alarm(request: Request, alarm_ref: str, services: Services, scope: Scope) -> AlarmDetails:
    """An alarm with what people have written about it, and what is behind it: the frame that raised it, a
    base station that does not answer, application servers for which messages of the device wait."""
    now, language = _now(services), language_of(request)
    return await services.read(lambda c: handling.read_details(c, scope, alarm_ref, now, language))


class Comment(msgspec.Struct):
    """What is to be written about an alarm."""

    text: str


@SUBSCRIBER.post("/alarms/{alarmRef}/comments", "commentAlarm", "Alarm", "Comment on an alarm.", status=201)
async def comment_alarm(
    request: Request, alarm_ref: str, services: Services, scope: Scope, body: Comment
) -> AlarmDetails:
    now, language = _now(services), language_of(request)
    await services.write(lambda c: handling.add_comment(c, scope, alarm_ref, body.text, now))
    await services.note(scope, "alarm.commented", f"deviceAlarm {alarm_ref[:24]}")
    return await services.read(lambda c: handling.read_details(c, scope, alarm_ref, now, language))


class Assignment(msgspec.Struct):
    """Who looks after an alarm; without a user, nobody."""

    userRef: str | None = None


@SUBSCRIBER.put(
    "/alarms/{alarmRef}/assignee", "assignAlarm", "Alarm", "Assign an alarm to a user.", status=204
)
async def assign_alarm(alarm_ref: str, services: Services, scope: Scope, body: Assignment) -> None:
    name = await services.write(lambda c: handling.assign(c, scope, alarm_ref, body.userRef))
    to = f"to {name}" if name else "to nobody"
    await services.note(scope, "alarm.assigned", f"deviceAlarm {alarm_ref[:24]} {to}")


class Mute(msgspec.Struct):
    """Until when recipients hear nothing of an alarm, ISO 8601; without it notifications go on."""

    until: str | None = None


@SUBSCRIBER.put("/alarms/{alarmRef}/mute", "muteAlarm", "Alarm", "Mute an alarm until a time.", status=204)
async def mute_alarm(alarm_ref: str, services: Services, scope: Scope, body: Mute) -> None:
    """Send no notifications of an alarm until a time. If it is still there then, and nobody has acknowledged
    it, its recipients are notified."""
    now, until = _now(services), None
    if body.until is not None:
        until = moment(body.until, "until")
        if not now < until <= now + MOST_MUTED * 86_400_000:
            raise InvalidField("until must lie ahead, by {most_muted} days at most", most_muted=MOST_MUTED)
    alarm = await services.read(lambda c: listing.get_alarm(c, scope, alarm_ref))
    of = str(alarm.deviceAlarmObjectId or "")
    kind, device = alarm.deviceAlarmTypeId, int(alarm.deviceRef)
    if not await services.platform.monitoring.mute(device, kind, of, until, scope.display_name):
        raise BadRequest("The alarm is not known to monitoring any more")
    what = "unmuted" if until is None else "muted"
    await services.note(scope, f"alarm.{what}", f"deviceAlarm {alarm_ref[:24]}")
