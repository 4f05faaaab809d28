"""Options that every command has, although it does not name them: `--config` where it reads settings, and
`--json`. Those who read settings and print results find in `given` what they were given."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import typer

from .given import AS_JSON, CONFIG
from .options import ConfigFile, Json


def extend(app: typer.Typer, *, settings: bool) -> None:
    """Give every command of a group the shared options that it lacks; `settings` where they read some."""
    for command in app.registered_commands:
        if command.callback is not None:
            command.callback = with_shared_options(command.callback, settings=settings)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            extend(group.typer_instance, settings=settings)


def with_shared_options(command: Callable[..., Any], *, settings: bool) -> Callable[..., Any]:
    """The same command with the shared options that it lacks."""
    if getattr(command, "has_shared_options", False):
        return command
    signature = inspect.signature(command, eval_str=True)
    lacking: dict[str, inspect.Parameter] = {}
    if settings and "config" not in signature.parameters:
        lacking["config"] = _option("config", None, ConfigFile)
    if "as_json" not in signature.parameters:
        lacking["as_json"] = _option("as_json", False, Json)

    @functools.wraps(command)
    def shared(**given: Any) -> Any:
        config = CONFIG.set(given.get("config"))
        as_json = AS_JSON.set(bool(given.get("as_json")))
        try:
            return command(**{name: value for name, value in given.items() if name not in lacking})
        finally:
            CONFIG.reset(config)
            AS_JSON.reset(as_json)

    parameters = [*signature.parameters.values(), *lacking.values()]
    shared.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    shared.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    shared.has_shared_options = True  # type: ignore[attr-defined]
    return shared


def _option(name: str, default: Any, kind: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
