"""`make docs`: write the pages that are generated from the code. A test holds them current."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import typer

from veldnet.api.description import openapi
from veldnet.cli.completing import TABLE, Entry, Option
from veldnet.cli.main import app
from veldnet.connections import KINDS, Kind
from veldnet.settings import describe, sample_file

ROOT = Path(__file__).parents[1]
SETTINGS_PAGE = ROOT / "docs" / "settings.md"
COMMANDS_PAGE = ROOT / "docs" / "commands.md"
_BEGIN, _END = "<!-- generated: make docs -->\n", "<!-- end -->\n"
SAMPLE_FILE = ROOT / "docs" / "veldnet.sample.toml"


def settings_page() -> str:
    """`docs/settings.md`."""
    lines = [
        "# Settings",
        "",
        "From `veldnet.toml` in the working directory, or the file that `--config` or the variable",
        "`VELDNET_CONFIG` names; then the environment, then flags. Unknown keys are errors.",
        "[`veldnet.sample.toml`](veldnet.sample.toml) has them all. Durations are seconds, or have a",
        "unit: `200ms`, `10s`, `5m`, `24h`, `35d`. This page is generated: `make docs`.",
    ]
    section = None
    for setting in describe():
        if setting.section != section:
            section = setting.section
            lines += ["", f"## {section or 'General'}", "", "| setting | default | |", "|---|---|---|"]
        lines.append(
            f"| `{setting.name}`<br>`{setting.environment}` | `{setting.default}` | {setting.help} |"
        )
    return "\n".join(lines) + "\n"


def commands() -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every command that is not hidden, with its path."""
    yield from _below(typer.main.get_command(app), ())


def _below(group: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    for name in group.list_commands(None):
        command = group.get_command(None, name)
        if command.hidden:
            continue
        if hasattr(command, "list_commands"):
            yield from _below(command, (*path, name))
        else:
            yield (*path, name), command


def commands_page() -> str:
    """`docs/commands.md`."""
    lines = [
        "# Commands",
        "",
        "`veldnet COMMAND --help` shows the same. Commands that read settings have `--config FILE`; the",
        "variable `VELDNET_CONFIG` names that file for all of them. With `--json` results are printed as",
        "JSON, by the names of the API. [Exit codes](operators.md#exit-codes) tell what went wrong. Tab",
        "completion: `veldnet completion bash`, `zsh` or `fish` prints the script, to be kept where the",
        "shell looks for it. This page is generated: `make docs`.",
    ]
    section = None
    for path, command in commands():
        if path[0] != section:
            section = path[0]
            lines += ["", f"## {section}"]
        lines += ["", f"### veldnet {' '.join(path)}", "", *_paragraphs(command.help), ""]
        context = command.context_class(command, info_name=" ".join(path))
        usage = " ".join(["veldnet", *path, *command.collect_usage_pieces(context)])
        lines += ["```", usage, "```", "", "| argument or option | |", "|---|---|"]
        for parameter in command.params:
            record = None if getattr(parameter, "hidden", False) else parameter.get_help_record(context)
            if record is not None:
                lines.append(f"| `{record[0]}` | {_cell(record[1])} |")
    return "\n".join(lines) + "\n"


def completions_file() -> bytes:
    """`src/veldnet/cli/completions.json`."""
    table: dict[str, Entry] = {}

    def enter(command: Any, path: tuple[str, ...], hidden: bool) -> None:
        group = hasattr(command, "list_commands")
        table[" ".join(path)] = Entry(_first_line(command.help), group, hidden, list(_options(command)))
        for name in command.list_commands(None) if group else ():
            below = command.get_command(None, name)
            enter(below, (*path, name), below.hidden)

    enter(typer.main.get_command(app), (), False)
    lines = (f"{_json(name)}: {_json(entry)}" for name, entry in table.items())
    return ("{\n" + ",\n".join(lines) + "\n}\n").encode()


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _options(command: Any) -> Iterator[Option]:
    for parameter in command.params:
        help_ = _first_line(getattr(parameter, "help", None))
        for name in (*parameter.opts, *parameter.secondary_opts):
            if name.startswith("--") and not getattr(parameter, "hidden", False):
                yield Option(name, help_, not getattr(parameter, "is_flag", False))
    yield Option("--help", "Show the help of the command.")


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]


def connection_pages() -> dict[Path, str]:
    """`docs/connection-*.md`: what the description of each type says, in the place for it."""
    pages = {}
    for kind in KINDS.values():
        page = ROOT / "docs" / f"connection-{kind.type.lower()}.md"
        before, _begin, rest = page.read_text().partition(_BEGIN)
        _old, _end, after = rest.partition(_END)
        pages[page] = f"{before}{_BEGIN}{_description(kind)}{_END}{after}"
    return pages


def _description(kind: Kind) -> str:
    extra = f"`pip install 'veldnet[{kind.extra}]'`" if kind.extra else "–"
    schemes = ", ".join(
        f"`{scheme.name}://` ({'TLS, ' * scheme.tls}port {scheme.port})" for scheme in kind.schemes
    )
    lines = [
        "",
        f"| type `{kind.type}` | |",
        "|---|---|",
        f"| addresses | {schemes}, such as `{kind.example}` |",
        f"| downlinks | {'yes' if kind.downlinks else 'no'} |",
        f"| needs | {extra} |",
        "",
        "| member | | by default |",
        "|---|---|---|",
    ]
    for field in kind.fields:
        name = f"`options.{field.name}`" if field.option else f"`{field.name}`"
        known = f": {', '.join(f'`{each}`' for each in field.choices)}" if field.choices else ""
        help_ = f". {field.help}" if field.help else ""
        default = "–" if field.default == "" else f"`{msgspec.json.encode(field.default).decode()}`"
        lines.append(f"| {name} | {_cell(f'{field.label}{known}{help_}')} | {default} |")
    for preset in kind.presets:
        lines += ["", f"`--preset {preset.id}` ({preset.title}): {preset.help}"]
    return "\n".join([*lines, "", ""])


def _paragraphs(text: str | None) -> list[str]:
    parts = [" ".join(part.split()) for part in (text or "").split("\n\n")]
    return "\n\n".join(parts).split("\n")


def _cell(text: str | None) -> str:
    return " ".join((text or "").replace("|", "\\|").split())


def main() -> None:
    if "--openapi" in sys.argv:
        target = Path(sys.argv[sys.argv.index("--openapi") + 1])
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(msgspec.json.format(msgspec.json.encode(openapi.describe())))
    if len(sys.argv) > 1:
        return
    SETTINGS_PAGE.write_text(settings_page())
    SAMPLE_FILE.write_text(sample_file())
    COMMANDS_PAGE.write_text(commands_page())
    TABLE.write_bytes(completions_file())
    for page, text in connection_pages().items():
        page.write_text(text)


if __name__ == "__main__":
    main()
