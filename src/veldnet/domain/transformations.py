"""JMESPath expressions that make one JSON document of another, bounded in steps and size.

The values of an expression share parts, so a short one can name a document of any size. Therefore the size of
each value is counted as it would be written, while it is made.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import jmespath
import msgspec
from jmespath import exceptions, functions
from jmespath.parser import ParsedResult
from jmespath.visitor import Options, TreeInterpreter

from veldnet.texts import Text

MOST_CHARACTERS = 2_000
# Parts of an expression that are visited for one document.
_MOST_STEPS = 5_000
# Values in a document, characters of its texts included by the hundred.
_MOST_VALUES = 5_000
_MOST_DEPTH = 64


class BadExpression(ValueError):
    """An expression that cannot be read; the text says where."""


class TransformationFailed(Exception):
    """What an expression makes of a document is no document; the text says why."""


def _too_many() -> Text:
    return Text("the document has more than {most} values", most=_MOST_VALUES)


@lru_cache(maxsize=1024)
def parse(expression: str) -> ParsedResult:
    """Read an expression. Raises `BadExpression`."""
    if len(expression) > MOST_CHARACTERS:
        raise BadExpression(
            Text(
                "it has {count} characters; at most {most} are allowed",
                count=len(expression),
                most=MOST_CHARACTERS,
            )
        )
    try:
        parsed = jmespath.compile(expression)
        _check_functions(parsed.parsed)
    except exceptions.JMESPathError as error:
        raise BadExpression(" ".join(str(error).split())[:300]) from None
    except RecursionError:
        raise BadExpression(Text("it is nested too deeply")) from None
    return parsed


def _check_functions(node: Any) -> None:
    """Functions that are not there, or take other arguments, would fail for each document."""
    if node["type"] == "function_expression":
        name, given = node["value"], len(node["children"])
        known = functions.Functions.FUNCTION_TABLE
        if name not in known:
            raise BadExpression(
                Text(
                    "there is no function {name}; there are {known}",
                    name=name[:40],
                    known=", ".join(sorted(known)),
                )
            )
        signature = known[name]["signature"]
        more = bool(signature) and bool(signature[-1].get("variadic"))
        if given < len(signature) or (given > len(signature) and not more):
            raise BadExpression(
                Text(
                    "the function {name} takes {count} arguments, not {given}",
                    name=name,
                    count=len(signature),
                    given=given,
                )
            )
    for child in node["children"]:
        if isinstance(child, dict):
            _check_functions(child)


def transform(expression: str, document: Any) -> bytes | None:
    """What an expression makes of a document, as JSON; None where there is nothing. Raises `BadExpression`
    and `TransformationFailed`."""
    parsed = parse(expression)
    try:
        made = _Interpreter().visit(parsed.parsed, document)
        return None if made is None else msgspec.json.encode(made)
    except UnicodeEncodeError:
        raise TransformationFailed(Text("a text has half of a character")) from None
    except (exceptions.JMESPathError, ArithmeticError, ValueError, TypeError) as error:
        raise TransformationFailed(" ".join(str(error).split())[:300]) from None
    except RecursionError:
        raise TransformationFailed(Text("the expression is nested too deeply")) from None


class _Sizes:
    """Sizes of values, each counted once, by identity: what is counted is kept, so that identities stay."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, int]] = {}

    def of(self, value: Any, depth: int = 0) -> int:
        if isinstance(value, str):
            return 1 + len(value) // 100
        if not isinstance(value, list | dict):
            return 1
        known = self._known.get(id(value))
        if known is not None:
            return known[1]
        if depth > _MOST_DEPTH:
            raise TransformationFailed(Text("the document is nested more than {most} deep", most=_MOST_DEPTH))
        if len(value) > _MOST_VALUES:
            raise TransformationFailed(_too_many())
        parts = value.values() if isinstance(value, dict) else value
        size = 1
        for part in parts:
            size += self.of(part, depth + 1)
            if size > _MOST_VALUES:
                raise TransformationFailed(_too_many())
        self._known[id(value)] = value, size
        return size


class _Interpreter(TreeInterpreter):  # type: ignore[misc,unused-ignore]
    """Visits an expression within bounds."""

    def __init__(self) -> None:
        super().__init__(Options(custom_functions=functions.Functions()))
        self._steps = 0
        self._sizes = _Sizes()

    def visit(self, node: Any, *args: Any, **kwargs: Any) -> Any:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise TransformationFailed(Text("the expression takes more than {most} steps", most=_MOST_STEPS))
        value = super().visit(node, *args, **kwargs)
        self._sizes.of(value)
        return value
