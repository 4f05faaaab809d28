"""What can be read at the path of an operation: the resource, what the list shows that it is in, and of a
part of a resource what that shows under the part's name. Who sends back what was read sends these."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec import inspect

Answers = Callable[[str], list[Any]]

_PARAMETERS = re.compile(r"(/\{\w+\})+$")


def shown_at(path: str, answers: Answers) -> list[Any]:
    """The types of objects; `answers` gives those of what reads a path."""
    found = list(_objects(path, answers))
    owner, _slash, part = path.rpartition("/")
    if owner.endswith("}"):
        for kind in _objects(owner, answers):
            for described in _structs(inspect.type_info(kind)):
                found += _of_fields(each for each in described.fields if each.encode_name == part)
    return list(dict.fromkeys(found))


def _objects(path: str, answers: Answers) -> Iterator[Any]:
    """What is answered at a path and at its list, with what a page of a list holds."""
    listed = _PARAMETERS.sub("", path)
    for where in dict.fromkeys((path, listed)):
        for answer in answers(where):
            for kind in _structs(inspect.type_info(answer)):
                yield kind.cls
                if where == listed:
                    yield from _of_fields(kind.fields)


def _of_fields(fields: Iterable[inspect.Field]) -> list[Any]:
    """The objects in lists that fields have."""
    return [
        kind.cls
        for field in fields
        for each in _each(field.type)
        if isinstance(each, inspect.CollectionType)
        for kind in _structs(each)
    ]


def _structs(kind: inspect.Type) -> Iterator[inspect.StructType]:
    for each in _each(kind):
        if isinstance(each, inspect.CollectionType):
            yield from _structs(each.item_type)
        elif isinstance(each, inspect.StructType):
            yield each


def _each(kind: inspect.Type) -> Iterator[inspect.Type]:
    """The types of a union one by one."""
    if isinstance(kind, inspect.UnionType):
        for each in kind.types:
            yield from _each(each)
    elif isinstance(kind, inspect.Metadata):
        yield from _each(kind.type)
    else:
        yield kind
