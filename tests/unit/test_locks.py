"""The locked dependencies of all purposes are installed into one environment: what several of them need has
one version in all of them."""

from __future__ import annotations

from collections import defaultdict

import pytest
from packaging.requirements import Requirement

from tests.docs_generator import ROOT

# The client of AMQP 1.0 is added to an environment, too; that of `make` itself (setup) comes first of all.
LOCKS = ("run", "build", "dev", "setup", "amqp10")


def locked(name: str, python: str) -> dict[str, str]:
    """Versions by name, for a version of Python."""
    lines = (ROOT / "requirements" / f"{name}.lock").read_text().splitlines()
    pins = [
        Requirement(line.removesuffix("\\").strip()) for line in lines if "==" in line and line[0].isalnum()
    ]
    assert pins
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    return {
        pin.name: str(pin.specifier) for pin in pins if pin.marker is None or pin.marker.evaluate(environment)
    }


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13", "3.14"])
def test_what_several_need_has_one_version(python: str) -> None:
    found: defaultdict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for lock in LOCKS:
        for name, version in locked(lock, python).items():
            found[name][version].append(lock)
    assert "packaging" in found
    assert {name: dict(versions) for name, versions in found.items() if len(versions) > 1} == {}
