"""Structured logs on standard error: standard output is for the results of commands."""

from __future__ import annotations

import importlib
import sys
from typing import Any, TextIO, cast

from veldnet.settings import LogSettings


def _load_without_rich() -> None:
    """structlog loads rich where it is installed, for tracebacks that are none of ours (`format_exc_info`
    makes them): it takes six times as long as structlog itself. Whoever comes later gets rich as ever."""
    if "structlog" not in sys.modules and "rich" not in sys.modules:
        sys.modules["rich"] = None  # type: ignore[assignment]
        try:
            importlib.import_module("structlog")
        finally:
            del sys.modules["rich"]


_load_without_rich()
import structlog  # noqa: E402


class _StandardError:
    """Standard error as it is when something is written: a program that runs commands may have replaced it
    since logs were configured."""

    def write(self, text: str) -> int:
        return sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def configure_logs(settings: LogSettings) -> None:
    """Structured logs on standard error, as text or JSON."""
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if settings.format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    levels = {"debug": 10, "info": 20, "warning": 30, "error": 40}
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(levels[settings.level]),
        logger_factory=structlog.PrintLoggerFactory(cast(TextIO, _StandardError())),
        cache_logger_on_first_use=True,
    )
