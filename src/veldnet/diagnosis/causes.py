"""Outcomes and delivery-failure causes as texts, with what to do about them."""

from __future__ import annotations

from .findings import Text
from .texts import en

# ThingPark's delivery-failure causes (wireless logger guide).
CAUSES = frozenset(code.removeprefix("cause.") for code in en.TEXTS if code.startswith("cause.")) - {"other"}
# Why frames are refused.
REFUSALS = frozenset(
    code.removeprefix("refusal.")
    for code in en.TEXTS
    if code.startswith("refusal.") and not code.endswith(".next")
) - {"other"}


def cause(code: str) -> Text:
    return Text(f"cause.{code}") if code in CAUSES else Text("cause.other", {"code": code})


def refusal(code: str) -> tuple[Text, Text]:
    """Why a frame was refused, and what to do."""
    if code in REFUSALS:
        return Text(f"refusal.{code}"), Text(f"refusal.{code}.next")
    return Text("refusal.other", {"code": code.replace("_", " ")}), Text("refusal.other.next")
