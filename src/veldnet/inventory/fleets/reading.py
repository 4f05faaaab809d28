"""Reads a fleet from YAML, says where it is wrong, and has secrets come from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import msgspec
import yaml

from veldnet.domain.errors import BadRequest
from veldnet.inventory.catalogue.yaml_text import read_yaml
from veldnet.inventory.offers import refusal_text

from .documents import HOLDERS, KEYS, SECRETS, Fleet

_MOST_OCTETS = 20 << 20
_MOST_NODES = 400_000
MOST_DEVICES = 10_000
# A member in a message of a failed conversion, such as `$.devices[3].name`.
_PATH = re.compile(r"\$((?:\.\w+|\[\d+\])+)")
_PART = re.compile(r"\.(\w+)|\[(\d+)\]")

# Finds what `env` or `file` names. Raises `BadRequest`.
FindSecret = Callable[[str, str], str]


def read_document(octets: bytes, find_secret: FindSecret | None = None) -> dict[str, Any]:
    """The document of a file, in which `{env: NAME}` and `{file: PATH}` in place of a secret are what
    `find_secret` finds. Raises `BadRequest` that says where the file is wrong."""
    if len(octets) > _MOST_OCTETS:
        raise BadRequest("the file is larger than {most} MiB; split it", most=_MOST_OCTETS >> 20)
    document = read_yaml(octets, most_nodes=_MOST_NODES, unique=True, check_items=_check_count)
    if document in (None, ""):
        raise BadRequest("the file is empty")
    if not isinstance(document, dict):
        raise BadRequest("the file must be a mapping, such as devices: [...]")
    _resolve(document, "", find_secret)
    return document


def read_fleet(octets: bytes, find_secret: FindSecret | None = None) -> Fleet:
    """The same, with the things that it names. Raises `BadRequest`."""
    document = read_document(octets, find_secret)
    try:
        return fleet_of(document)
    except BadRequest as error:
        line = _line_of(octets, str(error.__cause__ or error.text))
        if line is None:
            raise
        raise BadRequest("line {line}: {error}", line=line, error=error.text) from None


def fleet_of(document: dict[str, Any]) -> Fleet:
    """The things of a document whose secrets were found. Raises `BadRequest` that names the member at
    fault."""
    _resolve(document, "", None)
    try:
        fleet = msgspec.convert(document, Fleet, strict=False)
    except msgspec.ValidationError as error:
        raise BadRequest(refusal_text(str(error), Fleet)) from error
    _check_count("devices", len(fleet.devices))
    for kind, member in KEYS.items():
        seen: set[str] = set()
        for index, item in enumerate(getattr(fleet, kind)):
            key = getattr(item, member).strip()
            if key.upper() in seen:
                raise BadRequest(
                    "{kind}: {key} comes twice - at `$.{kind}[{index}]`", kind=kind, key=key[:80], index=index
                )
            seen.add(key.upper())
    return fleet


def _check_count(kind: str, count: int) -> None:
    if kind == "devices" and count > MOST_DEVICES:
        raise BadRequest("the file has more than {most} devices; split it", most=MOST_DEVICES)


def _resolve(node: Any, where: str, find: FindSecret | None) -> None:
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    holder = where.rpartition(".")[2] in HOLDERS
    for name, value in list(entries):
        path = f"{where}[{name}]" if isinstance(node, list) else f"{where}.{name}".lstrip(".")
        if isinstance(value, dict) and len(value) == 1 and (holder or name in SECRETS):
            ((source, what),) = value.items()
            if source in ("env", "file") and isinstance(what, str):
                node[name] = _found(find, source, what, path)
                continue
        _resolve(value, path, find)


def _found(find: FindSecret | None, source: str, what: str, path: str) -> str:
    if find is None:
        raise BadRequest(
            "{path}: `veldnet fleet` puts what {source} names in its place; send the value",
            path=path,
            source=source,
        )
    try:
        return find(source, what)
    except BadRequest as error:
        raise BadRequest("{path}: {error}", path=path, error=error.text) from None


def _line_of(octets: bytes, message: str) -> int | None:
    """The line of the member that a message names; the document was read before."""
    named = _PATH.search(message)
    if named is None:
        return None
    node: Any = yaml.compose(octets.decode("utf-8-sig"), Loader=getattr(yaml, "CBaseLoader", yaml.BaseLoader))
    line: int = node.start_mark.line + 1
    for name, index in _PART.findall(named[1]):
        if isinstance(node, yaml.MappingNode):
            found = next((pair for pair in node.value if pair[0].value == name), None)
            if found is None:
                return line
            line, node = found[0].start_mark.line + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and index and int(index) < len(node.value):
            node = node.value[int(index)]
            line = node.start_mark.line + 1
    return line
