"""Configuration of base stations, ready to copy."""

from __future__ import annotations

import asyncio
from typing import Annotated

import msgspec
from sqlalchemy import Connection

from veldnet.api.query import Parameter
from veldnet.api.routers import OPERATOR
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.assembly.station_configuration import (
    Program,
    StationSetup,
    server_name,
    station_configuration,
    station_setup,
)
from veldnet.domain.scope import OperatorScope
from veldnet.gateways.configuration import Chip
from veldnet.inventory import base_stations


class ConfigurationWanted(msgspec.Struct, frozen=True):
    """For which program and radio, and which name of the server."""

    format: Annotated[Program, Parameter("Program on the base station.")] = "packet-forwarder"
    chip: Annotated[
        Chip | None,
        Parameter("Concentrator, that of the profile if absent; an SX1303 is configured as an SX1302."),
    ] = None
    concentrator: Annotated[
        int,
        Parameter(
            "Which concentrator of the profile, for programs that drive one each; Station drives all.",
            least=1,
            most=8,
        ),
    ] = 1
    server: Annotated[
        str | None,
        Parameter(
            "Host name or address under which base stations reach the server; that of the setting "
            "`sign_in.url` or of this request if absent."
        ),
    ] = None


class ConfigurationFileView(msgspec.Struct):
    """A file by its name."""

    name: str
    content: str


class StationConfigurationView(msgspec.Struct):
    """Files of the program that runs on a base station. `values` are the same for base stations that are
    configured in a form: `gatewayEUI`, `serverAddress`, `portUp`, `portDown`, `lnsUri`, `broker` and
    `topicPrefix`, as far as the program has them. `served` says whether the server listens for such base
    stations at all, `concentrators` how many of the profile have channels."""

    format: str
    chip: str
    region: str
    server: str
    served: bool
    concentrator: int
    concentrators: int
    files: list[ConfigurationFileView]
    values: dict[str, str]


@OPERATOR.get(
    "/baseStations/{stationId}/configuration",
    "stationConfiguration",
    "Operator",
    "Configuration files for a base station.",
)
async def get_configuration(
    station_id: str,
    request: Request,
    services: Services,
    operator: OperatorScope,
    query: ConfigurationWanted,
) -> StationConfigurationView:
    """The files that a base station needs for this server, with the channels of its profile. Calibration and
    gain tables of the radios are those of Semtech's reference designs; where the maker's file has others,
    keep those. No file holds a secret: issue a token for Station's `tc.key`."""
    platform = services.platform
    server = server_name(platform.settings, query.server, request.headers.get("host"))
    plans = platform.network.parameters.channel_plans

    def read(connection: Connection) -> StationSetup:
        station = base_stations.read_base_station(connection, operator.operator_ref, station_id)
        return station_setup(connection, station, plans, query.chip)

    setup = await services.read(read)
    made = await asyncio.to_thread(
        station_configuration, platform.settings, setup, query.format, server, query.concentrator
    )
    return StationConfigurationView(
        query.format,
        made.chip,
        made.region,
        made.server,
        made.served,
        made.concentrator,
        made.concentrators,
        [ConfigurationFileView(file.name, file.content) for file in made.files],
        made.values,
    )
