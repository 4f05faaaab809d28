"""Entry point of the command `veldnet`. A server loads nothing of the other commands, so it listens soon."""

from __future__ import annotations

import gc
import os
import sys


def main() -> None:
    # Modules that are loaded stay: to look for garbage among them finds none, and takes a seventh of loading.
    # A server that is up has its own threshold.
    gc.set_threshold(200_000, 20, 50)
    if os.environ.get("_VELDNET_COMPLETE"):
        from .completion import print_completions

        print_completions(sys.argv[1:])
        return
    _refuse_octets()
    if sys.argv[1:2] == ["serve"]:
        from .serve_arguments import parse

        arguments = parse(sys.argv[2:])
        if arguments is not None:
            from .server import serve_with

            serve_with(arguments)
            return
    from .main import app

    app()


def _refuse_octets() -> None:
    """What is no UTF-8 can neither be stored nor asked for, and names no database of SQLite."""
    for where, text in (
        *(("argument", argument) for argument in sys.argv[1:]),
        *((name, value) for name, value in os.environ.items() if name.startswith("VELDNET_")),
    ):
        try:
            text.encode()
        except UnicodeEncodeError:
            print(f"error: {where} {os.fsencode(text)!r} is not text in UTF-8", file=sys.stderr)
            sys.exit(2)
