"""The `veldnet` of a walk of the documentation: short commands, of which there are many, run in processes
that are forked from one that has loaded the program; all others start as they do for users."""

from __future__ import annotations

import json
import os
import socketserver
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.e2e.programs import run_in

FORKED = ("admin", "init", "check")
# Started without what Python loads for others, in a fiftieth of a second.
_PROGRAM = """#!{python} -IS
import json, os, socket, sys
if not {forked} & set(sys.argv[1:2]):
    os.execv({veldnet!r}, [{veldnet!r}, *sys.argv[1:]])
with socket.socket(socket.AF_UNIX) as asked:
    asked.connect({address!r})
    asked.sendall(json.dumps([sys.argv[1:], os.getcwd(), dict(os.environ)]).encode() + b"\\n")
    code, printed, errors = json.loads(asked.makefile().read())
sys.stdout.write(printed)
sys.stderr.write(errors)
sys.exit(code)
"""


class _Asked(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        arguments, folder, environment = json.loads(self.rfile.readline())
        new = {name: value for name, value in environment.items() if os.environ.get(name) != value}
        self.wfile.write(json.dumps(run_in(Path(folder), *arguments, **new)).encode())


@contextmanager
def commands() -> Iterator[Path]:
    """A folder with the program, to come first on the path."""
    with tempfile.TemporaryDirectory(prefix="veldnet-walk-") as kept:
        address = f"{kept}/asked"
        program = Path(kept) / "veldnet"
        veldnet = str(Path(sys.executable).parent / "veldnet")
        program.write_text(
            _PROGRAM.format(python=sys.executable, forked=set(FORKED), veldnet=veldnet, address=address)
        )
        program.chmod(0o700)
        with socketserver.ThreadingUnixStreamServer(address, _Asked) as server:
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            yield program.parent
            server.shutdown()
