"""What decoders read in the frames of devices: of one, and of several side by side, with units."""

from __future__ import annotations

from functools import partial
from typing import Annotated, Any, Literal

import msgspec
from sqlalchemy import Connection

from veldnet.api.errors import language_of
from veldnet.api.query import LAST, From, Parameter, To
from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.asgi import Request, Response
from veldnet.decoders import infer_unit
from veldnet.domain.errors import InvalidField
from veldnet.domain.scope import Scope
from veldnet.domain.spreadsheets import csv_text
from veldnet.inventory import decoders, devices
from veldnet.monitoring.logger import Query, Whose, search
from veldnet.texts import Language

from .decoding import decode_lines, texts_of

_MOST_READ = 2000
_MOST_DEVICES = 10
_MOST_EXPORT = 10_000
# What a decoder's owner writes where a reading has no unit.
NO_UNIT = "-"
# Frames that are searched at once.
_PAGE = 500


class ReadingFilter(msgspec.Struct, frozen=True):
    """Which readings of a device."""

    start: From = msgspec.field(default=0, name="from")
    end: To = msgspec.field(default=LAST, name="to")
    limit: Annotated[int, Parameter("Readings at most.", least=1, most=_MOST_READ)] = 500


class Reading(msgspec.Struct):
    """The values that a decoder found in a frame, by their path."""

    time: str
    frameId: str
    values: dict[str, Any]
    error: str | None = None
    warnings: list[str] = []


def _refs(text: str, name: str) -> tuple[str, ...]:
    refs = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    if not 1 <= len(refs) <= _MOST_DEVICES:
        raise InvalidField(
            "{name} must name 1 to {most_devices} devices, comma-separated",
            name=name,
            most_devices=_MOST_DEVICES,
        )
    return refs


_DeviceRefs = Annotated[
    tuple[str, ...],
    Parameter(f"Devices, comma-separated, at most {_MOST_DEVICES}.", type="string", read=_refs),
]


class ReadingsOf(msgspec.Struct, frozen=True):
    """Which readings of which devices; `limit` is for each of them."""

    deviceRefs: _DeviceRefs = ()
    start: From = msgspec.field(default=0, name="from")
    end: To = msgspec.field(default=LAST, name="to")
    limit: Annotated[int, Parameter("Readings of a device at most.", least=1, most=_MOST_READ)] = 500


class ReadingExport(msgspec.Struct, frozen=True):
    """Which readings go into a file."""

    deviceRefs: _DeviceRefs = ()
    start: From = msgspec.field(default=0, name="from")
    end: To = msgspec.field(default=LAST, name="to")


class ReadingDevice(msgspec.Struct):
    """A device whose readings these are."""

    ref: str
    EUI: str
    name: str


class ReadingField(msgspec.Struct):
    """A column of readings. `unit` is set in the decoder (`source` DECODER) or follows from the name (NAME).
    Where decoders give one name different units there is a column of each, with the devices of it."""

    name: str
    unit: str | None
    source: Literal["DECODER", "NAME"] | None
    deviceRefs: list[str]


class ReadingRow(msgspec.Struct):
    """The values that a decoder found in a frame of a device, by their names."""

    deviceRef: str
    time: str
    frameId: str
    values: dict[str, Any]
    error: str | None = None


class ReadingTable(msgspec.Struct):
    """Readings of some devices, the newest first; `more` if there are others before."""

    devices: list[ReadingDevice]
    fields: list[ReadingField]
    readings: list[ReadingRow]
    more: bool


@SUBSCRIBER.get(
    "/devices/{deviceRef}/readings",
    "getReadings",
    "Decoders",
    "Decoded readings of a device.",
)
async def get_readings(
    request: Request,
    device_ref: str,
    services: Services,
    scope: Scope,
    query: ReadingFilter,
) -> list[Reading]:
    """What the device's decoder reads in its frames of a time range, the newest first, 2,000 at most. Empty
    where it has no decoder, or its payloads are encrypted for the application server."""
    of = Whose(scope.operator_ref, scope.subscriber_ref)

    def read(connection: Connection) -> Any:
        ref = devices.device_ref(connection, scope, device_ref)
        wanted = Query(
            device_ref=ref,
            packet_types=frozenset({"UPLINK_DATA", "UPLINK_MAC_DATA"}),
            start=query.start,
            end=query.end,
        )
        return search(connection, of, wanted, None, query.limit, services.platform.base_stations.place_of)

    page = await services.read(read)
    await decode_lines(services, of, page.frames, language_of(request))
    readings = []
    for line in page.frames:
        if line.decoded is None:
            continue
        decoded = msgspec.json.decode(line.decoded)
        values: dict[str, Any] = {}
        _flatten(decoded.get("data"), "", values)
        errors = texts_of(decoded.get("errors"))
        warnings = texts_of(decoded.get("warnings"))
        readings.append(Reading(line.time, line.id, values, errors[0] if errors else None, warnings))
    return readings


_DEPTH, _MOST_VALUES = 6, 64


def _flatten(value: Any, path: str, into: dict[str, Any], depth: int = 0) -> None:
    """Values in an object by their path; numbers, truths and texts only."""
    if len(into) >= _MOST_VALUES or depth > _DEPTH:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            _flatten(inner, f"{path}.{name}" if path else str(name), into, depth + 1)
    elif isinstance(value, bool | int | float | str) and path:
        into[path] = value


class _Devices(msgspec.Struct):
    """Devices of the subscriber, and what units its decoders have, by device."""

    devices: list[ReadingDevice]
    units: dict[str, dict[str, str]]


def _devices(connection: Connection, scope: Scope, refs: tuple[str, ...]) -> _Devices:
    found, numbers = [], {}
    for ref in refs:
        numbers[ref] = devices.device_ref(connection, scope, ref)
        device = devices.get_device(connection, scope, ref)
        found.append(ReadingDevice(str(device.ref), str(device.EUI), str(device.name)))
    profiles = decoders.profiles_of(connection, set(numbers.values()))
    units = decoders.units_of(connection, scope.subscriber_ref, set(profiles.values()))
    return _Devices(
        found, {str(number): units.get(profiles.get(number, -1), {}) for number in numbers.values()}
    )


async def _rows(
    services: Services, scope: Scope, device: str, wanted: Query, most: int, language: Language
) -> tuple[list[ReadingRow], bool]:
    """The newest readings of a device, at most so many, and whether there are more."""
    of = Whose(scope.operator_ref, scope.subscriber_ref)
    places = services.platform.base_stations.place_of
    rows: list[ReadingRow] = []
    before: int | None = None
    while len(rows) < most:
        limit = min(_PAGE, most - len(rows))
        page = await services.read(
            partial(search, whose=of, wanted=wanted, before=before, limit=limit, places=places)
        )
        await decode_lines(services, of, page.frames, language, patient=True)
        rows += [_row(device, line.time, line.id, line.decoded) for line in page.frames if line.decoded]
        if page.next is None:
            return rows, False
        before = int(page.next)
    return rows, True


def _row(device: str, time: str, frame: str, decoded: msgspec.Raw) -> ReadingRow:
    result = msgspec.json.decode(decoded)
    values: dict[str, Any] = {}
    _flatten(result.get("data"), "", values)
    errors = texts_of(result.get("errors"))
    return ReadingRow(device, time, frame, values, errors[0] if errors else None)


def _fields(rows: list[ReadingRow], units: dict[str, dict[str, str]]) -> list[ReadingField]:
    """The columns of readings, in the order in which they are first met."""
    found: dict[tuple[str, str | None], ReadingField] = {}
    seen: set[tuple[str, str]] = set()
    for row in rows:
        for name in row.values:
            if (row.deviceRef, name) in seen:
                continue
            seen.add((row.deviceRef, name))
            given = units[row.deviceRef].get(name)
            unit = infer_unit(name) if given is None else None if given == NO_UNIT else given
            source: Literal["DECODER", "NAME"] | None = "DECODER" if given is not None else None
            if given is None and unit is not None:
                source = "NAME"
            field = found.setdefault((name, unit), ReadingField(name, unit, source, []))
            field.deviceRefs.append(row.deviceRef)
    return list(found.values())


async def _table(
    services: Services, scope: Scope, refs: tuple[str, ...], query: Query, most: int, language: Language
) -> ReadingTable:
    if not refs:
        raise InvalidField("deviceRefs is mandatory")
    of = await services.read(lambda c: _devices(c, scope, refs))
    rows: list[ReadingRow] = []
    more = False
    for device in of.devices:
        wanted = msgspec.structs.replace(query, device_ref=int(device.ref))
        found, rest = await _rows(services, scope, device.ref, wanted, most, language)
        rows += found
        more = more or rest
    rows.sort(key=lambda row: (len(row.frameId), row.frameId), reverse=True)
    return ReadingTable(of.devices, _fields(rows, of.units), rows, more)


def _query(start: int, end: int) -> Query:
    return Query(packet_types=frozenset({"UPLINK_DATA", "UPLINK_MAC_DATA"}), start=start, end=end)


@SUBSCRIBER.get("/readings", "compareReadings", "Decoders", "Decoded readings of devices, with units.")
async def compare_readings(
    request: Request, services: Services, scope: Scope, query: ReadingsOf
) -> ReadingTable:
    """What the decoders of several devices read in their frames of a time range, in columns with units."""
    wanted = _query(query.start, query.end)
    return await _table(services, scope, query.deviceRefs, wanted, query.limit, language_of(request))


@SUBSCRIBER.get(
    "/readings/export",
    "exportReadings",
    "Decoders",
    "Export decoded readings as CSV.",
    media="text/csv",
)
async def export_readings(
    request: Request, services: Services, scope: Scope, query: ReadingExport
) -> Response[bytes]:
    """The same as CSV, a column for each reading with its unit in the header; 10,000 lines at most."""
    most = _MOST_EXPORT // max(len(query.deviceRefs), 1)
    wanted = _query(query.start, query.end)
    table = await _table(services, scope, query.deviceRefs, wanted, most, language_of(request))
    named = {device.ref: device for device in table.devices}
    titles = [f"{field.name} ({field.unit})" if field.unit else field.name for field in table.fields]
    rows: list[list[object]] = [["time", "deviceEUI", "deviceName", *titles, "error"]]
    for row in table.readings:
        device = named[row.deviceRef]
        cells = [
            row.values.get(field.name) if row.deviceRef in field.deviceRefs else None
            for field in table.fields
        ]
        rows.append([row.time, device.EUI, device.name, *cells, row.error])
    return Response(
        csv_text(rows).encode(),
        media_type="text/csv; charset=utf-8",
        headers={"content-disposition": 'attachment; filename="readings.csv"'},
    )
