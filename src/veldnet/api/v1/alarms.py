"""Alarms of all devices together, and acknowledging many."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, get, post
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection

from veldnet.api import query
from veldnet.api.auth.bearer import require_scope
from veldnet.api.body import read_resource
from veldnet.api.services import Services
from veldnet.domain.errors import InvalidField, MissingField, NotFound
from veldnet.inventory import devices
from veldnet.monitoring.alarms import fleet, listing
from veldnet.monitoring.alarms.fleet import AlarmPage, AlarmQuery
from veldnet.monitoring.alarms.types import DEVICE_TYPES

LEVELS = ("CLEARED", "UNCLEARED", "WARNING", "MINOR", "MAJOR", "CRITICAL")
_MOST = 500
MOST_ACKS = 500


class Acknowledgements(msgspec.Struct):
    """Alarms by their refs."""

    refs: list[str] | UnsetType = UNSET


class Acknowledged(msgspec.Struct):
    """How many are acknowledged now that were not before or were already."""

    acknowledged: int
    unknown: list[str]


@get("/alarms")
async def list_alarms(request: Request[Any, Any, Any], services: Services) -> AlarmPage:
    """Alarms of the subscriber's devices in words, the last updated first. `state` is the least grave to be
    listed, CLEARED only those that are."""
    scope = await require_scope(request, services)
    acked = query.text(request, "acked")
    start, end = query.text(request, "from"), query.text(request, "to")
    kind = query.whole(request, "type", least=1, most=999)
    if kind is not None and kind not in DEVICE_TYPES:
        raise InvalidField(f"type {kind} is no alarm of devices; there are 1 to {max(DEVICE_TYPES)}")
    device = query.text(request, "deviceRef")
    page = query.whole(request, "page", least=1, most=1_000_000) or 1
    size = query.whole(request, "pageSize", least=1, most=_MOST) or 100
    state = query.choice(request, "state", LEVELS)

    def read(connection: Connection) -> AlarmPage:
        wanted = AlarmQuery(
            device_ref=None if device is None else devices.device_ref(connection, scope, device),
            state=None if state is None else LEVELS.index(state) + 1,
            type=kind,
            acked=None if acked is None else query.flag(request, "acked"),
            start=0 if start is None else query.moment(start, "from"),
            end=1 << 42 if end is None else query.moment(end, "to"),
        )
        return fleet.list_alarms(connection, scope.subscriber_ref, wanted, page, size)

    return await services.read(read)


@post("/alarms/acks", status_code=200)
async def acknowledge_many(request: Request[Any, Any, Any], services: Services) -> Acknowledged:
    """Acknowledge up to 500 alarms."""
    scope = await require_scope(request, services)
    body = await read_resource(request, Acknowledgements, services.settings.max_body)
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


HANDLERS = (list_alarms, acknowledge_many)
