"""What a command was given by the options that every command has. Loads nothing: a server opens its ports
first."""

from __future__ import annotations

from contextvars import ContextVar
from pathlib import Path

CONFIG: ContextVar[Path | None] = ContextVar("config", default=None)
AS_JSON: ContextVar[bool] = ContextVar("as_json", default=False)
