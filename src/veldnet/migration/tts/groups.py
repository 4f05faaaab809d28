"""Multicast groups: end devices that are `multicast`, with a session and without root keys. The Things Stack
does not know their members; those of an export of Veldnet are in `multicast_members`."""

from __future__ import annotations

from typing import Any

import msgspec

from veldnet.inventory.groups import KeptGroup
from veldnet.lorawan import AesKey, DevAddr, DevEui, InvalidIdentifier
from veldnet.migration.made_up import made_up_eui
from veldnet.migration.model import Group, NotMovable

from .device import EndDevice, Key, MacSettings, Parameters, Session
from .objects import number_of
from .profiles import region_of
from .sessions import clear_key, ping_periodicity
from .writing import FREQUENCY_PLANS, key_in_clear, without_defaults

_NEW_ADDRESS = "its session has no DevAddr of 8 hexadecimal digits"


class GroupKeys(msgspec.Struct, frozen=True):
    """Session keys of a group in clear, as far as they may be told."""

    nwk_s_key: AesKey
    app_s_key: AesKey | None = None


def read_group(octets: bytes) -> Group:
    """Raises `NotMovable`."""
    try:
        found = msgspec.json.decode(octets, type=EndDevice)
    except msgspec.DecodeError as error:
        raise NotMovable(f"it is no end device of The Things Stack v3: {error}") from None
    eui, session = _eui(found), found.session
    if session is None:
        raise NotMovable("it has no session: export it with --session")
    try:
        dev_addr = str(DevAddr.parse(session.dev_addr))
    except InvalidIdentifier:
        raise NotMovable(_NEW_ADDRESS) from None
    nwk_s_key, app_s_key = _keys(session)
    class_b = found.supports_class_b and not found.supports_class_c
    parameters = None if found.mac_state is None else found.mac_state.current_parameters
    frequency, data_rate = _radio(found.mac_settings, parameters or Parameters(), class_b=class_b)
    return Group(
        eui=eui,
        name=found.name or found.ids.device_id,
        dev_addr=dev_addr,
        nwk_s_key=nwk_s_key,
        app_s_key=app_s_key,
        # The last that was used; nobody knows whether 0 was.
        fcnt_down=max(session.last_a_f_cnt_down, session.last_n_f_cnt_down) + 1,
        group_class="B" if class_b else "C",
        region=region_of(found.frequency_plan_id),
        frequency=frequency,
        data_rate=data_rate,
        ping_period=_ping_period(found) if class_b else None,
        members=tuple(each.upper() for each in found.multicast_members),
    )


def _eui(found: EndDevice) -> str:
    """A multicast device needs none there; one is made up of its id."""
    if not found.ids.dev_eui:
        application = found.ids.application_ids.get("application_id", "")
        return made_up_eui(f"{application} {found.ids.device_id}")
    try:
        return str(DevEui.parse(found.ids.dev_eui))
    except InvalidIdentifier:
        raise NotMovable("its DevEUI does not have 16 hexadecimal digits") from None


def _keys(session: Session) -> tuple[AesKey, AesKey]:
    """NwkSKey and AppSKey; in LoRaWAN 1.1 the MIC of downlinks is made with the SNwkSIntKey."""

    def needed(key: Key | None, name: str) -> AesKey:
        found = clear_key(key, name)
        if found is None:
            raise NotMovable(f"it lacks {name}: export it with --session")
        return found

    serving = session.keys.s_nwk_s_int_key
    network = serving if serving is not None and serving.key else session.keys.f_nwk_s_int_key
    return needed(network, "the NwkSKey of its session"), needed(
        session.keys.app_s_key, "the AppSKey of its session"
    )


def _radio(settings: MacSettings, parameters: Parameters, *, class_b: bool) -> tuple[int | None, int | None]:
    """Frequency in Hz and data rate, those of the region where nothing is said."""
    if class_b:
        frequency = settings.ping_slot_frequency or parameters.ping_slot_frequency
        rate = settings.ping_slot_data_rate_index or parameters.ping_slot_data_rate_index_value
    else:
        frequency = settings.rx2_frequency or parameters.rx2_frequency
        # What is 0 is left out of parameters, so that one alone says nothing.
        rate = settings.rx2_data_rate_index or parameters.rx2_data_rate_index or None
    return number_of(frequency, "") or None, None if rate is None else number_of(rate, "DATA_RATE_")


def _ping_period(found: EndDevice) -> int:
    state = None if found.mac_state is None else found.mac_state.ping_slot_periodicity
    given = found.mac_settings.ping_slot_periodicity
    exponent = ping_periodicity(state if given is None else given)
    if exponent is None:
        raise NotMovable("it is of class B and has no ping slot periodicity (mac_settings)")
    return 1 << exponent


def multicast_device(group: KeptGroup, fcnt_down: int, keys: GroupKeys | None) -> dict[str, Any]:
    """A group as a multicast device; `fcnt_down` is its next counter. Without keys it has no session."""
    class_b = group.group_class == "B"
    document: dict[str, Any] = {
        "ids": {
            "device_id": f"eui-{group.dev_eui.lower()}",
            "application_ids": {"application_id": "veldnet"},
            "dev_eui": group.dev_eui,
        },
        "name": group.name,
        "multicast": True,
        "lorawan_version": "MAC_V1_0_4",
        "lorawan_phy_version": "RP002_V1_0_4",
        "frequency_plan_id": FREQUENCY_PLANS.get(group.region, group.region),
        "supports_class_b": class_b,
        "supports_class_c": not class_b,
        "mac_settings": _mac_settings(group, class_b=class_b),
        "multicast_members": list(group.members),
    }
    if keys is not None:
        named = {"f_nwk_s_int_key": key_in_clear(keys.nwk_s_key)}
        if keys.app_s_key is not None:
            named["app_s_key"] = key_in_clear(keys.app_s_key)
        document["session"] = {
            "dev_addr": str(DevAddr(group.dev_addr)),
            "keys": named,
            **without_defaults({"last_a_f_cnt_down": max(fcnt_down - 1, 0)}),
        }
    return without_defaults(document)


def _mac_settings(group: KeptGroup, *, class_b: bool) -> dict[str, Any]:
    beginning = "ping_slot" if class_b else "rx2"
    settings: dict[str, Any] = {"supports_32_bit_f_cnt": {"value": True}}
    if group.frequency is not None:
        settings[f"{beginning}_frequency"] = {"value": str(group.frequency)}
    if group.data_rate is not None:
        settings[f"{beginning}_data_rate_index"] = {"value": f"DATA_RATE_{group.data_rate}"}
    if class_b and group.ping_period is not None:
        settings["ping_slot_periodicity"] = {"value": f"PING_EVERY_{group.ping_period}S"}
    return settings
