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
        from .completing import print_completions

        print_completions(sys.argv[1:])
        return
    _refuse_octets()
    if not _served():
        from .main import app

        app()


def _served() -> bool:
    """Whether it was a server, told by arguments that need no explanation, which has ended."""
    if sys.argv[1:2] == ["serve"]:
        from .serve_arguments import parse

        arguments = parse(sys.argv[2:])
        if arguments is not None:
            _look_for_no_garbage()
            from .server import serve_with

            serve_with(arguments)
            return True
    if sys.argv[1:2] == ["sandbox"] and "--serve" in sys.argv:
        from .sandbox_arguments import parse as parse_sandbox

        sandbox = parse_sandbox(sys.argv[2:])
        if sandbox is not None:
            _look_for_no_garbage()
            from .sandbox import sandbox_with

            sandbox_with(sandbox)
            return True
    return False


def _look_for_no_garbage() -> None:
    """Until the server is up: of what a start makes nearly everything stays."""
    gc.disable()


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
