"""Timeline of a device."""

from __future__ import annotations

from typing import Annotated

import msgspec

from veldnet.api.query import LAST, Parameter, choice, time
from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.domain.scope import Scope
from veldnet.inventory import devices
from veldnet.monitoring.timeline import EVENT_KINDS, EventKind, EventPage, Subject, read_events


def _kinds(text: str, name: str) -> tuple[EventKind, ...]:
    parts = dict.fromkeys(part.strip() for part in text.split(",") if part.strip())
    return tuple(choice(EVENT_KINDS, part, name) for part in parts)  # type: ignore[misc]


class TimelinePart(msgspec.Struct, frozen=True):
    """Which events."""

    kinds: Annotated[
        tuple[EventKind, ...],
        Parameter(f"Of {', '.join(EVENT_KINDS)}, comma-separated; without it all.", read=_kinds),
    ] = EVENT_KINDS
    before: Annotated[int, time("Only events before this time, ISO 8601.")] = LAST
    limit: Annotated[int, Parameter("Events at most.", least=1, most=200)] = 50


@SUBSCRIBER.get(
    "/devices/{deviceRef}/timeline",
    "getTimeline",
    "Device",
    "Joins, alarms, downlinks and edits of a device.",
)
async def get_timeline(device_ref: str, services: Services, scope: Scope, query: TimelinePart) -> EventPage:
    """What happened to a device, newest first; `next` of the answer goes into `before`. Joins and downlinks
    are kept as long as the journal, alarms and edits as long as theirs."""
    kinds = frozenset(query.kinds)
    return await services.read(
        lambda c: read_events(
            c,
            Subject(devices.device_ref(c, scope, device_ref), scope.subscriber_ref),
            kinds,
            query.before,
            query.limit,
        )
    )
