import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CodeRate(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CR_UNDEFINED: _ClassVar[CodeRate]
    CR_4_5: _ClassVar[CodeRate]
    CR_4_6: _ClassVar[CodeRate]
    CR_4_7: _ClassVar[CodeRate]
    CR_4_8: _ClassVar[CodeRate]
    CR_3_8: _ClassVar[CodeRate]
    CR_2_6: _ClassVar[CodeRate]
    CR_1_4: _ClassVar[CodeRate]
    CR_1_6: _ClassVar[CodeRate]
    CR_5_6: _ClassVar[CodeRate]
    CR_LI_4_5: _ClassVar[CodeRate]
    CR_LI_4_6: _ClassVar[CodeRate]
    CR_LI_4_8: _ClassVar[CodeRate]

class CRCStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    NO_CRC: _ClassVar[CRCStatus]
    BAD_CRC: _ClassVar[CRCStatus]
    CRC_OK: _ClassVar[CRCStatus]

class TxAckStatus(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    IGNORED: _ClassVar[TxAckStatus]
    OK: _ClassVar[TxAckStatus]
    TOO_LATE: _ClassVar[TxAckStatus]
    TOO_EARLY: _ClassVar[TxAckStatus]
    COLLISION_PACKET: _ClassVar[TxAckStatus]
    COLLISION_BEACON: _ClassVar[TxAckStatus]
    TX_FREQ: _ClassVar[TxAckStatus]
    TX_POWER: _ClassVar[TxAckStatus]
    GPS_UNLOCKED: _ClassVar[TxAckStatus]
    QUEUE_FULL: _ClassVar[TxAckStatus]
    INTERNAL_ERROR: _ClassVar[TxAckStatus]
    DUTY_CYCLE_OVERFLOW: _ClassVar[TxAckStatus]
CR_UNDEFINED: CodeRate
CR_4_5: CodeRate
CR_4_6: CodeRate
CR_4_7: CodeRate
CR_4_8: CodeRate
CR_3_8: CodeRate
CR_2_6: CodeRate
CR_1_4: CodeRate
CR_1_6: CodeRate
CR_5_6: CodeRate
CR_LI_4_5: CodeRate
CR_LI_4_6: CodeRate
CR_LI_4_8: CodeRate
NO_CRC: CRCStatus
BAD_CRC: CRCStatus
CRC_OK: CRCStatus
IGNORED: TxAckStatus
OK: TxAckStatus
TOO_LATE: TxAckStatus
TOO_EARLY: TxAckStatus
COLLISION_PACKET: TxAckStatus
COLLISION_BEACON: TxAckStatus
TX_FREQ: TxAckStatus
TX_POWER: TxAckStatus
GPS_UNLOCKED: TxAckStatus
QUEUE_FULL: TxAckStatus
INTERNAL_ERROR: TxAckStatus
DUTY_CYCLE_OVERFLOW: TxAckStatus

class LoraModulationInfo(_message.Message):
    __slots__ = ("bandwidth", "spreading_factor", "polarization_inversion", "code_rate", "preamble", "no_crc")
    BANDWIDTH_FIELD_NUMBER: _ClassVar[int]
    SPREADING_FACTOR_FIELD_NUMBER: _ClassVar[int]
    POLARIZATION_INVERSION_FIELD_NUMBER: _ClassVar[int]
    CODE_RATE_FIELD_NUMBER: _ClassVar[int]
    PREAMBLE_FIELD_NUMBER: _ClassVar[int]
    NO_CRC_FIELD_NUMBER: _ClassVar[int]
    bandwidth: int
    spreading_factor: int
    polarization_inversion: bool
    code_rate: CodeRate
    preamble: int
    no_crc: bool
    def __init__(self, bandwidth: _Optional[int] = ..., spreading_factor: _Optional[int] = ..., polarization_inversion: _Optional[bool] = ..., code_rate: _Optional[_Union[CodeRate, str]] = ..., preamble: _Optional[int] = ..., no_crc: _Optional[bool] = ...) -> None: ...

class FskModulationInfo(_message.Message):
    __slots__ = ("frequency_deviation", "datarate")
    FREQUENCY_DEVIATION_FIELD_NUMBER: _ClassVar[int]
    DATARATE_FIELD_NUMBER: _ClassVar[int]
    frequency_deviation: int
    datarate: int
    def __init__(self, frequency_deviation: _Optional[int] = ..., datarate: _Optional[int] = ...) -> None: ...

class LrFhssModulationInfo(_message.Message):
    __slots__ = ("operating_channel_width", "code_rate_legacy", "grid_steps", "code_rate")
    OPERATING_CHANNEL_WIDTH_FIELD_NUMBER: _ClassVar[int]
    CODE_RATE_LEGACY_FIELD_NUMBER: _ClassVar[int]
    GRID_STEPS_FIELD_NUMBER: _ClassVar[int]
    CODE_RATE_FIELD_NUMBER: _ClassVar[int]
    operating_channel_width: int
    code_rate_legacy: str
    grid_steps: int
    code_rate: CodeRate
    def __init__(self, operating_channel_width: _Optional[int] = ..., code_rate_legacy: _Optional[str] = ..., grid_steps: _Optional[int] = ..., code_rate: _Optional[_Union[CodeRate, str]] = ...) -> None: ...

class Modulation(_message.Message):
    __slots__ = ("lora", "fsk", "lr_fhss")
    LORA_FIELD_NUMBER: _ClassVar[int]
    FSK_FIELD_NUMBER: _ClassVar[int]
    LR_FHSS_FIELD_NUMBER: _ClassVar[int]
    lora: LoraModulationInfo
    fsk: FskModulationInfo
    lr_fhss: LrFhssModulationInfo
    def __init__(self, lora: _Optional[_Union[LoraModulationInfo, _Mapping]] = ..., fsk: _Optional[_Union[FskModulationInfo, _Mapping]] = ..., lr_fhss: _Optional[_Union[LrFhssModulationInfo, _Mapping]] = ...) -> None: ...

class UplinkTxInfo(_message.Message):
    __slots__ = ("frequency", "modulation")
    FREQUENCY_FIELD_NUMBER: _ClassVar[int]
    MODULATION_FIELD_NUMBER: _ClassVar[int]
    frequency: int
    modulation: Modulation
    def __init__(self, frequency: _Optional[int] = ..., modulation: _Optional[_Union[Modulation, _Mapping]] = ...) -> None: ...

class UplinkRxInfo(_message.Message):
    __slots__ = ("gateway_id", "uplink_id", "gw_time", "time_since_gps_epoch", "fine_time_since_gps_epoch", "rssi", "snr", "channel", "rf_chain", "board", "antenna", "context", "crc_status")
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    UPLINK_ID_FIELD_NUMBER: _ClassVar[int]
    GW_TIME_FIELD_NUMBER: _ClassVar[int]
    TIME_SINCE_GPS_EPOCH_FIELD_NUMBER: _ClassVar[int]
    FINE_TIME_SINCE_GPS_EPOCH_FIELD_NUMBER: _ClassVar[int]
    RSSI_FIELD_NUMBER: _ClassVar[int]
    SNR_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    RF_CHAIN_FIELD_NUMBER: _ClassVar[int]
    BOARD_FIELD_NUMBER: _ClassVar[int]
    ANTENNA_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    CRC_STATUS_FIELD_NUMBER: _ClassVar[int]
    gateway_id: str
    uplink_id: int
    gw_time: _timestamp_pb2.Timestamp
    time_since_gps_epoch: _duration_pb2.Duration
    fine_time_since_gps_epoch: _duration_pb2.Duration
    rssi: int
    snr: float
    channel: int
    rf_chain: int
    board: int
    antenna: int
    context: bytes
    crc_status: CRCStatus
    def __init__(self, gateway_id: _Optional[str] = ..., uplink_id: _Optional[int] = ..., gw_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., time_since_gps_epoch: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., fine_time_since_gps_epoch: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., rssi: _Optional[int] = ..., snr: _Optional[float] = ..., channel: _Optional[int] = ..., rf_chain: _Optional[int] = ..., board: _Optional[int] = ..., antenna: _Optional[int] = ..., context: _Optional[bytes] = ..., crc_status: _Optional[_Union[CRCStatus, str]] = ...) -> None: ...

class LegacyTxInfo(_message.Message):
    __slots__ = ("frequency", "lora_modulation_info", "fsk_modulation_info")
    FREQUENCY_FIELD_NUMBER: _ClassVar[int]
    LORA_MODULATION_INFO_FIELD_NUMBER: _ClassVar[int]
    FSK_MODULATION_INFO_FIELD_NUMBER: _ClassVar[int]
    frequency: int
    lora_modulation_info: LoraModulationInfo
    fsk_modulation_info: FskModulationInfo
    def __init__(self, frequency: _Optional[int] = ..., lora_modulation_info: _Optional[_Union[LoraModulationInfo, _Mapping]] = ..., fsk_modulation_info: _Optional[_Union[FskModulationInfo, _Mapping]] = ...) -> None: ...

class LegacyRxInfo(_message.Message):
    __slots__ = ("gateway_id", "rssi", "lora_snr", "context")
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    RSSI_FIELD_NUMBER: _ClassVar[int]
    LORA_SNR_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    gateway_id: bytes
    rssi: int
    lora_snr: float
    context: bytes
    def __init__(self, gateway_id: _Optional[bytes] = ..., rssi: _Optional[int] = ..., lora_snr: _Optional[float] = ..., context: _Optional[bytes] = ...) -> None: ...

class UplinkFrame(_message.Message):
    __slots__ = ("phy_payload", "tx_info_legacy", "rx_info_legacy", "tx_info", "rx_info")
    PHY_PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    TX_INFO_LEGACY_FIELD_NUMBER: _ClassVar[int]
    RX_INFO_LEGACY_FIELD_NUMBER: _ClassVar[int]
    TX_INFO_FIELD_NUMBER: _ClassVar[int]
    RX_INFO_FIELD_NUMBER: _ClassVar[int]
    phy_payload: bytes
    tx_info_legacy: LegacyTxInfo
    rx_info_legacy: LegacyRxInfo
    tx_info: UplinkTxInfo
    rx_info: UplinkRxInfo
    def __init__(self, phy_payload: _Optional[bytes] = ..., tx_info_legacy: _Optional[_Union[LegacyTxInfo, _Mapping]] = ..., rx_info_legacy: _Optional[_Union[LegacyRxInfo, _Mapping]] = ..., tx_info: _Optional[_Union[UplinkTxInfo, _Mapping]] = ..., rx_info: _Optional[_Union[UplinkRxInfo, _Mapping]] = ...) -> None: ...

class GatewayStats(_message.Message):
    __slots__ = ("gateway_id_legacy", "config_version", "rx_packets_received", "rx_packets_received_ok", "tx_packets_received", "tx_packets_emitted", "gateway_id")
    GATEWAY_ID_LEGACY_FIELD_NUMBER: _ClassVar[int]
    CONFIG_VERSION_FIELD_NUMBER: _ClassVar[int]
    RX_PACKETS_RECEIVED_FIELD_NUMBER: _ClassVar[int]
    RX_PACKETS_RECEIVED_OK_FIELD_NUMBER: _ClassVar[int]
    TX_PACKETS_RECEIVED_FIELD_NUMBER: _ClassVar[int]
    TX_PACKETS_EMITTED_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    gateway_id_legacy: bytes
    config_version: str
    rx_packets_received: int
    rx_packets_received_ok: int
    tx_packets_received: int
    tx_packets_emitted: int
    gateway_id: str
    def __init__(self, gateway_id_legacy: _Optional[bytes] = ..., config_version: _Optional[str] = ..., rx_packets_received: _Optional[int] = ..., rx_packets_received_ok: _Optional[int] = ..., tx_packets_received: _Optional[int] = ..., tx_packets_emitted: _Optional[int] = ..., gateway_id: _Optional[str] = ...) -> None: ...

class ImmediatelyTimingInfo(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class DelayTimingInfo(_message.Message):
    __slots__ = ("delay",)
    DELAY_FIELD_NUMBER: _ClassVar[int]
    delay: _duration_pb2.Duration
    def __init__(self, delay: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class GPSEpochTimingInfo(_message.Message):
    __slots__ = ("time_since_gps_epoch",)
    TIME_SINCE_GPS_EPOCH_FIELD_NUMBER: _ClassVar[int]
    time_since_gps_epoch: _duration_pb2.Duration
    def __init__(self, time_since_gps_epoch: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Timing(_message.Message):
    __slots__ = ("immediately", "delay", "gps_epoch")
    IMMEDIATELY_FIELD_NUMBER: _ClassVar[int]
    DELAY_FIELD_NUMBER: _ClassVar[int]
    GPS_EPOCH_FIELD_NUMBER: _ClassVar[int]
    immediately: ImmediatelyTimingInfo
    delay: DelayTimingInfo
    gps_epoch: GPSEpochTimingInfo
    def __init__(self, immediately: _Optional[_Union[ImmediatelyTimingInfo, _Mapping]] = ..., delay: _Optional[_Union[DelayTimingInfo, _Mapping]] = ..., gps_epoch: _Optional[_Union[GPSEpochTimingInfo, _Mapping]] = ...) -> None: ...

class DownlinkTxInfo(_message.Message):
    __slots__ = ("frequency", "power", "modulation", "board", "antenna", "timing", "context")
    FREQUENCY_FIELD_NUMBER: _ClassVar[int]
    POWER_FIELD_NUMBER: _ClassVar[int]
    MODULATION_FIELD_NUMBER: _ClassVar[int]
    BOARD_FIELD_NUMBER: _ClassVar[int]
    ANTENNA_FIELD_NUMBER: _ClassVar[int]
    TIMING_FIELD_NUMBER: _ClassVar[int]
    CONTEXT_FIELD_NUMBER: _ClassVar[int]
    frequency: int
    power: int
    modulation: Modulation
    board: int
    antenna: int
    timing: Timing
    context: bytes
    def __init__(self, frequency: _Optional[int] = ..., power: _Optional[int] = ..., modulation: _Optional[_Union[Modulation, _Mapping]] = ..., board: _Optional[int] = ..., antenna: _Optional[int] = ..., timing: _Optional[_Union[Timing, _Mapping]] = ..., context: _Optional[bytes] = ...) -> None: ...

class DownlinkFrameItem(_message.Message):
    __slots__ = ("phy_payload", "tx_info")
    PHY_PAYLOAD_FIELD_NUMBER: _ClassVar[int]
    TX_INFO_FIELD_NUMBER: _ClassVar[int]
    phy_payload: bytes
    tx_info: DownlinkTxInfo
    def __init__(self, phy_payload: _Optional[bytes] = ..., tx_info: _Optional[_Union[DownlinkTxInfo, _Mapping]] = ...) -> None: ...

class DownlinkFrame(_message.Message):
    __slots__ = ("downlink_id", "items", "gateway_id")
    DOWNLINK_ID_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    downlink_id: int
    items: _containers.RepeatedCompositeFieldContainer[DownlinkFrameItem]
    gateway_id: str
    def __init__(self, downlink_id: _Optional[int] = ..., items: _Optional[_Iterable[_Union[DownlinkFrameItem, _Mapping]]] = ..., gateway_id: _Optional[str] = ...) -> None: ...

class DownlinkTxAckItem(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: TxAckStatus
    def __init__(self, status: _Optional[_Union[TxAckStatus, str]] = ...) -> None: ...

class DownlinkTxAck(_message.Message):
    __slots__ = ("gateway_id_legacy", "downlink_id", "items", "gateway_id")
    GATEWAY_ID_LEGACY_FIELD_NUMBER: _ClassVar[int]
    DOWNLINK_ID_FIELD_NUMBER: _ClassVar[int]
    ITEMS_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    gateway_id_legacy: bytes
    downlink_id: int
    items: _containers.RepeatedCompositeFieldContainer[DownlinkTxAckItem]
    gateway_id: str
    def __init__(self, gateway_id_legacy: _Optional[bytes] = ..., downlink_id: _Optional[int] = ..., items: _Optional[_Iterable[_Union[DownlinkTxAckItem, _Mapping]]] = ..., gateway_id: _Optional[str] = ...) -> None: ...

class ConnState(_message.Message):
    __slots__ = ("gateway_id_legacy", "state", "gateway_id")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        OFFLINE: _ClassVar[ConnState.State]
        ONLINE: _ClassVar[ConnState.State]
    OFFLINE: ConnState.State
    ONLINE: ConnState.State
    GATEWAY_ID_LEGACY_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    gateway_id_legacy: bytes
    state: ConnState.State
    gateway_id: str
    def __init__(self, gateway_id_legacy: _Optional[bytes] = ..., state: _Optional[_Union[ConnState.State, str]] = ..., gateway_id: _Optional[str] = ...) -> None: ...

class LoraModulationConfig(_message.Message):
    __slots__ = ("spreading_factors", "bandwidth")
    SPREADING_FACTORS_FIELD_NUMBER: _ClassVar[int]
    BANDWIDTH_FIELD_NUMBER: _ClassVar[int]
    spreading_factors: _containers.RepeatedScalarFieldContainer[int]
    bandwidth: int
    def __init__(self, spreading_factors: _Optional[_Iterable[int]] = ..., bandwidth: _Optional[int] = ...) -> None: ...

class FskModulationConfig(_message.Message):
    __slots__ = ("bitrate", "bandwidth")
    BITRATE_FIELD_NUMBER: _ClassVar[int]
    BANDWIDTH_FIELD_NUMBER: _ClassVar[int]
    bitrate: int
    bandwidth: int
    def __init__(self, bitrate: _Optional[int] = ..., bandwidth: _Optional[int] = ...) -> None: ...

class ChannelConfiguration(_message.Message):
    __slots__ = ("frequency", "lora_modulation_config", "fsk_modulation_config", "board", "demodulator")
    FREQUENCY_FIELD_NUMBER: _ClassVar[int]
    LORA_MODULATION_CONFIG_FIELD_NUMBER: _ClassVar[int]
    FSK_MODULATION_CONFIG_FIELD_NUMBER: _ClassVar[int]
    BOARD_FIELD_NUMBER: _ClassVar[int]
    DEMODULATOR_FIELD_NUMBER: _ClassVar[int]
    frequency: int
    lora_modulation_config: LoraModulationConfig
    fsk_modulation_config: FskModulationConfig
    board: int
    demodulator: int
    def __init__(self, frequency: _Optional[int] = ..., lora_modulation_config: _Optional[_Union[LoraModulationConfig, _Mapping]] = ..., fsk_modulation_config: _Optional[_Union[FskModulationConfig, _Mapping]] = ..., board: _Optional[int] = ..., demodulator: _Optional[int] = ...) -> None: ...

class GatewayConfiguration(_message.Message):
    __slots__ = ("version", "channels", "stats_interval", "gateway_id")
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CHANNELS_FIELD_NUMBER: _ClassVar[int]
    STATS_INTERVAL_FIELD_NUMBER: _ClassVar[int]
    GATEWAY_ID_FIELD_NUMBER: _ClassVar[int]
    version: str
    channels: _containers.RepeatedCompositeFieldContainer[ChannelConfiguration]
    stats_interval: _duration_pb2.Duration
    gateway_id: str
    def __init__(self, version: _Optional[str] = ..., channels: _Optional[_Iterable[_Union[ChannelConfiguration, _Mapping]]] = ..., stats_interval: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., gateway_id: _Optional[str] = ...) -> None: ...
