"""The commands of the container file: the server that it starts, under its environment, is healthy."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

from tests.docs_generator import ROOT


def test_the_server_of_the_container_file_is_healthy(tmp_path: Path) -> None:
    text = (ROOT / "Containerfile").read_text().replace("\\\n", " ")
    with socket.socket() as free, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as also:
        free.bind(("127.0.0.1", 0))
        also.bind(("127.0.0.1", 0))
        http, udp = str(free.getsockname()[1]), str(also.getsockname()[1])
    text = re.sub(r"\b8080\b", http, re.sub(r"\b1700\b", udp, text))
    text = text.replace("=/data", f"={tmp_path / 'data'}").replace("0.0.0.0", "127.0.0.1")
    (settings,) = re.findall(r"^ENV (.*)$", text, re.MULTILINE)
    environment = dict(part.split("=", 1) for part in settings.split() if not part.startswith("PATH="))
    entry, command = (
        json.loads(re.findall(rf"^{name} (\[.*)$", text, re.MULTILINE)[0]) for name in ("ENTRYPOINT", "CMD")
    )
    (check,) = re.findall(r"^HEALTHCHECK .*? CMD (\[.*)$", text, re.MULTILINE)
    binaries = Path(sys.executable).parent
    environment = os.environ | environment | {"PATH": f"{binaries}:{os.environ['PATH']}"}
    log = tmp_path / "log"
    with log.open("w") as stderr:
        server = subprocess.Popen(
            [*entry, *command], env=environment, stdout=stderr, stderr=stderr, cwd=tmp_path
        )
    try:
        deadline = time.monotonic() + 40
        while subprocess.run(json.loads(check), env=environment, capture_output=True, check=False).returncode:
            assert time.monotonic() < deadline and server.poll() is None, log.read_text()
    finally:
        server.terminate()
        assert server.wait(timeout=120) == 0
    assert all(json.loads(line) for line in log.read_text().splitlines() if line.startswith("{"))
