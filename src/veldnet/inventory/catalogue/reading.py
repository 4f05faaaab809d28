"""A catalogue read from its files: makers with their models and codecs. A file that is wrong is passed over,
with the reason; the rest is taken."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import msgspec

from veldnet.domain.documents import ProfileSettings
from veldnet.domain.errors import BadRequest
from veldnet.inventory.names import printable

from .descriptions import (
    REGIONS,
    Codec,
    EndDevice,
    EndDeviceProfile,
    Firmware,
    MakerIndex,
    ProfileUse,
    VendorEntry,
    convert,
    settings_of,
)
from .sources import Files
from .yaml_text import read_yaml

T = TypeVar("T")

_MOST_MAKERS = 5_000
_MOST_MODELS = 5_000
_MOST_VARIANTS = 500
_MOST_SOURCE = 512_000
_KINDS = ("JAVASCRIPT", "CAYENNE_LPP")


class Variant(msgspec.Struct, frozen=True):
    """A model with a firmware in a region: how such a device starts, and the codec that reads it."""

    firmware: str
    region: str
    settings: ProfileSettings
    codec: str | None = None
    # Whether the device joins; one that does not has fixed keys (ABP).
    joins: bool = True
    hardware: list[str] = []
    profile: str = ""


class Model(msgspec.Struct, frozen=True):
    """A model of device."""

    id: str
    name: str
    description: str
    variants: list[Variant]


class ModelCodec(msgspec.Struct, frozen=True):
    """A codec: `source` is JavaScript where its kind is JAVASCRIPT."""

    id: str
    kind: str
    source: str


class ScannedProfile(msgspec.Struct, frozen=True):
    """What a number of a profile in a QR code stands for."""

    model: str
    firmware: str
    region: str


class Maker(msgspec.Struct, frozen=True):
    """A maker with its models. `number` is the LoRa Alliance's number of it."""

    id: str
    name: str
    website: str
    number: int | None
    models: list[Model]
    codecs: list[ModelCodec]
    profile_numbers: dict[str, ScannedProfile] = {}


class Skipped(msgspec.Struct, frozen=True):
    """A file, or a part of one, that was passed over."""

    file: str
    reason: str


class Reader:
    """Reads the makers of a catalogue; `skipped` grows meanwhile."""

    def __init__(self, files: Files) -> None:
        self._files = files
        self.skipped: list[Skipped] = []

    def makers(self) -> Iterator[Maker]:
        """All makers, in the order of their ids. Those that the index does not list have their id as name."""
        entries = self._vendors()
        folders = sorted({path.split("/")[1] for path in self._files if path.count("/") == 2})
        if len(folders) > _MOST_MAKERS:
            raise BadRequest("there are more than {most_makers} makers", most_makers=_MOST_MAKERS)
        for folder in folders:
            path = f"vendor/{folder}/index.yaml"
            if path not in self._files:
                # A folder of profiles that other makers use.
                continue
            index = self._read(path, MakerIndex)
            entry = entries.get(folder) or VendorEntry(folder, folder)
            if index is not None and folder.isprintable():
                maker = self._maker(entry, index)
                if maker.models:
                    yield maker

    def _vendors(self) -> dict[str, VendorEntry]:
        found: dict[str, VendorEntry] = {}
        path = "vendor/index.yaml"
        if path not in self._files:
            return found
        try:
            document = read_yaml(self._files[path])
            listed = document.get("vendors") if isinstance(document, dict) else None
        except BadRequest as error:
            self._skip(path, error)
            return found
        for each in listed if isinstance(listed, list) else []:
            try:
                entry = convert(each, VendorEntry)
            except BadRequest as error:
                self._skip(path, error)
                continue
            found[entry.id] = entry
        return found

    def _maker(self, entry: VendorEntry, index: MakerIndex) -> Maker:
        name = shown(entry.name) or entry.id
        models: list[Model] = []
        codecs: dict[str, ModelCodec | None] = {}
        for device in list(dict.fromkeys(index.endDevices))[:_MOST_MODELS]:
            path = f"vendor/{entry.id}/{device}.yaml"
            described = self._read(path, EndDevice)
            if described is None:
                continue
            variants = list(self._variants(path, entry.id, name, described, codecs))
            if variants:
                models.append(
                    Model(device, shown(described.name) or device, shown(described.description), variants)
                )
        website = entry.website if entry.website.startswith("https://") and len(entry.website) <= 300 else ""
        return Maker(
            entry.id,
            name,
            website,
            entry.vendorID,
            models,
            [codec for codec in codecs.values() if codec is not None],
            _profile_numbers(index, models),
        )

    def _variants(
        self,
        path: str,
        folder: str,
        maker: str,
        device: EndDevice,
        codecs: dict[str, ModelCodec | None],
    ) -> Iterator[Variant]:
        seen: set[tuple[str, str]] = set()
        for firmware in device.firmwareVersions:
            for named, use in firmware.profiles.items():
                region = REGIONS.get(named)
                if region is None:
                    self._skip(path, BadRequest("region {named} is unknown", named=named[:20]))
                    continue
                version = shown(firmware.version)
                if (version, region) in seen or len(seen) >= _MOST_VARIANTS:
                    continue
                seen.add((version, region))
                variant = self._variant(folder, maker, firmware, region, use)
                if variant is None:
                    continue
                if use.codec is not None and use.codec not in codecs:
                    codecs[use.codec] = self._codec(folder, use.codec)
                if use.codec is not None and codecs[use.codec] is None:
                    variant = msgspec.structs.replace(variant, codec=None)
                yield variant

    def _variant(
        self, folder: str, maker: str, firmware: Firmware, region: str, use: ProfileUse
    ) -> Variant | None:
        path = f"vendor/{use.vendorID or folder}/{use.id}.yaml"
        profile = self._read(path, EndDeviceProfile)
        if profile is None:
            return None
        try:
            settings = settings_of(profile, region, maker)
        except BadRequest as error:
            self._skip(path, error)
            return None
        hardware = [shown(version)[:40] for version in firmware.hardwareVersions[:20]]
        return Variant(
            shown(firmware.version), region, settings, use.codec, profile.supportsJoin, hardware, use.id
        )

    def _codec(self, folder: str, name: str) -> ModelCodec | None:
        path = f"vendor/{folder}/{name}.yaml"
        codec = self._read(path, Codec)
        if codec is None:
            return None
        if codec.kind not in _KINDS:
            self._skip(path, BadRequest("kind must be one of {known}", known=", ".join(_KINDS)))
            return None
        if codec.kind != "JAVASCRIPT":
            return ModelCodec(name, codec.kind, "")
        try:
            return ModelCodec(name, codec.kind, self._source(folder, codec))
        except BadRequest as error:
            self._skip(path, error)
            return None

    def _source(self, folder: str, codec: Codec) -> str:
        """The functions of a codec as one text. Where they come from several files, each is a closure, so
        that the helpers of one do not replace those of another."""
        functions = {
            name: program.fileName
            for name, program in (
                ("decodeUplink", codec.uplinkDecoder),
                ("encodeDownlink", codec.downlinkEncoder),
                ("decodeDownlink", codec.downlinkDecoder),
            )
            if program is not None
        }
        if "decodeUplink" not in functions:
            raise BadRequest("the codec has no uplinkDecoder")
        texts = {}
        for name in dict.fromkeys(functions.values()):
            octets = self._files.get(f"vendor/{folder}/{name}")
            if octets is None:
                raise BadRequest("{name} is not there", name=name)
            try:
                texts[name] = octets.decode("utf-8-sig")
            except UnicodeDecodeError:
                raise BadRequest("{name} is not UTF-8", name=name) from None
        if len(texts) == 1:
            source = next(iter(texts.values()))
        else:
            source = "\n".join(
                f"var {function} = (function () {{\n{texts[name]}\nreturn {function};\n}})();"
                for function, name in functions.items()
            )
        if len(source) > _MOST_SOURCE:
            raise BadRequest("the codec has more than {most_source} characters", most_source=_MOST_SOURCE)
        return source

    def _read(self, path: str, kind: type[T]) -> T | None:
        """A file, None where it is passed over."""
        octets = self._files.get(path)
        if octets is None:
            self._skip(path, BadRequest("the file is not there"))
            return None
        try:
            return convert(read_yaml(octets), kind)
        except BadRequest as error:
            self._skip(path, error)
            return None

    def _skip(self, path: str, error: BadRequest) -> None:
        found = Skipped(path, error.message.removeprefix(error.prefix))
        if not self.skipped or self.skipped[-1] != found:
            self.skipped.append(found)


def shown(text: str) -> str:
    """A name of somebody else's as one line that can be printed."""
    return printable(" ".join(text.split()))[:300].strip()


def _profile_numbers(index: MakerIndex, models: list[Model]) -> dict[str, ScannedProfile]:
    """A maker's numbers of profiles by their four hexadecimal digits, as far as its models have them."""
    found: dict[str, ScannedProfile] = {}
    for text, number in index.profileIDs.items():
        if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 0xFFFF):
            continue
        region = REGIONS.get(number.region, "")
        for model in models:
            for variant in model.variants:
                by_device = number.endDeviceID == model.id and (variant.firmware, variant.region) == (
                    number.firmwareVersion,
                    region,
                )
                by_profile = number.id and (number.id, number.codec) == (
                    variant.profile,
                    variant.codec or "",
                )
                if by_device or by_profile:
                    found.setdefault(
                        f"{int(text):04X}", ScannedProfile(model.id, variant.firmware, variant.region)
                    )
    return found
