from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class KeyEnvelope(_message.Message):
    __slots__ = ("kek_label", "aes_key")
    KEK_LABEL_FIELD_NUMBER: _ClassVar[int]
    AES_KEY_FIELD_NUMBER: _ClassVar[int]
    kek_label: str
    aes_key: bytes
    def __init__(self, kek_label: _Optional[str] = ..., aes_key: _Optional[bytes] = ...) -> None: ...

class Channel(_message.Message):
    __slots__ = ("frequency", "min_dr", "max_dr", "data_rates")
    FREQUENCY_FIELD_NUMBER: _ClassVar[int]
    MIN_DR_FIELD_NUMBER: _ClassVar[int]
    MAX_DR_FIELD_NUMBER: _ClassVar[int]
    DATA_RATES_FIELD_NUMBER: _ClassVar[int]
    frequency: int
    min_dr: int
    max_dr: int
    data_rates: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, frequency: _Optional[int] = ..., min_dr: _Optional[int] = ..., max_dr: _Optional[int] = ..., data_rates: _Optional[_Iterable[int]] = ...) -> None: ...

class Session(_message.Message):
    __slots__ = ("dev_addr", "mac_version", "f_nwk_s_int_key", "s_nwk_s_int_key", "nwk_s_enc_key", "app_s_key", "f_cnt_up", "n_f_cnt_down", "a_f_cnt_down", "conf_f_cnt", "skip_f_cnt_check", "rx1_delay", "rx1_dr_offset", "rx2_dr", "rx2_frequency", "enabled_uplink_channel_indices", "extra_uplink_channels", "class_b_ping_slot_dr", "class_b_ping_slot_freq", "class_b_ping_slot_nb", "nb_trans", "tx_power_index", "dr", "pending_rejoin", "rejoin_count_0", "uplink_dwell_time_400ms", "downlink_dwell_time_400ms", "uplink_max_eirp_index", "region_config_id")
    class ExtraUplinkChannelsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: int
        value: Channel
        def __init__(self, key: _Optional[int] = ..., value: _Optional[_Union[Channel, _Mapping]] = ...) -> None: ...
    DEV_ADDR_FIELD_NUMBER: _ClassVar[int]
    MAC_VERSION_FIELD_NUMBER: _ClassVar[int]
    F_NWK_S_INT_KEY_FIELD_NUMBER: _ClassVar[int]
    S_NWK_S_INT_KEY_FIELD_NUMBER: _ClassVar[int]
    NWK_S_ENC_KEY_FIELD_NUMBER: _ClassVar[int]
    APP_S_KEY_FIELD_NUMBER: _ClassVar[int]
    F_CNT_UP_FIELD_NUMBER: _ClassVar[int]
    N_F_CNT_DOWN_FIELD_NUMBER: _ClassVar[int]
    A_F_CNT_DOWN_FIELD_NUMBER: _ClassVar[int]
    CONF_F_CNT_FIELD_NUMBER: _ClassVar[int]
    SKIP_F_CNT_CHECK_FIELD_NUMBER: _ClassVar[int]
    RX1_DELAY_FIELD_NUMBER: _ClassVar[int]
    RX1_DR_OFFSET_FIELD_NUMBER: _ClassVar[int]
    RX2_DR_FIELD_NUMBER: _ClassVar[int]
    RX2_FREQUENCY_FIELD_NUMBER: _ClassVar[int]
    ENABLED_UPLINK_CHANNEL_INDICES_FIELD_NUMBER: _ClassVar[int]
    EXTRA_UPLINK_CHANNELS_FIELD_NUMBER: _ClassVar[int]
    CLASS_B_PING_SLOT_DR_FIELD_NUMBER: _ClassVar[int]
    CLASS_B_PING_SLOT_FREQ_FIELD_NUMBER: _ClassVar[int]
    CLASS_B_PING_SLOT_NB_FIELD_NUMBER: _ClassVar[int]
    NB_TRANS_FIELD_NUMBER: _ClassVar[int]
    TX_POWER_INDEX_FIELD_NUMBER: _ClassVar[int]
    DR_FIELD_NUMBER: _ClassVar[int]
    PENDING_REJOIN_FIELD_NUMBER: _ClassVar[int]
    REJOIN_COUNT_0_FIELD_NUMBER: _ClassVar[int]
    UPLINK_DWELL_TIME_400MS_FIELD_NUMBER: _ClassVar[int]
    DOWNLINK_DWELL_TIME_400MS_FIELD_NUMBER: _ClassVar[int]
    UPLINK_MAX_EIRP_INDEX_FIELD_NUMBER: _ClassVar[int]
    REGION_CONFIG_ID_FIELD_NUMBER: _ClassVar[int]
    dev_addr: bytes
    mac_version: int
    f_nwk_s_int_key: bytes
    s_nwk_s_int_key: bytes
    nwk_s_enc_key: bytes
    app_s_key: KeyEnvelope
    f_cnt_up: int
    n_f_cnt_down: int
    a_f_cnt_down: int
    conf_f_cnt: int
    skip_f_cnt_check: bool
    rx1_delay: int
    rx1_dr_offset: int
    rx2_dr: int
    rx2_frequency: int
    enabled_uplink_channel_indices: _containers.RepeatedScalarFieldContainer[int]
    extra_uplink_channels: _containers.MessageMap[int, Channel]
    class_b_ping_slot_dr: int
    class_b_ping_slot_freq: int
    class_b_ping_slot_nb: int
    nb_trans: int
    tx_power_index: int
    dr: int
    pending_rejoin: Session
    rejoin_count_0: int
    uplink_dwell_time_400ms: bool
    downlink_dwell_time_400ms: bool
    uplink_max_eirp_index: int
    region_config_id: str
    def __init__(self, dev_addr: _Optional[bytes] = ..., mac_version: _Optional[int] = ..., f_nwk_s_int_key: _Optional[bytes] = ..., s_nwk_s_int_key: _Optional[bytes] = ..., nwk_s_enc_key: _Optional[bytes] = ..., app_s_key: _Optional[_Union[KeyEnvelope, _Mapping]] = ..., f_cnt_up: _Optional[int] = ..., n_f_cnt_down: _Optional[int] = ..., a_f_cnt_down: _Optional[int] = ..., conf_f_cnt: _Optional[int] = ..., skip_f_cnt_check: _Optional[bool] = ..., rx1_delay: _Optional[int] = ..., rx1_dr_offset: _Optional[int] = ..., rx2_dr: _Optional[int] = ..., rx2_frequency: _Optional[int] = ..., enabled_uplink_channel_indices: _Optional[_Iterable[int]] = ..., extra_uplink_channels: _Optional[_Mapping[int, Channel]] = ..., class_b_ping_slot_dr: _Optional[int] = ..., class_b_ping_slot_freq: _Optional[int] = ..., class_b_ping_slot_nb: _Optional[int] = ..., nb_trans: _Optional[int] = ..., tx_power_index: _Optional[int] = ..., dr: _Optional[int] = ..., pending_rejoin: _Optional[_Union[Session, _Mapping]] = ..., rejoin_count_0: _Optional[int] = ..., uplink_dwell_time_400ms: _Optional[bool] = ..., downlink_dwell_time_400ms: _Optional[bool] = ..., uplink_max_eirp_index: _Optional[int] = ..., region_config_id: _Optional[str] = ...) -> None: ...
