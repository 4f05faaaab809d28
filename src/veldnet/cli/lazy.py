"""Groups of commands that are loaded when one of them is run: `--help` shows names and summaries from a table
and loads nothing of the platform."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

import typer
from typer.core import TyperCommand, TyperGroup

from .shared import extend, with_shared_options

# Packages that not every installation has, and the extra of `pyproject.toml` that brings them.
_EXTRAS = {"aiohttp": "simulate", "leather": "simulate"}
# They work on what their arguments say, and read no settings.
_WITHOUT_SETTINGS = (
    "veldnet.cli.client",
    "veldnet.cli.remote",
    "veldnet.cli.flows",
    "veldnet.cli.simulate",
    "veldnet.cli.bench",
    "veldnet.cli.completion",
)


class Lazy(NamedTuple):
    """A command: where it is (`module:attribute`, a function or a `Typer`), and its summary in lists."""

    target: str
    summary: str
    hidden: bool = False


def lazy_group(name: str, summary: str, commands: Mapping[str, Lazy]) -> typer.Typer:
    """A group of commands that are loaded one by one."""

    class Group(TyperGroup):
        listing = False

        def list_commands(self, ctx: Any) -> list[str]:
            return list(commands)

        def get_command(self, ctx: Any, cmd_name: str) -> Any:
            found = commands.get(cmd_name)
            if found is None:
                return None
            if self.listing:
                return TyperCommand(cmd_name, help=found.summary, hidden=found.hidden)
            command = _load(cmd_name, found)
            command.hidden = command.hidden or found.hidden
            return command

        def format_help(self, ctx: Any, formatter: Any) -> None:
            self.listing = True
            try:
                super().format_help(ctx, formatter)
            finally:
                self.listing = False

    group = typer.Typer(
        name=name,
        cls=Group,
        help=summary,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_show_locals=False,
        # Rich's help loads a Markdown parser, which takes longer than all the rest.
        rich_markup_mode=None,
    )
    group.callback(help=summary)(_nothing)
    return group


def _nothing() -> None:
    """A group without options of its own."""


@cache
def _load(name: str, lazy: Lazy) -> Any:
    module, _, attribute = lazy.target.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(error.name or "")
        if extra is None:
            raise
        typer.echo(
            f"error: this command needs the package {error.name}: pip install 'veldnet[{extra}]'", err=True
        )
        raise typer.Exit(1) from None
    settings = not module.startswith(_WITHOUT_SETTINGS)
    if not isinstance(found, typer.Typer):
        single = typer.Typer(add_completion=False, pretty_exceptions_show_locals=False)
        single.command(name)(with_shared_options(found, settings=settings))
        return typer.main.get_command(single)
    extend(found, settings=settings)
    command = typer.main.get_group(found)
    command.name = name
    return command
