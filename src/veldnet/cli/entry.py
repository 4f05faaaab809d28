"""Where the command `veldnet` begins."""

from __future__ import annotations


def main() -> None:
    from .main import app

    app()
