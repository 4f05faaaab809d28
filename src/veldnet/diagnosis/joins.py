"""One story about a device's joins and downlinks: refused, under way, not heard, or none of these."""

from __future__ import annotations

from collections.abc import Sequence

from veldnet.network.core.records import DownlinkRecord, JoinRecord, Record, UplinkRecord
from veldnet.network.core.state import DeviceState

from .causes import cause_in_words, refusal_in_words
from .findings import Finding, ago

# Seconds within which a device that has joined should have sent its first uplink.
_FIRST_UPLINK = 600.0
_UNDER_WAY = "Joining: "


def explain_joining(records: Sequence[Record], state: DeviceState, now: float) -> list[Finding]:
    """Why a device does not join, or how far its join is. Records come newest first."""
    joins = [record for record in records if isinstance(record, JoinRecord)]
    if not joins:
        return []
    newest = joins[0]
    if newest.outcome != "accepted":
        why, next_step = refusal_in_words(newest.outcome)
        times = sum(join.outcome == newest.outcome for join in joins)
        what = "1 join request" if times == 1 else f"{times} join requests"
        rejected = Finding("problem", f"{what} rejected: {why}", next_step)
        return [rejected, *(Finding("note", words) for words in newest.decisions)]
    if state.pending_session is None:
        return []
    return [_first_uplink_awaited(records, state, now)]


def under_way(findings: Sequence[Finding]) -> bool:
    """Whether a join is under way, so that nothing can be said of the device yet."""
    return any(finding.text.startswith(_UNDER_WAY) for finding in findings)


def _first_uplink_awaited(records: Sequence[Record], state: DeviceState, now: float) -> Finding:
    """Accepted, and no uplink followed: it is too early, the answer was too late, or it was not heard."""
    pending = state.pending_session
    assert pending is not None
    since = [record for record in records if record.time >= pending.opened_at - 10]
    accepts = [record for record in since if isinstance(record, DownlinkRecord) and record.join_accept]
    if accepts and not any(accept.delivered for accept in accepts):
        return downlink_finding(accepts[0])
    joins = [record for record in since if isinstance(record, JoinRecord) and record.outcome == "accepted"]
    if any("no join-accept" in words for join in joins for words in join.decisions):
        return Finding(
            "problem",
            "The join request was genuine, but its receive windows were over when it was answered.",
            "Check the backhaul of the base station: frames arrive too late.",
        )
    answered = _accepted_since_last_uplink(records)
    if answered <= 1 and any(item.join_accept for item in state.in_flight):
        return Finding("ok", f"{_UNDER_WAY}the join-accept is on its way to the device.")
    age = now - pending.opened_at
    if answered <= 1 and age <= _FIRST_UPLINK:
        words = f"the join-accept was sent {ago(age)} ago; waiting for the first uplink."
        return Finding("ok", _UNDER_WAY + words)
    accepted = "The join-accept was sent" if answered <= 1 else f"{answered} join-accepts were sent, the last"
    return Finding(
        "problem",
        f"{accepted} {ago(age)} ago, and no uplink followed: the device does not hear them, or rejects their "
        "JoinNonce.",
        "Check antenna and RX windows of the device, the transmit power of the base station, and whether the "
        "device was used with another network before.",
    )


def _accepted_since_last_uplink(records: Sequence[Record]) -> int:
    count = 0
    for record in records:
        if isinstance(record, UplinkRecord):
            break
        count += isinstance(record, JoinRecord) and record.outcome == "accepted"
    return count


def downlink_finding(record: DownlinkRecord) -> Finding:
    what = "join-accept" if record.join_accept else f"downlink {record.fcnt}"
    if record.delivered:
        slot = {1: "RX1", 2: "RX2", 3: "a ping slot"}.get(record.slot, "an unknown slot")
        return Finding("ok", f"{what} was sent in {slot} by base station {record.base_station}")
    causes = [
        f"{slot}: {cause_in_words(code)}"
        for slot, code in (
            ("RX1", record.cause_rx1), ("RX2", record.cause_rx2), ("ping slot", record.cause_ping)
        )
        if code != "00"
    ]  # fmt: skip
    return Finding("problem", f"{what} was not sent; {'; '.join(causes)}", _after_causes(record))


def _after_causes(record: DownlinkRecord) -> str:
    codes = {record.cause_rx1, record.cause_rx2, record.cause_ping}
    if "TX_POWER" in " ".join(record.decisions):
        return "set the highest power of the base station: veldnet admin base-station update ID --max-power"
    if "B0" in codes:
        return "raise network.rx1_delay, or look at the backhaul of the base station: answers come too late"
    if codes & {"DA", "D0"}:
        return "send fewer or shorter downlinks, or add base stations: the duty cycle is used up"
    if codes & {"DD", "A0", "A1"}:
        return "look at the base station: it is not connected, or its radio is stopped"
    return "read the decisions of the frame"
