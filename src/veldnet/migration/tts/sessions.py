"""Sessions of The Things Stack. Its counters are the last that were used."""

from __future__ import annotations

from veldnet.lorawan import AesKey, DevAddr, InvalidIdentifier, InvalidKey
from veldnet.lorawan.regions import Channel as RegionChannel
from veldnet.migration.model import NotMovable
from veldnet.network.core import MovedRadio, MovedSession

from .device import Key, MacState, Parameters, Session
from .objects import flag_of, number_of

_PING_PERIODS = {f"PING_EVERY_{1 << n}S": n for n in range(8)}
_AGAIN = "it joins again"


def clear_key(key: Key | None, name: str) -> AesKey | None:
    """Raises `NotMovable` for a key that is encrypted, or none."""
    if key is None or not (key.key or key.encrypted_key):
        return None
    if not key.key:
        raise NotMovable(
            f"{name} is encrypted under a key of The Things Stack (kek_label): export it in clear"
        )
    try:
        return AesKey.parse(key.key)
    except InvalidKey:
        raise NotMovable(f"{name} does not have 32 hexadecimal digits") from None


def read_session(
    session: Session, mac_state: MacState | None, *, version_11: bool, confirmed: bool, joined: bool
) -> MovedSession:
    """`confirmed` of a session that the device uses already, `joined` of one that it has negotiated. Raises
    `NotMovable`."""
    try:
        dev_addr = DevAddr.parse(session.dev_addr)
    except InvalidIdentifier:
        raise NotMovable(f"its session has no DevAddr: {_AGAIN}") from None
    keys = session.keys
    network = clear_key(keys.f_nwk_s_int_key, "the NwkSKey of its session")
    if network is None:
        raise NotMovable(f"its session has no network key: {_AGAIN}")
    serving = encryption = None
    if version_11:
        serving = clear_key(keys.s_nwk_s_int_key, "the SNwkSIntKey of its session")
        encryption = clear_key(keys.nwk_s_enc_key, "the NwkSEncKey of its session")
        if serving is None or encryption is None:
            raise NotMovable(f"its session lacks keys of LoRaWAN 1.1: {_AGAIN}")
    app_s_key = clear_key(keys.app_s_key, "the AppSKey of its session")
    if app_s_key is None:
        raise NotMovable(
            f"its session has no AppSKey (was it exported from the application server?): {_AGAIN}"
        )
    heard = confirmed and (joined or bool(session.last_f_cnt_up or (mac_state and mac_state.recent_uplinks)))
    network_down, application_down = _downlinks(session, confirmed=confirmed, version_11=version_11)
    state = mac_state or MacState()
    return MovedSession(
        dev_addr=dev_addr,
        f_nwk_s_int_key=network,
        s_nwk_s_int_key=serving,
        nwk_s_enc_key=encryption,
        app_s_key=app_s_key,
        fcnt_up=session.last_f_cnt_up if heard else None,
        n_fcnt_down=network_down,
        a_fcnt_down=application_down,
        confirmed_fcnt=session.last_conf_f_cnt_down if version_11 else 0,
        radio=MovedRadio() if state.current_parameters is None else _radio(state.current_parameters),
        ping_periodicity=ping_periodicity(state.ping_slot_periodicity),
        device_mode="C" if version_11 and state.device_class == "CLASS_C" else None,
    )


def _downlinks(session: Session, *, confirmed: bool, version_11: bool) -> tuple[int, int]:
    """The next counters. 0 is left out, so that nobody knows whether it was used; 1.0.x has one for both."""
    if not confirmed:
        return 0, 0
    network, application = session.last_n_f_cnt_down + 1, session.last_a_f_cnt_down + 1
    return (network, application) if version_11 else (max(network, application), 0)


def _radio(parameters: Parameters) -> MovedRadio:
    channels = []
    enabled, moved = [], []
    for index, channel in enumerate(parameters.channels):
        if channel is None or not (uplink := _hertz(channel.uplink_frequency)):
            continue
        low = number_of(channel.min_data_rate_index, "DATA_RATE_") or 0
        high = number_of(channel.max_data_rate_index, "DATA_RATE_") or 0
        channels.append((index, RegionChannel(uplink, low, high)))
        if channel.enable_uplink:
            enabled.append(index)
        downlink = _hertz(channel.downlink_frequency)
        if downlink and downlink != uplink:
            moved.append((index, downlink))
    return MovedRadio(
        rx1_delay=number_of(parameters.rx1_delay, "RX_DELAY_") or 1,
        rx1_dr_offset=number_of(parameters.rx1_data_rate_offset, "DATA_RATE_OFFSET_") or 0,
        rx2_data_rate=number_of(parameters.rx2_data_rate_index, "DATA_RATE_"),
        rx2_frequency=_hertz(parameters.rx2_frequency) or None,
        enabled=tuple(enabled) or None,
        channels=tuple(channels),
        data_rate=number_of(parameters.adr_data_rate_index, "DATA_RATE_"),
        tx_power=parameters.adr_tx_power_index,
        nb_trans=parameters.adr_nb_trans,
        max_duty_cycle=_duty_cycle(parameters.max_duty_cycle),
        uplink_dwell=flag_of(parameters.uplink_dwell_time),
        downlink_dwell=flag_of(parameters.downlink_dwell_time) or False,
        ping_frequency=_hertz(parameters.ping_slot_frequency),
        ping_data_rate=None
        if parameters.ping_slot_data_rate_index_value is None
        else number_of(parameters.ping_slot_data_rate_index_value, "DATA_RATE_"),
        # In fixed plans RX1 is on another frequency anyway.
        dl_frequencies=tuple(moved) if len(parameters.channels) <= 16 else (),
    )


def _hertz(value: int | str) -> int:
    return number_of(value, "") or 0


def _duty_cycle(value: object) -> int:
    """`DUTY_CYCLE_1024` is 1/1024 of the time, the exponent 10."""
    if isinstance(value, str) and (share := number_of(value, "DUTY_CYCLE_")):
        return share.bit_length() - 1
    return value if isinstance(value, int) else 0


def ping_periodicity(value: object) -> int | None:
    """The exponent of a ping period in seconds."""
    if isinstance(value, dict):
        value = value.get("value", 0)
    if isinstance(value, str):
        return _PING_PERIODS.get(value)
    return value if isinstance(value, int) and 0 <= value < 8 else None
