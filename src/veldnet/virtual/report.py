"""Plots of a run, and the page that shows them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import leather as untyped_leather

from .results import DeviceResult, Results

# The library has no types.
leather: Any = untyped_leather

_WIDTH, _HEIGHT = 640, 360
_COLOURS = ("#8a94a0", "#2f6db3", "#2a9d5c", "#e9a13b", "#7b4fa3", "#c8443a")
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 85rem; margin: 2rem auto; padding: 0 1rem }
h1 { font-size: 1.6rem } table { border-collapse: collapse; margin: 1rem 0 }
td, th { padding: .25rem .8rem; border-bottom: 1px solid #d5dbe1; text-align: right }
th:first-child, td:first-child { text-align: left } figure { margin: 0 }
.plots { display: flex; flex-wrap: wrap; gap: 1.5rem }
figcaption { color: #55606b }
"""


def per_hour(runs: dict[str, Results]) -> str:
    """Share of readings accepted, by the hour."""
    chart = leather.Chart("Readings that arrived, % of those sent")
    lowest = 100.0
    for (name, run), colour in zip(runs.items(), _COLOURS, strict=False):
        # A reading sent just before the hour may be counted in the next.
        points = [
            (hour.number, min(100.0, 100 * hour.accepted / hour.sent)) for hour in run.per_hour if hour.sent
        ]
        if points:
            lowest = min(lowest, *(share for _hour, share in points))
            chart.add_line(points, name=name, stroke_color=colour, width=3)
    chart.add_x_axis(name="hour")
    chart.add_y_scale(max(0, 5 * int(lowest / 5) - 5), 100)
    return _svg(chart)


def by_data_rate(runs: dict[str, Results]) -> str:
    """Devices by the data rate they ended with."""
    chart = leather.Chart("Devices by data rate at the end, %")
    for (name, run), colour in zip(runs.items(), _COLOURS, strict=False):
        rates = Counter(device.data_rate for device in run.per_device)
        highest = max(rates, default=0)
        points = [(rate, 100 * rates[rate] / len(run.per_device)) for rate in range(highest + 1)]
        if len(points) == 1:
            points.append((1, 0.0))
        chart.add_line(points, name=name, stroke_color=colour, width=3)
    chart.add_x_axis(name="data rate", ticks=list(range(max(_highest(runs), 1) + 1)))
    chart.add_y_scale(0, 105)
    return _svg(chart)


def _highest(runs: dict[str, Results]) -> int:
    return max((device.data_rate for run in runs.values() for device in run.per_device), default=0)


def comparison(runs: dict[str, Results], title: str, values: Sequence[float]) -> str:
    """One number of each run."""
    chart = leather.Chart(title)
    chart.add_columns(list(zip(runs, values, strict=True)), fill_color=_COLOURS[1])
    chart.add_y_scale(0, max(values, default=1) * 1.15 or 1)
    return _svg(chart)


def loss_by_device(runs: dict[str, Results]) -> str:
    """Share of devices (x, %) that lose no more than so much (y, %)."""
    chart = leather.Chart("Readings lost, %, by devices from the best to the worst, %")
    for (name, run), colour in zip(runs.items(), _COLOURS, strict=False):
        losses = sorted(_loss(device) for device in run.per_device if device.sent)
        every = max(len(losses) // 100, 1)
        points = [(100 * n / len(losses), 100 * losses[n - 1]) for n in range(every, len(losses) + 1, every)]
        if points:
            chart.add_line(points, name=name, stroke_color=colour, width=3)
    chart.add_x_axis(name="devices, %")
    return _svg(chart)


def _loss(device: DeviceResult) -> float:
    return max(0.0, 1 - device.accepted / device.sent)


def by_slot(run: Results) -> str:
    """Downlinks by where they were sent."""
    chart = leather.Chart("Downlinks sent")
    chart.add_columns(list(run.downlinks_by_slot.items()) or [("none", 0)], fill_color=_COLOURS[1])
    return _svg(chart)


def places(run: Results) -> str:
    """Where devices stand, and which of them are heard well."""
    chart = leather.Chart("Devices, km")
    for name, colour, least, most in (
        ("lose less than 10 %", "#2a9d5c", -1.0, 0.1),
        ("10 to 50 %", "#e9a13b", 0.1, 0.5),
        ("more", "#c8443a", 0.5, 2.0),
    ):
        points = [(d.x, d.y) for d in run.per_device if d.sent and least <= _loss(d) < most]
        if points:
            chart.add_dots(points, name=name, fill_color=colour)
    return _svg(chart)


def _svg(chart: Any) -> str:
    if not chart._layers:
        # A run too short to have anything to show.
        chart.add_line([(0, 0), (1, 0)], name="nothing yet")
    svg: object = chart.to_svg(width=_WIDTH, height=_HEIGHT)
    return str(svg)


def plots(runs: dict[str, Results]) -> dict[str, str]:
    """All plots by a short name, as SVG."""
    found = {"per-hour": per_hour(runs), "data-rates": by_data_rate(runs), "loss": loss_by_device(runs)}
    if len(runs) > 1:
        results = list(runs.values())
        found["delivered"] = comparison(
            runs, "Readings delivered, %", [100 * run.delivered_share for run in results]
        )
        found["airtime"] = comparison(
            runs, "Seconds on air for each delivered reading", [run.airtime_per_reading for run in results]
        )
        found["energy"] = comparison(
            runs, "Millijoules for each delivered reading", [1000 * run.energy_per_reading for run in results]
        )
    else:
        (run,) = runs.values()
        found |= {"slots": by_slot(run), "places": places(run)}
    return found


def page(runs: dict[str, Results]) -> str:
    """One HTML page that needs nothing else."""
    rows: tuple[tuple[str, Callable[[Results], str]], ...] = (
        ("devices", lambda r: f"{r.devices:,}"),
        ("joined", lambda r: f"{r.joined:,}"),
        ("base stations", lambda r: f"{r.base_stations}"),
        ("hours", lambda r: f"{r.hours:g}"),
        ("readings sent", lambda r: f"{r.sent:,}"),
        ("readings delivered", lambda r: f"{r.delivered:,} ({r.delivered_share:.2%})"),
        ("airtime for each", lambda r: f"{r.airtime_per_reading:.3f} s"),
        ("energy for each", lambda r: f"{1000 * r.energy_per_reading:.1f} mJ"),
        ("copies of an uplink", lambda r: f"{r.copies_per_uplink}"),
        ("copies lost in collisions", lambda r: f"{r.collided:,}"),
        ("servers killed", lambda r: f"{r.server_deaths}"),
        ("base stations switched off", lambda r: f"{r.base_station_outages}"),
    )
    head = "".join(f"<th>{escape(name)}</th>" for name in runs)
    body = "".join(
        f"<tr><td>{label}</td>{''.join(f'<td>{value(run)}</td>' for run in runs.values())}</tr>"
        for label, value in rows
    )
    figures = "".join(f"<figure>{svg}</figure>" for svg in plots(runs).values())
    return (
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>Veldnet, a simulated network</title>"
        f"<style>{_STYLE}</style><h1>A simulated network</h1>"
        f"<table><tr><th></th>{head}</tr>{body}</table><div class='plots'>{figures}</div></html>"
    )


def write_report(path: Path, runs: dict[str, Results]) -> None:
    """Write the page."""
    path.write_text(page(runs), encoding="utf-8")


def write_plots(directory: Path, runs: dict[str, Results]) -> None:
    """Write each plot as an SVG file."""
    directory.mkdir(parents=True, exist_ok=True)
    for name, svg in plots(runs).items():
        (directory / f"{name}.svg").write_text(svg, encoding="utf-8")
