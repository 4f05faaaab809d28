"""Topics of base stations: `<prefix>/gateway/<EUI>/` and `event/<kind>`, `state/conn` or `command/<kind>`."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from veldnet.lorawan import GatewayEui

UP, STATS, ACK, CONN = "event/up", "event/stats", "event/ack", "state/conn"
# What is read; base stations tell of more (exec, raw, mesh).
_KINDS = (UP, STATS, ACK, CONN)
DOWN, CONFIG = "command/down", "command/config"
_TOPIC = re.compile(rf"((?:[^/+#]+/){{0,8}}gateway/([0-9A-Fa-f]{{16}}))/({'|'.join(_KINDS)})", re.ASCII)
_LONGEST = 512
_PREFIX = re.compile(r"[^/+#$\s]+(?:/[^/+#\s]+){0,7}")


class Topic(NamedTuple):
    """`base` is what comes before the kind, as the base station writes it: its commands go below that."""

    base: str
    gateway: GatewayEui
    kind: str


@lru_cache(maxsize=16_384)
def parse_topic(text: str) -> Topic | None:
    """None for a topic that is none of a base station."""
    found = _TOPIC.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        return None
    return Topic(found[1], GatewayEui(int(found[2], 16)), found[3])


def is_prefix(text: str) -> bool:
    """Whether a text can stand before `gateway` in topics; nothing may, too."""
    return text == "" or (len(text) <= 128 and _PREFIX.fullmatch(text) is not None)


def filters(prefixes: tuple[str, ...], share: str) -> list[str]:
    """What to subscribe to: below `prefixes`, or without any below none and each of one level. Frames and
    statistics are shared among the servers of the group `share`; acknowledgements and states go to all."""
    found = []
    for prefix in prefixes or ("", "+"):
        for kind in _KINDS:
            shared = f"$share/{share}/" if share and kind in (UP, STATS) else ""
            found.append(f"{shared}{prefix}{'/' if prefix else ''}gateway/+/{kind}")
    return found
