"""Pages of the documentation's site that are made of the code: operations, metrics, causes."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path
from typing import Any

from veldnet.api.description import openapi
from veldnet.api.metrics import Metrics
from veldnet.assembly.certificate import ServerCertificate
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.platform import Platform
from veldnet.diagnosis.causes import CAUSES, REFUSALS
from veldnet.diagnosis.texts import en
from veldnet.settings import TlsSettings, load_settings

from .certificates import write_pair

_METHODS = ("get", "post", "put", "patch", "delete")


def pages() -> dict[str, str]:
    """The generated pages, by their path in the site."""
    return {
        "reference/operations.md": operations(),
        "reference/metrics.md": metrics(),
        "reference/causes.md": causes(),
    }


def operations() -> str:
    """Every operation of the API with its parameters."""
    document = openapi.describe()
    by_tag: dict[str, list[tuple[str, str, dict[str, Any]]]] = {}
    for path, methods in document["paths"].items():
        for method in _METHODS:
            if method in methods:
                tag = (methods[method].get("tags") or ["Other"])[0]
                by_tag.setdefault(tag, []).append((method.upper(), path, methods[method]))
    lines = [
        "# Operations of the API",
        "",
        "Every operation with its parameters. A running server shows the same at `/docs`, with the bodies, "
        "and as OpenAPI at `/openapi.json`. Tokens, errors and examples: [the API](../api.md).",
    ]
    for tag in sorted(by_tag):
        lines += ["", f"## {tag}"]
        for method, path, operation in by_tag[tag]:
            lines += ["", f"### {operation['operationId']}", "", f"`{method} {path}`"]
            text = operation.get("description") or operation.get("summary") or ""
            lines += ["", _cell(operation.get("summary", ""))]
            if text and text != operation.get("summary"):
                lines += ["", _cell(text)]
            rows = [
                f"| `{each['name']}` | {each['in']}{', required' if each.get('required') else ''} | "
                f"{_cell(each.get('description', ''))} |"
                for each in operation.get("parameters", ())
            ]
            if rows:
                lines += ["", "| parameter | in | |", "|---|---|---|", *rows]
    return "\n".join(lines) + "\n"


def metrics() -> str:
    """Every metric of a server that has a certificate and scheduled backups."""
    lines = [
        "# Metrics",
        "",
        "What `/metrics` exports for Prometheus. What to do with it: "
        "[operators](../operators.md#metrics-and-health).",
        "",
        "| metric | type | |",
        "|---|---|---|",
    ]
    text = asyncio.run(_exported())
    helps: dict[str, str] = {}
    for line in text.splitlines():
        _hash, kind, *rest = line.split(" ", 3) if line.startswith("# ") else ("", "", "")
        if kind == "HELP":
            helps[rest[0]] = rest[1] if len(rest) > 1 else ""
        elif kind == "TYPE":
            lines.append(f"| `{rest[0]}` | {rest[1]} | {_cell(helps.get(rest[0], ''))} |")
    return "\n".join(lines) + "\n"


async def _exported() -> str:
    with tempfile.TemporaryDirectory() as folder:
        flags = {"data": f"{folder}/data", "keys.process": False, "backup.directory": folder}
        settings = load_settings(flags, environment={})
        data = await DataDirectory.open(settings, create=True)
        platform = Platform(settings, data)
        pair = write_pair(Path(folder))
        platform.certificate = ServerCertificate(
            TlsSettings(str(pair.certificate), str(pair.key)), platform.clock
        )
        try:
            return Metrics(platform).text().decode()
        finally:
            await platform.stop()


def causes() -> str:
    """Why downlinks fail and frames are refused, and what to do."""
    lines = [
        "# Causes and refusals",
        "",
        "## Delivery failure causes",
        "",
        "ThingPark's codes, in messages (`DevEUI_downlink_Sent`), the wireless logger and explanations.",
        "",
        "| code | cause |",
        "|---|---|",
        *(f"| `{code}` | {_cell(en.TEXTS[f'cause.{code}'])} |" for code in sorted(CAUSES)),
        "",
        "## Refused frames",
        "",
        "The outcome of a record, the label `reason` of `veldnet_frames_refused_total`, and what "
        "`veldnet admin device explain` says about it.",
        "",
        "| outcome | why | next step |",
        "|---|---|---|",
        *(
            f"| `{code}` | {_cell(en.TEXTS[f'refusal.{code}'])} | {_cell(en.TEXTS[f'refusal.{code}.next'])} |"
            for code in sorted(REFUSALS)
        ),
    ]
    return "\n".join(lines) + "\n"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;").replace("{", "&#123;")
