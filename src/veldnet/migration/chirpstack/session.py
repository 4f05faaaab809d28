"""Sessions as ChirpStack stores them: protocol buffers in `device.device_session` (`session.proto`)."""

from __future__ import annotations

from google.protobuf.message import DecodeError

from veldnet.lorawan import AesKey, DevAddr, InvalidKey
from veldnet.lorawan.regions import Channel
from veldnet.migration.model import NotMovable
from veldnet.network.core import MovedRadio, MovedSession

from . import session_pb2 as pb

_VERSION_11 = 5
_PING_EXPONENT = 7


def read_session(
    octets: bytes, f_cnt_up: int, enabled_class: str
) -> tuple[MovedSession, MovedSession | None, tuple[str, ...]]:
    """The session, the one that a rejoin has opened, and what is lost of them. `f_cnt_up` is what the row of
    the device has, 0 where it has none. Raises `NotMovable`."""
    message = pb.Session()
    try:
        message.ParseFromString(octets)
    except DecodeError:
        raise NotMovable("its session is damaged: it joins again") from None
    session = _session(message, f_cnt_up, enabled_class)
    pending = None
    if message.HasField("pending_rejoin"):
        pending = _session(message.pending_rejoin, 0, "A")
    remarks = []
    if message.skip_f_cnt_check:
        remarks.append("its frame counters were not checked there (skip_fcnt_check); they are here")
    return session, pending, tuple(remarks)


def _session(message: pb.Session, f_cnt_up: int, enabled_class: str) -> MovedSession:
    if len(message.dev_addr) != 4:
        raise NotMovable("its session has no DevAddr: it joins again")
    version_11 = message.mac_version >= _VERSION_11
    app_s_key, envelope = None, message.app_s_key
    if envelope.aes_key:
        if envelope.kek_label or len(envelope.aes_key) != 16:
            raise NotMovable("the AppSKey of its session is encrypted (kek_label): it joins again")
        app_s_key = AesKey(envelope.aes_key)
    # It stores the next counter that it expects.
    expected = f_cnt_up or message.f_cnt_up
    try:
        return MovedSession(
            dev_addr=DevAddr(int.from_bytes(message.dev_addr, "big")),
            f_nwk_s_int_key=AesKey(message.f_nwk_s_int_key),
            s_nwk_s_int_key=AesKey(message.s_nwk_s_int_key) if version_11 else None,
            nwk_s_enc_key=AesKey(message.nwk_s_enc_key) if version_11 else None,
            app_s_key=app_s_key,
            fcnt_up=expected - 1 if expected else None,
            n_fcnt_down=message.n_f_cnt_down,
            a_fcnt_down=message.a_f_cnt_down if version_11 else 0,
            confirmed_fcnt=message.conf_f_cnt if version_11 else 0,
            radio=_radio(message),
            ping_periodicity=_ping_periodicity(message.class_b_ping_slot_nb),
            device_mode="C" if version_11 and enabled_class == "C" else None,
            rj_count0=message.rejoin_count_0 or None,
        )
    except InvalidKey:
        raise NotMovable("a key of its session does not have 16 bytes: it joins again") from None


def _radio(message: pb.Session) -> MovedRadio:
    return MovedRadio(
        rx1_delay=message.rx1_delay or 1,
        rx1_dr_offset=message.rx1_dr_offset,
        rx2_data_rate=message.rx2_dr,
        rx2_frequency=message.rx2_frequency or None,
        enabled=tuple(message.enabled_uplink_channel_indices) or None,
        channels=tuple(
            (index, _channel(channel)) for index, channel in message.extra_uplink_channels.items()
        ),
        data_rate=message.dr,
        tx_power=message.tx_power_index,
        nb_trans=message.nb_trans or 1,
        uplink_dwell=message.uplink_dwell_time_400ms,
        downlink_dwell=message.downlink_dwell_time_400ms,
        max_eirp_code=message.uplink_max_eirp_index or None,
        ping_frequency=message.class_b_ping_slot_freq,
        ping_data_rate=message.class_b_ping_slot_dr or None,
    )


def _channel(channel: pb.Channel) -> Channel:
    rates = channel.data_rates
    if rates:
        return Channel(channel.frequency, min(rates), max(rates))
    return Channel(channel.frequency, channel.min_dr, channel.max_dr)


def _ping_periodicity(slots: int) -> int | None:
    """Of 1, 2, 4 ... 128 ping slots in a beacon period."""
    exponent = slots.bit_length() - 1
    if slots < 1 or slots != 1 << exponent or exponent > _PING_EXPONENT:
        return None
    return _PING_EXPONENT - exponent
