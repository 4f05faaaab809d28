"""Output of commands: tables, JSON, one-line errors.

Rich is loaded with the first text that needs it: a server opens its ports before.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

import msgspec

from .exits import Exit
from .given import AS_JSON

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
    """Print a value; members of structs have the names that the API gives them."""
    value = _as_in_the_api(value)
    sys.stdout.buffer.write(msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n")
    sys.stdout.flush()


def _as_in_the_api(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        members = ((field.encode_name, getattr(value, field.name)) for field in msgspec.structs.fields(value))
        # What the API leaves out is left out here, too.
        return {
            _camel(name): _as_in_the_api(member) for name, member in members if member is not msgspec.UNSET
        }
    if isinstance(value, list | tuple):
        return [_as_in_the_api(each) for each in value]
    # Texts that can be translated are strings of a class of their own, which JSON knows nothing of.
    return str(value) if isinstance(value, str) else value


def _camel(name: str) -> str:
    """The API's name of a member: `gateway_eui` is gatewayEUI."""
    first, *others = name.split("_")
    return first + "".join("EUI" if word == "eui" else word.capitalize() for word in others)


def counted(count: int, one: str, more: str = "") -> str:
    """A number of things as people write it: `1 device`, `2 devices`."""
    return f"{count} {one if count == 1 else more or f'{one}s'}"


def report(text: str, **members: Any) -> None:
    """Say what a command has done; with `--json` its members, by the names that the API gives them."""
    if AS_JSON.get():
        print_json(members or {"message": text})
        return
    from veldnet.cli.output import console

    console.print(text, markup=False, highlight=False, soft_wrap=True)


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Rows in columns. Nothing is cut: values without blanks, such as identifiers, stay in one piece,
    others are wrapped; where there is no room for that, each row is a list of its members."""
    from rich.table import Table
    from rich.text import Text

    from veldnet.cli.output import console

    cells = [[_cell(value) for value in row] for row in rows]
    plain = [[Text.from_markup(cell).plain for cell in row] for row in cells]
    widths = _least_widths(columns, plain)
    # A border and a blank on each side of a column.
    least = sum(widths) + 3 * len(columns) + 1
    if console.is_terminal and least > console.width:
        _print_list(title, columns, cells)
        return
    table = Table(title=title, title_justify="left", header_style="bold")
    for column, width in zip(columns, widths, strict=True):
        table.add_column(column, overflow="fold", min_width=width)
    for row in cells:
        table.add_row(*row)
    if console.is_terminal:
        console.print(table)
        return
    # What is piped to a file or another program has all the room it needs.
    from rich.console import Console

    Console(file=console.file, width=max(console.width, _measure(table))).print(table)


def _cell(value: Any) -> str:
    return "" if value is None else str(value)


def _least_widths(columns: Sequence[str], rows: list[list[str]]) -> list[int]:
    """How narrow each column may be: as its longest value where that is an identifier, else as a short
    word."""
    widths = []
    for index, name in enumerate(columns):
        values = [row[index] for row in rows]
        whole = [value for value in values if _in_one_piece(value)]
        longest = max(map(len, whole), default=0)
        widths.append(max(longest, min(max(map(len, (name, *values)), default=0), _SHORT)))
    return widths


# A column of words may be as narrow as this; identifiers are no longer than that.
_SHORT, _IDENTIFIER = 10, 48


def _in_one_piece(value: str) -> bool:
    return len(value) <= _IDENTIFIER and not any(each.isspace() for each in value)


def _measure(table: Any) -> int:
    from veldnet.cli.output import console

    return int(table.__rich_measure__(console, console.options.update_width(10_000)).maximum)


def _print_list(title: str, columns: Sequence[str], rows: list[list[str]]) -> None:
    """Each row by itself, a member a line."""
    from veldnet.cli.output import console

    longest = max(map(len, columns), default=0)
    console.print(f"[bold]{title}[/]", highlight=False)
    for row in rows:
        console.print()
        for name, value in zip(columns, row, strict=True):
            console.print(f"[dim]{name:{longest}}[/]  {value}", highlight=False, soft_wrap=True)


def print_members(value: Any, *, as_json: bool) -> None:
    """One thing with its members."""
    if as_json:
        print_json(value)
        return
    from veldnet.cli.output import console

    members = msgspec.to_builtins(_as_in_the_api(value))
    longest = max(map(len, members), default=0)
    for name, member in members.items():
        text = member if isinstance(member, str) else msgspec.json.encode(member).decode()
        shown = "" if member is None else text
        console.print(f"{name:{longest}}  {shown}", markup=False, highlight=False, soft_wrap=True)


def print_rows(
    title: str,
    kind: type[msgspec.Struct],
    rows: Sequence[msgspec.Struct],
    *,
    as_json: bool,
    without: Sequence[str] = (),
) -> None:
    """Structs of a kind: their members are the columns, named as in JSON; those of `without` are in JSON
    only."""
    if as_json:
        print_json(rows)
        return
    shown = [field for field in msgspec.structs.fields(kind) if field.name not in without]
    columns = [_camel(field.encode_name) for field in shown]
    print_table(title, columns, [[_escaped(getattr(row, field.name)) for field in shown] for row in rows])


def _escaped(value: Any) -> Any:
    """What somebody has written is no markup."""
    from rich.markup import escape

    if isinstance(value, str):
        return escape(value)
    if value is msgspec.UNSET:
        return None
    if isinstance(value, list | dict | tuple):
        return escape(msgspec.json.encode(_as_in_the_api(value)).decode())
    return value
