"""The wireless logger: frames of many devices, searched, exported, and as they happen."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import msgspec
from litestar import Request, Response, get
from litestar.response import Stream

from veldnet.api import query
from veldnet.api.auth.bearer import SUBSCRIBER_HEADER, from_browser, require_operator, require_scope
from veldnet.api.auth.sessions import COOKIE
from veldnet.api.errors import GatewayError
from veldnet.api.services import Services
from veldnet.domain.errors import InvalidField
from veldnet.lorawan import BaseStationId, InvalidIdentifier
from veldnet.monitoring.logger import (
    PACKET_TYPES,
    Line,
    Page,
    Query,
    Subscription,
    TooManyStreams,
    Whose,
    export_rows,
    search,
)
from veldnet.monitoring.logger.search import delivery_states

from .decoding import decode_lines

_MOST = 500
_MOST_EXPORT = 10_000
_MOST_VALUES = 50
# Seconds between signs of life, at which it is also checked that the session still is.
_BEAT = 15.0


async def whose(request: Request[Any, Any, Any], services: Services) -> Whose:
    """Whose frames a request is for: an operator's user who names no subscriber sees all of the
    operator's."""
    if from_browser(request) and not request.headers.get(SUBSCRIBER_HEADER):
        session = await services.sessions.session(request.cookies.get(COOKIE, ""))
        if session is not None and session.operator is not None:
            operator = await require_operator(request, services)
            return Whose(operator.operator_ref)
    scope = await require_scope(request, services)
    return Whose(scope.operator_ref, scope.subscriber_ref)


def _values(request: Request[Any, Any, Any], name: str) -> tuple[str, ...]:
    """A parameter with several values, comma-separated."""
    values = tuple(part.strip() for part in (query.text(request, name) or "").split(",") if part.strip())
    if len(values) > _MOST_VALUES:
        raise InvalidField(f"{name} holds {len(values)} values; at most {_MOST_VALUES} are taken")
    return values


def _patterns(request: Request[Any, Any, Any], name: str) -> tuple[str, ...]:
    values = tuple(value.replace("-", "").replace(":", "").upper() for value in _values(request, name))
    for value in values:
        if len(value) > 16 or not all(character in "0123456789ABCDEF*" for character in value):
            raise InvalidField(f"{name} {value[:40]!r} must be hexadecimal digits, with * for any others")
    return values


def _stations(request: Request[Any, Any, Any]) -> tuple[int, ...]:
    found = []
    for value in _values(request, "baseStationId"):
        try:
            found.append(int(BaseStationId.parse(value)))
        except InvalidIdentifier as error:
            raise InvalidField(f"baseStationId {value[:40]!r}: {error}") from None
    return tuple(found)


def _query(request: Request[Any, Any, Any]) -> Query:
    kinds = _values(request, "packetType")
    for kind in kinds:
        if kind not in PACKET_TYPES:
            raise InvalidField(f"packetType {kind[:40]!r} must be of {', '.join(PACKET_TYPES)}")
    start, end = query.text(request, "from"), query.text(request, "to")
    return Query(
        dev_euis=_patterns(request, "deviceEUI"),
        dev_addrs=_patterns(request, "devAddr"),
        device_ref=query.whole(request, "deviceRef", least=0),
        base_stations=_stations(request),
        as_ids=_values(request, "asId"),
        packet_types=frozenset(kinds),
        start=0 if start is None else query.moment(start, "from"),
        end=1 << 42 if end is None else query.moment(end, "to") + 1,
    )


@get("/frames")
async def search_frames(request: Request[Any, Any, Any], services: Services) -> Page:
    """Frames of all devices that match, the newest first. `next` of the answer goes into `before`, also where
    nothing was found yet in what was looked through."""
    of = await whose(request, services)
    wanted = _query(request)
    limit = query.whole(request, "limit", least=1, most=_MOST) or 100
    before = query.whole(request, "before", least=0, most=(1 << 63) - 1)
    places = services.platform.place_of
    page = await services.read(lambda c: search(c, of, wanted, before, limit, places))
    if query.flag(request, "decode"):
        await decode_lines(services, of, page.frames)
    return page


@get("/frames/export")
async def export_frames(request: Request[Any, Any, Any], services: Services) -> Stream:
    """The same as CSV in the columns of ThingPark's wireless logger, 10,000 frames at most."""
    of = await whose(request, services)
    wanted = _query(request)
    limit = query.whole(request, "limit", least=1, most=_MOST_EXPORT) or _MOST_EXPORT
    decode = query.flag(request, "decode")
    settings = services.platform.settings

    async def rows() -> AsyncIterator[bytes]:
        before: int | None = None
        left, header = limit, True
        while left > 0:
            page = await services.read(
                lambda c, before=before, left=left: search(  # type: ignore[misc]
                    c, of, wanted, before, min(_MOST, left), services.platform.place_of
                )
            )
            if decode:
                await decode_lines(services, of, page.frames, patient=True)
            buffer = io.StringIO()
            writer = csv.writer(buffer, lineterminator="\n")
            written = export_rows(page.frames, settings.network.lrc_id.upper(), "")
            if not header:
                next(written)
            header = False
            writer.writerows(written)
            yield buffer.getvalue().encode()
            left -= len(page.frames)
            if page.next is None:
                return
            before = int(page.next)

    return Stream(
        rows(),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="frames.csv"'},
    )


class DeliveryStates(msgspec.Struct):
    """What became of the messages of frames: OK, ERROR or PENDING by frame id."""

    states: dict[str, str]


@get("/frames/deliveries")
async def get_deliveries(request: Request[Any, Any, Any], services: Services) -> DeliveryStates:
    """What became of the messages of some frames (`ids`, separated by commas)."""
    of = await whose(request, services)
    ids = (query.text(request, "ids") or "").split(",")
    numbers = [int(text) for text in ids if text.isascii() and text.isdigit() and len(text) < 20]
    if len(numbers) > _MOST:
        raise InvalidField(f"ids holds {len(numbers)} frames; at most {_MOST} are taken")
    return DeliveryStates(await services.read(lambda c: delivery_states(c, of, numbers)))


@get("/frames/live")
async def live_frames(request: Request[Any, Any, Any], services: Services) -> Response[Any]:
    """Frames as they become durable, as server-sent events: `frames` with a list, `dropped` with how many the
    reader was too slow for. The filters are those of the search but for `asId`."""
    of = await whose(request, services)
    wanted = _query(request)
    decode = query.flag(request, "decode")
    try:
        subscription = services.platform.live.watch(of.subscriber_ref, of.operator_ref)
    except TooManyStreams:
        raise GatewayError(429, "Too many live streams are open; close one, or use the history") from None
    return Stream(
        _events(request, services, of, subscription, wanted, decode),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )


async def _events(
    request: Request[Any, Any, Any],
    services: Services,
    of: Whose,
    subscription: Subscription,
    wanted: Query,
    decode: bool,
) -> AsyncIterator[bytes]:
    live = services.platform.live
    cookie = request.cookies.get(COOKIE, "") if from_browser(request) else ""
    told = 0
    clock = services.platform.clock
    checked = clock()
    try:
        yield b"retry: 2000\nevent: ready\ndata: {}\n\n"
        while not subscription.closed:
            lines = [line for line in await subscription.take(_BEAT) if _matches(line, wanted)]
            if cookie and clock() - checked > _BEAT:
                checked = clock()
                if await services.sessions.session(cookie, use=False) is None:
                    yield b"event: expired\ndata: {}\n\n"
                    return
            if subscription.dropped > told:
                told = subscription.dropped
                yield f"event: dropped\ndata: {json.dumps({'dropped': told})}\n\n".encode()
            if not lines:
                yield b": alive\n\n"
                continue
            if decode:
                await decode_lines(services, of, lines, patient=True)
            yield b"event: frames\ndata: " + msgspec.json.encode(lines) + b"\n\n"
    finally:
        live.leave(subscription)


def _like(value: str | None, patterns: Sequence[str]) -> bool:
    if not patterns:
        return True
    if value is None:
        return False
    return any(_fits(value, pattern.split("*")) for pattern in patterns)


def _fits(value: str, parts: list[str]) -> bool:
    """Whether a text consists of the parts in order, with anything between them."""
    if len(parts) == 1:
        return value == parts[0]
    first, last = parts[0], parts[-1]
    if not value.startswith(first) or not value.endswith(last) or len(value) < len(first) + len(last):
        return False
    position, end = len(first), len(value) - len(last)
    for part in parts[1:-1]:
        at = value.find(part, position, end)
        if at < 0:
            return False
        position = at + len(part)
    return True


def _matches(line: Line, wanted: Query) -> bool:
    return (
        _like(line.deviceEUI, wanted.dev_euis)
        and _like(line.devAddr, wanted.dev_addrs)
        and (wanted.device_ref is None or line.deviceRef == str(wanted.device_ref))
        and (
            not wanted.base_stations
            or (line.baseStationId is not None and int(line.baseStationId, 16) in wanted.base_stations)
        )
        and (not wanted.packet_types or line.type in wanted.packet_types)
    )


HANDLERS = (search_frames, export_frames, get_deliveries, live_frames)
