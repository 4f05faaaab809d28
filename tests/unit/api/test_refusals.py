"""What the network says where it refuses a downlink has a Dutch text."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import veldnet.network
from veldnet.api.v1.refusals import reason_of
from veldnet.network.core import NO_GPS_TIME, SubmissionRefusal
from veldnet.texts import in_language

_NETWORK = Path(veldnet.network.__file__).parent


def _refusals() -> Iterator[SubmissionRefusal]:
    """Those that the source of the network makes; the counter that is expected stands for any."""
    for path in sorted(_NETWORK.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") != "SubmissionRefusal":
                continue
            code, message = node.args[:2]
            if isinstance(message, ast.Name):
                # Groups have words of their own for it.
                assert message.id == "NO_GPS_TIME"
                continue
            assert isinstance(code, ast.Constant) and isinstance(code.value, int)
            if isinstance(message, ast.Constant):
                assert isinstance(message.value, str)
                yield SubmissionRefusal(code.value, message.value)
            else:
                values = [getattr(each, "value", None) for each in getattr(message, "values", [])]
                said = "".join(each if isinstance(each, str) else "77" for each in values)
                yield SubmissionRefusal(code.value, said, 77)


REFUSALS = sorted(set(_refusals()), key=lambda each: (each.code, each.message))


def test_all_are_found() -> None:
    codes = {each.code for each in REFUSALS}
    assert codes >= {101, 102, 103, 104, 112, 113, 114, 115, 116, 118, 119, 121}
    assert NO_GPS_TIME not in {each.message for each in REFUSALS}


@pytest.mark.parametrize("refusal", REFUSALS, ids=lambda each: f"{each.code} {each.message[:24]}")
def test_a_refusal_is_said_in_dutch(refusal: SubmissionRefusal) -> None:
    reason = reason_of(refusal)
    assert str(reason) == refusal.message
    dutch = in_language(reason, "nl")
    assert dutch != refusal.message
    assert refusal.expected is None or "77" in dutch
