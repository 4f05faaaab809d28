"""Versions of LoRaWAN and of its regional parameters, by the names of other network servers."""

from __future__ import annotations

from veldnet.domain.documents import MacVersion, RegionalParameters

from .model import NotMovable

_VERSIONS: dict[str, MacVersion] = {
    "1.0": "1.0.0",
    "1.0.0": "1.0.0",
    "1.0.1": "1.0.1",
    "1.0.2": "1.0.2",
    "1.0.3": "1.0.3",
    "1.0.4": "1.0.4",
    "1.1": "1.1",
    "1.1.0": "1.1",
}
_RP2: dict[str, RegionalParameters] = {
    "1.0.0": "RP2-1.0.0",
    "1.0.1": "RP2-1.0.1",
    "1.0.2": "RP2-1.0.2",
    "1.0.3": "RP2-1.0.3",
    "1.0.4": "RP2-1.0.4",
    "1.0.5": "RP2-1.0.5",
}


def mac_version(text: str) -> MacVersion:
    """Raises `NotMovable` for a version that there is none of."""
    found = _VERSIONS.get(text)
    if found is None:
        raise NotMovable(f"LoRaWAN version {text[:20]!r} is not known; known are {', '.join(_VERSIONS)}")
    return found


def regional_parameters(version: MacVersion, revision: str) -> RegionalParameters:
    """`revision` is that of the document of a version (`A`, `B`), or of RP002 (`1.0.3`). Those before 1.0.2
    are the first of 1.0.2, and those of 1.1 are the ones of 1.0.3."""
    if revision in _RP2:
        return _RP2[revision]
    if version == "1.0.4":
        return "RP2-1.0.1"
    if version in ("1.0.3", "1.1"):
        return "1.0.3revA"
    return "1.0.2revB" if version == "1.0.2" and revision == "B" else "1.0.2revA"
