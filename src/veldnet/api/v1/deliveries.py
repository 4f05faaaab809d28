"""Messages that no application server took: listed, and delivered again on request."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Request, get, post
from msgspec import UNSET, UnsetType

from veldnet.api import query
from veldnet.api.auth.bearer import require_scope
from veldnet.api.body import read_resource
from veldnet.api.services import Services
from veldnet.inventory.errors import MissingField
from veldnet.inventory.resources import timestamp
from veldnet.routing import deliver_again, list_undelivered

_MOST = 1000


class UndeliveredMessage(msgspec.Struct):
    """A message that waits or was given up."""

    id: str
    frameId: str
    deviceEUI: str | None
    asId: str | None
    message: str
    state: str
    creationTime: str
    expiryTime: str
    lastError: str | None


class Redelivery(msgspec.Struct):
    """A time range, ISO 8601: `from` inclusive, `to` exclusive."""

    start: str | UnsetType = msgspec.field(default=UNSET, name="from")
    end: str | UnsetType = msgspec.field(default=UNSET, name="to")


class RedeliveryStarted(msgspec.Struct):
    lanes: int


@get("/undelivered")
async def list_messages(request: Request[Any, Any, Any], services: Services) -> list[UndeliveredMessage]:
    """Messages given up in a time range (`from`, `to`), oldest first; `pending=true` adds those that wait."""
    scope = await require_scope(request, services)
    start, end = query.text(request, "from"), query.text(request, "to")
    from_ms = 0 if start is None else query.moment(start, "from")
    to_ms = 1 << 42 if end is None else query.moment(end, "to")
    pending = query.flag(request, "pending")
    limit = query.whole(request, "limit", least=1, most=_MOST) or 100
    listed = await services.read(
        lambda c: list_undelivered(c, scope.subscriber_ref, from_ms, to_ms, limit, include_pending=pending)
    )
    return [
        UndeliveredMessage(
            item.id,
            item.frame_id,
            item.dev_eui,
            item.as_id,
            item.message,
            item.state,
            timestamp(item.created_at),
            timestamp(item.expires_at),
            item.last_error,
        )
        for item in listed
    ]


@post("/undelivered/redeliveries", status_code=202)
async def redeliver(request: Request[Any, Any, Any], services: Services) -> RedeliveryStarted:
    """Try the undelivered messages of a time range once more."""
    scope = await require_scope(request, services)
    body = await read_resource(request, Redelivery, services.settings.max_body)
    if body.start is UNSET or body.end is UNSET:
        raise MissingField("from and to are mandatory")
    from_ms, to_ms = query.moment(body.start, "from"), query.moment(body.end, "to")
    platform = services.platform
    expires_at = int((platform.clock() + platform.settings.routing.retention) * 1000)
    lanes = await platform.store.write(
        lambda c: deliver_again(c, scope.subscriber_ref, from_ms, to_ms, expires_at)
    )
    for lane in lanes:
        platform.deliveries.requeue(lane)
    return RedeliveryStarted(len(lanes))
