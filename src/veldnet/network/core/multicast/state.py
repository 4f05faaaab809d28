"""What the network remembers of a multicast group: its counter, what waits, and what is being sent."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from veldnet.network.core.restoring import COUNTER_JUMP
from veldnet.network.core.state import Bucket


class QueuedFrame(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A downlink that waits. With `fcnt` its payload is encrypted with that counter already.
    `retry_ineligible`: whether base stations are tried again that were not eligible at first."""

    id: int
    fport: int
    payload: bytes
    fcnt: int | None
    submitted_at: float
    expires_at: float | None = None
    correlation_id: str | None = None
    retry_ineligible: bool = True


class StationResult(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What became of the frame at a base station: the cause of its last attempt, `00` where it was sent,
    empty before the first; `left_out` where it was not eligible and is not tried again."""

    base_station: int
    cause: str = ""
    attempts: int = 0
    left_out: bool = False

    @property
    def sent(self) -> bool:
        return self.cause == "00"


class Sending(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The frame that is being sent, with the counter that it has for good; `attempt` counts from 1. Whatever
    interrupts an attempt, the same frame is sent again."""

    frame: QueuedFrame
    fcnt: int
    fpending: bool
    attempt: int
    begun_at: float
    # When the attempt under way begins, or the one to come.
    attempt_at: float
    stations: tuple[StationResult, ...]
    over_limit: bool = False

    @property
    def counted(self) -> tuple[StationResult, ...]:
        """The base stations that count."""
        return tuple(station for station in self.stations if not station.left_out)


class GroupState(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """`fcnt_down` is the next counter. `generation` grows when a backup is restored: see `catch_up`."""

    fcnt_down: int = 0
    queue: tuple[QueuedFrame, ...] = ()
    sending: Sending | None = None
    bucket: Bucket | None = None
    generation: int = 0

    @property
    def busy(self) -> bool:
        """Whether there is something to send."""
        return self.sending is not None or bool(self.queue)


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(GroupState)


def encode_group_state(state: GroupState) -> bytes:
    return _encoder.encode(state)


def decode_group_state(octets: bytes | None) -> GroupState:
    return GroupState() if octets is None else _decoder.decode(octets)


def catch_up(state: GroupState, generation: int) -> GroupState:
    """The state as of this generation of the store. After a restore nobody knows which counters were used
    since: they jump ahead, and the frame under way is gone, for its attempts may be of another one by now."""
    if state.generation >= generation:
        return state
    jump = (generation - state.generation) * COUNTER_JUMP
    return replace(state, fcnt_down=state.fcnt_down + jump, sending=None, generation=generation)
