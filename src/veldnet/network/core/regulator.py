"""Regulators of a connectivity plan: a token bucket for each device and direction.

A frame takes a token. Where none is left the frame is over the limit: marked, or dropped, as the plan says.
"""

from __future__ import annotations

from msgspec.structs import replace

from veldnet.domain.documents import PlanSettings, Regulator

from .state import Bucket, DeviceState


def filled(regulator: Regulator, bucket: Bucket | None, now: float) -> float:
    """Tokens in a bucket at a time; a bucket that was never used is full. A clock that steps back adds
    none."""
    if bucket is None:
        return float(regulator.size)
    return min(regulator.size, bucket.tokens + max(now - bucket.at, 0.0) * regulator.rate)


def take(regulator: Regulator, bucket: Bucket | None, now: float) -> tuple[Bucket, bool]:
    """The bucket after a frame, and whether the frame is over the limit."""
    tokens = filled(regulator, bucket, now)
    at = now if bucket is None else max(now, bucket.at)
    return (Bucket(tokens, at), True) if tokens < 1.0 else (Bucket(tokens - 1.0, at), False)


def charge_uplink(plan: PlanSettings, state: DeviceState, now: float) -> tuple[DeviceState, bool]:
    """The state after an uplink, and whether the uplink is over the limit."""
    regulator = plan.uplink_regulator
    if regulator is None:
        return state, False
    bucket, over = take(regulator, state.uplink_bucket, now)
    return replace(state, uplink_bucket=bucket), over


def charge_downlink(plan: PlanSettings, state: DeviceState, now: float) -> tuple[DeviceState, bool]:
    """The state after a downlink of any content, and whether it is over the limit."""
    regulator = plan.downlink_regulator
    if regulator is None:
        return state, False
    bucket, over = take(regulator, state.downlink_bucket, now)
    return replace(state, downlink_bucket=bucket), over


def refuses_downlink(plan: PlanSettings, state: DeviceState, now: float) -> bool:
    """Whether the plan drops one more downlink of an application server: those that wait have a claim on
    the tokens already."""
    regulator = plan.downlink_regulator
    if regulator is None or not regulator.drop:
        return False
    return filled(regulator, state.downlink_bucket, now) - len(state.queue) < 1.0
