"""Counters of the hot path, exported by `/metrics`."""

from __future__ import annotations

from collections import Counter


class Counters:
    """What the network server has seen since it started."""

    def __init__(self) -> None:
        self.copies = 0
        self.late_copies = 0
        self.uplinks_committed = 0
        self.joins_accepted = 0
        # Join-requests dropped because RX2 could not be met.
        self.joins_too_late = 0
        self.commits = 0
        self.commit_failures = 0
        self.commit_seconds = 0.0
        # When the latest was durable, in seconds of `perf_counter`.
        self.committed_at = 0.0
        self.downlinks_sent = 0
        self.downlinks_failed = 0
        # Refused frames by reason, also those that are too many to be recorded.
        self.refused: Counter[str] = Counter()
