"""YAML from outside: text, lists and mappings, bounded in size, depth and in what aliases make of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

from veldnet.domain.errors import BadRequest

# The loader that makes texts of all scalars: no tag creates anything, no number is ever too long.
_Loader: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_MOST_NODES = 50_000
_MOST_DEPTH = 40
# Open collections, and the document, within a list of the outermost mapping.
_WITHIN_LIST = 3

# Takes the name of a list of the outermost mapping and how many items it has so far. Raises `BadRequest`.
CheckItems = Callable[[str, int], None]


def read_yaml(
    octets: bytes,
    most_nodes: int = _MOST_NODES,
    *,
    unique: bool = False,
    check_items: CheckItems | None = None,
) -> Any:
    """The document of a file; with `unique` no mapping has a key twice. Raises `BadRequest` for what is no
    YAML, or more than a description of a device ever needs."""
    try:
        text = octets.decode("utf-8-sig")
        _measure(text, most_nodes, check_items)
        if unique:
            _refuse_twice(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - this loader makes nothing but text
    except UnicodeDecodeError:
        raise BadRequest("the file is not UTF-8") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = "" if mark is None else f" (line {mark.line + 1})"
        raise BadRequest("the file is not YAML{where}", where=where) from None
    except (RecursionError, ValueError):
        raise BadRequest("the file is not YAML that can be read") from None


def _measure(text: str, most_nodes: int, check_items: CheckItems | None) -> None:
    """Count the nodes of a document with every alias written out, without building it."""
    sizes: dict[str, int] = {}
    # Nodes so far of each open collection, and its anchor.
    open_nodes: list[int] = [0]
    anchors: list[str | None] = [None]
    # The last key of the outermost mapping, and the items of its list.
    key, items = "", 0
    for event in yaml.parse(text, Loader=_Loader):
        size = 0
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append(1)
            anchors.append(event.anchor)
            if len(open_nodes) == _WITHIN_LIST:
                items = 0
        elif isinstance(event, yaml.CollectionEndEvent):
            size = open_nodes.pop()
            _keep(sizes, anchors.pop(), size)
        elif isinstance(event, yaml.AliasEvent):
            if event.anchor not in sizes:
                raise BadRequest("the file has an alias of something that has not ended")
            size = sizes[event.anchor]
        elif isinstance(event, yaml.ScalarEvent):
            size = 1
            _keep(sizes, event.anchor, size)
            if len(open_nodes) < _WITHIN_LIST:
                key = event.value
        open_nodes[-1] += size
        if size and check_items is not None and len(open_nodes) == _WITHIN_LIST:
            items += 1
            check_items(key, items)
        if open_nodes[-1] > most_nodes:
            raise BadRequest(
                "the file has more than {most_nodes} entries, aliases written out", most_nodes=most_nodes
            )
        if len(open_nodes) > _MOST_DEPTH:
            raise BadRequest("the file is nested deeper than {most_depth} levels", most_depth=_MOST_DEPTH)


def _keep(sizes: dict[str, int], anchor: str | None, size: int) -> None:
    if anchor is not None:
        sizes[anchor] = size


def _refuse_twice(text: str) -> None:
    """Raises `BadRequest` for a key that a mapping has twice, of which all but the last would be lost."""
    # The keys of each open mapping, None for a list; and whether a key comes next.
    open_keys: list[set[str] | None] = [None]
    key_next: list[bool] = [False]
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionEndEvent):
            open_keys.pop()
            key_next.pop()
            continue
        if not isinstance(event, yaml.NodeEvent):
            continue
        keys = open_keys[-1]
        if keys is not None:
            if key_next[-1] and isinstance(event, yaml.ScalarEvent):
                if event.value in keys:
                    mark: Any = event.start_mark
                    raise BadRequest(
                        "line {line}: the key {key} comes twice",
                        line=mark.line + 1,
                        key=event.value[:80],
                    )
                keys.add(event.value)
            key_next[-1] = not key_next[-1]
        if isinstance(event, yaml.CollectionStartEvent):
            mapping = isinstance(event, yaml.MappingStartEvent)
            open_keys.append(set() if mapping else None)
            key_next.append(mapping)
