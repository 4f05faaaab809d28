"""Feeds the core, and takes over what it decides: state into memory, records and effects into a commit."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeGuard

from veldnet.network.core.context import Context, E, context_of
from veldnet.network.core.events import Effect, ReceivedFrame, Transition
from veldnet.network.core.parameters import NetworkParameters
from veldnet.network.core.records import JoinRecord, Record, RefusedRecord

from .admission import Admission
from .commit_loop import CommitLoop
from .devices import DeviceTable
from .entries import Entry
from .runtime import Runtime


class Transitions:
    """`release` does an effect; the commit loop calls it for those that must wait for their commit."""

    def __init__(
        self,
        runtime: Runtime,
        parameters: NetworkParameters,
        devices: DeviceTable,
        commits: CommitLoop,
        admission: Admission,
        release: Callable[[Entry, Effect], None],
    ) -> None:
        self._clock = runtime.clock
        self._parameters = parameters
        self._devices = devices
        self._commits = commits
        self._admission = admission
        self._release = release

    def context(self, entry: Entry, event: E) -> Context[E]:
        """What a transition of a device goes by, now."""
        return context_of(self._parameters, entry.device, event, self._clock())

    def apply(self, entry: Entry, transition: Transition, received: ReceivedFrame | None = None) -> None:
        """Take over a transition. One that changes nothing durable needs no commit; one of a device that was
        removed meanwhile is dropped."""
        if entry.removed:
            return
        unchanged = transition.state is entry.state and transition.join_memory is None
        refused = [record for record in transition.records if _is_refusal(record)]
        brought_by = None if received is None else received.brought_by
        if refused and not self._admission.is_recorded(refused, brought_by) and unchanged:
            return
        if unchanged and not transition.records:
            for effect in transition.effects:
                self._release(entry, effect)
            return
        before = entry.state
        self._devices.set_state(entry, transition.state)
        if transition.join_memory is not None:
            entry.memory = transition.join_memory
        self._devices.used(entry, self._clock())
        if received is not None and not refused:
            self._admission.accepted(received)
        self._commits.add(entry, transition, before)


def _is_refusal(record: Record) -> TypeGuard[JoinRecord | RefusedRecord]:
    if isinstance(record, JoinRecord):
        return record.outcome != "accepted"
    return isinstance(record, RefusedRecord)
