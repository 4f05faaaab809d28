"""How Basics Station writes the EUI of a router: as a number, as hexadecimal digits, or as ID6."""

from __future__ import annotations

from veldnet.lorawan import GatewayEui
from veldnet.lorawan.identifiers import InvalidIdentifier

_GROUPS = 4
_PREFIXES = ("router-", "eui-")


def parse_router_id(value: object) -> GatewayEui:
    """An EUI in any of the forms `58A0CBFFFE803E21`, `58-A0-CB-FF-FE-80-3E-21`, `58a0:cbff:fe80:3e21`,
    `::1`, or an integer; `router-` or `eui-` may stand before it. Raises `InvalidIdentifier`."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise InvalidIdentifier("a router is named by a number or a text")
    if isinstance(value, int):
        if not 0 <= value < 1 << 64:
            raise InvalidIdentifier("a router's number has 64 bits")
        return GatewayEui(value)
    text = value
    for prefix in _PREFIXES:
        text = text.removeprefix(prefix)
    if len(text) <= 23 and (":" not in text or text.count(":") == 7):
        return GatewayEui.parse(text)
    return _parse_id6(text)


def _parse_id6(text: str) -> GatewayEui:
    if len(text) > 19 or ":::" in text or text.count("::") > 1:
        raise InvalidIdentifier("{text!r} is no EUI and no ID6", text=text[:40])
    head, gap, tail = text.partition("::")
    before, after = _groups(head), _groups(tail)
    missing = _GROUPS - len(before) - len(after)
    # `::` stands for one group at least; without it there are four.
    if missing < 0 or bool(gap) != (missing > 0):
        raise InvalidIdentifier("{text!r} has not the four groups of an ID6", text=text)
    number = 0
    for group in (*before, *[0] * missing, *after):
        number = number << 16 | group
    return GatewayEui(number)


def _groups(text: str) -> list[int]:
    if not text:
        return []
    groups = text.split(":")
    if any(not 1 <= len(group) <= 4 or not group.isascii() or not group.isalnum() for group in groups):
        raise InvalidIdentifier("{text!r} is no part of an ID6", text=text)
    try:
        return [int(group, 16) for group in groups]
    except ValueError:
        raise InvalidIdentifier("{text!r} is no part of an ID6", text=text) from None


def id6(gateway: GatewayEui) -> str:
    """The EUI as four groups of 16 bits, the first of the longest runs of zeros as `::`."""
    groups = [int(gateway) >> shift & 0xFFFF for shift in (48, 32, 16, 0)]
    best = max(_zero_runs(groups), key=lambda run: run[1], default=(0, 0))
    if best[1] < 2:
        return ":".join(f"{group:x}" for group in groups)
    start, length = best
    head = ":".join(f"{group:x}" for group in groups[:start])
    tail = ":".join(f"{group:x}" for group in groups[start + length :])
    return f"{head}::{tail}"


def _zero_runs(groups: list[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    start = 0
    while start < len(groups):
        end = start
        while end < len(groups) and groups[end] == 0:
            end += 1
        if end > start:
            runs.append((start, end - start))
        start = max(end, start + 1)
    return runs


def dashed(eui: int) -> str:
    """An EUI as the messages of radio frames write it: `01-23-45-67-89-AB-CD-EF`."""
    return "-".join(f"{octet:02X}" for octet in eui.to_bytes(8, "big"))
