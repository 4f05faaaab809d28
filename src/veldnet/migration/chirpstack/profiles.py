"""Device profiles of ChirpStack as device profiles, plans and decoders of this network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from veldnet.domain.documents import ProfileSettings
from veldnet.inventory.names import printable
from veldnet.lorawan.regions import REGIONS
from veldnet.migration.lorawan_versions import mac_version, regional_parameters
from veldnet.migration.model import Decoder, NotMovable, Plan, Profile
from veldnet.migration.plans import MOST_STATUS_REQUESTS, plan_of

_MOST_NAME = 100
_USUAL_ADR = ("default", "")


def read_profile(row: Mapping[str, Any]) -> Profile:
    """A row of `device_profile`; one that cannot be served says so in its `problem`."""
    name = printable(str(row["name"])).strip()[:_MOST_NAME] or "Device profile"
    identifier = f"CHIRPSTACK/{str(row['id']).replace('-', '')[:12]}"
    try:
        settings = _settings(row)
        problem = ""
    except NotMovable as error:
        settings, problem = ProfileSettings(), str(error)
    return Profile(
        id=identifier,
        name=name,
        settings=settings,
        plan=_plan(row),
        decoder=_decoder(row, f"{name[:80]} ({identifier[-12:]})"),
        remarks=tuple(_remarks(row)),
        problem=problem,
    )


def _settings(row: Mapping[str, Any]) -> ProfileSettings:
    version = mac_version(str(row["mac_version"]))
    revision = str(row["reg_params_revision"]).removeprefix("RP002-")
    region = region_of(str(row["region"]))
    ping = _document(row, "class_b_params")
    abp = _document(row, "abp_params")
    try:
        return msgspec.convert(
            {
                "loRaWANMacVersion": version,
                "regionalParameterVersion": regional_parameters(version, revision),
                "loRaWANClass": _class(row),
                "region": region,
                "pingSlotDataRate": _known(ping.get("ping_slot_dr", row.get("class_b_ping_slot_dr"))),
                "pingSlotFrequency": _known(ping.get("ping_slot_freq", row.get("class_b_ping_slot_freq"))),
                "rx1DROffset": abp.get("rx1_dr_offset", 0) if not row["supports_otaa"] else 0,
            },
            ProfileSettings,
        )
    except msgspec.ValidationError as error:
        raise NotMovable(f"its device profile has a value that none can have: {error}") from None


def _class(row: Mapping[str, Any]) -> Literal["A", "B", "C"]:
    if row["supports_class_c"]:
        return "C"
    return "B" if row["supports_class_b"] else "A"


def region_of(name: str) -> str:
    """The region of a name of ChirpStack. Raises `NotMovable`."""
    region = "AS923-1" if name == "AS923" else name.replace("_", "-")
    if region not in REGIONS:
        raise NotMovable(f"region {name[:20]} is not one of those that Veldnet knows: {', '.join(REGIONS)}")
    return region


def _known(value: object) -> object:
    """0 stands for what was not set."""
    return value or None


def _document(row: Mapping[str, Any], column: str) -> Mapping[str, Any]:
    value = row.get(column)
    return value if isinstance(value, dict) else {}


def _plan(row: Mapping[str, Any]) -> Plan:
    """What ChirpStack has in the device profile and Veldnet in the plan; profiles that agree share one."""
    requests = max(0, min(int(row["device_status_req_interval"]), MOST_STATUS_REQUESTS))
    delay = max(0, min(int(row.get("rx1_delay") or 0), 15))
    class_b = bool(row["supports_class_b"])
    return plan_of("ChirpStack", status_requests=requests, class_b=class_b, rx1_delay=delay)


def _decoder(row: Mapping[str, Any], name: str) -> Decoder | None:
    runtime = str(row["payload_codec_runtime"])
    script = str(row.get("payload_codec_script") or row.get("payload_decoder_config") or "")
    if runtime == "CAYENNE_LPP":
        return Decoder(name, "CAYENNE_LPP")
    return Decoder(name, "JAVASCRIPT", script) if runtime == "JS" and script.strip() else None


def _remarks(row: Mapping[str, Any]) -> list[str]:
    found = []
    algorithm = str(row["adr_algorithm_id"])
    if algorithm not in _USUAL_ADR:
        found.append(f"its ADR algorithm {algorithm[:40]!r} has no counterpart: that of the plan is used")
    relay = _document(row, "relay_params")
    if relay.get("is_relay") or relay.get("is_relay_ed"):
        found.append("relays (TS011) are not served")
    if row.get("allow_roaming"):
        found.append("roaming (allow_roaming) is not taken over")
    if row.get("region_config_id"):
        found.append(
            f"its region configuration {str(row['region_config_id'])[:40]!r} is a setting of the network "
            "here: network.extra_channels and network.sub_bands"
        )
    return found
