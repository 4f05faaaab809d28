"""The languages that there are texts in, and which of them a client prefers."""

from __future__ import annotations

from typing import Literal, get_args

Language = Literal["en", "nl"]
LANGUAGES: tuple[Language, ...] = get_args(Language)


def preferred_language(accept_language: str | None) -> Language:
    """The first language of an `Accept-Language` header that there are texts in; English where none is.
    Weights are honoured, what cannot be read is passed over."""
    ranked: list[tuple[float, int, Language]] = []
    for position, item in enumerate((accept_language or "").split(",")[:32]):
        tag, _, weight = item.partition(";")
        primary = tag.strip().lower().split("-")[0]
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        ranked += [
            (-quality, position, language) for language in LANGUAGES if language == primary and quality > 0
        ]
    return min(ranked)[2] if ranked else "en"
