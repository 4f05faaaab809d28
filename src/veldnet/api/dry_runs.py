"""Dry runs of imports that go on in further requests, at any node. Each is named by an id and the node that
has carried out its last part; another one has that tell it what it does not know yet."""

from __future__ import annotations

import secrets

from veldnet.cluster import Call, NodeAway, NodeCalls, RequestRefused
from veldnet.domain.errors import BadRequest
from veldnet.inventory.imports import Rehearsal, Rehearsals, Step

_CALL = "dry_run_steps"
# Steps in a message.
_MOST = 10_000


class DryRuns:
    """`calls` are there where this process is one of several nodes."""

    def __init__(self, calls: NodeCalls | None) -> None:
        self._own = Rehearsals()
        self._calls = calls
        if calls is not None:
            calls.offer(_CALL, Call(tuple[str, int, int], list[Step] | None, self._answer))

    async def find(self, name: str | None, subscriber_ref: int) -> tuple[Rehearsal, str]:
        """A dry run that begins, or goes on, and its id. Raises `BadRequest`."""
        if name is None:
            return Rehearsal(subscriber_ref), secrets.token_hex(16)
        number, _, node = name.partition(".")
        found = self._own.find(number, subscriber_ref)
        if self._calls is not None and node in self._calls.others:
            found = await self._fetch(self._calls, node, number, found or Rehearsal(subscriber_ref))
        if found is None:
            raise BadRequest("continues names no dry run that goes on; begin the dry run again")
        return found, number

    def keep(self, number: str, rehearsal: Rehearsal) -> str:
        """Keep a dry run; returns its name, for what follows."""
        self._own.keep(number, rehearsal)
        return number if self._calls is None else f"{number}.{self._calls.node}"

    async def _fetch(self, calls: NodeCalls, node: str, number: str, known: Rehearsal) -> Rehearsal | None:
        """Take up what another node knows of a dry run; None where it knows nothing."""
        while True:
            try:
                steps = await calls.ask(node, _CALL, number, known.subscriber_ref, len(known.steps))
            except (NodeAway, RequestRefused):
                return None
            if steps is None:
                return None
            known.go_on(steps)
            if len(steps) < _MOST:
                return known

    async def _answer(self, number: str, subscriber_ref: int, start: int) -> list[Step] | None:
        found = self._own.find(number, subscriber_ref)
        return None if found is None else found.steps[start : start + _MOST]
