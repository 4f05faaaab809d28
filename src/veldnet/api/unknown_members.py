"""Members of request bodies that an operation does not know, in Veldnet's own API: a misspelt one would do
nothing, and nobody would hear of it.

What the path of an operation shows may be sent back, whether or not it can be changed: who has read a
resource sends the whole of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from msgspec import inspect

from veldnet.domain.errors import InvalidField

# Characters of a name that are repeated, and names that are listed.
_LONGEST, _MOST = 60, 30

Types = Sequence[inspect.Type]


def refuse_unknown(members: dict[str, Any], kind: Any, shown: Sequence[Any] = ()) -> None:
    """Raises `InvalidField` for a member that neither a body of this type has nor what is `shown`, at any
    depth."""
    _refuse(members, [_described(kind)], [_described(each) for each in shown], "")


@cache
def _described(kind: Any) -> inspect.Type:
    return inspect.type_info(kind)


def _refuse(value: Any, asked: Types, shown: Types, where: str) -> None:
    asked, shown = list(_each(asked)), list(_each(shown))
    if isinstance(value, list):
        items, others = list(_items(asked)), list(_items(shown))
        for index, inner in enumerate(value if items else ()):
            _refuse(inner, items, others, f"{where}[{index}]")
    elif isinstance(value, dict):
        known, beside = _members(asked), _members(shown) or {}
        if known is None:
            return
        for name, inner in value.items():
            path = f"{where}.{name}" if where else name
            if name in known:
                _refuse(inner, known[name], beside.get(name, []), path)
            elif name not in beside:
                raise _unknown(path, name, list(known))


def _each(types: Types) -> Iterator[inspect.Type]:
    """The types one by one, without what is said about them."""
    for each in types:
        if isinstance(each, inspect.UnionType):
            yield from _each(each.types)
        elif isinstance(each, inspect.Metadata):
            yield from _each([each.type])
        else:
            yield each


def _items(types: Types) -> Iterator[inspect.Type]:
    """What lists may hold; nothing where there is nothing to check."""
    for each in types:
        if isinstance(each, inspect.CollectionType):
            if _holds_members(each.item_type):
                yield each.item_type
        elif isinstance(each, inspect.TupleType):
            yield from (item for item in each.item_types if _holds_members(item))


def _holds_members(item: inspect.Type) -> bool:
    simple = (inspect.StrType, inspect.IntType, inspect.FloatType, inspect.BoolType, inspect.NoneType)
    return any(not isinstance(each, simple) for each in _each([item]))


def _members(types: Types) -> dict[str, list[inspect.Type]] | None:
    """The members of an object, with their types; None where it may have any."""
    found: dict[str, list[inspect.Type]] = {}
    for each in types:
        if isinstance(each, inspect.StructType):
            for field in each.fields:
                found.setdefault(field.encode_name, []).append(field.type)
            if each.tag_field is not None:
                found.setdefault(each.tag_field, [])
        elif isinstance(each, inspect.AnyType | inspect.DictType | inspect.CustomType | inspect.RawType):
            return None
    # Where no object is right, that is said when it is read.
    return found if any(isinstance(each, inspect.StructType) for each in types) else None


def _unknown(path: str, name: str, known: list[str]) -> InvalidField:
    member = path if len(path) <= 2 * _LONGEST else f"...{path[-_LONGEST:]}"
    folded = {each.lower(): each for each in known}
    # Loaded for the first who errs.
    from difflib import get_close_matches

    near = get_close_matches(name[:_LONGEST].lower(), folded, 1)
    if near:
        return InvalidField(
            "{member} is unknown here; did you mean {nearest}?", member=member, nearest=folded[near[0]]
        )
    if not known:
        return InvalidField("{member} is unknown here; the body has no members", member=member)
    return InvalidField(
        "{member} is unknown here; known are {known}",
        member=member,
        known=", ".join(sorted(known)[:_MOST]) + (", ..." if len(known) > _MOST else ""),
    )
