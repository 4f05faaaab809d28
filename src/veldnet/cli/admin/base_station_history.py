"""`veldnet admin base-station statistics` and `worth`: how base stations did, and what they add."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Annotated

import typer

from veldnet.cli.options import Data, Json
from veldnet.cli.output import console, counted, fail, print_json, print_table
from veldnet.cli.running import read_data
from veldnet.inventory import base_stations
from veldnet.monitoring import base_station_history as history
from veldnet.monitoring import coverage
from veldnet.monitoring.logger import Whose
from veldnet.monitoring.statistics.frame_statistics import Span
from veldnet.store import Connection

StationId = Annotated[str, typer.Argument(help="LRR id, eight hexadecimal digits.")]
_MOST_DEVICES = 1000


def show_statistics(
    base_station_id: StationId,
    days: Annotated[int, typer.Option(min=1, max=history.KEPT_DAYS, help="How many days to look back.")] = 7,
    hours: Annotated[int, typer.Option(min=1, max=24, help="Length of a slot.")] = 24,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show what was counted and measured at a base station, and how long it was connected."""
    identifier, end = base_station_id.upper(), round(time.time() * 1000)

    def read(connection: Connection) -> tuple[history.Availability, list[history.StationSlot]]:
        base_stations.find_base_station(connection, identifier)
        station, span = int(identifier, 16), Span(end - days * 86_400_000, end)
        return (
            history.availability(connection, station, end, days),
            history.station_slots(connection, station, span, hours),
        )

    availability, slots = read_data(data, read)
    if as_json:
        print_json({"availability": availability, "slots": slots})
        return
    connected = "unknown" if availability.connected is None else f"{availability.connected:.2%}"
    outages = counted(availability.outages, "outage")
    console.print(f"connected {connected} of the time, {outages} in {counted(days, 'day')}")
    print_table("Statistics", [name for name, _value in STATISTICS], [_slot(slot) for slot in slots])


STATISTICS: tuple[tuple[str, Callable[[history.StationSlot], object]], ...] = (
    ("From", lambda slot: slot.date),
    ("Connected", lambda slot: _share(slot.connected)),
    ("Uplinks", lambda slot: slot.uplinks),
    ("Wrong CRC", lambda slot: f"{slot.badPackets} of {slot.packets}"),
    ("Acknowledged", lambda slot: _share(slot.acknowledged)),
    ("Downlinks", lambda slot: ", ".join(f"{name} {count}" for name, count in slot.downlinks.items())),
    ("Duty cycle", lambda slot: ", ".join(f"{band} {share:.2%}" for band, share in slot.dutyCycle.items())),
    ("Round trip ms", lambda slot: "" if slot.roundTrip is None else f"{slot.roundTrip * 1000:.0f}"),
    ("Clock ms", lambda slot: "" if slot.clockOffset is None else f"{slot.clockOffset * 1000:.0f}"),
    ("Temperature", lambda slot: "" if slot.temperature is None else f"{slot.temperature:.1f}"),
)


def _slot(slot: history.StationSlot) -> list[object]:
    return [value(slot) for _name, value in STATISTICS]


def _share(share: float | None) -> str:
    return "" if share is None else f"{share:.1%}"


def show_worth(
    base_station_id: Annotated[
        str | None, typer.Argument(help="LRR id; without it all base stations.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Show what base stations add to coverage, or the devices that go dark if one fails."""
    if base_station_id is not None:
        _show_dependents(base_station_id.upper(), data, as_json=as_json)
        return

    def read(connection: Connection) -> tuple[list[coverage.StationWorth], dict[str, str]]:
        found = base_stations.list_base_stations(connection)
        listed = [
            one
            for operator in sorted({station.operator_ref for station in found})
            for one in coverage.list_worth(
                connection, operator, [s.id for s in found if s.operator_ref == operator]
            )
        ]
        return listed, {station.id: station.name for station in found}

    worth, names = read_data(data, read)
    if as_json:
        print_json(worth)
        return
    print_table(
        "What base stations add to coverage",
        ("Id", "Name", "Devices", "Only here", "Hardly elsewhere", "Improved", "Adds nothing"),
        [
            (
                one.id,
                names.get(one.id, ""),
                one.devices,
                one.only,
                one.weak,
                one.improved,
                "yes" if one.addsNothing else "",
            )
            for one in worth
        ],
    )


def _show_dependents(identifier: str, data: Data, *, as_json: bool) -> None:
    def read(connection: Connection) -> coverage.DependentPage:
        found = [s for s in base_stations.list_base_stations(connection) if s.id == identifier]
        if not found:
            fail(f"there is no base station {identifier}")
        whose = Whose(found[0].operator_ref)
        return coverage.dependents(connection, whose, int(identifier, 16), 0, _MOST_DEVICES)

    page = read_data(data, read)
    if as_json:
        print_json(page.devices)
        return
    print_table(
        f"Devices that go dark without {identifier}",
        ("DevEUI", "Name", "Customer", "Risk", "Margin dB", "Others", "Their margin dB"),
        [(d.eui, d.name, d.customerId, d.risk, d.margin, d.others, d.otherMargin) for d in page.devices],
    )
    if page.next is not None:
        console.print(f"... these are the first {_MOST_DEVICES}")
