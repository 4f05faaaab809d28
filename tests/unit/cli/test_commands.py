"""What holds for every command: help, --config, --json, tables that cut nothing, tab completion."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from tests.docs_generator import commands
from tests.e2e.running import command, failing
from tests.installation import sandbox
from veldnet.cli import output
from veldnet.cli.completion import SCRIPTS, VARIABLE, completions

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
    assert set(of("admin", "base-s")) == {"base-station"}
    assert {"create", "delete"} <= set(of("admin", "base-station", ""))
    assert "remove" not in of("admin", "base-station", "")
    assert set(of("admin", "base-station", "create", "--max")) == {"--max-power"}
    assert {"--config", "--json", "--help"} <= set(of("admin", "backup", "-"))
    assert of("admin", "--nothing", "x", "--data", "") == {}
    assert of("no-such-command", "") == {}
    assert of("admin", "backup", "--data", "") == {}, "a file follows"


def test_the_shell_asks_the_program(tmp_path: Path) -> None:
    for shell in SCRIPTS:
        assert VARIABLE in command("completion", shell)
        assert json.loads(command("completion", shell, "--json"))["shell"] == shell
    assert "bash, zsh, fish" in failing("completion", "tcsh")
    (tmp_path / "veldnet").write_text(f'#!/bin/sh\nexec {sys.executable} -m veldnet "$@"\n')
    (tmp_path / "veldnet").chmod(0o700)
    (tmp_path / "complete").write_text(
        command("completion", "bash")
        + 'COMP_WORDS=(veldnet admin base-); COMP_CWORD=2; _veldnet veldnet; echo "${COMPREPLY[@]}"\n'
    )
    done = subprocess.run(
        ["bash", str(tmp_path / "complete")],
        env=os.environ | {"PATH": f"{tmp_path}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "base-station\n"
