"""Device catalogue: models to choose from, and codes on devices."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from sqlalchemy import Connection

from veldnet.api.errors import language_of
from veldnet.api.query import Parameter
from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.asgi import Request
from veldnet.domain.errors import BadRequest
from veldnet.domain.scope import Scope
from veldnet.inventory import catalogue, devices
from veldnet.inventory.catalogue import CatalogueModel, ChosenModel, ModelChoice
from veldnet.lorawan.device_code import DeviceCode, InvalidDeviceCode, parse_device_code
from veldnet.texts import Language, in_language

_MOST_CODES = 100


class ModelFilter(msgspec.Struct, frozen=True):
    """Which models."""

    search: Annotated[str, Parameter("Words in maker, name or description.")] = ""
    makerId: Annotated[str | None, Parameter("Models of this maker only.")] = None
    limit: Annotated[int, Parameter("Models at most.", least=1, most=100)] = 50


class ModelVariant(msgspec.Struct):
    """How a model starts with a version of its firmware in a region. `decoder` says whether there is a
    payload decoder."""

    version: str
    region: str
    macVersion: str
    deviceClass: Literal["A", "B", "C"]
    activationType: Literal["OTAA", "ABP"]
    decoder: bool
    hardwareVersions: list[str]


class ModelView(CatalogueModel, kw_only=True):
    """A model with its versions and regions."""

    variants: list[ModelVariant]


class ScannedModel(msgspec.Struct):
    """The model that a code names, as it is chosen."""

    makerId: str
    makerName: str
    modelId: str
    name: str
    version: str
    region: str


class ReadCode(msgspec.Struct):
    """What a code says; `error` says why it is none. `vendorId` and `vendorProfileId` have four hexadecimal
    digits. `existingRef` is the device if the subscriber has it already."""

    error: str | None = None
    deviceEUI: str | None = None
    joinEUI: str | None = None
    vendorId: str | None = None
    vendorProfileId: str | None = None
    ownerToken: str | None = None
    serialNumber: str | None = None
    proprietary: str | None = None
    checksumMatches: bool | None = None
    existingRef: str | None = None
    model: ScannedModel | None = None


class DeviceCodes(msgspec.Struct):
    """The texts of codes, as they were scanned or pasted."""

    codes: list[str]


@SUBSCRIBER.get("/catalogue/models", "searchCatalogue", "Catalogue", "Models of devices to choose from.")
async def search_catalogue(services: Services, scope: Scope, query: ModelFilter) -> list[CatalogueModel]:
    """Models of the device catalogue whose maker, name or description has all words."""
    return await services.read(
        lambda c: catalogue.search_models(c, scope.operator_ref, query.search, query.makerId, query.limit)
    )


@SUBSCRIBER.get(
    "/catalogue/models/{makerId}/{modelId}",
    "getCatalogueModel",
    "Catalogue",
    "A model with its versions and regions.",
)
async def get_catalogue_model(maker_id: str, model_id: str, services: Services, scope: Scope) -> ModelView:
    whole = await services.read(lambda c: catalogue.find_model(c, scope.operator_ref, maker_id, model_id))
    variants = [
        ModelVariant(
            each.firmware,
            each.region,
            each.settings.loRaWANMacVersion,
            each.settings.loRaWANClass,
            "OTAA" if each.joins else "ABP",
            each.codec is not None,
            each.hardware,
        )
        for each in whole.variants
    ]
    return ModelView(**msgspec.structs.asdict(whole.model), variants=variants)


@SUBSCRIBER.post(
    "/catalogue/choice",
    "chooseCatalogueModel",
    "Catalogue",
    "Device profile and decoder for devices of a model.",
)
async def choose_model(services: Services, scope: Scope, body: ModelChoice) -> ChosenModel:
    """The device profile of a model, for `deviceProfileId` of new devices. It is created with the first
    device of the model; so is the subscriber's payload decoder, unless the profile has one."""
    most = services.platform.settings.console.decoder_source
    return await services.change(
        lambda c: catalogue.choose_model(c, scope, body, most_source=most),
        by=scope,
        action="catalogue.chosen",
        what=f"model {body.makerId[:40]}/{body.modelId[:40]}",
        details=body,
    )


@SUBSCRIBER.post(
    "/deviceCodes",
    "readDeviceCodes",
    "Catalogue",
    "Read QR codes of devices (LoRa Alliance TR005).",
    read_only=True,
)
async def read_device_codes(
    request: Request, services: Services, scope: Scope, body: DeviceCodes
) -> list[ReadCode]:
    """What QR codes of devices say: TR005, its drafts, or plain EUIs. A code never has the AppKey."""
    if not 1 <= len(body.codes) <= _MOST_CODES:
        raise BadRequest("codes must be 1 to {most_codes} texts", most_codes=_MOST_CODES)

    language = language_of(request)
    read = [_parsed(text, language) for text in body.codes]

    def look_up(connection: Connection) -> list[ReadCode]:
        codes = [each for each in read if isinstance(each, DeviceCode)]
        own = devices.find_own(connection, scope, [code.dev_eui for code in codes])
        numbers = {(code.vendor, code.profile) for code in codes if code.vendor}
        models = {each: _model(connection, scope, *each) for each in numbers}
        return [
            ReadCode(error=each)
            if isinstance(each, str)
            else _view(each, own.get(str(each.dev_eui)), models.get((each.vendor, each.profile)))
            for each in read
        ]

    return await services.read(look_up)


def _parsed(text: str, language: Language) -> DeviceCode | str:
    """A code, or what is wrong with it."""
    try:
        return parse_device_code(text)
    except InvalidDeviceCode as error:
        problem = in_language(error.args[0], language)
        return f"{problem[:1].upper()}{problem[1:]}."


def _view(code: DeviceCode, existing: str | None, model: ScannedModel | None) -> ReadCode:
    numbered = bool(code.vendor or code.profile)
    return ReadCode(
        deviceEUI=str(code.dev_eui),
        joinEUI=None if code.join_eui is None else str(code.join_eui),
        vendorId=f"{code.vendor:04X}" if numbered else None,
        vendorProfileId=f"{code.profile:04X}" if numbered else None,
        ownerToken=code.owner_token or None,
        serialNumber=code.serial_number or None,
        proprietary=code.proprietary or None,
        checksumMatches=code.checksum_matches,
        existingRef=existing,
        model=model,
    )


def _model(connection: Connection, scope: Scope, vendor: int, profile: int) -> ScannedModel | None:
    found = catalogue.find_scanned(connection, scope.operator_ref, vendor, profile)
    if found is None:
        return None
    model, scanned = found
    return ScannedModel(
        model.makerId, model.makerName, model.modelId, model.name, scanned.firmware, scanned.region
    )
