"""The files of the LoRaWAN device repository's format, as far as they are used here.

All scalars come as text (see `yaml_text`), so that a version 1.10 does not become 1.1.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from veldnet.domain.documents import MacVersion, ProfileSettings, RegionalParameters
from veldnet.domain.errors import BadRequest, InvalidField
from veldnet.domain.validation import validation_text
from veldnet.inventory.offers import check_radio

T = TypeVar("T")

Id = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,35}\Z")]
Version = Annotated[str, Meta(min_length=1, max_length=40)]
FileName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,100}\Z")]

REGIONS = {
    "EU863-870": "EU868",
    "US902-928": "US915",
    "AU915-928": "AU915",
    "AS923": "AS923-1",
    "AS923-2": "AS923-2",
    "AS923-3": "AS923-3",
    "AS923-4": "AS923-4",
    "CN779-787": "CN779",
    "EU433": "EU433",
    "CN470-510": "CN470",
    "KR920-923": "KR920",
    "IN865-867": "IN865",
    "RU864-870": "RU864",
}
_MAC_VERSIONS: dict[str, MacVersion] = {
    "1.0": "1.0.0",
    "1.0.0": "1.0.0",
    "1.0.1": "1.0.1",
    "1.0.2": "1.0.2",
    "1.0.3": "1.0.3",
    "1.0.4": "1.0.4",
    "1.1": "1.1",
    "1.1.0": "1.1",
}
# What LoRaWAN 1.0 and 1.0.1 bring themselves is taken for the first revision that has a name here.
_PARAMETERS: dict[str, RegionalParameters] = {
    "TS001-1.0": "1.0.2revA",
    "TS001-1.0.1": "1.0.2revA",
    "RP001-1.0.2": "1.0.2revA",
    "RP001-1.0.2-RevB": "1.0.2revB",
    "RP001-1.0.3-RevA": "1.0.3revA",
    "RP001-1.1-RevA": "1.0.3revA",
    "RP001-1.1-RevB": "1.0.3revA",
    "RP002-1.0.0": "RP2-1.0.0",
    "RP002-1.0.1": "RP2-1.0.1",
    "RP002-1.0.2": "RP2-1.0.2",
    "RP002-1.0.3": "RP2-1.0.3",
    "RP002-1.0.4": "RP2-1.0.4",
    "RP002-1.0.5": "RP2-1.0.5",
}


class VendorEntry(msgspec.Struct):
    """A maker in `vendor/index.yaml`. `vendorID` is the LoRa Alliance's number, which QR codes carry."""

    id: Id
    name: str
    vendorID: Annotated[int, Meta(ge=0, le=0xFFFF)] | None = None
    website: str = ""


class ProfileNumber(msgspec.Struct):
    """What a maker's number of a profile, as QR codes carry it, stands for: a device, or a profile and a
    codec."""

    endDeviceID: str = ""
    firmwareVersion: str = ""
    region: str = ""
    id: str = ""
    codec: str = ""


class MakerIndex(msgspec.Struct):
    """`vendor/<maker>/index.yaml`."""

    endDevices: list[Id] = []
    profileIDs: dict[str, ProfileNumber] = {}


class ProfileUse(msgspec.Struct):
    """The profile and codec of a device in a region. `vendorID` is the maker whose folder has the profile."""

    id: Id
    vendorID: Id | None = None
    codec: Id | None = None


class Firmware(msgspec.Struct):
    version: Version
    hardwareVersions: list[str] = []
    profiles: dict[str, ProfileUse] = {}


class EndDevice(msgspec.Struct):
    """`vendor/<maker>/<device>.yaml`."""

    name: str
    description: str = ""
    firmwareVersions: list[Firmware] = []


class Program(msgspec.Struct):
    fileName: FileName


class Codec(msgspec.Struct):
    """`vendor/<maker>/<codec>.yaml`. `kind` is an addition of ours, for a decoder that the platform has built
    in."""

    uplinkDecoder: Program | None = None
    downlinkEncoder: Program | None = None
    downlinkDecoder: Program | None = None
    kind: str = "JAVASCRIPT"


class EndDeviceProfile(msgspec.Struct):
    """`vendor/<maker>/<profile>.yaml`; frequencies in MHz, time-outs in seconds."""

    macVersion: str
    regionalParametersVersion: str
    supportsJoin: bool = True
    rx1DataRateOffset: int = 0
    rx2DataRateIndex: int | None = None
    rx2Frequency: float | None = None
    supports32bitFCnt: bool = True
    supportsClassB: bool = False
    classBTimeout: float | None = None
    pingSlotDataRateIndex: int | None = None
    pingSlotFrequency: float | None = None
    supportsClassC: bool = False
    classCTimeout: float | None = None


def convert(document: Any, kind: type[T]) -> T:
    """A document as a kind of file. Raises `BadRequest`, which says where it is another."""
    try:
        return msgspec.convert(_given(document), kind, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(validation_text(str(error))) from None


def _given(document: Any) -> Any:
    """Without members that are there and have no value."""
    if isinstance(document, dict):
        return {
            str(name): _given(value) for name, value in document.items() if value not in ("", "null", "~")
        }
    if isinstance(document, list):
        return [_given(value) for value in document]
    return document


def settings_of(profile: EndDeviceProfile, region: str, maker: str) -> ProfileSettings:
    """A profile as settings of a device profile. Receive windows are taken from it where the device cannot be
    told others, because it does not join. Raises `BadRequest`."""
    mac_version = _MAC_VERSIONS.get(profile.macVersion)
    parameters = _PARAMETERS.get(profile.regionalParametersVersion)
    if mac_version is None:
        raise InvalidField("macVersion {mac_version} is unknown", mac_version=profile.macVersion[:20])
    if parameters is None:
        raise InvalidField(
            "regionalParametersVersion {regional_parameters_version} is unknown",
            regional_parameters_version=profile.regionalParametersVersion[:30],
        )
    personalised = not profile.supportsJoin
    timeout = profile.classCTimeout if profile.supportsClassC else profile.classBTimeout
    settings = ProfileSettings(
        loRaWANMacVersion=mac_version,
        regionalParameterVersion=parameters,
        loRaWANClass="C" if profile.supportsClassC else "B" if profile.supportsClassB else "A",
        region=region,
        rx2DataRate=profile.rx2DataRateIndex if personalised else None,
        rx2Frequency=_hertz(profile.rx2Frequency) if personalised else None,
        rx1DROffset=profile.rx1DataRateOffset if personalised else 0,
        pingSlotDataRate=profile.pingSlotDataRateIndex if profile.supportsClassB else None,
        pingSlotFrequency=_hertz(profile.pingSlotFrequency) if profile.supportsClassB else None,
        responseTimeout=round(min(max(timeout, 1.0), 600.0)) if timeout is not None and timeout > 0 else 8,
        wideCounters=profile.supports32bitFCnt,
        manufacturerName=maker,
    )
    # Its members are checked as those of a profile that somebody types in.
    checked = convert(msgspec.to_builtins(settings), ProfileSettings)
    check_radio(checked)
    return checked


def _hertz(megahertz: float | None) -> int | None:
    """None also for 0, which stands for frequency hopping, and for what is no number."""
    return round(megahertz * 1_000_000) if megahertz and 0 < megahertz < 10_000 else None
