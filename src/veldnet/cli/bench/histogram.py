"""Percentiles of what the server measures itself: from histograms of `/metrics`."""

from __future__ import annotations

import math

from .load import Percentiles

# Upper bounds in seconds, and how many values were no larger.
Histogram = dict[float, float]


def read_histogram(text: str, metric: str, label: str) -> Histogram:
    """The histogram of a metric with one label, for this value of it; empty where there is none yet."""
    found: Histogram = {}
    for line in text.splitlines():
        name, _brace, rest = line.partition("{")
        labels, _blank, value = rest.rpartition("} ")
        if name == f"veldnet_{metric}_bucket" and f'="{label}"' in labels:
            bound = labels.partition('le="')[2].partition('"')[0]
            found[float(bound)] = float(value)
    return found


def between(before: Histogram, after: Histogram) -> Percentiles | None:
    """Of the values that have come between two looks, as even as can be within a class of the histogram."""
    counts = {bound: count - before.get(bound, 0.0) for bound, count in sorted(after.items())}
    total = counts.get(math.inf, 0.0)
    if total <= 0:
        return None
    p50, p95, p99 = (_at(counts, share * total) for share in (0.50, 0.95, 0.99))
    return Percentiles(p50, p95, p99, int(total))


def _at(counts: Histogram, rank: float) -> float:
    low, below = 0.0, 0.0
    for bound, count in counts.items():
        if count >= rank:
            # Beyond the last bound nothing is known but that.
            within = low if math.isinf(bound) else low + (bound - low) * (rank - below) / (count - below)
            return round(within * 1000, 3)
        low, below = bound, count
    return round(low * 1000, 3)
