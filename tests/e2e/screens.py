"""The screens of the console, as its router lists them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_ROUTES = Path(__file__).parents[2] / "console" / "src" / "routes.tsx"
# Of addresses with a variable part, one that is there; of others, more ways to look at them.
_SHOWN = {
    "/devices": ["/devices", "/devices?view=map"],
    "/devices/$ref": [
        "/devices/1",
        *(f"/devices/1?tab={tab}" for tab in ("charts", "readings", "frames", "downlinks")),
        *(f"/devices/1?tab={tab}" for tab in ("alarms", "timeline", "network")),
    ],
    "/routing/$ref": ["/routing/new", "/routing/2"],
    "/groups/$ref": ["/groups/1"],
    "/campaigns/$ref": ["/campaigns/1", "/campaigns/2"],
    "/decoders/$ref": ["/decoders/new", "/decoders/1"],
    "/operator/base-stations/$id": ["/operator/base-stations/FF000001"],
}
# Screens that both see.
_COMMON = ("/logger", "/account")


def subscriber_screens() -> list[str]:
    return list(_screens(operator=False))


def operator_screens() -> list[str]:
    return list(_screens(operator=True))


def screens_of_one_thing() -> list[tuple[str, str]]:
    """Addresses of things that do not exist, and of the screens that list such things."""
    return [
        (f"{path}/987654", path)
        for path, variable, _ in (each.partition("/$") for each in _routes())
        if variable
    ]


def _screens(*, operator: bool) -> Iterator[str]:
    for route in _routes():
        if route in _COMMON or route.startswith("/operator") == operator:
            assert "$" not in route or route in _SHOWN, f"tests/e2e/screens.py names no example of {route}"
            yield from _SHOWN.get(route, [route])


def _routes() -> list[str]:
    source = _ROUTES.read_text()
    found = re.findall(r'^  \w+: route\("(/[^"]*)"', source, re.MULTILINE)
    entered = source.count("\nscreen(routes.")
    assert len(found) == entered, f"{len(found)} routes are read of {entered} screens in routes.tsx"
    return found
