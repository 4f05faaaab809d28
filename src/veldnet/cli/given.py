"""What a command was given by the options that every command has. Loads nothing: a server opens its ports
first."""

from __future__ import annotations

import shlex
from contextvars import ContextVar
from pathlib import Path

CONFIG: ContextVar[Path | None] = ContextVar("config", default=None)
DATA: ContextVar[Path | None] = ContextVar("data", default=None)
AS_JSON: ContextVar[bool] = ContextVar("as_json", default=False)


def on_the_same(command: str) -> str:
    """A command to type next, with the options that lead it to the installation of this one."""
    places = (("--config", CONFIG.get()), ("--data", DATA.get()))
    return " ".join([command, *(f"{name} {shlex.quote(str(at))}" for name, at in places if at is not None)])
