"""Live events for applications: what devices send and what becomes of downlinks, each a server-sent event
behind which a reader who was away can go on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any

import msgspec

from veldnet.api.errors import GatewayError, language_of
from veldnet.api.query import MOST_WHOLE, Parameter, whole
from veldnet.api.routers import VIEWER
from veldnet.api.services import Services
from veldnet.asgi import Request, Response, Stream
from veldnet.domain.errors import InvalidField
from veldnet.monitoring.logger import Line, Page, Query, Whose, fits_any, search
from veldnet.store import read_timeline

from .decoding import decode_lines
from .event_stream import BEAT, HEADERS, LOOK_EVERY, Admission, Turns, subscribed
from .logger import patterns

# The events, and the frames that they stand for.
TYPES = {
    "uplink": ("UPLINK_DATA", "UPLINK_MAC_DATA"),
    "join": ("UPLINK_JOIN",),
    "downlink": ("DOWNLINK_DATA", "DOWNLINK_MAC_DATA"),
    "downlinkRefused": ("DOWNLINK_REFUSED",),
    "location": ("LOCATION",),
}
_EVENTS = {frame: event for event, frames in TYPES.items() for frame in frames}
_FRAMES = frozenset(_EVENTS)
# Milliseconds: how far a reader may go back, and how much of what came before is repeated, for frames do not
# become durable in the order of their ids.
_MOST_BACK = 7 * 86_400_000
_OVERLAP = 5_000
# Frames that are read at once.
_PAGE = 500
_WIDEST = 86_400_000
_EXPIRED = b"event: expired\ndata: {}\n\n"


def _types(text: str, name: str) -> frozenset[str]:
    """Frames of the events that are named."""
    values = [part.strip() for part in text.split(",") if part.strip()]
    for value in values:
        if value not in TYPES:
            raise InvalidField(
                "{name} {value!r} must be of {known}", name=name, value=value[:40], known=", ".join(TYPES)
            )
    return frozenset(frame for value in values for frame in TYPES[value]) or _FRAMES


class EventFilter(msgspec.Struct, frozen=True):
    """Which events."""

    deviceEUI: Annotated[
        tuple[str, ...],
        Parameter("DevEUIs with * as wildcard, comma-separated.", read=patterns),
    ] = ()
    deviceRef: Annotated[
        int | None,
        Parameter("Only events of this device.", type="string", read=partial(whole, 0, MOST_WHOLE)),
    ] = None
    type: Annotated[
        frozenset[str],
        Parameter(f"Of {', '.join(TYPES)}, comma-separated.", type="string", read=_types),
    ] = _FRAMES
    decode: Annotated[bool, Parameter("Include the output of the subscriber's decoders.")] = False
    after: Annotated[
        int | None,
        Parameter("Begin behind this event; the header Last-Event-ID counts before it.", most=(1 << 63) - 1),
    ] = None

    def takes(self, line: Line) -> bool:
        """Whether a frame is one: of a known device, and accepted where it is an uplink or a join."""
        return (
            line.type in self.type
            and line.deviceRef is not None
            and (not line.type.startswith("UPLINK") or line.outcome == "accepted")
            and fits_any(line.deviceEUI, self.deviceEUI)
            and (self.deviceRef is None or line.deviceRef == str(self.deviceRef))
        )


@VIEWER.get(
    "/events/live",
    "watchEvents",
    "Frames",
    "Live events of devices as server-sent events, resumable.",
    media="text/event-stream",
)
async def live_events(request: Request, services: Services, of: Whose, query: EventFilter) -> Response[Any]:
    """Uplinks and joins that were accepted, downlinks on the air or refused, and locations, as they become
    durable: an event for each frame, named by its type, with the frame as `searchFrames` shows it as data. A
    reader that connects again with `Last-Event-ID` gets first what it has missed, for up to seven days, and
    some events again, with the id they had. `gap` says that it was away for longer, `dropped` that it was too
    slow and is to connect again, `expired` that it may not read any more."""
    after = _resumed(request, query)
    feed = services.platform.feeds.frames
    subscription = subscribed(feed, of)
    reading = _Reading(request, services, of, query)

    async def stream() -> AsyncIterator[bytes]:
        try:
            yield b"retry: 2000\nevent: ready\ndata: {}\n\n"
            admission, turns = Admission(request, services), Turns(BEAT)
            if after is not None:
                async for written in reading.missed(after):
                    # What was missed may take long to read.
                    if not await admission.holds():
                        yield _EXPIRED
                        return
                    if written:
                        yield written
            while not subscription.closed:
                arrived = await subscription.take(LOOK_EVERY)
                if not await admission.holds():
                    yield _EXPIRED
                    return
                written = await reading.written(arrived)
                if written:
                    turns.taken()
                    yield written
                elif turns.due:
                    yield b": alive\n\n"
                if subscription.dropped:
                    yield f'event: dropped\ndata: {{"dropped": {subscription.dropped}}}\n\n'.encode()
                    return
        finally:
            feed.leave(subscription)

    return Stream(stream(), media_type="text/event-stream", headers=HEADERS)


def _resumed(request: Request, query: EventFilter) -> int | None:
    """The event behind which a reader goes on. Raises `GatewayError`."""
    text = request.headers.get("last-event-id", "").strip()
    if not text:
        return query.after
    if not (text.isascii() and text.isdigit() and len(text) < 20 and int(text) < 1 << 63):
        raise GatewayError(400, "Last-Event-ID {text!r} is no id of an event", text=text[:40])
    return int(text)


class _Reading:
    """What a reader gets, as octets of its stream."""

    def __init__(self, request: Request, services: Services, of: Whose, query: EventFilter) -> None:
        self._request, self._services, self._of, self._query = request, services, of, query
        # Of what was read from the journal, what may come over the feed, too.
        self._again: set[str] = set()

    async def written(self, lines: list[Line]) -> bytes:
        query = self._query
        found = [line for line in lines if query.takes(line) and line.id not in self._again]
        if query.decode and found:
            language = language_of(self._request)
            await decode_lines(self._services, self._of, found, language, patient=True)
        return b"".join(
            f"id: {line.id}\nevent: {_EVENTS[line.type]}\ndata: ".encode()
            + msgspec.json.encode(line)
            + b"\n\n"
            for line in found
        )

    async def missed(self, after: int) -> AsyncIterator[bytes]:
        """Everything from just before an event until now, in the order of ids, a page at a time; of a page
        without anything, nothing."""
        now = round(self._services.platform.clock() * 1000)
        start = await self._services.read(lambda c: read_timeline(c).millis_of(after)) - _OVERLAP
        if start < now - _MOST_BACK:
            start = now - _MOST_BACK
            yield b'event: gap\ndata: {"days": 7}\n\n'
        width, end = 60_000, now + _OVERLAP
        while start < end:
            until = min(start + width, end)
            page = await self._page(start, until)
            if page.next is not None and width > 1:
                # More than a page: take less at a time, for a page begins with the newest.
                width //= 2
                continue
            lines = [line for line in reversed(page.frames) if line.id != str(after)]
            written = await self.written(lines)
            if until > now - _OVERLAP:
                self._again |= {line.id for line in lines}
            start, width = until, min(2 * width, _WIDEST)
            yield written

    async def _page(self, start: int, end: int) -> Page:
        query, places = self._query, self._services.platform.base_stations.place_of
        wanted = Query(
            dev_euis=query.deviceEUI,
            device_ref=query.deviceRef,
            packet_types=query.type,
            start=start,
            end=end,
        )
        return await self._services.read(lambda c: search(c, self._of, wanted, None, _PAGE, places))
