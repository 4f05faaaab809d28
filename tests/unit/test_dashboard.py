"""The Grafana dashboard asks for metrics that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.monitoring.stage import Stage, on_stage
from veldnet.api.metrics import Metrics

DASHBOARD = Path(__file__).parents[2] / "docs" / "grafana" / "veldnet.json"


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
        for name in shown:
            assert name in described, f"docs/operators.md does not speak of {name}"
        assert ("veldnet_frames_refused_total", "reason") in labels

    on_stage(tmp_path, story)
