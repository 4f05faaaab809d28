"""`veldnet admin base-station`: registration of base stations."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from veldnet.assembly.network_settings import network_parameters
from veldnet.assembly.station_configuration import (
    Chip,
    Program,
    StationConfiguration,
    server_name,
    station_configuration,
    station_setup,
)
from veldnet.cli.options import Data, Json, Operator
from veldnet.cli.output import console, fail, print_json, print_members, print_table, report
from veldnet.cli.running import change_data, read_data, settings_of
from veldnet.domain.errors import BadRequest
from veldnet.domain.resources import timestamp
from veldnet.inventory import accounts, base_stations
from veldnet.lorawan import BaseStationId, GatewayEui, InvalidIdentifier
from veldnet.store import Connection

from .base_station_history import show_statistics, show_worth
from .base_station_updates import list_contacts, list_updates, order_update, withdraw_update

base_station_app = typer.Typer(help="Base stations.", no_args_is_help=True)

StationId = Annotated[str, typer.Argument(help="LRR id, eight hexadecimal digits.")]


class Facts(msgspec.Struct, frozen=True):
    """The options that say where a base station stands, and of its radio; named as in `StationFacts`."""

    latitude: Annotated[float | None, typer.Option(min=-90, max=90, help="Degrees north.")] = None
    longitude: Annotated[float | None, typer.Option(min=-180, max=180, help="Degrees east.")] = None
    altitude: Annotated[float | None, typer.Option(help="Metres.")] = None
    max_tx_power: Annotated[
        int | None,
        typer.Option("--max-power", help="Maximum transmit power of its radio in dBm, without the antenna."),
    ] = None
    antenna_gain: Annotated[
        float | None,
        typer.Option(help="Antenna gain in dBi minus cable losses; that of the profile if absent."),
    ] = None
    profile_id: Annotated[
        str | None,
        typer.Option("--profile", help="Id of its base station profile; the default one if absent."),
    ] = None


@base_station_app.command("create")
def create_base_station(
    eui: Annotated[str, typer.Argument(help="EUI that it presents, 16 hexadecimal digits.")],
    name: Annotated[str, typer.Argument(help="Name of the base station.")],
    operator: Operator,
    *,
    base_station_id: Annotated[str | None, typer.Option("--id", help="LRR id, eight hex digits.")] = None,
    facts: Facts,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Register a base station by its EUI, 16 hexadecimal digits."""
    try:
        gateway = GatewayEui.parse(eui)
        identifier = None if base_station_id is None else BaseStationId.parse(base_station_id)
    except InvalidIdentifier as error:
        fail(str(error))
    said = base_stations.StationFacts(name=name, **msgspec.structs.asdict(facts))
    created = change_data(
        settings_of(data),
        "baseStation.created",
        eui,
        lambda c: base_stations.create_base_station(
            c, accounts.find_operator(c, operator), gateway, said, base_station_id=identifier
        ),
    )
    if as_json:
        print_json(_view(created))
    else:
        console.print(f"base station {created.id} created")


@base_station_app.command("change")
@base_station_app.command("update", hidden=True)
def change_base_station(
    base_station_id: StationId,
    *,
    name: Annotated[str | None, typer.Option(help="New name.")] = None,
    facts: Facts,
    no_max_power: Annotated[bool, typer.Option("--no-max-power", help="Remove the power limit.")] = False,
    data: Data = None,
) -> None:
    """Change the given attributes; others are kept."""
    identifier = base_station_id.upper()
    given = {"name": name} | msgspec.structs.asdict(facts)
    changed: dict[str, str | float | None] = {
        member: value for member, value in given.items() if value is not None
    }
    if no_max_power:
        changed.setdefault("max_tx_power", None)
    change_data(
        settings_of(data),
        "baseStation.changed",
        identifier,
        lambda c: base_stations.change_members(c, identifier, changed),
    )
    report(f"base station {identifier} changed", id=identifier)


@base_station_app.command("list")
def list_base_stations(
    unknown: Annotated[
        bool, typer.Option("--unknown", help="Only unregistered base stations that contacted the server.")
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """List base stations with last contact and refused or irregular frames."""
    if unknown:
        _list_unknown(data, as_json=as_json)
        return
    listed = read_data(data, base_stations.list_base_stations)
    if as_json:
        print_json([_view(station) for station in listed])
        return
    print_table(
        "Base stations",
        (
            "Id",
            "EUI",
            "Name",
            "Latitude",
            "Longitude",
            "Max. power",
            "Last seen",
            "Refused",
            "Last refusal",
            "Remarks",
        ),
        [
            (
                s.id,
                s.gateway_eui,
                s.name,
                s.latitude,
                s.longitude,
                "" if s.max_tx_power is None else f"{s.max_tx_power} dBm",
                "never" if s.last_seen_at is None else timestamp(s.last_seen_at),
                s.refused_frames,
                "" if s.last_refusal_at is None else f"{timestamp(s.last_refusal_at)} {s.last_refusal}",
                "; ".join(base_stations.remarks(s)),
            )
            for s in listed
        ],
    )


def _list_unknown(data: Path | None, *, as_json: bool) -> None:
    listed = read_data(data, base_stations.list_unknown)
    if as_json:
        print_json(
            [
                {
                    "gatewayEUI": station.gateway_eui,
                    "address": station.address,
                    "datagrams": station.datagrams,
                    "lastSeen": timestamp(station.last_seen_at),
                }
                for station in listed
            ]
        )
        return
    print_table(
        "Unknown base stations",
        ("EUI", "Address", "Datagrams", "Last seen"),
        [(s.gateway_eui, s.address, s.datagrams, timestamp(s.last_seen_at)) for s in listed],
    )


@base_station_app.command("show")
def show_base_station(base_station_id: StationId, data: Data = None, as_json: Json = False) -> None:
    """Show a base station as it was written down last; the console shows its state of now."""
    identifier = base_station_id.upper()
    found = [each for each in read_data(data, base_stations.list_base_stations) if each.id == identifier]
    if not found:
        fail(f"there is no base station {identifier}")
    print_members(_view(found[0]), as_json=as_json)


def _view(station: base_stations.BaseStation) -> dict[str, Any]:
    """By the names of the API."""
    last, refusal, irregularity = (
        None if at is None else timestamp(at)
        for at in (station.last_seen_at, station.last_refusal_at, station.last_irregularity_at)
    )
    return {
        "id": station.id,
        "gatewayEUI": station.gateway_eui,
        "name": station.name,
        "latitude": station.latitude,
        "longitude": station.longitude,
        "altitude": station.altitude,
        "maxTxPower": station.max_tx_power,
        "antennaGain": station.antenna_gain,
        "lastSeen": last,
        "refusedFrames": station.refused_frames,
        "lastRefusal": None if station.last_refusal is None else str(station.last_refusal),
        "lastRefusalAt": refusal,
        "irregularFrames": station.irregular_frames,
        "lastIrregularity": None if station.last_irregularity is None else str(station.last_irregularity),
        "lastIrregularityAt": irregularity,
        "duplicateEui": []
        if station.duplicate_addresses is None
        else station.duplicate_addresses.split(", "),
        "clockError": station.clock_error,
    }


base_station_app.command("statistics")(show_statistics)
base_station_app.command("worth")(show_worth)


@base_station_app.command("delete")
@base_station_app.command("remove", hidden=True)
def delete_base_station(base_station_id: StationId, data: Data = None) -> None:
    """Delete a base station; its frames are kept in the journal."""
    identifier = base_station_id.upper()
    change_data(
        settings_of(data),
        "baseStation.removed",
        identifier,
        lambda c: base_stations.remove_base_station(c, identifier),
    )
    report(f"base station {identifier} deleted", id=identifier)


@base_station_app.command("token")
def issue_token(base_station_id: StationId, data: Data = None, as_json: Json = False) -> None:
    """Issue a token for a base station and print the content of Station's tc.key; it is not shown again."""
    identifier = base_station_id.upper()
    made = change_data(
        settings_of(data),
        "baseStation.tokenIssued",
        identifier,
        lambda c: base_stations.issue_token(
            c, base_stations.find_base_station(c, identifier), "command line"
        ),
    )
    if as_json:
        print_json(made)
    else:
        console.print(base_stations.key_file(made.token).strip(), highlight=False, soft_wrap=True)


class WantedFiles(msgspec.Struct, frozen=True):
    """For what the configuration is."""

    program: Annotated[Program, typer.Option("--format", help="Program on the base station.")] = (
        "packet-forwarder"
    )
    chip: Annotated[
        Chip | None,
        typer.Option(
            help="Concentrator, that of the profile if absent; an SX1303 is configured as an SX1302."
        ),
    ] = None
    concentrator: Annotated[
        int,
        typer.Option(
            min=1,
            max=8,
            help="Which concentrator of the profile, for programs that drive one each; Station drives all.",
        ),
    ] = 1
    server: Annotated[
        str | None,
        typer.Option(
            help="Host name under which base stations reach the server; that of sign_in.url if absent."
        ),
    ] = None


@base_station_app.command("configuration")
def show_configuration(
    base_station_id: StationId,
    wanted: WantedFiles,
    output: Annotated[
        Path | None, typer.Option(help="Directory for the files; they are printed if absent.")
    ] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Print or write the configuration files of a base station for this server. Calibration and gain tables
    are those of Semtech's reference designs: keep those of the maker where its file has others."""
    settings = settings_of(data)
    identifier = base_station_id.upper()

    def make(connection: Connection) -> StationConfiguration:
        listed = base_stations.list_base_stations(connection)
        station = next((each for each in listed if each.id == identifier), None)
        if station is None:
            raise BadRequest("there is no base station {identifier}", identifier=identifier)
        plans = network_parameters(settings.network).channel_plans
        setup = station_setup(connection, station, plans, wanted.chip)
        name = server_name(settings, wanted.server, None)
        return station_configuration(settings, setup, wanted.program, name, wanted.concentrator)

    made = read_data(data, make)
    if as_json:
        print_json(made)
        return
    if output is None:
        for file in made.files:
            console.print(f"# {file.name}", highlight=False)
            console.print(file.content, highlight=False, soft_wrap=True, markup=False)
    else:
        _write({output / file.name: file.content for file in made.files})
    if not made.served:
        report("the server does not listen for such base stations: see its settings under gateways")


def _write(files: dict[Path, str]) -> None:
    try:
        for path, content in files.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content)
            report(f"{path} written", file=str(path))
    except OSError as error:
        fail(f"{error.filename} cannot be written: {error.strerror}")


for _name, _command in (
    ("updates", list_updates),
    ("contacts", list_contacts),
    ("order-update", order_update),
    ("withdraw-update", withdraw_update),
):
    base_station_app.command(_name)(_command)
