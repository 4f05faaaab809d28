"""`veldnet completion`: tab completion of a shell. Its script asks this program for what fits; nothing
but the command that is being written is loaded for that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer

from .given import AS_JSON
from .output import fail, print_json

# With this in the environment, the program prints what fits its arguments.
VARIABLE = "_VELDNET_COMPLETE"

_BASH = """_veldnet() {
  local IFS=$'\\n'
  COMPREPLY=($(VARIABLE=1 "$1" "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
}
complete -o default -F _veldnet veldnet
"""

_ZSH = """#compdef veldnet
_veldnet() {
  local line
  local -a found
  for line in "${(@f)$(VARIABLE=1 "${words[1]}" "${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && found+=("${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}")
  done
  if (( ${#found} )); then _describe veldnet found; else _files; fi
}
if [[ ${zsh_eval_context[-1]} == loadautofunc ]]; then _veldnet "$@"; else compdef _veldnet veldnet; fi
"""

_FISH = """complete -c veldnet -a '(env VARIABLE=1 veldnet (commandline -opc)[2..] (commandline -ct))'
"""

SCRIPTS = {"bash": _BASH, "zsh": _ZSH, "fish": _FISH}


def completion_command(shell: Annotated[str, typer.Argument(help="bash, zsh or fish.")]) -> None:
    """Print the tab completion of a shell.

    Keep it where the shell looks for it: bash ~/.local/share/bash-completion/completions/veldnet, zsh a file
    _veldnet in a folder of $fpath, fish ~/.config/fish/completions/veldnet.fish.
    """
    if shell not in SCRIPTS:
        fail(f"SHELL {shell!r} must be one of {', '.join(SCRIPTS)}")
    script = SCRIPTS[shell].replace("VARIABLE", VARIABLE)
    if AS_JSON.get():
        print_json({"shell": shell, "script": script})
    else:
        typer.echo(script, nl=False)


def print_completions(words: Sequence[str]) -> None:
    """What fits in place of the last word, a line each: the word, a tab, what it does."""
    for value, text in completions(words):
        typer.echo(f"{value}\t{text}")


def completions(words: Sequence[str]) -> Iterator[tuple[str, str]]:
    from .main import app

    command: Any = typer.main.get_command(app)
    *before, last = words or [""]
    waiting: Any = None
    for word in before:
        if waiting is not None:
            waiting = None
        elif word.startswith("-"):
            waiting = None if "=" in word else _takes_value(command, word)
        elif hasattr(command, "get_command"):
            command = command.get_command(None, word)
            if command is None:
                return
    if waiting is not None:
        # A file, or something that only the user knows.
        return
    if last.startswith("-") or not hasattr(command, "list_commands"):
        yield from _options(command, last)
    else:
        yield from _commands(command, last)


def _takes_value(command: Any, word: str) -> Any:
    return next((p for p in command.params if word in p.opts and not getattr(p, "is_flag", False)), None)


def _options(command: Any, last: str) -> Iterator[tuple[str, str]]:
    if not last.startswith("-"):
        return
    for parameter in command.params:
        for name in parameter.opts:
            if name.startswith("--") and name.startswith(last) and not getattr(parameter, "hidden", False):
                yield name, _first_line(getattr(parameter, "help", None))
    if "--help".startswith(last):
        yield "--help", "Show the help of the command."


def _commands(group: Any, last: str) -> Iterator[tuple[str, str]]:
    group.listing = True
    try:
        for name in group.list_commands(None):
            if name.startswith(last):
                command = group.get_command(None, name)
                if command is not None and not command.hidden:
                    yield name, _first_line(command.help)
    finally:
        group.listing = False


def _first_line(text: str | None) -> str:
    return (text or "").strip().partition("\n")[0]
