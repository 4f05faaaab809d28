"""pytest rewrites the assertions of each file once, and keeps what it has made. In a new clone that takes
almost as long as all else before the first test; a third of it was to go through what was made with
generators within generators, one for each level."""

from __future__ import annotations

from _pytest.assertion import rewrite

from tests.sources import walk


def rewrite_quickly() -> None:
    """Have pytest give its syntax places in the source by a plain loop, in any order: the place is the same
    for all of it. What has none is left out."""
    rewrite.traverse_node = walk  # type: ignore[assignment]
