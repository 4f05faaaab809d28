"""Orders the devices on a shared DevAddr by how likely a frame is theirs; the MIC decides."""

from __future__ import annotations

from veldnet.lorawan.frames import DataFrame
from veldnet.network.core.events import ReceivedFrame
from veldnet.network.core.state import Session
from veldnet.network.shell.entries import Entry

# Sessions on one address whose MIC is checked at most.
MAX_CANDIDATES = 256
_ELSEWHERE = 1 << 16


def likeliest_first(entries: list[Entry], frame: DataFrame, received: ReceivedFrame) -> list[Entry]:
    """The devices on an address in the order in which their keys are to be tried.

    A counter goes on where it was, and a device is heard where it was heard before. Among a hundred devices
    on one address the first is nearly always the right one.
    """
    if len(entries) == 1:
        return entries
    here = {copy.base_station for copy in received.copies}
    dev_addr, fcnt = frame.dev_addr, frame.fcnt
    ranked = []
    for position, entry in enumerate(entries):
        state, best = entry.state, 2 * _ELSEWHERE
        session: Session | None
        for session in (state.session, state.pending_session):
            if session is None or session.dev_addr != dev_addr:
                continue
            last = -1 if session.fcnt_up is None else session.fcnt_up
            ahead = fcnt - last & 0xFFFF
            if session.last_base_station is not None and session.last_base_station not in here:
                ahead += _ELSEWHERE
            best = min(best, ahead)
        ranked.append((best, position))
    ranked.sort()
    return [entries[position] for _rank, position in ranked[:MAX_CANDIDATES]]
