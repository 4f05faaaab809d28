"""Clock synchronisation (TS003): the network tells a device that asks how far its clock is off GPS time."""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.lorawan.crypto import UPLINK, crypt_payload
from veldnet.lorawan.packages import CLOCK_SYNC, parse, serialise
from veldnet.lorawan.packages.clock_sync import AppTimeAns, AppTimeReq, correction

from .context import UplinkContext
from .queue import insert
from .state import DeviceState, QueuedDownlink

# Before what application servers have queued, but for payloads whose counter they have fixed.
_PRIORITY = 255


def answer_clock(
    context: UplinkContext, state: DeviceState, fcnt: int
) -> tuple[DeviceState, tuple[str, ...]]:
    """The state with an answer to the AppTimeReq of an uplink in the queue, and words for its record."""
    frame, port = context.event.frame, context.profile.clockSyncPort
    if port is None or frame.fport != port:
        return state, ()
    session = state.session
    assert session is not None
    key = session.application_key(port)
    if key is None:
        return state, (
            "clock synchronisation: the network cannot read the request, its AppSKey is in the HSM",
        )
    octets = crypt_payload(key, UPLINK, frame.dev_addr, fcnt, frame.frm_payload)
    stream = parse(octets, CLOCK_SYNC.uplink)
    asked = [command for command in stream.commands if isinstance(command, AppTimeReq)]
    if not asked:
        return state, ("clock synchronisation: no AppTimeReq in the payload",)
    seconds = correction(asked[-1].device_time, context.event.received.gps_time)
    if not seconds and not asked[-1].answer_required:
        return state, ("clock synchronisation: the device's clock is right, and it needs no answer",)
    if not context.plan.downlinkTransmission:
        return state, ("clock synchronisation: the connectivity plan allows no downlinks",)
    # An answer that still waits carries the token of an earlier request: the device would not take it.
    queue = tuple(item for item in state.queue if not (item.from_network and item.fport == port))
    if len(queue) >= context.network.queue_limit:
        return state, ("clock synchronisation: the downlink queue is full",)
    answer = QueuedDownlink(
        id=context.event.received.token,
        fport=port,
        payload=serialise((AppTimeAns(seconds, asked[-1].token),)),
        fcnt=None,
        confirmed=False,
        expires_at=None,
        correlation_id=None,
        submitted_at=context.now,
        priority=_PRIORITY,
        from_network=True,
    )
    words = f"clock synchronisation: the device's clock is to be changed by {seconds:+d} s"
    return replace(state, queue=insert(queue, answer)), (words,)
