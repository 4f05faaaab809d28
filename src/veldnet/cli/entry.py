"""Entry point of the command `veldnet`. A server loads nothing of the other commands, so it listens soon."""

from __future__ import annotations

import sys


def main() -> None:
    if sys.argv[1:2] == ["serve"]:
        from .serve_arguments import parse

        arguments = parse(sys.argv[2:])
        if arguments is not None:
            from .server import serve_with

            serve_with(arguments)
            return
    from .main import app

    app()
