"""`veldnet admin base-station`: what base stations are to have by CUPS."""

from __future__ import annotations

import time
from functools import partial
from typing import Annotated

import msgspec
import typer

from veldnet.assembly.certificate_authority import CredentialKind, CredentialMaker
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.cli.options import Data, Json
from veldnet.cli.output import fail, print_rows, report
from veldnet.cli.running import administrator, change_data, read_data, settings_of, with_data
from veldnet.domain.resources import timestamp
from veldnet.inventory import audit, base_stations
from veldnet.inventory.base_stations import Firmware, NewCredentials, UpdateKind
from veldnet.settings import Settings
from veldnet.store import Connection

StationIds = Annotated[
    list[str] | None, typer.Argument(help="LRR ids, eight hexadecimal digits; none for all with --all.")
]


class UpdateRow(msgspec.Struct, frozen=True, rename="camel"):
    """Something that a base station is to have, as the API shows it; `firmware` is the ref of a file."""

    ref: str
    base_station_id: str
    kind: str
    value: str
    state: str
    created_at: str
    created_by: str
    fetched_at: str | None
    confirmed_at: str | None
    failed_at: str | None
    attempts: int
    firmware: str | None


class ContactRow(msgspec.Struct, frozen=True, rename="camel"):
    """What a base station reported when it contacted CUPS last, as the API shows it."""

    base_station_id: str
    at: str
    station: str | None
    model: str | None
    package: str | None
    cups_uri: str | None
    lns_uri: str | None
    keys: list[str]
    proof: str


def _at(milliseconds: int | None) -> str | None:
    return None if milliseconds is None else timestamp(milliseconds)


def _update(update: base_stations.Update, now: float) -> UpdateRow:
    return UpdateRow(
        str(update.ref),
        update.base_station,
        update.kind,
        update.value,
        update.state(now),
        timestamp(update.created_at),
        update.created_by,
        _at(update.fetched_at),
        _at(update.confirmed_at),
        _at(update.failed_at),
        update.attempts,
        None if update.firmware_ref is None else str(update.firmware_ref),
    )


def _contact(contact: base_stations.Contact) -> ContactRow:
    return ContactRow(
        contact.base_station,
        timestamp(contact.at),
        contact.station,
        contact.model,
        contact.package,
        contact.cups_uri,
        contact.lns_uri,
        [f"{key:08X}" for key in contact.keys],
        contact.proof,
    )


def list_updates(data: Data = None, as_json: Json = False) -> None:
    """List what base stations are to have by CUPS, and how far that has come."""
    now = time.time()
    listed = [_update(each, now) for each in read_data(data, base_stations.list_updates)]
    without = ("failed_at", "attempts", "firmware")
    print_rows("Updates of base stations", UpdateRow, listed, as_json=as_json, without=without)


def list_contacts(data: Data = None, as_json: Json = False) -> None:
    """List what base stations reported when they contacted CUPS last."""
    listed = [_contact(each) for each in read_data(data, base_stations.list_contacts)]
    print_rows("Base stations at CUPS", ContactRow, listed, as_json=as_json, without=("keys",))


class Wanted(msgspec.Struct, frozen=True):
    """What base stations are to have."""

    cups_uri: Annotated[str | None, typer.Option(help="Address of CUPS, https://HOST:PORT.")] = None
    lns_uri: Annotated[str | None, typer.Option(help="Address of the LNS, wss://HOST:PORT.")] = None
    token: Annotated[bool, typer.Option("--token", help="A new token in place of what it has.")] = False
    certificate: Annotated[
        bool,
        typer.Option(
            "--certificate", help="A new certificate of the internal authority in place of what it has."
        ),
    ] = False
    firmware: Annotated[
        str | None,
        typer.Option(help="Firmware, by its ref; with --all, of all base stations of its model."),
    ] = None

    def uris(self) -> dict[UpdateKind, str]:
        given: dict[UpdateKind, str | None] = {"cupsUri": self.cups_uri, "lnsUri": self.lns_uri}
        return {kind: uri for kind, uri in given.items() if uri is not None}

    def credentials(self) -> CredentialKind | None:
        return "token" if self.token else "certificate" if self.certificate else None


def order_update(
    base_station_ids: StationIds = None,
    all_stations: Annotated[
        bool, typer.Option("--all", help="All base stations that have contacted CUPS.")
    ] = False,
    *,
    wanted: Wanted,
    data: Data = None,
) -> None:
    """Let base stations fetch other addresses, new credentials or firmware by CUPS."""
    named = [each.upper() for each in base_station_ids or []]
    if bool(named) == all_stations:
        fail("name base stations, or give --all")
    if wanted == Wanted():
        fail("give --cups-uri, --lns-uri, --token, --certificate or --firmware")
    if wanted.token and wanted.certificate:
        fail("--token and --certificate exclude each other")
    settings, vaults = settings_of(data), wanted.credentials() is not None
    count = with_data(settings, lambda opened: _order(opened, settings, named, wanted), vaults=vaults)
    report(f"ordered for {count} base stations", baseStations=count)


async def _order(opened: DataDirectory, settings: Settings, named: list[str], wanted: Wanted) -> int:
    store, by = opened.store, administrator()
    found: Firmware | None = None
    if wanted.firmware is not None:
        found = await store.read(partial(base_stations.read_firmware, operator_ref=None, ref=wanted.firmware))
    chosen = named or await store.read(partial(_all, firmware=found))
    fresh: dict[str, NewCredentials] = {}
    if (kind := wanted.credentials()) is not None:
        maker = CredentialMaker(settings, store, opened.vault, time.time)
        euis = await store.read(lambda c: base_stations.euis(c, None, chosen))
        fresh = {each: await maker.make(kind, euis[each]) for each in chosen}

    def write(connection: Connection) -> None:
        for station in chosen:
            ref = base_stations.find_base_station(connection, station)
            for place, uri in wanted.uris().items():
                base_stations.order_uri(connection, ref, place, uri, by)
            if station in fresh:
                base_stations.order_credentials(connection, ref, fresh[station], by)
            if found is not None:
                base_stations.order_firmware(connection, ref, found, by)
            audit.note(connection, audit.Author(by), "baseStation.updateOrdered", f"baseStation {station}")

    await store.write(write)
    return len(chosen)


def _all(connection: Connection, firmware: Firmware | None) -> list[str]:
    if firmware is not None:
        return base_stations.of_model(connection, firmware)
    return base_stations.speaking_cups(connection, None)


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
