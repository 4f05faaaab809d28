"""Files for the system around the server: a unit for systemd, configurations of proxies. They are shipped as
they are, with places for what differs."""

from __future__ import annotations

import re
import shutil
import sys
from importlib.resources import files
from pathlib import Path

# Where the unit expects things; docs/install.md follows it.
DATA = Path("/var/lib/veldnet")
SETTINGS = Path("/etc/veldnet/veldnet.toml")
_PLAIN = re.compile(r"(/[A-Za-z0-9._-]+)+")


def systemd_unit(data: Path = DATA) -> str:
    """The unit of the server, for the installation that runs this. Raises `ValueError` for a data directory
    of which the service could make nothing."""
    where = data.absolute()
    if not _PLAIN.fullmatch(str(where)):
        raise ValueError(
            f"{where} has other characters than letters, digits and ./_-, which a unit reads otherwise"
        )
    if where.parts[1:2] in (("home",), ("root",)):
        raise ValueError(
            f"the unit keeps {where.parents[-2]} closed to the service: choose another directory"
        )
    return _filled("veldnet.service", COMMAND=str(_command()), DATA=str(where), SETTINGS=str(SETTINGS))


def unreachable_command() -> Path | None:
    """A directory on the way to the Python of this installation that only its owner may enter, so that the
    service's user cannot run it: a home directory, mostly."""
    parents = Path(sys.executable).resolve().parents
    return next((parent for parent in parents if not parent.stat().st_mode & 0o001), None)


def nginx_site(name: str) -> str:
    """The configuration of nginx for a server of that host name."""
    return _filled("nginx.conf", NAME=name)


def caddy_site(name: str) -> str:
    """The same for Caddy."""
    return _filled("Caddyfile", NAME=name)


def _command() -> Path:
    """The command `veldnet` of this installation."""
    beside = Path(sys.executable).parent / "veldnet"
    if beside.exists():
        return beside
    return Path(shutil.which("veldnet") or beside)


def _filled(file: str, **places: str) -> str:
    text = files(__name__).joinpath(file).read_text()
    for place, value in places.items():
        text = text.replace(f"@{place}@", value)
    return text
