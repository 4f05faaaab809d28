"""Where the command `veldnet` begins. A server loads nothing of the other commands, so that it listens
soon."""

from __future__ import annotations

import sys


def main() -> None:
    if sys.argv[1:2] == ["serve"]:
        from .root import new_app
        from .serve import serve_command

        app = new_app()
        app.command("serve")(serve_command)
    else:
        from .main import app
    app()
