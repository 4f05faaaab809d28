"""Certificates of base stations by the internal authority."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from veldnet.api.routers import OPERATOR
from veldnet.api.services import Services
from veldnet.assembly.certificate_authority import open_signer
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import OperatorScope
from veldnet.inventory import base_stations, certificates
from veldnet.inventory.certificates import STATION_DAYS


class StationCertificate(msgspec.Struct):
    """A client certificate of a base station."""

    ref: str
    serial: str
    expiresAt: str
    createdAt: str
    createdBy: str
    revokedAt: str | None
    revokedBy: str | None


class IssuedCertificate(msgspec.Struct):
    """A new certificate with its private key, which is not shown again (PEM): the content of Station's
    `cups.crt`, `cups.key` and `cups.trust`, and of `tc.*`."""

    serial: str
    expiresAt: str
    certificate: str
    privateKey: str
    trust: str


@OPERATOR.get(
    "/baseStations/{stationId}/certificates",
    "listStationCertificates",
    "Operator",
    "Certificates of a base station.",
)
async def list_station_certificates(
    station_id: str, services: Services, operator: OperatorScope
) -> list[StationCertificate]:
    """What the internal authority has issued to a base station, oldest first."""

    def read(connection: Connection) -> list[StationCertificate]:
        ref = base_stations.own_base_station(connection, operator.operator_ref, station_id)
        return [
            StationCertificate(
                str(each.ref),
                each.serial,
                timestamp(each.expires_at),
                timestamp(each.created_at),
                each.created_by,
                None if each.revoked_at is None else timestamp(each.revoked_at),
                each.revoked_by,
            )
            for each in certificates.list_certificates(connection, ref)
        ]

    return await services.read(read)


@OPERATOR.post(
    "/baseStations/{stationId}/certificates",
    "issueStationCertificate",
    "Operator",
    "Issue a certificate to a base station.",
    status=201,
)
async def issue_station_certificate(
    station_id: str, services: Services, operator: OperatorScope
) -> IssuedCertificate:
    """Issue a further client certificate of the internal authority; what the base station has stays valid. By
    CUPS it fetches one itself: order an update."""
    platform = services.platform
    found = await services.read(lambda c: base_stations.euis(c, operator.operator_ref, [station_id]))
    signer = await open_signer(platform.store, platform.vault)
    made = certificates.issue_to_station(signer, found[station_id], STATION_DAYS, platform.clock())

    def write(connection: Connection) -> None:
        ref = base_stations.own_base_station(connection, operator.operator_ref, station_id)
        certificates.record(connection, signer.ref, made, ref, found[station_id], operator.display_name)

    await services.change(
        write, by=operator, action="baseStation.certificateIssued", what=f"baseStation {station_id}"
    )
    return IssuedCertificate(
        made.serial,
        timestamp(made.expires_at),
        made.certificate_file,
        made.key_file,
        certificates.pem(signer.certificate),
    )


@OPERATOR.delete(
    "/baseStations/{stationId}/certificates/{certificateRef}",
    "revokeStationCertificate",
    "Operator",
    "Revoke a certificate of a base station.",
)
async def revoke_station_certificate(
    station_id: str, certificate_ref: str, services: Services, operator: OperatorScope
) -> None:
    """Take a certificate back; a connection that was made with it ends within half a minute."""

    def write(connection: Connection) -> None:
        ref = base_stations.own_base_station(connection, operator.operator_ref, station_id)
        certificates.revoke_certificate(connection, ref, certificate_ref, operator.display_name)

    await services.change(
        write, by=operator, action="baseStation.certificateRevoked", what=f"baseStation {station_id}"
    )
