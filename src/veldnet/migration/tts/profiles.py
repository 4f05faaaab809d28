"""Device profiles, plans and decoders of end devices of The Things Stack, which has no profiles."""

from __future__ import annotations

from hashlib import blake2s
from typing import Any

import msgspec

from veldnet.domain.documents import MacVersion, ProfileSettings, RegionalParameters
from veldnet.migration.lorawan_versions import mac_version, regional_parameters
from veldnet.migration.model import Decoder, NotMovable, Profile
from veldnet.migration.plans import MOST_STATUS_REQUESTS, plan_of

from .device import EndDevice, Formatters
from .objects import flag_of, number_of, seconds_of

_DAY = 86_400.0
# Beginnings of the ids of frequency plans, the longer ones first.
_REGIONS = (
    ("EU_863_870", "EU868"),
    ("EU_433", "EU433"),
    ("US_902_928", "US915"),
    ("AU_915_928", "AU915"),
    ("CN_470_510", "CN470"),
    ("CN_779_787", "CN779"),
    ("AS_923_2", "AS923-2"),
    ("AS_923_3", "AS923-3"),
    ("AS_923_4", "AS923-4"),
    ("AS_920_923", "AS923-1"),
    ("AS_923_925", "AS923-1"),
    ("JP_920_923", "AS923-1"),
    ("KR_920_923", "KR920"),
    ("IN_865_867", "IN865"),
    ("RU_864_870", "RU864"),
)


class Model(msgspec.Struct, frozen=True):
    """What devices of one kind have in common; of equal ones one profile is made."""

    region: str
    version: MacVersion
    parameters: RegionalParameters
    device_class: str
    class_b: bool
    wide_counters: bool
    resets_counter: bool
    ping_data_rate: int | None
    ping_frequency: int | None
    status_requests: int
    model: str
    formatters: Formatters

    @property
    def key(self) -> str:
        return blake2s(msgspec.json.encode(self), digest_size=6).hexdigest()


def model_of(device: EndDevice) -> Model:
    """Raises `NotMovable` for a version or frequency plan that is not known."""
    version = mac_version(device.lorawan_version.removeprefix("MAC_V").replace("_", "."))
    settings = device.mac_settings
    wide, resets = flag_of(settings.supports_32_bit_f_cnt), flag_of(settings.resets_f_cnt)
    ids = device.version_ids
    return Model(
        region=region_of(device.frequency_plan_id),
        version=version,
        parameters=regional_parameters(version, _revision(device.lorawan_phy_version)),
        device_class="C" if device.supports_class_c else "B" if device.supports_class_b else "A",
        class_b=device.supports_class_b,
        wide_counters=wide is not False,
        resets_counter=resets is True and not device.supports_join,
        ping_data_rate=_known(settings.ping_slot_data_rate_index, "DATA_RATE_"),
        ping_frequency=_known(settings.ping_slot_frequency, "") or None,
        status_requests=_status_requests(settings.status_time_periodicity),
        model=" ".join(part for part in (ids.brand_id, ids.model_id) if part),
        formatters=device.formatters,
    )


def _known(value: Any, prefix: str) -> int | None:
    return None if value is None else number_of(value, prefix)


def _revision(phy: str) -> str:
    """The revision of a document (`A`), or of RP002 (`1.0.3`)."""
    if phy.startswith("RP002_V"):
        return phy.removeprefix("RP002_V").replace("_", ".")
    return phy[-1:] if "_REV_" in phy else "A"


def region_of(plan: str) -> str:
    """Raises `NotMovable`."""
    for beginning, region in _REGIONS:
        if plan.startswith(beginning):
            return region
    raise NotMovable(f"frequency plan {plan[:40]!r} is not of a region that Veldnet knows")


def _status_requests(periodicity: Any) -> int:
    """A day; one where the device has no setting of its own, as The Things Stack has it."""
    seconds = seconds_of(periodicity)
    if seconds is None:
        return 1
    # Of a period next to nothing the quotient is infinite.
    return round(min(_DAY / seconds, MOST_STATUS_REQUESTS)) if seconds > 0 else 0


def profile_of(model: Model) -> Profile:
    """The device profile and plan of a model."""
    name = model.model or f"LoRaWAN {model.version} class {model.device_class}"
    remarks: list[str] = []
    try:
        settings = _settings(model)
        problem = ""
    except msgspec.ValidationError as error:
        settings, problem = ProfileSettings(), f"its MAC settings have a value that none can have: {error}"
    return Profile(
        id=f"TTS/{model.key}",
        name=f"{name}, {model.region}"[:100],
        settings=settings,
        plan=plan_of("The Things Stack", status_requests=model.status_requests, class_b=model.class_b),
        decoder=_decoder(model.formatters, f"{name[:80]} ({model.key})", remarks),
        remarks=tuple(remarks),
        problem=problem,
    )


def _settings(model: Model) -> ProfileSettings:
    return msgspec.convert(
        {
            "loRaWANMacVersion": model.version,
            "regionalParameterVersion": model.parameters,
            "loRaWANClass": model.device_class,
            "region": model.region,
            "wideCounters": model.wide_counters,
            "allowABPAutomaticReset": model.resets_counter,
            "pingSlotDataRate": model.ping_data_rate,
            "pingSlotFrequency": model.ping_frequency,
        },
        ProfileSettings,
    )


def _decoder(formatters: Formatters, name: str, remarks: list[str]) -> Decoder | None:
    kind, source = formatters.up_formatter, formatters.up_formatter_parameter
    if kind == "FORMATTER_CAYENNELPP":
        return Decoder(name, "CAYENNE_LPP")
    if kind == "FORMATTER_REPOSITORY":
        remarks.append(
            "its payload formatter is that of the device repository: choose the model in the catalogue"
        )
    elif kind not in ("", "FORMATTER_NONE", "FORMATTER_JAVASCRIPT"):
        remarks.append(f"its payload formatter {kind[:40]} has no counterpart")
    if kind != "FORMATTER_JAVASCRIPT" or not source.strip():
        return None
    down = formatters.down_formatter_parameter if formatters.down_formatter == kind else ""
    if down.strip() and down.strip() != source.strip():
        if "decodeUplink" in down:
            remarks.append("its downlink formatter has functions of the uplink formatter and is left out")
        else:
            source = f"{source}\n{down}"
    return Decoder(name, "JAVASCRIPT", source)
