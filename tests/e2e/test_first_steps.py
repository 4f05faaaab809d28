"""docs/first-steps.md, line by line, in an empty directory, as a newcomer would."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "first-steps.md"


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


def test_the_walk_works_line_by_line(tmp_path: Path) -> None:
    for tool in ("bash", "curl", "openssl", "xxd"):
        assert shutil.which(tool), f"the walk needs {tool}; install the Debian package of that name"
    blocks = re.findall(r"^```bash\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 15
    script = "set -euo pipefail\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n" + "\n".join(blocks)
    # Other servers may use the page's ports on this machine.
    for port, kind in (
        ("8080", socket.SOCK_STREAM),
        ("8090", socket.SOCK_STREAM),
        ("1700", socket.SOCK_DGRAM),
    ):
        script = script.replace(port, str(_free_port(kind)))
    binaries = Path(sys.executable).parent
    done = subprocess.run(
        ["bash", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        env=os.environ | {"PATH": f"{binaries}:{os.environ['PATH']}"},
        check=False,
    )
    if done.returncode != 0:
        pytest.fail(f"{done.stdout}\n{done.stderr}\n{(tmp_path / 'server.log').read_text()}")
    assert "Hello" in done.stdout
    assert "Request queued by LRC" in done.stdout and '"DeliveryStatus":1' in done.stdout
    assert "received cafe on port 9" in done.stdout
    assert '"outcome":' in done.stdout and '"decisions"' in done.stdout
