"""Options of commands that are not parameters of their own.

Every command has `--config` where it reads settings, and `--json`, although it does not name them: those who
read settings and print results find in `given` what they were given. And options that belong together are the
fields of a `msgspec.Struct`, which a command takes as one value.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_type_hints

import typer

from .given import AS_JSON, CONFIG, DATA
from .options import ConfigFile, Json

if TYPE_CHECKING:
    import msgspec


def extend(app: typer.Typer, *, settings: bool) -> None:
    """Give every command of a group the shared options that it lacks; `settings` where they read some."""
    for command in app.registered_commands:
        if command.callback is not None:
            command.callback = with_shared_options(command.callback, settings=settings)
    for group in app.registered_groups:
        if group.typer_instance is not None:
            extend(group.typer_instance, settings=settings)


def with_shared_options(command: Callable[..., Any], *, settings: bool) -> Callable[..., Any]:
    """The same command with the shared options that it lacks, and with those of its groups."""
    if getattr(command, "has_shared_options", False):
        return command
    signature = inspect.signature(command, eval_str=True)
    groups: dict[str, type[msgspec.Struct]] = {}
    own: dict[str, inspect.Parameter] = {}
    for name, parameter in signature.parameters.items():
        if hasattr(parameter.annotation, "__struct_fields__"):
            groups[name] = parameter.annotation
            own |= _fields(parameter.annotation)
        else:
            own[name] = _option(name, parameter.default, parameter.annotation)
    lacking: dict[str, inspect.Parameter] = {}
    if settings and "config" not in own:
        lacking["config"] = _option("config", None, ConfigFile)
    if "as_json" not in own:
        lacking["as_json"] = _option("as_json", False, Json)

    @functools.wraps(command)
    def shared(**given: Any) -> Any:
        config, data = CONFIG.set(given.get("config")), DATA.set(given.get("data"))
        as_json = AS_JSON.set(bool(given.get("as_json")))
        try:
            taken = {name: value for name, value in given.items() if name in own}
            values = {
                name: kind(**{field: taken.pop(field) for field in kind.__struct_fields__ if field in taken})
                for name, kind in groups.items()
            }
            return command(**taken, **values)
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except Exception as error:
            from .starting import end_readably

            end_readably(error)
            raise
        finally:
            CONFIG.reset(config)
            DATA.reset(data)
            AS_JSON.reset(as_json)

    parameters = [*own.values(), *lacking.values()]
    shared.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    shared.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    shared.has_shared_options = True  # type: ignore[attr-defined]
    return shared


def _fields(group: type[msgspec.Struct]) -> dict[str, inspect.Parameter]:
    """The options that a group stands for."""
    # Here, for the lists of commands load nothing of it.
    import msgspec

    kinds = get_type_hints(group, include_extras=True)
    return {
        field.name: _option(
            field.name,
            inspect.Parameter.empty if field.default is msgspec.NODEFAULT else field.default,
            kinds[field.name],
        )
        for field in msgspec.structs.fields(group)
    }


def _option(name: str, default: Any, kind: Any) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind)
