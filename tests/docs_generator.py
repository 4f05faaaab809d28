"""`make docs`: write the pages that are generated from the code. A test holds them current."""

from __future__ import annotations

import sys
from pathlib import Path

import msgspec

from veldnet.api.description import openapi
from veldnet.settings import describe, sample_file

ROOT = Path(__file__).parents[1]
SETTINGS_PAGE = ROOT / "docs" / "settings.md"
SAMPLE_FILE = ROOT / "docs" / "veldnet.sample.toml"


def settings_page() -> str:
    """`docs/settings.md`."""
    lines = [
        "# Settings",
        "",
        "From `veldnet.toml` in the working directory, then the environment, then flags. Unknown keys are",
        "errors. [`veldnet.sample.toml`](veldnet.sample.toml) has them all. Durations are seconds, or have a",
        "unit: `200ms`, `10s`, `5m`, `24h`, `35d`. This page is generated: `make docs`.",
    ]
    section = None
    for setting in describe():
        if setting.section != section:
            section = setting.section
            lines += ["", f"## {section or 'General'}", "", "| setting | default | |", "|---|---|---|"]
        lines.append(
            f"| `{setting.name}`<br>`{setting.environment}` | `{setting.default}` | {setting.help} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    if "--openapi" in sys.argv:
        target = Path(sys.argv[sys.argv.index("--openapi") + 1])
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(msgspec.json.format(msgspec.json.encode(openapi.describe())))
    if len(sys.argv) > 1:
        return
    SETTINGS_PAGE.write_text(settings_page())
    SAMPLE_FILE.write_text(sample_file())


if __name__ == "__main__":
    main()
