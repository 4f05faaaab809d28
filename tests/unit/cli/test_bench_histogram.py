"""Percentiles that the benchmarks take from histograms of the server."""

from __future__ import annotations

import math
from pathlib import Path
from time import perf_counter

import pytest

from tests.monitoring.stage import Stage, on_stage
from veldnet.api.metrics import Metrics
from veldnet.cli.bench.histogram import between, read_histogram
from veldnet.gateways import BOUNDS, HandoverTimes

METRIC = "downlink_commit_to_socket_seconds"


def test_what_the_metrics_show_is_read_by_protocol(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        hub = stage.server.platform.hub
        for _ in range(3):
            hub.handed_over("semtech-udp", perf_counter())
        hub.handed_over("semtech-udp", perf_counter() - 2)
        hub.handed_over("basics-station", perf_counter() - 0.004)
        # One that did not follow its commit at once.
        hub.handed_over("basics-station", None)
        text = Metrics(stage.server.platform).text().decode()
        udp = read_histogram(text, METRIC, "semtech-udp")
        assert list(udp) == [*BOUNDS, math.inf] and (udp[1.0], udp[math.inf]) == (3, 4)
        station = read_histogram(text, METRIC, "basics-station")
        assert (station[0.003], station[math.inf]) == (0, 1)
        assert read_histogram(text, METRIC, "chirpstack-mqtt") == {}

    on_stage(tmp_path, story)


def test_percentiles_are_those_of_the_values_between_two_looks() -> None:
    times = HandoverTimes()

    def look() -> dict[float, float]:
        return {float(bound): count for bound, count in times.cumulative()}

    for _ in range(1000):
        times.add(0.2)
    before = look()
    assert between(before, before) is None and between({}, {}) is None
    for _ in range(98):
        times.add(0.0025)
    times.add(0.04)
    times.add(5.0)
    found = between(before, look())
    assert found is not None and found.count == 100
    assert 2 < found.p50 < 3 and found.p99 == pytest.approx(50)
    times.add(5.0)
    last = between(before, look())
    # Of what is beyond the last bound that alone is known.
    assert last is not None and last.p99 == 1000
