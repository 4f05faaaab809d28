"""What holds for every command: help, --config, --json, tables that cut nothing, tab completion."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console

from tests.docs_generator import commands
from tests.e2e.running import command, failing
from tests.installation import sandbox
from tests.walked_commands import commands as forked_commands
from veldnet.cli import output
from veldnet.cli.completing import completions
from veldnet.cli.completion import SCRIPTS, VARIABLE

COMMANDS = dict(commands())
EUI = "0059AC637B712889"


def test_every_argument_and_option_has_help() -> None:
    without = [
        f"{' '.join(path)} {parameter.name}"
        for path, each in COMMANDS.items()
        for parameter in each.params
        if not (getattr(parameter, "help", None) or "").strip()
    ]
    assert len(COMMANDS) > 90 and without == []


def test_every_command_has_json_and_the_settings_file() -> None:
    names = {path: {name for p in each.params for name in p.opts} for path, each in COMMANDS.items()}
    assert [path for path, options in names.items() if "--json" not in options] == []
    assert [
        path for path, options in names.items() if "--data" in options and "--config" not in options
    ] == []


def test_every_kind_can_be_listed_shown_changed_and_deleted() -> None:
    kinds = {
        "subscriber",
        "user",
        "device",
        "base-station",
        "plan",
        "device-profile",
        "routing-profile",
        "hsm-group",
        "decoder",
    }
    for kind in kinds:
        verbs = {path[2] for path in COMMANDS if path[:2] == ("admin", kind)}
        assert {"list", "show", "change", "delete"} <= verbs, kind


def test_the_settings_file_comes_from_the_option_or_the_variable(tmp_path: Path) -> None:
    sandbox(tmp_path / "data")
    file = tmp_path / "here.toml"
    file.write_text(f'data = "{tmp_path / "data"}"\n')
    wanted = [{"code": "sandbox-ope", "name": "Sandbox operator 1"}]
    for options, environment in ((("--config", str(file)), {}), ((), {"VELDNET_CONFIG": str(file)})):
        printed = command("admin", "operator", "list", "--json", *options, **environment)
        assert json.loads(printed) == wanted
    for text, words in (("nonsense", "settings file"), ("[api]\nnone = 1", "none"), ("\xff", "settings")):
        file.write_bytes(text.encode("latin-1"))
        assert words in failing("admin", "operator", "list", "--config", str(file))
    missing = failing("admin", "operator", "list", "--config", str(tmp_path / "none.toml"))
    assert missing.strip().endswith("No such file or directory")


def printed(monkeypatch: pytest.MonkeyPatch, width: int, *, terminal: bool = True) -> str:
    stream = io.StringIO()
    console = Console(file=stream, width=width, force_terminal=terminal, color_system=None)
    monkeypatch.setattr(output, "console", console, raising=False)
    output.print_table(
        "Base stations",
        ("Id", "EUI", "Name", "Remarks"),
        [("FF000001", EUI, "Somewhere on a long road", "its clock is wrong, and it is heard seldom")],
    )
    return stream.getvalue()


@pytest.mark.parametrize("width", [30, 50, 60, 80, 200])
def test_identifiers_are_never_cut(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    text = printed(monkeypatch, width)
    assert EUI in text and "FF000001" in text and "…" not in text
    words = "".join(text.replace("│", " ").split())
    assert all(word in words for word in ("Somewhere", "long", "clock", "seldom"))
    if width >= 60:
        assert max(map(len, text.splitlines())) <= width


def test_what_is_piped_has_a_row_on_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    text = printed(monkeypatch, 40, terminal=False)
    assert f"{EUI} │ Somewhere on a long road │ its clock is wrong, and it is heard seldom" in text


def test_words_are_completed_as_they_are_typed() -> None:
    def of(*words: str) -> dict[str, str]:
        return dict(completions(words))

    assert "admin" in of("") and set(of("ad")) == {"admin"}
    assert of("adm")["admin"].startswith("Manage")
    assert set(of("admin", "deco")) == {"decoder"}
    assert {"list", "test"} <= set(of("connection", ""))
    assert {"--set", "--set-file"} <= set(of("flow", "create", "--s"))
    assert {"create", "delete"} <= set(of("admin", "base-station", ""))
    assert "remove" not in of("admin", "base-station", "")
    assert set(of("admin", "base-station", "create", "--max")) == {"--max-power"}
    assert {"--config", "--json", "--help"} <= set(of("admin", "backup", "-"))
    assert of("admin", "--nothing", "x", "--data", "") == {}
    assert of("no-such-command", "") == {}
    assert of("admin", "backup", "--data", "") == {}, "a file follows"
    assert {"--suspend", "--resume"} <= set(of("admin", "user", "change", "somebody", "--"))


@pytest.fixture(scope="module")
def path_of_program() -> Iterator[str]:
    """A search path on which the shells find this program."""
    with forked_commands() as folder:
        yield f"{folder}:{os.environ['PATH']}"


def _shell(path: str, *arguments: str) -> str:
    done = subprocess.run(
        arguments, env=os.environ | {"PATH": path}, capture_output=True, text=True, check=True, timeout=600
    )
    return done.stdout


def test_the_scripts_of_the_shells_name_the_program() -> None:
    for shell in SCRIPTS:
        assert VARIABLE in command("completion", shell)
        assert json.loads(command("completion", shell, "--json"))["shell"] == shell
    assert "bash, zsh, fish" in failing("completion", "tcsh")


def test_bash_asks_the_program(path_of_program: str) -> None:
    ask = 'COMP_WORDS=(veldnet admin deco); COMP_CWORD=2; _veldnet veldnet; echo "${COMPREPLY[@]}"\n'
    assert _shell(path_of_program, "bash", "-c", command("completion", "bash") + ask) == "decoder\n"


@pytest.mark.skipif(shutil.which("fish") is None, reason="needs fish")
def test_fish_asks_the_program(path_of_program: str) -> None:
    ask = 'complete -C "veldnet admin device im"\ncomplete -C "veldnet admin device import --ref"\n'
    answer = _shell(
        path_of_program, "fish", "--no-config", "-c", command("completion", "fish") + ask
    ).splitlines()
    assert [line.split("\t")[0] for line in answer] == ["import", "--refused"]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="needs zsh")
def test_zsh_asks_the_program(path_of_program: str, tmp_path: Path) -> None:
    (tmp_path / "_veldnet").write_text(command("completion", "zsh"))
    # A shell on a terminal of its own, in which Tab is pressed.
    (tmp_path / "type").write_text(
        "zmodload zsh/zpty\nzpty shell zsh -f -i\n"
        f"zpty -w shell 'fpath=({tmp_path} $fpath); autoload -U compinit; compinit -u -D; echo re\"\"ady'\n"
        "zpty -r -m shell said '*ready*'\n"
        "zpty -w -n shell 'veldnet admin deco'$'\\t'\n"
        "zpty -r -m shell said '*decoder*'\n"
        "print -r -- $said\n"
    )
    assert "decoder" in _shell(path_of_program, "zsh", "-f", str(tmp_path / "type"))
