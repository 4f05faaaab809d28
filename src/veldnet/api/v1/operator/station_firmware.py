"""Firmware of base stations: files, and the signatures that Station checks."""

from __future__ import annotations

from typing import Annotated

import msgspec
from sqlalchemy import Connection

from veldnet.api.body import Upload
from veldnet.api.query import Parameter
from veldnet.api.routers import OPERATOR
from veldnet.api.services import Services
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import OperatorScope
from veldnet.inventory import base_stations
from veldnet.inventory.base_stations import Firmware


class FirmwareView(msgspec.Struct):
    """A file of firmware. Station reports `model` as it is built, and `version` once it has it; `digest` is
    SHA-512, `keys` are CRC-32 of the keys that it is signed by. Without one it is handed out to nobody."""

    ref: str
    model: str
    version: str
    size: int
    digest: str
    keys: list[str]
    createdAt: str
    createdBy: str


class FirmwareName(msgspec.Struct):
    """What a file is."""

    model: Annotated[str, Parameter("Model of the base stations that it is for, as they report it.")] = ""
    version: Annotated[str, Parameter("Package version that they report once they have it.")] = ""


class FirmwareSignature(msgspec.Struct):
    """A signature of a file: ECDSA with P-256 over SHA-512, DER in base64; and the public key, PEM or DER in
    base64, that it is checked by."""

    signature: str
    publicKey: str


@OPERATOR.get("/firmware", "listFirmware", "Operator", "Firmware of base stations.")
async def list_firmware(services: Services, operator: OperatorScope) -> list[FirmwareView]:
    """The operator's firmware, oldest first."""
    found = await services.read(lambda c: base_stations.list_firmware(c, operator.operator_ref))
    return [_view(each) for each in found]


def _largest(services: Services) -> int:
    return services.platform.settings.gateways.max_firmware


@OPERATOR.post(
    "/firmware",
    "uploadFirmware",
    "Operator",
    "Upload firmware of base stations.",
    status=201,
    media="application/octet-stream",
    result=FirmwareView,
    max_body=_largest,
    refusals=(507,),
)
async def upload_firmware(
    services: Services, operator: OperatorScope, query: FirmwareName, body: Upload
) -> FirmwareView:
    """Store a file as it comes: what Station is to run, `gateways.max_firmware` octets at most. It is handed
    out once it is signed."""
    named = (query.model, query.version)
    by = operator.display_name
    file = await base_stations.store_firmware(services.write, operator.operator_ref, named, body, by)
    stored = await services.change(
        lambda c: base_stations.complete(c, file.ref),
        by=operator,
        action="firmware.created",
        what=f"firmware {file.ref}",
        details={"model": query.model, "version": query.version, "size": file.size},
    )
    return _view(stored)


@OPERATOR.post(
    "/firmware/{firmwareRef}/signatures",
    "signFirmware",
    "Operator",
    "Add a signature of firmware.",
    status=201,
)
async def sign_firmware(
    firmware_ref: str, services: Services, operator: OperatorScope, body: FirmwareSignature
) -> FirmwareView:
    """Add a signature, which is checked; one of the same key is replaced."""

    def write(connection: Connection) -> Firmware:
        base_stations.sign(connection, operator.operator_ref, firmware_ref, body.publicKey, body.signature)
        return base_stations.read_firmware(connection, operator.operator_ref, firmware_ref)

    what = f"firmware {firmware_ref}"
    return _view(await services.change(write, by=operator, action="firmware.signed", what=what))


@OPERATOR.delete("/firmware/{firmwareRef}", "removeFirmware", "Operator", "Remove firmware.")
async def remove_firmware(firmware_ref: str, services: Services, operator: OperatorScope) -> None:
    """Refused while base stations are to have it."""
    await services.change(
        lambda c: base_stations.remove_firmware(c, operator.operator_ref, firmware_ref),
        by=operator,
        action="firmware.removed",
        what=f"firmware {firmware_ref}",
    )
    await base_stations.sweep(services.write)


def _view(found: Firmware) -> FirmwareView:
    return FirmwareView(
        str(found.ref),
        found.model,
        found.version,
        found.size,
        found.digest.hex(),
        [f"{key:08X}" for key in found.keys],
        timestamp(found.created_at),
        found.created_by,
    )
