"""The wireless logger: frames of many devices: search, export and live stream."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Any

import msgspec

from veldnet.api.errors import language_of
from veldnet.api.query import LAST, MOST_WHOLE, From, Parameter, To, base_station, whole
from veldnet.api.routers import VIEWER
from veldnet.api.services import Services
from veldnet.asgi import Request, Response, Stream
from veldnet.domain.errors import InvalidField
from veldnet.domain.spreadsheets import csv_text
from veldnet.monitoring.logger import (
    PACKET_TYPES,
    Line,
    Page,
    Query,
    Whose,
    export_rows,
    fits_any,
    search,
)
from veldnet.monitoring.logger.search import delivery_states
from veldnet.monitoring.unknown_devices import UNKNOWN

from .decoding import decode_lines
from .event_stream import Events, event_stream

_MOST = 500
_MOST_EXPORT = 10_000
_MOST_VALUES = 50


def _values(text: str, name: str) -> tuple[str, ...]:
    """Several values, comma-separated."""
    values = tuple(part.strip() for part in text.split(",") if part.strip())
    if len(values) > _MOST_VALUES:
        raise InvalidField(
            "{name} holds {count} values; at most {most_values} are taken",
            name=name,
            count=len(values),
            most_values=_MOST_VALUES,
        )
    return values


def patterns(text: str, name: str) -> tuple[str, ...]:
    """EUIs or addresses, comma-separated, with wildcards."""
    values = tuple(value.replace("-", "").replace(":", "").upper() for value in _values(text, name))
    for value in values:
        if len(value) > 16 or not all(character in "0123456789ABCDEF*" for character in value):
            raise InvalidField(
                "{name} {value!r} must be hexadecimal digits, with * for any others",
                name=name,
                value=value[:40],
            )
    return values


def _stations(text: str, name: str) -> tuple[int, ...]:
    return tuple(base_station(value, name) for value in _values(text, name))


def _types(text: str, name: str) -> tuple[str, ...]:
    values = _values(text, name)
    for value in values:
        if value not in PACKET_TYPES:
            raise InvalidField(
                "{name} {value!r} must be of {known}",
                name=name,
                value=value[:40],
                known=", ".join(PACKET_TYPES),
            )
    return values


def _ids(text: str, name: str) -> tuple[int, ...]:
    """Frame ids; what is none finds nothing."""
    parts = text.split(",")
    numbers = tuple(int(part) for part in parts if part.isascii() and part.isdigit() and len(part) < 20)
    if len(numbers) > _MOST:
        raise InvalidField(
            "{name} holds {count} frames; at most {most} are taken",
            name=name,
            count=len(numbers),
            most=_MOST,
        )
    return numbers


class FrameFilter(msgspec.Struct, frozen=True):
    """Which frames."""

    deviceEUI: Annotated[
        tuple[str, ...],
        Parameter("DevEUIs with * as wildcard, comma-separated.", read=patterns),
    ] = ()
    devAddr: Annotated[tuple[str, ...], Parameter("DevAddrs, likewise.", read=patterns)] = ()
    deviceRef: Annotated[
        int | None,
        Parameter("Only frames of this device.", type="string", read=partial(whole, 0, MOST_WHOLE)),
    ] = None
    baseStationId: Annotated[
        tuple[int, ...],
        Parameter("Base stations with the best reception or that sent, comma-separated.", read=_stations),
    ] = ()
    asId: Annotated[tuple[str, ...], Parameter("Application servers, comma-separated.", read=_values)] = ()
    packetType: Annotated[
        tuple[str, ...],
        Parameter(f"Of {', '.join(PACKET_TYPES)}, comma-separated.", read=_types),
    ] = ()
    unknown: Annotated[
        bool, Parameter("Only frames of devices that are not registered; operators see these.")
    ] = False
    decode: Annotated[bool, Parameter("Include the output of the subscriber's decoders.")] = False

    def query(self, start: int = 0, end: int = LAST) -> Query:
        return Query(
            dev_euis=self.deviceEUI,
            dev_addrs=self.devAddr,
            device_ref=self.deviceRef,
            base_stations=self.baseStationId,
            as_ids=self.asId,
            packet_types=frozenset(self.packetType),
            unknown=self.unknown,
            start=start,
            end=end,
        )


class FrameSearch(FrameFilter, frozen=True):
    """Which frames of a time range, and which part of them."""

    start: From = msgspec.field(default=0, name="from")
    end: To = msgspec.field(default=LAST, name="to")
    before: Annotated[int | None, Parameter("Continue after this frame.", most=(1 << 63) - 1)] = None
    limit: Annotated[int, Parameter("Frames at most.", least=1, most=_MOST)] = 100


class FrameExport(FrameFilter, frozen=True):
    """Which frames of a time range go into a file."""

    start: From = msgspec.field(default=0, name="from")
    end: To = msgspec.field(default=LAST, name="to")
    limit: Annotated[int, Parameter("Frames at most.", least=1, most=_MOST_EXPORT)] = _MOST_EXPORT


class FrameIds(msgspec.Struct, frozen=True):
    ids: Annotated[tuple[int, ...], Parameter("Frame ids, comma-separated.", read=_ids)] = ()


@VIEWER.get("/frames", "searchFrames", "Frames", "Frames of all devices, newest first.")
async def search_frames(request: Request, services: Services, of: Whose, query: FrameSearch) -> Page:
    """Frames of all devices that match, the newest first. `next` of the answer goes into `before`, also where
    nothing was found yet in what was looked through."""
    wanted = query.query(query.start, query.end + 1)
    places = services.platform.base_stations.place_of
    page = await services.read(lambda c: search(c, of, wanted, query.before, query.limit, places))
    if query.decode:
        await decode_lines(services, of, page.frames, language_of(request))
    return page


@VIEWER.get(
    "/frames/export",
    "exportFrames",
    "Frames",
    "Export frames as CSV with the columns of ThingPark's wireless logger.",
    media="text/csv",
)
async def export_frames(request: Request, services: Services, of: Whose, query: FrameExport) -> Stream:
    """The same as CSV in the columns of ThingPark's wireless logger, 10,000 frames at most."""
    wanted = query.query(query.start, query.end + 1)
    settings, places = services.platform.settings, services.platform.base_stations.place_of

    async def rows() -> AsyncIterator[bytes]:
        before: int | None = None
        left, header = query.limit, True
        while left > 0:
            page = await services.read(
                partial(search, whose=of, wanted=wanted, before=before, limit=min(_MOST, left), places=places)
            )
            if query.decode:
                await decode_lines(services, of, page.frames, language_of(request), patient=True)
            written = export_rows(page.frames, settings.network.lrc_id.upper(), "")
            if not header:
                next(written)
            header = False
            yield csv_text(written).encode()
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


@VIEWER.get("/frames/deliveries", "getDeliveries", "Frames", "Delivery results of frames.")
async def get_deliveries(services: Services, of: Whose, query: FrameIds) -> DeliveryStates:
    """What became of the messages of some frames (`ids`, separated by commas)."""
    return DeliveryStates(await services.read(lambda c: delivery_states(c, of, list(query.ids))))


@VIEWER.get(
    "/frames/live",
    "watchFrames",
    "Frames",
    "Live frames as server-sent events.",
    media="text/event-stream",
)
async def live_frames(request: Request, services: Services, of: Whose, query: FrameFilter) -> Response[Any]:
    """Frames as they become durable, as server-sent events: `frames` with a list, `dropped` with how many the
    reader was too slow for. The filters are those of the search but for `asId`."""
    return event_stream(
        request,
        services,
        of,
        services.platform.feeds.frames,
        Events("frames", partial(_decoded, request, services, of, query)),
    )


async def _decoded(
    request: Request, services: Services, of: Whose, query: FrameFilter, lines: list[Line]
) -> list[Line]:
    """The lines of a live subscription."""
    wanted = query.query()
    found = [line for line in lines if _matches(line, wanted)]
    if query.decode and found:
        await decode_lines(services, of, found, language_of(request), patient=True)
    return found


def _matches(line: Line, wanted: Query) -> bool:
    return (
        fits_any(line.deviceEUI, wanted.dev_euis)
        and fits_any(line.devAddr, wanted.dev_addrs)
        and (not wanted.unknown or (line.deviceRef is None and line.outcome in UNKNOWN))
        and (wanted.device_ref is None or line.deviceRef == str(wanted.device_ref))
        and (
            not wanted.base_stations
            or (line.baseStationId is not None and int(line.baseStationId, 16) in wanted.base_stations)
        )
        and (not wanted.packet_types or line.type in wanted.packet_types)
    )
