"""Alarms of all devices together, and acknowledging many."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection

from veldnet.api.query import LAST, From, PageNumber, PageSize, Parameter, To
from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.domain.errors import InvalidField, MissingField, NotFound
from veldnet.domain.scope import Scope
from veldnet.inventory import devices
from veldnet.monitoring.alarms import fleet, listing
from veldnet.monitoring.alarms.fleet import AlarmPage, AlarmQuery
from veldnet.monitoring.alarms.types import DEVICE_TYPES

Level = Literal["CLEARED", "UNCLEARED", "WARNING", "MINOR", "MAJOR", "CRITICAL"]
LEVELS: tuple[Level, ...] = get_args(Level)
MOST_ACKS = 500


class AlarmFilter(msgspec.Struct, frozen=True):
    """Which alarms, and which page of them."""

    deviceRef: Annotated[str | None, Parameter("Only of this device.")] = None
    state: Annotated[Level | None, Parameter("Minimum state; CLEARED for cleared alarms only.")] = None
    type: Annotated[int | None, Parameter("Number of the alarm.", least=1, most=999)] = None
    acked: Annotated[bool | None, Parameter("Only acknowledged or only unacknowledged alarms.")] = None
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
async def list_alarms(services: Services, scope: Scope, query: AlarmFilter) -> AlarmPage:
    """Alarms of the subscriber's devices with labels, last updated first. `state` is the minimum state to be
    listed, CLEARED only those that are."""
    kind, device, state = query.type, query.deviceRef, query.state
    if kind is not None and kind not in DEVICE_TYPES:
        raise InvalidField(f"type {kind} is no alarm of devices; there are 1 to {max(DEVICE_TYPES)}")

    def read(connection: Connection) -> AlarmPage:
        wanted = AlarmQuery(
            device_ref=None if device is None else devices.device_ref(connection, scope, device),
            state=None if state is None else LEVELS.index(state) + 1,
            type=kind,
            acked=query.acked,
            start=query.start,
            end=query.end,
        )
        return fleet.list_alarms(connection, scope.subscriber_ref, wanted, query.page, query.pageSize)

    return await services.read(read)


@SUBSCRIBER.post("/alarms/acks", "acknowledgeAlarms", "Alarm", "Acknowledge up to 500 alarms.")
async def acknowledge_many(services: Services, scope: Scope, body: Acknowledgements) -> Acknowledged:
    if body.refs is UNSET:
        raise MissingField("refs is mandatory")
    refs = list(dict.fromkeys(body.refs))
    if len(refs) > MOST_ACKS:
        raise InvalidField(f"refs holds {len(refs)} alarms; at most {MOST_ACKS} are acknowledged at once")
    done, unknown = 0, []
    for ref in refs:
        try:
            alarm = await services.read(lambda c, ref=ref: listing.get_alarm(c, scope, ref))  # type: ignore[misc]
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
