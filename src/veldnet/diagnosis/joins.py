"""Findings about the joins of a device: refused, in progress, not received, or none."""

from __future__ import annotations

from collections.abc import Sequence

from veldnet.network.core.records import DownlinkRecord, JoinRecord, Record, UplinkRecord
from veldnet.network.core.state import DeviceState

from .causes import cause, refusal
from .findings import Found, Text, ago, found
from .language import DECISION

# Seconds within which a device that has joined should have sent its first uplink.
_FIRST_UPLINK = 600.0
_UNDER_WAY = ("join.sending", "join.sent")


def explain_joining(records: Sequence[Record], state: DeviceState, now: float) -> list[Found]:
    """Why a device does not join, or how far its join is. Records come newest first."""
    joins = [record for record in records if isinstance(record, JoinRecord)]
    if not joins:
        return []
    newest = joins[0]
    if newest.outcome != "accepted":
        why, advice = refusal(newest.outcome)
        times = sum(join.outcome == newest.outcome for join in joins)
        return [found("problem", "join.rejected", advice, count=times, why=why), *decisions_of(newest)]
    if state.pending_session is None:
        return []
    return [_first_uplink_awaited(records, state, now)]


def decisions_of(record: Record) -> list[Found]:
    """What the network decided on a frame, as its record says."""
    return [found("note", DECISION, sentence=sentence) for sentence in record.decisions]


def under_way(findings: Sequence[Found]) -> bool:
    """Whether a join is under way, so that nothing can be said of the device yet."""
    return any(finding.text.code in _UNDER_WAY for finding in findings)


def _first_uplink_awaited(records: Sequence[Record], state: DeviceState, now: float) -> Found:
    """Accepted, and no uplink followed: it is too early, the answer was too late, or it was not heard."""
    pending = state.pending_session
    assert pending is not None
    since = [record for record in records if record.time >= pending.opened_at - 10]
    accepts = [record for record in since if isinstance(record, DownlinkRecord) and record.join_accept]
    if accepts and not any(accept.delivered for accept in accepts):
        return downlink_finding(accepts[0])
    joins = [record for record in since if isinstance(record, JoinRecord) and record.outcome == "accepted"]
    if any("no join-accept" in words for join in joins for words in join.decisions):
        return found("problem", "join.answered_late")
    answered = _accepted_since_last_uplink(records)
    if answered <= 1 and any(item.join_accept for item in state.in_flight):
        return found("ok", "join.sending")
    age = now - pending.opened_at
    if answered <= 1 and age <= _FIRST_UPLINK:
        return found("ok", "join.sent", ago=ago(age))
    return found("problem", "join.no_uplink", count=max(answered, 1), ago=ago(age))


def _accepted_since_last_uplink(records: Sequence[Record]) -> int:
    count = 0
    for record in records:
        if isinstance(record, UplinkRecord):
            break
        count += isinstance(record, JoinRecord) and record.outcome == "accepted"
    return count


def downlink_finding(record: DownlinkRecord) -> Found:
    what = Text("what.join_accept") if record.join_accept else _downlink(record)
    if record.delivered:
        slot = Text({1: "slot.RX1", 2: "slot.RX2", 3: "slot.ping"}.get(record.slot, "slot.unknown"))
        return found("ok", "downlink.sent", what=what, slot=slot, station=str(record.base_station))
    causes = tuple(
        Text("slot_cause", {"slot": Text(slot), "cause": cause(code)})
        for slot, code in (
            ("slot.RX1", record.cause_rx1), ("slot.RX2", record.cause_rx2), ("slot.ping", record.cause_ping)
        )
        if code != "00"
    )  # fmt: skip
    advice = Text(f"downlink.next.{_after_causes(record)}")
    return found("problem", "downlink.not_sent", advice, what=what, causes=causes)


def _downlink(record: DownlinkRecord) -> Text:
    return Text("what.downlink", {"fcnt": str(record.fcnt)})


def _after_causes(record: DownlinkRecord) -> str:
    codes = {record.cause_rx1, record.cause_rx2, record.cause_ping}
    if "TX_POWER" in " ".join(record.decisions):
        return "power"
    if "B0" in codes:
        return "late"
    if codes & {"DA", "D0"}:
        return "duty_cycle"
    if codes & {"DD", "A0", "A1"}:
        return "disconnected"
    return "other"
