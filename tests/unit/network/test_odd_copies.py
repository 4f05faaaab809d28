"""Copies whose base station does not say everything, kept them, or has a wrong clock."""

from __future__ import annotations

import itertools
import json

import msgspec
import pytest
from msgspec.structs import replace

from tests.unit.network.builders import NETWORK, NOW, STATION, copy, device, receive, session, uplink_frame
from tests.unit.network.core.test_join import joining, request
from tests.unit.network.core.test_uplink import JOINED, downlink, mac_of, uplink_record
from veldnet.diagnosis.base_stations import odd_copies
from veldnet.diagnosis.language import finding_in
from veldnet.lorawan import BaseStationId, frames
from veldnet.lorawan.mac_commands import LinkCheckAns, LinkCheckReq
from veldnet.lorawan.radio import GatewayUplink
from veldnet.monitoring.observed import _observed
from veldnet.monitoring.state import MonitoringState, averages, note_uplink
from veldnet.monitoring.statistics.rollups import BASE_STATION, SUBSCRIBER, totals_of
from veldnet.monitoring.statistics.totals import _shown
from veldnet.network.core.candidates import recall, remember
from veldnet.network.core.context import context_of
from veldnet.network.core.events import DataReceived, Device, ReceivedFrame, Transition
from veldnet.network.core.join import request_join
from veldnet.network.core.records import Copy, JoinRecord, decode_record, encode_record
from veldnet.network.core.state import DeviceState, JoinMemory
from veldnet.network.core.uplink import match, receive_data
from veldnet.network.shell.admission.deduplication import Deduplicator
from veldnet.network.shell.journal import frame_row, pack_copies, unpack_copies
from veldnet.routing.encoding import to_json, to_xml
from veldnet.routing.messages import MessageWriter

OTHER = BaseStationId(0xFF000002)


def heard(phy: bytes, *copies: GatewayUplink, target: Device | None = None) -> Transition:
    """An uplink in the order in which its copies are given."""
    frame = frames.parse(phy)
    assert isinstance(frame, frames.DataFrame)
    event = DataReceived(ReceivedFrame(1, 1001, copies, NOW), frame)
    target = target or device()
    context = context_of(NETWORK, target, event, NOW + 0.2)
    found = match(context, JOINED)
    assert found is not None
    return receive_data(context, JOINED, found)


def test_b9_a_copy_without_a_counter_is_answered_through_another_base_station() -> None:
    phy = uplink_frame(0, confirmed=True)
    best, timed = copy(phy, snr=9.0, timestamp=None), copy(phy, snr=-5.0, base_station=OTHER)
    transition = heard(phy, best, timed)
    frame, effect = downlink(transition)
    assert frame.ack and {window.base_station for window in effect.windows} == {OTHER}
    record = uplink_record(transition)
    assert record.best.base_station == STATION and record.best.untimed
    assert "cannot answer" in finding_in("en", odd_copies(record.copies)[0]).text


def test_b9_no_copy_with_a_counter_no_downlink() -> None:
    phy = uplink_frame(0, confirmed=True)
    transition = heard(phy, copy(phy, timestamp=None), copy(phy, timestamp=None, base_station=OTHER))
    assert transition.effects == () and uplink_record(transition).outcome == "accepted"
    assert "tmst" in uplink_record(transition).decisions[-1]
    kept = heard(phy, copy(phy, late=True), copy(phy, timestamp=None, base_station=OTHER))
    assert kept.effects == () and "tmst" in uplink_record(kept).decisions[-1]


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [({"timestamp": None}, "no_timestamp"), ({"late": True}, "join_kept")],
)
def test_b9_a_join_that_cannot_be_answered_costs_the_vault_nothing(
    changes: dict[str, object], outcome: str
) -> None:
    asked = request(7)
    bad = replace(asked.received.best, **changes)
    only = replace(asked, received=replace(asked.received, copies=(bad,)))
    refused = request_join(context_of(NETWORK, joining(), only, NOW), DeviceState(), JoinMemory())
    (record,) = refused.records
    assert isinstance(record, JoinRecord) and record.outcome == outcome and not refused.effects
    assert str(STATION) in record.decisions[0]
    good = replace(asked.received.best, base_station=OTHER)
    both = replace(asked, received=replace(asked.received, copies=(bad, good)))
    assert request_join(context_of(NETWORK, joining(), both, NOW), DeviceState(), JoinMemory()).effects


def test_b9_copies_of_unknown_quality_are_the_last_choice() -> None:
    phy = uplink_frame(0)
    frame = frames.parse(phy)
    assert isinstance(frame, frames.DataFrame)
    copies = [
        copy(phy, snr=-3.0, base_station=BaseStationId(1)),
        copy(phy, snr=None, rssi=-50, base_station=BaseStationId(2)),  # type: ignore[arg-type]
        copy(phy, snr=None, rssi=None, base_station=BaseStationId(3)),  # type: ignore[arg-type]
        copy(phy, late=True, base_station=BaseStationId(4)),
    ]
    for order in itertools.permutations(copies):
        window = Deduplicator(0.2, 2.0).open(frame, order[0], NOW)
        window.copies = list(order)
        assert [int(each.base_station) for each in window.ordered()] == [1, 2, 3, 4]
    assert [candidate.snr for candidate in recall(remember(copies))] == [-3, None, None]


def test_b9_an_unknown_snr_teaches_adr_nothing() -> None:
    known = receive(JOINED, uplink_frame(0), snr=5.0)
    unknown = receive(JOINED, uplink_frame(0), snr=None)
    assert known is not None and unknown is not None
    assert known.state.session is not None and unknown.state.session is not None
    assert known.state.session.adr_history and not unknown.state.session.adr_history
    assert any("SNR is not known" in words for words in uplink_record(unknown).decisions)
    answered = receive(JOINED, uplink_frame(0, commands=(LinkCheckReq(),)), snr=None)
    assert mac_of(answered)[0] == LinkCheckAns(0, 1)
    _frame, effect = downlink(receive(JOINED, uplink_frame(0, confirmed=True), snr=None))
    assert len(effect.windows) == 2


LEVELS = (None, -90.5, -200, 50, 0)


@pytest.mark.parametrize("rssi", LEVELS)
@pytest.mark.parametrize("snr", (None, -20.0, 0.0, 9.5))
def test_b9_levels_survive_the_journal(rssi: float | None, snr: float | None) -> None:
    phy = uplink_frame(0)
    one = copy(phy, snr=snr, rssi=rssi)  # type: ignore[arg-type]
    record = uplink_record(heard(phy, one, copy(phy, base_station=OTHER)))
    assert decode_record(encode_record(record)) == record
    packed = pack_copies(record.copies)
    assert packed is not None
    tenths = tuple(None if level is None else round(level * 10) for level in (rssi, snr))
    assert unpack_copies(packed) == [(int(STATION), *tenths), (int(OTHER), -900, 20)]
    row = frame_row(record, 1, None)
    assert (row.rssi, row.snr) == tenths


def test_b9_means_are_of_what_was_measured() -> None:
    phy, rows = uplink_frame(0), []
    for number, (rssi, snr) in enumerate(((-90.0, 4.0), (None, 9.0), (-40.0, None), (-100.0, 2.0))):
        record = uplink_record(heard(phy, copy(phy, snr=snr, rssi=rssi)))  # type: ignore[arg-type]
        rows.append(frame_row(replace(record, id=(number + 1) << 22), 1, None))
    totals = {key.scope: total for key, total in totals_of(rows).totals.items()}
    assert set(totals) == {SUBSCRIBER, BASE_STATION}
    for total in totals.values():
        shown = _shown(0, total)
        assert (shown.uplinks, shown.rssi, shown.snr) == (4, -95.0, 3.0)


def test_b9_messages_leave_out_what_is_not_known() -> None:
    class Nowhere:
        def position(self, base_station: BaseStationId) -> None:
            return None

    phy = uplink_frame(0)
    for rssi, snr, expected in (
        (None, None, set()),
        (-90, None, {"LrrRSSI"}),
        (None, 2.0, {"LrrSNR"}),
        (-90, 2.0, {"LrrRSSI", "LrrSNR", "LrrESP"}),
    ):
        record = uplink_record(heard(phy, copy(phy, snr=snr, rssi=rssi)))  # type: ignore[arg-type]
        (message,) = MessageWriter("0059AC01", Nowhere()).messages(record, device())
        fields = json.loads(to_json(message.name, message.fields))["DevEUI_uplink"]
        names = {"LrrRSSI", "LrrSNR", "LrrESP"}
        assert names & set(fields) == expected == names & set(fields["Lrrs"]["Lrr"][0])
        assert (b"LrrRSSI" in to_xml(message.name, message.fields)) == (rssi is not None)


def test_c10_the_explanation_names_the_clock() -> None:
    phy = uplink_frame(0)
    for error, words in (
        (-1800.0, "30 minutes behind"),
        (61.0, "61 seconds ahead"),
        (-1.4e9, "44 years behind"),
    ):
        record = uplink_record(heard(phy, copy(phy, clock_error=error)))
        (finding,) = (finding_in("en", found) for found in odd_copies(record.copies))
        assert words in finding.text and str(STATION) in finding.text and finding.next
    assert odd_copies((Copy(STATION, -90, 2.0, NOW),)) == []
    assert b"untimed" not in encode_record((Copy(STATION, -90, 2.0, NOW),))


def test_b9_an_old_record_can_still_be_read() -> None:
    record = uplink_record(heard(uplink_frame(0), copy(uplink_frame(0))))
    old = json.loads(encode_record(record))
    old["copies"][0]["late"] = False
    assert decode_record(json.dumps(old).encode()) == record
    assert session().dev_addr == record.dev_addr


def test_b9_a_device_whose_levels_are_never_known_is_watched_all_the_same() -> None:
    state = MonitoringState()
    record = uplink_record(receive(JOINED, uplink_frame(0), snr=None))
    note_uplink(state, record)
    seen = _observed(0, msgspec.msgpack.encode(state))
    assert "lastRSSI" not in seen and seen["lastMeanPER"] == 0 and "lastUplinkTime" in seen
    known = uplink_record(receive(JOINED, uplink_frame(1), snr=4.0))
    note_uplink(state, known)
    note_uplink(state, replace(record, time=NOW + 60))
    assert (state.last_rssi, state.last_snr, averages(state)) == (-900, 40, (-90.0, 4.0))
