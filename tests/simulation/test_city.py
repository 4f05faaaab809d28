"""A city of mixed devices with everything that goes wrong in one, and what is told of it.

`make simulation` has twice as many devices.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from veldnet.cli.main import app
from veldnet.simulator.virtual_time import run_virtually
from veldnet.virtual import MIXED, Checker, Conditions, Faults, InvariantBroken, VirtualNetwork
from veldnet.virtual.report import page, plots, write_plots
from veldnet.virtual.results import Clock, Results, results_of

FAULTS = Faults(crashes=4.0, base_station_outages=6.0)
HOURS = 2.0
# As many of each kind.
DEVICES = 48 if "VELDNET_SIMULATION_SEEDS" in os.environ else 24


def live(directory: Path, seed: int, hours: float = HOURS) -> Results:
    async def story() -> Results:
        network = VirtualNetwork(
            directory,
            seed,
            faults=FAULTS,
            conditions=Conditions(kinds=MIXED, radius=3.0, shadowing=6.0, downlinks_every=(5, 20)),
        )
        await network.build(DEVICES, stations=6, period=300, confirmed_share=0.1, first=120)
        clock = Clock(network)
        await network.run(hours * 3600, clock.tick)
        await network.check_invariants()
        results = results_of(network, seed, hours, clock)
        await network.close()
        return results

    directory.mkdir()
    return run_virtually(story())


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return live(tmp_path_factory.mktemp("city") / "a", 1)


def test_two_hours_of_faults(results: Results) -> None:
    assert results.server_deaths >= 3 and results.base_station_outages >= 3
    assert results.joined == results.devices == DEVICES
    # What is lost is lost on the radio, to dead servers and to dead base stations.
    assert results.sent > 700 * DEVICES // 48 and results.delivered_share > 0.85
    assert results.delivered == results.accepted or results.delivered_share > 0.85
    assert set(results.downlinks_by_slot) == {"RX1", "RX2", "ping slot"}
    assert len(results.per_hour) == 2 and results.copies_per_uplink > 1


def test_the_same_seed_gives_the_same_history(tmp_path: Path) -> None:
    first, second = (live(tmp_path / name, 2, 0.4) for name in "ab")
    assert first == second and first.server_deaths >= 1 and first.base_station_outages >= 1


def test_the_report_shows_what_happened(results: Results, tmp_path: Path) -> None:
    alone = page({"mixed": results})
    assert alone.count("<svg") == len(plots({"mixed": results})) == 5
    assert f"{results.delivered:,}" in alone
    both = {"one": results, "other": results}
    write_plots(tmp_path / "plots", both)
    assert {path.stem for path in (tmp_path / "plots").iterdir()} == {
        "airtime", "data-rates", "delivered", "energy", "loss", "per-hour",
    }  # fmt: skip


def test_the_command(tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    words = ["simulate", "network", "--devices", "8", "--hours", "0.3", "--protocol", "mixed"]
    done = CliRunner().invoke(app, [*words, "--report", str(report), "--json"])
    assert done.exit_code == 0, done.output
    # Logs do not stand among the results.
    assert "delivered_share" in json.loads(done.stdout)["mixed"]
    assert report.read_text().startswith("<!doctype html>")


def test_the_checker_finds_what_must_never_happen() -> None:
    from tests.unit.network.builders import receive, session, uplink_frame
    from veldnet.network.core.state import DeviceState
    from veldnet.network.shell import Recorded

    checker = Checker()
    transition = receive(DeviceState(session=session()), uplink_frame(1))
    assert transition is not None
    recorded = [Recorded(transition.records[0], None)]
    checker.committed(recorded)
    with pytest.raises(InvariantBroken, match="I1"):
        checker.committed(recorded)
    # A downlink of 12 octets, and another with the same counter.
    frame = bytes.fromhex("60efcdab01a00000") + b"\x01\x02\x03\x04"
    checker.on_air(frame)
    checker.on_air(frame)
    with pytest.raises(InvariantBroken, match="I2"):
        checker.on_air(frame[:-1] + b"\x05")
    # A second device on the address may have a frame of its own, and no more.
    shared = Checker()
    shared._sessions[int.from_bytes(frame[4:0:-1], "big")] = 2
    shared.on_air(frame)
    shared.on_air(frame[:-1] + b"\x05")
    with pytest.raises(InvariantBroken, match="I2"):
        shared.on_air(frame[:-1] + b"\x06")
