"""What tests of keys share: an application server, tokens, and a look into processes."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.contract import softhsm
from tests.forked import STARTED_VAULTS
from veldnet.client import read_message

OWN_VAULTS = {STARTED_VAULTS: "1"}


class Receiver:
    """An application server in a process of its own, so that its keys are in no memory of ours."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(directory)], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}/up"

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()

    def messages(self) -> list[bytes]:
        return [path.read_bytes() for path in sorted(self._directory.glob("message-*.json"))]

    def uplinks(self) -> list[bytes]:
        return [body for body in self.messages() if read_message(body).is_uplink]


_PROGRAM = """
import http.server, itertools, os, pathlib, sys
directory, numbers = pathlib.Path(sys.argv[1]), itertools.count(1)
class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        path = directory / f"message-{next(numbers):04}.tmp"
        path.write_bytes(self.rfile.read(int(self.headers["Content-Length"])))
        path.rename(path.with_suffix(".json"))
        self.send_response(204); self.end_headers()
    def log_message(self, *args): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_port, flush=True)
server.serve_forever()
"""


def tokens(directory: Path, *labels: str) -> tuple[dict[str, str], Path]:
    """Tokens of SoftHSM without master keys: the environment that finds them, and a file with their PIN."""
    environment = softhsm.configure(directory / "hsm")
    for label in labels:
        softhsm.create_token(environment, label)
    pin = directory / "pin"
    pin.touch(0o600)
    pin.write_text(softhsm.PIN)
    return environment, pin


def vault_pids(server: int) -> list[int]:
    """The vault processes that a server with `OWN_VAULTS` has started, the oldest first."""
    children = Path(f"/proc/{server}/task/{server}/children")
    found = []
    for pid in children.read_text().split():
        try:
            if b"veldnet.assembly.vaults.process" in Path(f"/proc/{pid}/cmdline").read_bytes():
                found.append(int(pid))
        except OSError:
            continue
    return found


def memory_of(pid: int) -> bytes:
    """All that a process has in memory, as root or the same user can read it."""
    found = []
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            area = re.match(r"([0-9a-f]+)-([0-9a-f]+) r", line)
            if area is None or "[v" in line:
                continue
            first, last = (int(text, 16) for text in area.groups())
            try:
                memory.seek(first)
                found.append(memory.read(last - first))
            except (OSError, OverflowError):
                continue
    return b"\0".join(found)


def forms(key: bytes) -> list[bytes]:
    """How a key may be written: raw and in digits."""
    return [key, key.hex().encode(), key.hex().upper().encode(), key.hex().encode("utf-16-le")]


def wait_for(what: Callable[[], Any], seconds: float = 60, *, every: float = 0.1) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := what():
            return found
        time.sleep(every)
    raise AssertionError("it did not come about")
