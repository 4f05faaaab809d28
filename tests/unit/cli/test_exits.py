"""How commands end: a sentence on stderr and a code."""

from __future__ import annotations

from pathlib import Path

import pytest

from veldnet.assembly.data_directory.lock import DataDirectoryError, DirectoryInUse, StorageError
from veldnet.assembly.listening import CannotListen
from veldnet.cli.api_client import read_key
from veldnet.cli.entry import main
from veldnet.cli.exits import Exit
from veldnet.cli.output import fail, print_json
from veldnet.cli.starting import readable_errors, settings_or_fail
from veldnet.settings import SettingsError
from veldnet.store import LeaseLost, StoreError


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (SettingsError("wrong"), Exit.SETTINGS),
        (CannotListen("wrong"), Exit.CANNOT_LISTEN),
        (DirectoryInUse("wrong"), Exit.IN_USE),
        (StorageError("wrong"), Exit.STORAGE),
        (DataDirectoryError("wrong"), Exit.DATA_DIRECTORY),
        (StoreError("wrong"), Exit.STORAGE),
        (LeaseLost("wrong"), Exit.LEASE_LOST),
    ],
)
def test_each_error_has_its_code(error: Exception, code: Exit, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended, readable_errors():
        raise error
    assert ended.value.code == code
    assert capsys.readouterr().err.startswith("error: ")


def test_a_defect_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError), readable_errors():
        raise ZeroDivisionError


def test_settings_that_are_wrong_end_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "veldnet.toml"
    file.write_text("[api]\ncolour = 1\n")
    with pytest.raises(SystemExit) as ended:
        settings_or_fail({}, file)
    assert ended.value.code == Exit.SETTINGS and "colour" in capsys.readouterr().err


def test_an_error_is_text_and_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        fail("[bold]no such file: [x].key")
    assert capsys.readouterr().err == "error: [bold]no such file: [x].key\n"


def test_json_is_printed_in_utf_8(capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    print_json({"name": "Zuid-Holland é"})
    assert capsysbinary.readouterr().out == '{\n  "name": "Zuid-Holland é"\n}\n'.encode()


@pytest.mark.parametrize(
    ("arguments", "environment", "named"),
    [
        (["admin", "operator", "show", "caf\udce9"], {}, r"argument b'caf\xe9'"),
        (["serve", "--data", "\udce9"], {}, r"argument b'\xe9'"),
        (["check"], {"VELDNET_DATA": "/\udcff"}, r"VELDNET_DATA b'/\xff'"),
    ],
)
def test_what_is_no_text_is_refused(
    arguments: list[str],
    environment: dict[str, str],
    named: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("sys.argv", ["veldnet", *arguments])
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert capsys.readouterr().err == f"error: {named} is not text in UTF-8\n"


@pytest.mark.parametrize("text", ["one\ntwo", "caf\u00e9", "a b", "\x00"])
def test_a_key_that_no_header_can_carry_is_refused(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key").write_text(text)
    with pytest.raises(SystemExit):
        read_key(tmp_path / "key")
    assert "is not one line of letters, digits and signs" in capsys.readouterr().err.replace("\n", " ")
