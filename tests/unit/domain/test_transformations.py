"""Expressions that make one document of another: what is no expression, and what makes no document."""

from __future__ import annotations

import json

import pytest

from veldnet.domain.transformations import BadExpression, TransformationFailed, parse, transform

DOCUMENT = {"DevEUI_uplink": {"FCntUp": 3, "payload": {"temperature": 21.5}, "tags": ["a", "b"]}}


@pytest.mark.parametrize(
    ("expression", "made"),
    [
        ("DevEUI_uplink.payload", {"temperature": 21.5}),
        ("{n: DevEUI_uplink.FCntUp, t: sort(DevEUI_uplink.tags)}", {"n": 3, "t": ["a", "b"]}),
        ("merge(DevEUI_uplink.payload, `{}`, `{}`)", {"temperature": 21.5}),
        ("max_by([DevEUI_uplink], &FCntUp).FCntUp", 3),
        ("sum(`[1e308, 1e308]`)", None),
    ],
)
def test_an_expression_makes_a_document(expression: str, made: object) -> None:
    assert json.loads(transform(expression, DOCUMENT) or b"") == made


def test_an_expression_that_finds_nothing_makes_nothing() -> None:
    assert transform("DevEUI_location.x", DOCUMENT) is None


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("a[", "Incomplete expression"),
        ("[" * 1500, "nested too deeply"),
        ("a" * 2001, "at most 2000"),
        ("nosuch(@)", "no function nosuch; there are abs, "),
        ("a[?contains(@)].b", "takes 2 arguments, not 1"),
        ("abs(`1`, `2`)", "takes 1 arguments, not 2"),
        ("merge()", "takes 1 arguments, not 0"),
    ],
)
def test_what_can_never_work_is_refused_when_it_is_written(expression: str, reason: str) -> None:
    with pytest.raises(BadExpression, match=reason):
        parse(expression)


@pytest.mark.parametrize(
    ("expression", "reason"),
    [
        ("abs(DevEUI_uplink)", "abs"),
        ("&DevEUI_uplink", "unsupported"),
        ("[&a]", "unsupported"),
        ('`"\\ud800"`', "half of a character"),
        ("[@, @, @] | " * 9 + "@", "more than 5000"),
    ],
)
def test_what_makes_no_document_says_why(expression: str, reason: str) -> None:
    with pytest.raises(TransformationFailed, match=reason):
        transform(expression, DOCUMENT)
