"""Payload decoders: whatever a program returns, and whatever its text is, the answer is JSON or words."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz import test_parsers  # noqa: F401 - the profile of the settings
from veldnet.decoders import pool
from veldnet.decoders.worker import Answer, Task, as_script, checked, run

GIVEN: dict[str, Any] = {"bytes": [1, 2], "fPort": 3, "recvTime": 0, "variables": {}}

_LEAF = st.one_of(
    st.sampled_from(
        [
            "null", "undefined", "NaN", "-Infinity", "-0", "1e308", "10n", "Symbol()", "'\\ud800'",
            "'\\u0000'", "new Date(NaN)", "new Date(0)", "/x/", "function () {}", "new Map([[1, 2]])",
            "new Uint8Array(9)", "new Proxy({}, {})", "Promise.resolve(1)", "globalThis", "input", "this",
            "Object.create(null)", "(() => { throw 1; })()", "{ toJSON: 1 }", "{ toJSON() { return {}; } }",
        ]
    ),
    st.integers(-(2**70), 2**70).map(str),
    st.text(max_size=8).map(json.dumps),
)  # fmt: skip
_NAME = st.one_of(
    st.text(max_size=5), st.sampled_from(["__proto__", "toJSON", "data", "constructor", "then"])
).map(json.dumps)
_VALUE = st.recursive(
    _LEAF,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(st.tuples(_NAME, inner), max_size=4).map(
            lambda pairs: "({" + ", ".join(f"[{name}]: {value}" for name, value in pairs) + "})"
        ),
        st.tuples(_NAME, inner).map(lambda pair: f"({{ get [{pair[0]}]() {{ return {pair[1]}; }} }})"),
    ),
    max_leaves=12,
)


def _check_json_or_words(answer: Answer) -> None:
    written = pool._written(msgspec.json.decode(json.dumps(answer), type=pool._Answer))
    if written.value is None:
        assert written.error and written.error.encode()
    else:
        assert isinstance(json.loads(written.value), dict)


@given(_VALUE)
def test_a9_results(value: str) -> None:
    task = Task(
        f"function decodeUplink(input) {{ return {value}; }}", "decodeUplink", [GIVEN], 0.2, 1.0, 16_000_000
    )
    (answer,) = run(task)
    _check_json_or_words(answer)


@given(st.text(max_size=200))
def test_a9_sources(source: str) -> None:
    source = source.encode("utf-8", "replace").decode()
    (answer,) = run(Task(source, "decodeUplink", [GIVEN], 0.2, 1.0, 16_000_000))
    _check_json_or_words(answer)


@given(st.text(alphabet="export {}();,= default function const as ab\n'`/*", max_size=80))
def test_dec_02_modules_as_scripts(source: str) -> None:
    assert isinstance(as_script(source), str)
    (answer,) = run(Task(source, "decodeUplink", [GIVEN], 0.2, 1.0, 16_000_000))
    _check_json_or_words(answer)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=10,
)


@given(st.dictionaries(st.text(max_size=8), _JSON, max_size=4))
def test_a9_objects_are_kept(value: dict[str, Any]) -> None:
    text = json.dumps(value)
    if "NaN" in text or "Infinity" in text:
        return
    found = checked(text, "decodeUplink")
    assert set(found) == set(value)
    assert json.loads(msgspec.json.encode(found)) == msgspec.json.decode(msgspec.json.encode(found))
