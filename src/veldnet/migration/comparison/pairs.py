"""Frames of devices that two networks hear, side by side. Pure: whoever calls tells the time."""

from __future__ import annotations

import math
from collections import OrderedDict
from typing import Any, Literal

import msgspec

Side = Literal["here", "there"]
Status = Literal["agrees", "waiting", "onlyHere", "onlyThere", "differs", "joined"]

# Frames of a device that are remembered, for those that come late or twice.
_MOST_FRAMES = 128
_MOST_DEVICES = 200_000
_SHOWN = 120
_STALE = "joined at its old network: the session that was moved is stale; move it in shadow again"


class Heard(msgspec.Struct, frozen=True):
    """An uplink as one network has delivered it. `value` is what a decoder made of it, None without one."""

    dev_eui: str
    fcnt: int
    fport: int | None
    payload: bytes
    value: Any = None
    name: str = ""


class Joined(msgspec.Struct, frozen=True):
    """A device has joined at its old network: keys and counters that were moved are none of its session."""

    dev_eui: str
    name: str = ""


class DeviceComparison(msgspec.Struct, rename="camel"):
    """What was heard of a device: frames of `both` networks, those of them that are `equal`, and frames of
    one alone. `in_a_row` are those that were equal since the last difference, which `difference` tells of."""

    dev_eui: str
    name: str = ""
    status: Status = "waiting"
    both: int = 0
    equal: int = 0
    only_here: int = 0
    only_there: int = 0
    in_a_row: int = 0
    last_fcnt: int | None = None
    difference: str = ""


class _Frame:
    __slots__ = ("at", "heard", "judged", "side")

    def __init__(self, side: Side, heard: Heard, at: float) -> None:
        self.side = side
        self.heard = heard
        self.at = at
        # "both", a side that was alone, or empty while the other one is waited for.
        self.judged = ""


class Comparison:
    """A device agrees when `wanted` frames in a row were equal. A network that has not delivered a frame
    `window` seconds after the other one did not hear it, unless it was not connected then."""

    def __init__(self, wanted: int, window: float, only: frozenset[str] | None = None) -> None:
        self._wanted = wanted
        self._window = window
        self._only = only
        self._up_since: dict[Side, float | None] = {"here": None, "there": None}
        self.devices: dict[str, DeviceComparison] = {}
        self._frames: dict[str, OrderedDict[int, _Frame]] = {}
        self._waiting: list[_Frame] = []

    def connected(self, side: Side, now: float) -> None:
        """A network delivers from now on."""
        self._up_since[side] = now

    def disconnected(self, side: Side) -> None:
        """It no longer does."""
        self._up_since[side] = None

    def hear(self, side: Side, heard: Heard, now: float) -> None:
        """A network has delivered a frame."""
        device = self._device(heard)
        if device is None:
            return
        frames = self._frames.setdefault(heard.dev_eui, OrderedDict())
        other = frames.get(heard.fcnt)
        if other is None:
            frame = frames[heard.fcnt] = _Frame(side, heard, now)
            self._waiting.append(frame)
            if len(frames) > _MOST_FRAMES:
                frames.popitem(last=False)
        elif other.side != side and other.judged != "both":
            self._pair(device, other, heard, side)

    def join(self, joined: Joined) -> None:
        """The session of a device that was moved ends, until frames of it are heard by both again."""
        device = self._device(joined)
        if device is not None:
            device.status, device.in_a_row, device.difference = "joined", 0, _STALE

    def _device(self, event: Heard | Joined) -> DeviceComparison | None:
        """The device of an event; None where it is not compared."""
        if self._only is not None and event.dev_eui not in self._only:
            return None
        device = self.devices.get(event.dev_eui)
        if device is None:
            if len(self.devices) >= _MOST_DEVICES:
                return None
            device = self.devices[event.dev_eui] = DeviceComparison(event.dev_eui)
        device.name = device.name or event.name
        return device

    def _pair(self, device: DeviceComparison, other: _Frame, heard: Heard, side: Side) -> None:
        if other.judged == "here":
            device.only_here -= 1
        elif other.judged == "there":
            device.only_there -= 1
        other.judged = "both"
        here, there = (heard, other.heard) if side == "here" else (other.heard, heard)
        found = difference(here, there)
        device.both += 1
        device.last_fcnt = heard.fcnt
        if found:
            device.in_a_row, device.difference, device.status = 0, found, "differs"
            return
        if device.status == "joined":
            # Both have the new session, or were told late of the join that began this one.
            device.difference = ""
        device.equal += 1
        device.in_a_row += 1
        device.status = "agrees" if device.in_a_row >= self._wanted else "waiting"

    def expire(self, now: float) -> None:
        """Give up waiting for frames that the other network should have delivered by now."""
        kept = []
        for frame in self._waiting:
            if frame.judged:
                continue
            if now - frame.at < self._window:
                kept.append(frame)
                continue
            missing: Side = "there" if frame.side == "here" else "here"
            since = self._up_since[missing]
            if since is None or since > frame.at:
                # It could not have delivered it.
                frame.judged = "unknown"
                continue
            frame.judged = frame.side
            self._alone(self.devices[frame.heard.dev_eui], frame)
        self._waiting = kept

    def _alone(self, device: DeviceComparison, frame: _Frame) -> None:
        device.in_a_row, device.last_fcnt = 0, frame.heard.fcnt
        if frame.side == "here":
            device.only_here += 1
        else:
            device.only_there += 1
        if device.status == "joined":
            # That is why.
            return
        device.status = "onlyHere" if frame.side == "here" else "onlyThere"
        where = "here" if frame.side == "here" else "there"
        device.difference = f"FCnt {frame.heard.fcnt} was heard {where} alone"

    @property
    def agreed(self) -> bool:
        """Whether all devices that were heard agree, and all that were asked for were heard."""
        if self._only is not None and len(self.devices) < len(self._only):
            return False
        return bool(self.devices) and all(each.status == "agrees" for each in self.devices.values())


def difference(here: Heard, there: Heard) -> str:
    """How two frames of one counter differ, in words; empty where they do not."""
    if here.payload != there.payload:
        ours, theirs = _short(here.payload.hex()), _short(there.payload.hex())
        return f"FCnt {here.fcnt}: payload {ours} here, {theirs} there"
    if (here.fport or 0) != (there.fport or 0):
        return f"FCnt {here.fcnt}: FPort {here.fport} here, {there.fport} there"
    if here.value is None or there.value is None:
        # One of them has no decoder.
        return ""
    path = _unequal(here.value, there.value, "")
    if path is None:
        return ""
    return (
        f"FCnt {here.fcnt}: decoded {path[0] or 'values'} is {_shown(path[1])} here, {_shown(path[2])} there"
    )


_ABSENT = object()


def _unequal(one: Any, other: Any, path: str) -> tuple[str, Any, Any] | None:
    """Where two values differ first; numbers that mean the same are equal."""
    if isinstance(one, dict) and isinstance(other, dict):
        for name in sorted({*one, *other}, key=str):
            found = _unequal(one.get(name, _ABSENT), other.get(name, _ABSENT), f"{path}.{name}".lstrip("."))
            if found is not None:
                return found
        return None
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (left, right) in enumerate(zip(one, other, strict=True)):
            found = _unequal(left, right, f"{path}[{number}]")
            if found is not None:
                return found
        return None
    if _number(one) and _number(other):
        return None if math.isclose(one, other, rel_tol=1e-9, abs_tol=1e-12) else (path, one, other)
    return None if type(one) is type(other) and one == other else (path, one, other)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _shown(value: Any) -> str:
    if value is _ABSENT:
        return "absent"
    return _short(msgspec.json.encode(value).decode())


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
