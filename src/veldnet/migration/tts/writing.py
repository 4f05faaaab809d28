"""End devices as The Things Stack writes them: the form that tools of other network servers read, and the
migration to this one as well."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import UNSET

from veldnet.domain.documents import ProfileSettings
from veldnet.domain.resources import VeldnetDevice
from veldnet.inventory.decoders import Program
from veldnet.lorawan import AesKey
from veldnet.lorawan.regions import ChannelPlan
from veldnet.network.core import Session, StoredSessions

FREQUENCY_PLANS = {
    "EU868": "EU_863_870_TTN",
    "EU433": "EU_433",
    "US915": "US_902_928_FSB_2",
    "AU915": "AU_915_928_FSB_2",
    "CN470": "CN_470_510_FSB_11",
    "CN779": "CN_779_787",
    "AS923-1": "AS_920_923",
    "AS923-2": "AS_923_2",
    "AS923-3": "AS_923_3",
    "AS923-4": "AS_923_4",
    "KR920": "KR_920_923_TTN",
    "IN865": "IN_865_867",
    "RU864": "RU_864_870_TTN",
}
_VERSIONS = {
    "1.0.0": "MAC_V1_0",
    "1.0.1": "MAC_V1_0_1",
    "1.0.2": "MAC_V1_0_2",
    "1.0.3": "MAC_V1_0_3",
    "1.0.4": "MAC_V1_0_4",
    "1.1": "MAC_V1_1",
}
_BEFORE_1_0_2 = {"1.0.0": "TS001_V1_0", "1.0.1": "TS001_V1_0_1"}
_REVISIONS = {
    "1.0.2revA": "RP001_V1_0_2",
    "1.0.2revB": "RP001_V1_0_2_REV_B",
    "1.0.3revA": "RP001_V1_0_3_REV_A",
}
_FORMATTERS = {"JAVASCRIPT": "FORMATTER_JAVASCRIPT", "CAYENNE_LPP": "FORMATTER_CAYENNELPP"}
# A repeated member cannot have a gap.
_NO_CHANNEL: dict[str, Any] = {}


class RootKeys(msgspec.Struct, frozen=True):
    """Root keys in clear, as far as they may be told."""

    app_key: AesKey | None = None
    nwk_key: AesKey | None = None


class Exported(msgspec.Struct, frozen=True):
    """A device with all that is known of it. `keys` is None where no keys are to be written, session keys
    neither."""

    device: VeldnetDevice
    profile: ProfileSettings
    sessions: StoredSessions
    plan: ChannelPlan
    program: Program | None = None
    keys: RootKeys | None = None


def end_device(found: Exported) -> dict[str, Any]:
    """An end device in the JSON of The Things Stack v3."""
    device, profile, sessions = found.device, found.profile, found.sessions
    tags = _tags(device)
    document: dict[str, Any] = {
        "ids": _ids(device, tags.pop("application", "veldnet")),
        "name": _given(device.name),
        "description": _given(device.administrativeInfo),
        "attributes": tags,
        "lorawan_version": _VERSIONS[profile.loRaWANMacVersion],
        "lorawan_phy_version": _phy_version(profile),
        "frequency_plan_id": FREQUENCY_PLANS.get(profile.region, profile.region),
        "supports_join": device.activationType != "ABP",
        "supports_class_b": device.deviceClass == "B",
        "supports_class_c": device.deviceClass == "C",
        "mac_settings": _mac_settings(profile),
        "formatters": _formatters(found.program),
        "locations": _locations(device),
        "last_join_nonce": sessions.join_nonce,
        "used_dev_nonces": list(sessions.dev_nonces),
        "last_dev_nonce": sessions.last_dev_nonce or 0,
    }
    if found.keys is not None:
        document["root_keys"] = _root_keys(found.keys, version_11=profile.version_11)
        for name, session in (("session", sessions.session), ("pending_session", sessions.pending)):
            if session is not None:
                document[name] = _session(session)
                state = "mac_state" if name == "session" else "pending_mac_state"
                document[state] = _mac_state(session, found)
    return without_defaults(document)


def without_defaults(document: Mapping[str, Any]) -> dict[str, Any]:
    """Members that are 0 or empty are left out there."""
    return {
        name: value
        for name, value in document.items()
        if value not in (None, False, 0, "", [], {}) or name == "supports_join"
    }


def _given(value: Any) -> str:
    return "" if value is UNSET or value is None else str(value)


def _tags(device: VeldnetDevice) -> dict[str, str]:
    """Tags as attributes; one without a value is its own name."""
    tags = [] if device.tags is UNSET else device.tags
    found = {}
    for tag in tags:
        name, separator, value = tag.partition("=")
        found[name] = value if separator else "true"
    return found


def _ids(device: VeldnetDevice, application: str) -> dict[str, Any]:
    ids: dict[str, Any] = {
        "device_id": f"eui-{_given(device.EUI).lower()}",
        "application_ids": {"application_id": application},
        "dev_eui": _given(device.EUI),
    }
    if device.applicationEUI is not UNSET and device.applicationEUI:
        ids["join_eui"] = device.applicationEUI
    return ids


def _phy_version(profile: ProfileSettings) -> str:
    revision = profile.regionalParameterVersion
    if revision.startswith("RP2-"):
        return f"RP002_V{revision.removeprefix('RP2-').replace('.', '_')}"
    if profile.version_11:
        return "RP001_V1_1_REV_B"
    return _BEFORE_1_0_2.get(profile.loRaWANMacVersion) or _REVISIONS.get(revision, "RP001_V1_0_2")


def _mac_settings(profile: ProfileSettings) -> dict[str, Any]:
    settings: dict[str, Any] = {
        "supports_32_bit_f_cnt": {"value": profile.wideCounters},
        "resets_f_cnt": {"value": profile.allowABPAutomaticReset},
    }
    if profile.pingSlotDataRate is not None:
        settings["ping_slot_data_rate_index"] = {"value": profile.pingSlotDataRate}
    if profile.pingSlotFrequency is not None:
        settings["ping_slot_frequency"] = {"value": str(profile.pingSlotFrequency)}
    return settings


def _formatters(program: Program | None) -> dict[str, Any]:
    if program is None:
        return {}
    name = _FORMATTERS[program.kind]
    if program.kind != "JAVASCRIPT":
        return {"up_formatter": name, "down_formatter": name}
    made = {"up_formatter": name, "up_formatter_parameter": program.source}
    if "encodeDownlink" in program.source:
        made |= {"down_formatter": name, "down_formatter_parameter": program.source}
    return made


def _locations(device: VeldnetDevice) -> dict[str, Any]:
    if device.geoLatitude is UNSET or device.geoLongitude is UNSET:
        return {}
    place = {"latitude": device.geoLatitude, "longitude": device.geoLongitude, "source": "SOURCE_REGISTRY"}
    return {"user": place}


def key_in_clear(key: AesKey) -> dict[str, str]:
    return {"key": key.hex().upper()}


def _root_keys(keys: RootKeys, *, version_11: bool) -> dict[str, Any]:
    found = {}
    if keys.app_key is not None:
        found["app_key"] = key_in_clear(keys.app_key)
    if version_11 and keys.nwk_key is not None:
        found["nwk_key"] = key_in_clear(keys.nwk_key)
    return found


def _session(session: Session) -> dict[str, Any]:
    """Counters are the last that were used."""
    keys = {
        "f_nwk_s_int_key": session.f_nwk_s_int_key,
        "s_nwk_s_int_key": session.s_nwk_s_int_key,
        "nwk_s_enc_key": session.nwk_s_enc_key,
        "app_s_key": session.app_s_key,
    }
    named: dict[str, Any] = {name: key_in_clear(key) for name, key in keys.items() if key is not None}
    identifier = bytes(session.dev_addr.to_bytes(4, "big")) + session.f_nwk_s_int_key[:4]
    named["session_key_id"] = base64.b64encode(identifier).decode()
    network, application = session.n_fcnt_down - 1, session.application_fcnt - 1
    return {
        "dev_addr": str(session.dev_addr),
        "keys": named,
        **without_defaults(
            {
                "last_f_cnt_up": session.fcnt_up,
                "last_n_f_cnt_down": max(network, 0),
                "last_a_f_cnt_down": max(application, 0),
                "last_conf_f_cnt_down": session.confirmed_fcnt,
            }
        ),
    }


def _mac_state(session: Session, found: Exported) -> dict[str, Any]:
    radio = session.radio
    parameters: dict[str, Any] = {
        "adr_data_rate_index": radio.data_rate or 0,
        "adr_tx_power_index": radio.tx_power,
        "adr_nb_trans": radio.nb_trans,
        "rx1_delay": radio.rx1_delay,
        "rx1_data_rate_offset": radio.rx1_dr_offset,
        "rx2_data_rate_index": radio.rx2_data_rate,
        "rx2_frequency": str(radio.rx2_frequency),
        "max_duty_cycle": f"DUTY_CYCLE_{1 << radio.max_duty_cycle}",
        "channels": _channels(session, found.plan),
        "uplink_dwell_time": {"value": radio.uplink_dwell},
        "downlink_dwell_time": {"value": radio.downlink_dwell},
    }
    if radio.ping_frequency:
        parameters["ping_slot_frequency"] = str(radio.ping_frequency)
    if radio.ping_data_rate is not None:
        parameters["ping_slot_data_rate_index_value"] = {"value": radio.ping_data_rate}
    state: dict[str, Any] = {
        "current_parameters": parameters,
        "lorawan_version": _VERSIONS[found.profile.loRaWANMacVersion],
        "device_class": f"CLASS_{session.device_mode or _given(found.device.deviceClass) or 'A'}",
    }
    if session.ping_periodicity is not None:
        state["ping_slot_periodicity"] = {"value": f"PING_EVERY_{1 << session.ping_periodicity}S"}
    return state


def _channels(session: Session, plan: ChannelPlan) -> list[dict[str, Any]]:
    """By their index."""
    radio = session.radio
    moved = dict(radio.dl_frequencies)
    channels = []
    for index, channel in enumerate(plan.channels):
        if not radio.defined_channels >> index & 1:
            channels.append(_NO_CHANNEL)
            continue
        channels.append(
            {
                "uplink_frequency": str(channel.frequency),
                "downlink_frequency": str(moved.get(index, channel.frequency)),
                "min_data_rate_index": channel.min_dr,
                "max_data_rate_index": channel.max_dr,
                "enable_uplink": bool(radio.ch_mask >> index & 1),
            }
        )
    while channels and channels[-1] is _NO_CHANNEL:
        channels.pop()
    return channels
