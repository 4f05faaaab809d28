"""Options that a command does not name by itself: shared ones, and the fields of its groups."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import msgspec
import pytest
import typer
from typer.testing import CliRunner

from veldnet.cli.given import AS_JSON
from veldnet.cli.shared import extend


class Place(msgspec.Struct, frozen=True):
    latitude: Annotated[float, typer.Option(min=-90, max=90)]
    height: Annotated[int | None, typer.Option("--metres")] = None


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer()

    @app.command()
    def show(name: str, place: Place, loud: bool = False) -> None:
        if loud and place.height:
            Path(name).read_bytes()
        typer.echo(f"{name} {place} {loud} {AS_JSON.get()}")

    extend(app, settings=False)
    return app


def test_the_fields_of_a_group_are_options(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["mast", "--latitude", "52.1", "--metres", "30", "--json"])
    assert result.output == "mast Place(latitude=52.1, height=30) False True\n"


def test_a_field_with_a_default_may_be_left_out(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["mast", "--latitude", "52.1", "--loud"])
    assert result.output == "mast Place(latitude=52.1, height=None) True False\n"


@pytest.mark.parametrize("given", [[], ["--latitude", "91"]], ids=["missing", "out of range"])
def test_fields_of_a_group_are_checked_as_options_are(app: typer.Typer, given: list[str]) -> None:
    result = CliRunner().invoke(app, ["mast", *given])
    assert result.exit_code == 2 and "--latitude" in result.output


@pytest.mark.parametrize("name", ["none", "7" * 400])
def test_a_file_that_cannot_be_used_is_named(
    app: typer.Typer, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    result = CliRunner().invoke(app, [name, "--latitude", "52.1", "--metres", "30", "--loud"])
    said = (result.stderr + capfd.readouterr().err).replace("\n", "")
    assert result.exit_code == 1 and said.startswith(f"error: {name}: ") and "Traceback" not in said
