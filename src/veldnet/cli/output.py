"""Output of commands: tables, JSON, one-line errors.

Rich is loaded with the first text that needs it: a server opens its ports before.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from .exits import Exit

if TYPE_CHECKING:
    from rich.console import Console

    console: Console
    errors: Console


def __getattr__(name: str) -> Any:
    if name not in ("console", "errors"):
        raise AttributeError(name)
    from rich.console import Console

    made = globals()[name] = Console(stderr=name == "errors")
    return made


def fail(message: str, code: Exit = Exit.FAILED) -> NoReturn:
    """End the command with an error that says what was wrong."""
    from rich.console import Console
    from rich.text import Text

    Console(stderr=True).print("[bold red]error:[/]", Text(message), highlight=False, soft_wrap=True)
    raise SystemExit(int(code))


def print_json(value: Any) -> None:
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    sys.stdout.flush()


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    from rich.table import Table

    from veldnet.cli.output import console

    table = Table(title=title, title_justify="left", header_style="bold")
    for column in columns:
        table.add_column(column)
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row))
    console.print(table)


def print_rows(
    title: str, kind: type[msgspec.Struct], rows: Sequence[msgspec.Struct], *, as_json: bool
) -> None:
    """Structs of a kind: their members are the columns."""
    if as_json:
        print_json(rows)
        return
    columns = [name.replace("_", " ").capitalize() for name in kind.__struct_fields__]
    print_table(title, columns, [msgspec.structs.astuple(row) for row in rows])
