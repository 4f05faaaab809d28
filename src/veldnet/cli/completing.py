"""What fits in place of a word of a command line, for the tab completion of a shell. It is read in
`completions.json`, which `make docs` writes, and no command is loaded for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

TABLE = Path(__file__).with_name("completions.json")


class Option(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """Of a command: `--name`, what it does, whether a value follows."""

    name: str
    help: str
    value: bool = False


class Entry(msgspec.Struct, frozen=True, omit_defaults=True):
    """A command, or a group of commands."""

    help: str
    group: bool = False
    hidden: bool = False
    options: list[Option] = []


# By the words that name it.
Table = Mapping[str, Entry]


def print_completions(words: Sequence[str]) -> None:
    """What fits in place of the last word, a line each: the word, a tab, what it does."""
    for value, text in completions(words):
        print(f"{value}\t{text}")


def completions(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    table = msgspec.json.decode(TABLE.read_bytes(), type=dict[str, Entry])
    *before, last = words or [""]
    path: list[str] = []
    entry = table[""]
    waiting = False
    for word in before:
        if waiting:
            waiting = False
        elif word.startswith("-"):
            waiting = any(option.name == word and option.value for option in entry.options)
        elif entry.group:
            path.append(word)
            found = table.get(" ".join(path))
            if found is None:
                return
            entry = found
    if waiting:
        # A file, or something that only the user knows.
        return
    if entry.group and not last.startswith("-"):
        yield from _commands(table, path, last)
    elif last.startswith("-"):
        for option in entry.options:
            if option.name.startswith(last):
                yield option.name, option.help


def _commands(table: Table, path: Sequence[str], last: str) -> Iterator[tuple[str, str]]:
    for words, entry in table.items():
        *above, name = words.split(" ")
        if name and above == path and name.startswith(last) and not entry.hidden:
            yield name, entry.help
