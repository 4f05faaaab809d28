"""Names as people write them, and what only looks like one."""

from __future__ import annotations

import pytest

from veldnet.domain.errors import InvalidField
from veldnet.inventory.names import check_name, check_text, printable

FAMILY = "Family \U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466"


@pytest.mark.parametrize(
    "name",
    [
        FAMILY,
        "\U0001f469\U0001f3fd\u200d\u2695\ufe0f on call",
        "\U0001f3f3\ufe0f\u200d\u26a7\ufe0f",
        "\U0001f642\u200d\u2194\ufe0f",
        "1\ufe0f\u20e3 \U0001f1f3\U0001f1f1",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f England",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "\u0915\u094d\u200d\u0937",
    ],
    ids=["family", "skin", "flag", "nods", "keycap", "England", "Persian", "Hindi"],
)
def test_names_as_people_write_them(name: str) -> None:
    assert check_name(name) == printable(name) == name
    assert check_text(f"first line\n\t{name}", most=300) == f"first line\n\t{name}"


@pytest.mark.parametrize(
    "name",
    [
        "ad\u200dmin",
        "ad\u200cmin",
        "pump\u200d",
        "\u200d\U0001f468",
        "\U0001f468\u200d\u200d\U0001f469",
        "\U0001f468\u200dx",
        "+\u200d+",
        "a\u200bb",
        "\ufeffa",
        "a\u2060b",
        "a\u202eb",
        "a\u2066b",
        "a\u200fb",
        "\u061ca",
        "\u2028",
        "a\x00b",
        "a\x1b[2J",
        "a\nb",
        "\U000e0067\U000e0062",
        "\U0001f3f4\U000e0067\U000e0062",
        "a\ud800",
    ],
)
def test_names_with_what_cannot_be_seen(name: str) -> None:
    with pytest.raises(InvalidField, match="printable"):
        check_name(name)
    shown = printable(name)
    assert shown != name and printable(shown) == shown


def test_length_of_names() -> None:
    assert check_name(f"  {FAMILY} ", most=len(FAMILY)) == FAMILY
    for name in ("", "  ", FAMILY + "x"):
        with pytest.raises(InvalidField):
            check_name(name, most=len(FAMILY))
