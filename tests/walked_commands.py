"""The `veldnet` of a walk of the documentation: its processes are forked from one that has loaded the program
(`tests/forked.py`). `test_first_steps.py` starts it as users do."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import forked

# Started without what Python loads for others, in a fiftieth of a second. It stands for the process that it
# has asked for, which ends with it.
_PROGRAM = """#!{python} -IS
import json, os, signal, socket, struct, sys
number = struct.Struct("<i")
request = [sys.argv[1:], dict(os.environ), os.getcwd(), [0, 1, 2], False, False]
text = json.dumps(request).encode()
asked = socket.socket(socket.AF_UNIX)
asked.connect({address!r})
socket.send_fds(asked, [number.pack(len(text))], [0, 1, 2])
asked.sendall(text)
(pid,) = number.unpack(asked.recv(4, socket.MSG_WAITALL))
for each in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
    signal.signal(each, lambda signalled, _frame: os.kill(pid, signalled))
(code,) = number.unpack(asked.recv(4, socket.MSG_WAITALL))
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
os._exit(code)
"""


@contextmanager
def commands() -> Iterator[Path]:
    """A folder with the program, to come first on the path."""
    forked.begin(forked.VELDNET)
    with tempfile.TemporaryDirectory(prefix="veldnet-walk-") as kept:
        program = Path(kept) / "veldnet"
        program.write_text(
            _PROGRAM.format(python=sys.executable, address=forked.address(forked.VELDNET)), "utf-8"
        )
        program.chmod(0o700)
        yield program.parent
