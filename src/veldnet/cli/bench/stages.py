"""Which stage of an uplink's path a function belongs to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache

from veldnet.cli.sampled import Stack

RECEIVE = "receive and acknowledge datagrams"
DECODE = "decode"
ADMISSION = "admission"
WINDOW = "window"
SESSION = "session and MIC"
TRANSITION = "transition"
RECORDS = "records and journal bodies"
STATISTICS = "statistics"
ALARMS = "alarms"
ROWS = "rows"
COMMIT = "commit"
DOWNLINK = "downlink"
MESSAGE = "delivery: message and signature"
LEDGER = "delivery: ledger"
SENDING = "delivery: sending"
QUEUES = "delivery: queues and tasks"
LIVE = "live feed"
LOOP = "loop"
HTTP = "HTTP API"
OTHER = "other"

# In the order of the path.
STAGES = (
    RECEIVE, DECODE, ADMISSION, WINDOW, SESSION, TRANSITION, RECORDS, STATISTICS, ALARMS, ROWS, COMMIT,
    DOWNLINK, MESSAGE, LEDGER, SENDING, QUEUES, LIVE, LOOP, HTTP, OTHER,
)  # fmt: skip

# Where a function is, as a file of the package or the beginning of its path, and where need be its name.
# What is not listed belongs to the stage of its caller.
_PLACES = {
    "veldnet/gateways/semtech_udp/server.py": RECEIVE,
    "veldnet/gateways/semtech_udp/server.py:SemtechUdpServer._push_data": DECODE,
    "veldnet/gateways/semtech_udp/backlog.py": RECEIVE,
    "veldnet/gateways/semtech_udp/": DECODE,
    "veldnet/gateways/": DECODE,
    "veldnet/network/shell/admission/": ADMISSION,
    "veldnet/network/shell/admission/deduplication.py": WINDOW,
    "veldnet/network/shell/admission/admission.py:Admission._schedule": WINDOW,
    "veldnet/network/shell/admission/admission.py:Admission._close_due": WINDOW,
    "veldnet/network/shell/admission/admission.py:Admission._hand_over": WINDOW,
    "veldnet/network/shell/frame_router.py": SESSION,
    "veldnet/network/shell/devices.py": SESSION,
    "veldnet/network/core/candidates.py": SESSION,
    "veldnet/network/core/uplink.py:match": SESSION,
    "veldnet/network/core/uplink.py:_match_session": SESSION,
    "veldnet/network/core/uplink.py:_mic_fits": SESSION,
    "veldnet/network/core/": TRANSITION,
    "veldnet/network/shell/transitions.py": TRANSITION,
    "veldnet/network/core/records.py:encode_record": RECORDS,
    "veldnet/network/core/records.py:_encode_hook": RECORDS,
    "veldnet/network/core/state.py:encode_state": ROWS,
    "veldnet/network/core/state.py:_encode_hook": ROWS,
    "veldnet/network/shell/journal.py": ROWS,
    "veldnet/network/shell/journal.py:journal_rows": RECORDS,
    "veldnet/network/shell/commit_loop.py": COMMIT,
    "veldnet/network/shell/commit_loop.py:CommitLoop._rows": ROWS,
    "veldnet/network/shell/commit_loop.py:_state_row": ROWS,
    "veldnet/monitoring/statistics/": STATISTICS,
    "veldnet/monitoring/base_station_history/": STATISTICS,
    "veldnet/monitoring/coverage/": STATISTICS,
    "veldnet/monitoring/downlinks/": STATISTICS,
    "veldnet/monitoring/logger/": LIVE,
    "veldnet/monitoring/": ALARMS,
    "veldnet/assembly/monitoring.py": ALARMS,
    "veldnet/assembly/base_station": STATISTICS,
    "veldnet/network/shell/transmitter.py": DOWNLINK,
    "veldnet/network/shell/effects.py": DOWNLINK,
    "veldnet/network/shell/downlink_reports.py": DOWNLINK,
    "veldnet/network/core/air_schedule.py": DOWNLINK,
    "veldnet/network/core/base_station_radios.py": DOWNLINK,
    "veldnet/network/core/transmission.py": DOWNLINK,
    "veldnet/gateways/semtech_udp/server.py:SemtechUdpServer.transmit": DOWNLINK,
    "veldnet/routing/": QUEUES,
    "veldnet/routing/messages.py": MESSAGE,
    "veldnet/routing/encoding.py": MESSAGE,
    "veldnet/routing/tokens.py": MESSAGE,
    "veldnet/routing/table.py": MESSAGE,
    "veldnet/routing/ledger.py": LEDGER,
    "veldnet/routing/outbox.py": LEDGER,
    "veldnet/routing/held.py": LEDGER,
    "veldnet/routing/delivery.py": LEDGER,
    "veldnet/routing/delivery.py:Deliveries._messages": MESSAGE,
    "veldnet/routing/delivery.py:Deliveries.committed": QUEUES,
    "veldnet/routing/sending.py": SENDING,
    "veldnet/routing/transports/": SENDING,
    "veldnet/routing/webhook.py": SENDING,
    "veldnet/outgoing/": SENDING,
    "veldnet/store/": COMMIT,
    "sqlalchemy/": COMMIT,
    "concurrent/futures/thread.py": COMMIT,
    "veldnet/api/": HTTP,
    "veldnet/supervision.py:Supervisor.start": QUEUES,
    "uvloop/": LOOP,
    "asyncio/": LOOP,
}  # fmt: skip


def stage_of(functions: Iterable[str]) -> str:
    """The stage of a stack, whose innermost function comes first."""
    for function in functions:
        stage = _place(function)
        if stage is not None:
            return stage
    return OTHER


@cache
def _place(function: str) -> str | None:
    file, _colon, name = function.rpartition(":")
    file = _within_package(file)
    # A function within another belongs to that.
    name = name.partition(".<locals>")[0]
    found = _PLACES.get(f"{file}:{name}") or _PLACES.get(file)
    while found is None and (end := file.rstrip("/").rfind("/")) >= 0:
        file = file[: end + 1]
        found = _PLACES.get(file)
    return found


def _within_package(file: str) -> str:
    for root in ("/site-packages/", "/src/"):
        _before, found, after = file.rpartition(root)
        if found:
            return after
    # The standard library.
    return "/".join(file.split("/")[-3:]) if "concurrent/" in file else "/".join(file.split("/")[-2:])


def seconds_by_stage(stacks: Sequence[Stack]) -> dict[str, float]:
    """Processor time of each stage."""
    found: defaultdict[str, float] = defaultdict(float)
    for stack in stacks:
        found[stage_of(stack.functions)] += stack.seconds
    return {stage: found[stage] for stage in STAGES if stage in found}
