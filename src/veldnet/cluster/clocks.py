"""How far the clocks of nodes are apart, from the messages between them.

A message takes no time at least, so that the smallest difference between when it was sent and when it came
is how far the clocks are apart, and a little more. So times go between nodes rightly though their clocks
differ by an hour, and though a message has been delayed.
"""

from __future__ import annotations

# Seconds for which a difference counts: clocks are set, and drift.
_BUCKET = 30.0


class _Difference:
    __slots__ = ("before", "least", "since")

    def __init__(self, since: float, difference: float) -> None:
        self.since = since
        self.least = self.before = difference


class NodeClocks:
    """The clocks of other nodes."""

    def __init__(self) -> None:
        self._nodes: dict[str, _Difference] = {}

    def ahead(self, node: str, sent_at: float, now: float, elapsed: float) -> float:
        """By how many seconds our clock is ahead of a node's, of which a message came that was sent then.
        `elapsed` is by a clock that nobody sets."""
        difference = now - sent_at
        known = self._nodes.get(node)
        if known is None or elapsed - known.since > 2 * _BUCKET:
            known = self._nodes[node] = _Difference(elapsed, difference)
        elif elapsed - known.since > _BUCKET:
            known.before, known.least, known.since = known.least, difference, elapsed
        elif difference < known.least:
            known.least = difference
        return min(known.before, known.least)

    def forget(self, node: str) -> None:
        self._nodes.pop(node, None)
