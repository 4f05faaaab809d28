"""`make wheel`: the bill of materials of a distribution, in CycloneDX JSON: what its lock file installs, and
the libraries that are built into the console."""

from __future__ import annotations

import base64
import json
import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path
from typing import Any
from urllib.parse import quote

from veldnet import __version__

ROOT = Path(__file__).parents[1]
_RUN_LOCK = ROOT / "requirements" / "run.lock"
_CONSOLE_LOCK = ROOT / "console" / "package-lock.json"


def python_components(lock: str) -> list[dict[str, Any]]:
    """The packages of a lock file, with the digests of their distributions."""
    found = []
    for entry in re.split(r"\n(?=\w)", lock):
        head = re.match(r"([A-Za-z0-9._-]+)==([^ ;\\\n]+)", entry)
        if head is None:
            continue
        name, version = head[1].lower(), head[2]
        digests = re.findall(r"sha256:([0-9a-f]{64})", entry)
        found.append(
            _component(f"pkg:pypi/{name}@{version}", name, version, _license(name))
            | {
                "externalReferences": [
                    {
                        "type": "distribution",
                        "url": f"https://pypi.org/project/{name}/{version}/",
                        "hashes": [{"alg": "SHA-256", "content": digest} for digest in digests],
                    }
                ]
            }
        )
    return found


def console_components(lock: dict[str, Any]) -> list[dict[str, Any]]:
    """The libraries whose code is in the console's files."""
    found = []
    for path, package in lock["packages"].items():
        if not path or package.get("dev") or package.get("link"):
            continue
        name, version = path.rpartition("node_modules/")[2], package["version"]
        component = _component(
            f"pkg:npm/{quote(name, safe='/')}@{version}", name, version, package.get("license")
        )
        kind, _dash, digest = package.get("integrity", "").partition("-")
        if kind == "sha512":
            component["hashes"] = [{"alg": "SHA-512", "content": base64.b64decode(digest).hex()}]
        found.append(component)
    return found


def bill() -> dict[str, Any]:
    """The whole document. It has no time, so that the same source gives the same file."""
    components = [
        *python_components(_RUN_LOCK.read_text()),
        *console_components(json.loads(_CONSOLE_LOCK.read_text())),
    ]
    unique = {component["bom-ref"]: component for component in components}
    this = _component(f"pkg:pypi/veldnet@{__version__}", "veldnet", __version__, "Apache-2.0")
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": this | {"type": "application"}},
        "components": [unique[ref] for ref in sorted(unique)],
        "dependencies": [{"ref": this["bom-ref"], "dependsOn": sorted(unique)}],
    }


def _component(url: str, name: str, version: str, license_: str | None) -> dict[str, Any]:
    component: dict[str, Any] = {
        "type": "library",
        "bom-ref": url,
        "name": name,
        "version": version,
        "purl": url,
    }
    if license_:
        expression = re.fullmatch(r"\(?[A-Za-z0-9.+-]+\)?( (OR|AND|WITH) \(?[A-Za-z0-9.+-]+\)?)*", license_)
        component["licenses"] = [
            {"expression": license_} if expression and " " in license_ else {"license": {"name": license_}}
        ]
    return component


def _license(name: str) -> str | None:
    try:
        found = metadata(name)
    except PackageNotFoundError:
        return None
    stated = next((str(found[key]) for key in ("License-Expression", "License") if key in found), "")
    return stated if stated and "\n" not in stated and len(stated) < 80 else None


def main(folder: Path) -> None:
    target = folder / f"veldnet-{__version__}.cdx.json"
    target.write_text(json.dumps(bill(), indent=1, ensure_ascii=False) + "\n")
    print(target)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
