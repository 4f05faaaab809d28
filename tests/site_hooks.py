"""Hooks of MkDocs (`mkdocs.yml`): pages that are made of the code or stand outside docs/, and diagrams."""

from __future__ import annotations

import os
import re
import sys
from html import escape
from pathlib import Path

ROOT = Path(__file__).parents[1]
# Run by MkDocs, which knows nothing of this repository's packages.
sys.path[:0] = [str(ROOT), str(ROOT / "src")]

from mkdocs.config.defaults import MkDocsConfig  # noqa: E402
from mkdocs.structure.files import File, Files  # noqa: E402
from mkdocs.structure.pages import Page  # noqa: E402

from tests.reference_pages import pages  # noqa: E402

_BESIDE = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")
# Fetched by `make docs-site`; without it diagrams are shown as they are written.
_MERMAID = ROOT / "build" / "mermaid.min.js"
_TARGET = "assets/mermaid.min.js"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    # Under the name that the operator has given the network, as in the console. The theme's templates do not
    # escape it.
    config.site_name = escape(os.environ.get("VELDNET_CONSOLE__NAME", "")) or config.site_name
    if _MERMAID.exists():
        config.extra_javascript.append(_TARGET)
    _add_new_pages(config)
    return config


def _add_new_pages(config: MkDocsConfig) -> None:
    """A page that nobody has put into the menu yet is a how-to."""
    assert config.nav is not None
    sections = {title: pages for entry in config.nav for title, pages in entry.items()}
    known = {
        path
        for pages in sections.values()
        for page in ([{"": pages}] if isinstance(pages, str) else pages)
        for path in page.values()
    }
    for file in sorted(Path(config.docs_dir).glob("*.md")):
        if file.name not in known:
            title = file.read_text().partition("\n")[0].removeprefix("# ")
            sections["How to"].append({title: file.name})


def on_files(files: Files, config: MkDocsConfig) -> Files:
    for path, text in pages().items():
        files.append(File.generated(config, path, content=text))
    for name in _BESIDE:
        text = re.sub(r"\]\(docs/", "](", (ROOT / name).read_text())
        files.append(File.generated(config, name, content=text))
    if _MERMAID.exists():
        files.append(File.generated(config, _TARGET, abs_src_path=str(_MERMAID)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Links to what stands beside docs/; diagrams without their renderer."""
    del page, config, files
    for name in _BESIDE:
        markdown = markdown.replace(f"](../{name}", f"]({name}")
    return markdown if _MERMAID.exists() else markdown.replace("```mermaid", "```text")


__all__ = ["on_config", "on_files", "on_page_markdown"]
