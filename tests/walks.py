"""Pages of the documentation whose commands are run, line by line, as a newcomer would."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests import walked_commands

DOCS = Path(__file__).parents[1] / "docs"
# Ports that pages name; other servers may use them on this machine.
_PORTS = {
    "8080": socket.SOCK_STREAM,
    "8090": socket.SOCK_STREAM,
    "8443": socket.SOCK_STREAM,
    "1025": socket.SOCK_STREAM,
    "1700": socket.SOCK_DGRAM,
}


def commands(page: str) -> str:
    """The blocks of a page that are marked `bash`, one after the other."""
    blocks = re.findall(r"^```bash\n(.*?)^```$", (DOCS / page).read_text(), re.DOTALL | re.MULTILINE)
    return "\n".join(blocks)


def walk(page: str, folder: Path) -> str:
    """Run the commands of a page in an empty folder; returns what they printed."""
    for tool in ("bash", "curl", "openssl", "xxd"):
        assert shutil.which(tool), f"the walk needs {tool}; install the Debian package of that name"
    script = f"set -euo pipefail\ntrap 'kill $(jobs -p) 2> /dev/null || true' EXIT\n{commands(page)}"
    for port, kind in _PORTS.items():
        script = re.sub(
            rf"(?<=:){port}\b|(?<=, ){port}(?=\))|(?<=port = ){port}\b", str(_free_port(kind)), script
        )
    binaries = Path(sys.executable).parent
    with walked_commands.commands() as programs:
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=300,
            env=os.environ | {"PATH": f"{programs}:{binaries}:{os.environ['PATH']}"},
            check=False,
        )
    if done.returncode != 0:
        logs = "".join(f"\n{log.name}:\n{log.read_text()}" for log in folder.glob("*.log"))
        pytest.fail(f"{done.stdout}\n{done.stderr}{logs}")
    return done.stdout


def _free_port(kind: socket.SocketKind) -> int:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
