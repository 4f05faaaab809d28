"""An end device of The Things Stack v3: its members as far as they are read."""

from __future__ import annotations

from typing import Any

import msgspec


class Ids(msgspec.Struct, frozen=True):
    device_id: str = ""
    application_ids: dict[str, str] = {}
    dev_eui: str = ""
    join_eui: str = ""
    gateway_id: str = ""
    webhook_id: str = ""


class Key(msgspec.Struct, frozen=True):
    """In clear as hexadecimal digits, or encrypted under the key of a label."""

    key: str = ""
    kek_label: str = ""
    encrypted_key: str = ""


class RootKeys(msgspec.Struct, frozen=True):
    app_key: Key | None = None
    nwk_key: Key | None = None


class SessionKeys(msgspec.Struct, frozen=True):
    f_nwk_s_int_key: Key | None = None
    s_nwk_s_int_key: Key | None = None
    nwk_s_enc_key: Key | None = None
    app_s_key: Key | None = None


class Session(msgspec.Struct, frozen=True):
    """Counters are the last that were used; 0 is left out."""

    dev_addr: str = ""
    keys: SessionKeys = SessionKeys()
    last_f_cnt_up: int = 0
    last_n_f_cnt_down: int = 0
    last_a_f_cnt_down: int = 0
    last_conf_f_cnt_down: int = 0


class Channel(msgspec.Struct, frozen=True):
    uplink_frequency: int | str = 0
    downlink_frequency: int | str = 0
    min_data_rate_index: Any = 0
    max_data_rate_index: Any = 0
    enable_uplink: bool = False


class Parameters(msgspec.Struct, frozen=True):
    adr_data_rate_index: Any = 0
    adr_tx_power_index: int = 0
    adr_nb_trans: int = 1
    rx1_delay: Any = 0
    rx1_data_rate_offset: Any = 0
    rx2_data_rate_index: Any = 0
    rx2_frequency: int | str = 0
    max_duty_cycle: Any = 0
    ping_slot_frequency: int | str = 0
    ping_slot_data_rate_index_value: Any = None
    channels: tuple[Channel | None, ...] = ()
    uplink_dwell_time: Any = None
    downlink_dwell_time: Any = None


class MacState(msgspec.Struct, frozen=True):
    current_parameters: Parameters | None = None
    device_class: str = "CLASS_A"
    lorawan_version: str = ""
    ping_slot_periodicity: Any = None
    recent_uplinks: list[Any] = []


class MacSettings(msgspec.Struct, frozen=True):
    ping_slot_data_rate_index: Any = None
    ping_slot_frequency: Any = None
    supports_32_bit_f_cnt: Any = None
    resets_f_cnt: Any = None
    status_time_periodicity: Any = None
    # Of multicast groups.
    ping_slot_periodicity: Any = None
    rx2_data_rate_index: Any = None
    rx2_frequency: Any = None


class Formatters(msgspec.Struct, frozen=True):
    up_formatter: str = ""
    up_formatter_parameter: str = ""
    down_formatter: str = ""
    down_formatter_parameter: str = ""


class Location(msgspec.Struct, frozen=True):
    latitude: float = 0.0
    longitude: float = 0.0


class VersionIds(msgspec.Struct, frozen=True):
    brand_id: str = ""
    model_id: str = ""


class EndDevice(msgspec.Struct, frozen=True):
    # Of v2, by which that is known.
    dev_id: str = ""
    lorawan_device: Any = None
    ids: Ids = Ids()
    name: str = ""
    description: str = ""
    attributes: dict[str, str] = {}
    version_ids: VersionIds = VersionIds()
    lorawan_version: str = ""
    lorawan_phy_version: str = ""
    frequency_plan_id: str = ""
    supports_join: bool = False
    supports_class_b: bool = False
    supports_class_c: bool = False
    resets_join_nonces: bool = False
    multicast: bool = False
    # DevEUIs; The Things Stack does not know which devices belong to a group.
    multicast_members: tuple[str, ...] = ()
    root_keys: RootKeys | None = None
    last_dev_nonce: int = 0
    used_dev_nonces: tuple[int, ...] = ()
    last_join_nonce: int = 0
    session: Session | None = None
    pending_session: Session | None = None
    mac_state: MacState | None = None
    pending_mac_state: MacState | None = None
    mac_settings: MacSettings = MacSettings()
    formatters: Formatters = Formatters()
    locations: dict[str, Location] = {}
