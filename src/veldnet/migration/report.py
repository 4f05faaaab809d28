"""What became of each thing that was to be moved, and why."""

from __future__ import annotations

from typing import Literal

import msgspec

Kind = Literal["device", "deviceProfile", "decoder", "baseStation", "multicastGroup", "flow"]
# `partly`: it is here, but something of it is not. `later`: it is made at the cut-over.
Outcome = Literal["moved", "partly", "exists", "later", "refused"]

_EXAMPLES = 5


class Entry(msgspec.Struct, frozen=True):
    """One thing: its id there, its name, and what is to be known of it."""

    kind: Kind
    id: str
    name: str
    outcome: Outcome
    remarks: tuple[str, ...] = ()


class Count(msgspec.Struct):
    """How many things of a kind came to which end."""

    kind: Kind
    moved: int = 0
    partly: int = 0
    exists: int = 0
    later: int = 0
    refused: int = 0


class Reason(msgspec.Struct):
    """A remark, how many things it is about, and the ids of the first of them."""

    kind: Kind
    outcome: Outcome
    text: str
    count: int = 0
    examples: list[str] = []


class Report(msgspec.Struct):
    """What a migration did, or with `dryRun` would do. By `importRef` its devices can be taken away again;
    with `shadow` the other network still answers them."""

    source: str
    customerId: str
    dryRun: bool
    shadow: bool
    importRef: str | None
    seconds: float
    counts: list[Count]
    reasons: list[Reason]


class Tally:
    """Counts entries, and groups their remarks."""

    def __init__(self) -> None:
        self._counts: dict[Kind, Count] = {}
        self._reasons: dict[tuple[Kind, Outcome, str], Reason] = {}

    def add(self, entry: Entry) -> None:
        count = self._counts.setdefault(entry.kind, Count(entry.kind))
        setattr(count, entry.outcome, getattr(count, entry.outcome) + 1)
        for text in entry.remarks:
            key = entry.kind, entry.outcome, text
            reason = self._reasons.setdefault(key, Reason(*key))
            reason.count += 1
            if len(reason.examples) < _EXAMPLES:
                reason.examples.append(entry.id)

    @property
    def counts(self) -> list[Count]:
        return list(self._counts.values())

    @property
    def reasons(self) -> list[Reason]:
        """Those of what was refused first, and the commonest of each."""
        order = ("refused", "partly", "moved", "later", "exists")
        found = self._reasons.values()
        return sorted(found, key=lambda each: (order.index(each.outcome), -each.count, each.text))
