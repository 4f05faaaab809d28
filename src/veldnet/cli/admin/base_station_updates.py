"""`veldnet admin base-station`: what base stations are to have by CUPS."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from veldnet.assembly.certificate_authority import CredentialKind, CredentialMaker
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.cli.options import Data, Json
from veldnet.cli.output import fail, print_json, print_table, report
from veldnet.cli.running import administrator, change_data, read_data, settings_of, with_data
from veldnet.domain.resources import timestamp
from veldnet.inventory import audit, base_stations
from veldnet.inventory.base_stations import NewCredentials
from veldnet.store import Connection

StationIds = Annotated[
    list[str] | None, typer.Argument(help="LRR ids, eight hexadecimal digits; none for all with --all.")
]


def _at(milliseconds: int | None) -> str:
    return "" if milliseconds is None else timestamp(milliseconds)


def list_updates(data: Data = None, as_json: Json = False) -> None:
    """List what base stations are to have by CUPS, and how far that has come."""
    listed = read_data(data, base_stations.list_updates)
    if as_json:
        print_json(listed)
        return
    print_table(
        "Updates of base stations",
        ("Ref", "Base station", "Kind", "Value", "State", "Ordered", "By", "Fetched", "Confirmed"),
        [
            (
                u.ref,
                u.base_station,
                u.kind,
                u.value,
                u.state,
                _at(u.created_at),
                u.created_by,
                _at(u.fetched_at),
                _at(u.confirmed_at),
            )
            for u in listed
        ],
    )


def list_contacts(data: Data = None, as_json: Json = False) -> None:
    """List what base stations reported when they contacted CUPS last."""
    listed = read_data(data, base_stations.list_contacts)
    if as_json:
        print_json(listed)
        return
    print_table(
        "Base stations at CUPS",
        ("Base station", "Last contact", "Station", "Model", "Package", "CUPS URI", "LNS URI", "Proof"),
        [
            (
                c.base_station,
                _at(c.at),
                c.station or "",
                c.model or "",
                c.package or "",
                c.cups_uri or "",
                c.lns_uri or "",
                c.proof,
            )
            for c in listed
        ],
    )


def order_update(
    base_station_ids: StationIds = None,
    all_stations: Annotated[
        bool, typer.Option("--all", help="All base stations that have contacted CUPS.")
    ] = False,
    cups_uri: Annotated[str | None, typer.Option(help="Address of CUPS, https://HOST:PORT.")] = None,
    lns_uri: Annotated[str | None, typer.Option(help="Address of the LNS, wss://HOST:PORT.")] = None,
    token: Annotated[bool, typer.Option("--token", help="A new token in place of what it has.")] = False,
    certificate: Annotated[
        bool,
        typer.Option(
            "--certificate", help="A new certificate of the internal authority in place of what it has."
        ),
    ] = False,
    data: Data = None,
) -> None:
    """Let base stations fetch other addresses or new tokens at their next contact with CUPS."""
    named = [each.upper() for each in base_station_ids or []]
    if bool(named) == all_stations:
        fail("name base stations, or give --all")
    if cups_uri is None and lns_uri is None and not token and not certificate:
        fail("give --cups-uri, --lns-uri, --token or --certificate")
    if token and certificate:
        fail("--token and --certificate exclude each other")
    kind: CredentialKind | None = "token" if token else "certificate" if certificate else None
    settings = settings_of(data)
    by = administrator()

    async def work(opened: DataDirectory) -> int:
        store = opened.store
        chosen = named or await store.read(lambda c: base_stations.speaking_cups(c, None))
        fresh: dict[str, NewCredentials] = {}
        if kind is not None:
            maker = CredentialMaker(settings, store, opened.vault, time.time)
            euis = await store.read(lambda c: base_stations.euis(c, None, chosen))
            fresh = {each: await maker.make(kind, euis[each]) for each in chosen}

        def write(connection: Connection) -> None:
            for station in chosen:
                ref = base_stations.find_base_station(connection, station)
                if cups_uri is not None:
                    base_stations.order_uri(connection, ref, "cupsUri", cups_uri, by)
                if lns_uri is not None:
                    base_stations.order_uri(connection, ref, "lnsUri", lns_uri, by)
                if station in fresh:
                    base_stations.order_credentials(connection, ref, fresh[station], by)
                audit.note(connection, by, None, "baseStation.updateOrdered", f"baseStation {station}")

        await store.write(write)
        return len(chosen)

    count = with_data(settings, work, vaults=kind is not None)
    report(f"ordered for {count} base stations", baseStations=count)


def withdraw_update(
    base_station_id: Annotated[str, typer.Argument(help="LRR id, eight hexadecimal digits.")],
    ref: Annotated[str, typer.Argument(help="Number of the update.")],
    data: Data = None,
) -> None:
    """Withdraw what a base station was to have."""
    identifier = base_station_id.upper()
    change_data(
        settings_of(data),
        "baseStation.updateWithdrawn",
        identifier,
        lambda c: base_stations.withdraw(c, base_stations.find_base_station(c, identifier), ref),
    )
    report(f"update {ref} of base station {identifier} withdrawn", id=identifier)
