"""The Grafana dashboard and the alert rules ask for metrics that there are."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.certificates import write_pair
from tests.monitoring.stage import Stage, on_stage
from veldnet.api.metrics import RENAMED, Metrics
from veldnet.assembly.certificate import ServerCertificate
from veldnet.assembly.clustering import Clustering, NodeSetup
from veldnet.assembly.data_directory.scheduled_backups import ScheduledBackups
from veldnet.cluster import Wire
from veldnet.settings import TlsSettings
from veldnet.store import NewNode

RULES = Path(__file__).parents[3] / "docs" / "grafana" / "alerts.yaml"
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


def rules() -> list[dict[str, Any]]:
    (group,) = yaml.safe_load(RULES.read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def test_alert_rules_name_metrics_and_labels_that_the_server_shows(tmp_path: Path) -> None:
    async def story(stage: Stage) -> None:
        platform = stage.server.platform
        pair = write_pair(tmp_path)
        platform.certificate = ServerCertificate(
            TlsSettings(str(pair.certificate), str(pair.key)), platform.clock
        )
        platform.backups = ScheduledBackups(platform.settings, platform.clock)
        node = NodeSetup(NewNode("a", "0", frozenset({"network"})), lambda s: Wire().bus("a", s))
        data, network = stage.server.data, platform.network
        platform.cluster = Clustering(node, data.store, platform.supervisor, platform.clock, network)
        text = Metrics(platform).text().decode()
        shown = set(re.findall(r"^# TYPE (\S+)", text, re.MULTILINE))
        described = Path("docs/operators.md").read_text()
        for rule in rules():
            asked = set(re.findall(r"veldnet_\w+", rule["expr"]))
            assert asked <= shown, rule["alert"]
            assert asked or rule["alert"] == "VeldnetDown"
            for name, label in re.findall(r"(veldnet_\w+)\{(\w+)", rule["expr"]):
                assert re.search(rf"`{name}`[^|]* by [^|,]*`{label}`", described), (
                    f"{name} has no label {label}"
                )
        for name in shown & {name for name in shown if name.startswith(("veldnet_cert", "veldnet_backup"))}:
            assert name in described

    on_stage(tmp_path, story)


def test_each_alert_rule_says_what_is_wrong_and_what_to_do() -> None:
    names = [rule["alert"] for rule in rules()]
    assert len(names) == len(set(names)) > 15
    for rule in rules():
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"].keys() == {"summary", "action"}
        for opening, closing in ("()", "[]", "{}"):
            assert rule["expr"].count(opening) == rule["expr"].count(closing)


def test_prometheus_accepts_the_rules() -> None:
    done = subprocess.run(["promtool", "check", "rules", RULES], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
