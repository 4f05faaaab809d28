"""The Grafana dashboard asks for metrics that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.monitoring.stage import Stage, on_stage
from veldnet.api.metrics import RENAMED, Metrics

DASHBOARD = Path(__file__).parents[3] / "docs" / "grafana" / "veldnet.json"


def test_every_expression_names_metrics_that_the_server_shows(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        text = Metrics(stage.server.platform).text().decode()
        shown = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
        dashboard = json.loads(DASHBOARD.read_text())
        expressions = [t["expr"] for panel in dashboard["panels"] for t in panel.get("targets", ())]
        asked = {name for e in expressions for name in re.findall(r"veldnet_\w+", e)}
        assert len(expressions) > 25 and asked <= shown
        labels = {
            (name, label)
            for e in expressions
            for by, name in re.findall(r"by \(([^)]*)\) \([^)]*?(veldnet_\w+)", e)
            for label in re.split(r",\s*", by)
        }
        described = Path("docs/operators.md").read_text()
        renamed = {old for name in RENAMED for old in (name, f"{name}_total")} & shown
        for name in shown - renamed:
            assert name in described, f"docs/operators.md does not speak of {name}"
        assert ("veldnet_frames_refused_total", "reason") in labels

    on_stage(tmp_path, story)


def test_renamed_metrics_are_exported_under_both_names_and_documented(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        stage.server.platform.keys.resealed = 7
        samples = dict(
            re.findall(r"^(veldnet_\w+) (\S+)$", Metrics(stage.server.platform).text().decode(), re.MULTILINE)
        )
        assert samples["veldnet_keys_rewrapped_total"] == samples["veldnet_keys_resealed_total"] == "7.0"
        page = Path("docs/upgrading.md").read_text()
        for old, new in RENAMED.items():
            suffix = "_total" if f"{new}_total" in samples else ""
            assert samples[old + suffix] == samples[new + suffix]
            assert f"| `{old}{suffix}` | `{new}{suffix}` |" in page

    on_stage(tmp_path, story)
