"""`veldnet completion`: tab completion of a shell. Its script asks this program for what fits."""

from __future__ import annotations

from typing import Annotated

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
