"""Tokens of base stations."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from veldnet.api.routers import OPERATOR
from veldnet.api.services import Services
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import OperatorScope
from veldnet.inventory import base_stations
from veldnet.inventory.base_stations import NewToken


class TokenView(msgspec.Struct):
    """A token of a base station, without the token itself."""

    ref: str
    createdAt: str
    createdBy: str


class IssuedToken(msgspec.Struct):
    """A new token; it is not shown again. `keyFile` is the content of `tc.key` and `cups.key` of Station."""

    ref: str
    token: str
    keyFile: str


@OPERATOR.get(
    "/baseStations/{stationId}/tokens", "listStationTokens", "Operator", "Tokens of a base station."
)
async def list_station_tokens(
    station_id: str, services: Services, operator: OperatorScope
) -> list[TokenView]:
    """The tokens that a base station may connect with, oldest first."""

    def read(connection: Connection) -> list[TokenView]:
        ref = base_stations.own_base_station(connection, operator.operator_ref, station_id)
        return [
            TokenView(token.ref, timestamp(token.created_at), token.created_by)
            for token in base_stations.list_tokens(connection, ref)
        ]

    return await services.read(read)


@OPERATOR.post(
    "/baseStations/{stationId}/tokens",
    "issueStationToken",
    "Operator",
    "Issue a token for a base station.",
    status=201,
)
async def issue_station_token(station_id: str, services: Services, operator: OperatorScope) -> IssuedToken:
    """Give a base station a further token; those that it has stay valid until they are revoked."""

    def write(connection: Connection) -> NewToken:
        ref = base_stations.own_base_station(connection, operator.operator_ref, station_id)
        return base_stations.issue_token(connection, ref, operator.display_name)

    made = await services.change(
        write, by=operator, action="baseStation.tokenIssued", what=f"baseStation {station_id}"
    )
    return IssuedToken(made.ref, made.token, base_stations.key_file(made.token))


@OPERATOR.delete(
    "/baseStations/{stationId}/tokens/{tokenRef}",
    "revokeStationToken",
    "Operator",
    "Revoke a token of a base station.",
)
async def revoke_station_token(
    station_id: str, token_ref: str, services: Services, operator: OperatorScope
) -> None:
    """Take a token back; a connection that was made with it ends within half a minute."""

    def write(connection: Connection) -> None:
        ref = base_stations.own_base_station(connection, operator.operator_ref, station_id)
        base_stations.revoke_token(connection, ref, token_ref)

    await services.change(
        write, by=operator, action="baseStation.tokenRevoked", what=f"baseStation {station_id}"
    )
