"""Activation by personalisation (ABP): a session that nobody has negotiated, of LoRaWAN 1.0.x.

The network begins with what a device knows by itself and changes it with MAC commands, as after a join. A
device that loses its counters starts at 0 again; if its profile allows that, the network resets its own.
Its downlink counter goes on: no counter is used twice, and devices take one that has jumped (TS001-1.0.4
§4.3.1.5)."""

from __future__ import annotations

import hmac

from msgspec.structs import replace

from veldnet.lorawan import AesKey, DevAddr
from veldnet.lorawan.crypto import UPLINK, data_mic
from veldnet.lorawan.regions import ChannelPlan

from .context import UplinkContext
from .sessions import default_radio
from .state import DeviceState, PortKey, Session, encode_state

# The verdict on the counter of such a frame.
COUNTER_RESET = "counter_reset"


def personalised_state(
    channel_plan: ChannelPlan,
    dev_addr: DevAddr,
    nwk_s_key: AesKey,
    app_s_key: AesKey | None,
    port_keys: tuple[PortKey, ...],
    now: float,
) -> bytes:
    """The stored state of a new personalised device. Ports without a key of their own have `app_s_key`; where
    that is None, their payloads stay encrypted."""
    session = Session(
        dev_addr=dev_addr,
        f_nwk_s_int_key=nwk_s_key,
        s_nwk_s_int_key=None,
        nwk_s_enc_key=None,
        app_s_key=app_s_key,
        wrapped_app_s_key=None,
        opened_at=now,
        dev_nonce=0,
        radio=default_radio(channel_plan),
        personalised=True,
        port_keys=port_keys,
    )
    return encode_state(DeviceState(session=session))


def is_counter_reset(context: UplinkContext, session: Session) -> bool:
    """Whether a frame is the first of a device that has lost its counters."""
    frame = context.event.frame
    if not (session.personalised and context.profile.allowABPAutomaticReset):
        return False
    if frame.fcnt != 0 or session.fcnt_up in (None, 0):
        return False
    message = context.event.received.best.phy_payload[:-4]
    mic = data_mic(session.f_nwk_s_int_key, UPLINK, frame.dev_addr, 0, message)
    return hmac.compare_digest(mic, frame.mic)


def with_counters_reset(session: Session) -> Session:
    """The session of a device that knows only what it was made with."""
    return replace(
        session,
        fcnt_up=None,
        last_mic=b"",
        repetitions=0,
        pending_requests=(),
        refusals=(),
        adr_history=b"",
        awaited_ack=None,
        gaps=b"",
        smoothed_per=0.0,
        commanded_data_rate=None,
        offered_data_rates=0,
    )
