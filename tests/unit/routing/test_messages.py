"""Tunnel messages, field by field, in both content types."""

from __future__ import annotations

import json

import pytest
from lxml import etree
from msgspec.structs import replace

from tests.unit.network.builders import NETWORK, NOW, STATION, device, radio, receive, session, uplink_frame
from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.domain.locations import LocationState, NetworkLocation
from veldnet.lorawan import BaseStationId, DevAddr, frames
from veldnet.network.core import (
    DownlinkRecord,
    DownlinkRejectedRecord,
    LocationRecord,
    MulticastSummaryRecord,
    ResetRecord,
    UplinkRecord,
)
from veldnet.network.core.context import context_of
from veldnet.network.core.events import ContextReset, Device
from veldnet.network.core.outcome import deactivate, reset_context
from veldnet.network.core.queue import discarded
from veldnet.network.core.state import DeviceState, JoinMemory, QueuedDownlink
from veldnet.routing.encoding import NAMESPACE, to_json, to_xml
from veldnet.routing.ledger import address_messages, decode_message, encode_message
from veldnet.routing.messages import MessageWriter, Position, TunnelMessage
from veldnet.routing.ports import parse_ports
from veldnet.routing.table import Profile, Route


class Map:
    def position(self, base_station: BaseStationId) -> Position | None:
        return Position(52.1, 5.1) if base_station == STATION else None


WRITER = MessageWriter("0059AC01", Map())
PLAN = PlanSettings(downlinkSentIndication=True, reportDeviceBatteryLevel=True, reportDeviceMargin=True)


def uplink(target: Device, **changes: object) -> UplinkRecord:
    state = DeviceState(session=session(app_s_key=None, wrapped_app_s_key=bytes(range(16))))
    transition = receive(state, uplink_frame(7, confirmed=True), target=target)
    assert transition is not None
    record = transition.records[0]
    assert isinstance(record, UplinkRecord)
    return replace(record, **changes)


PLACE = NetworkLocation(NOW, 52.123456789, 5.1, 0.0, 85.5, 0.75, 1.5, -2.25, 2, 0, 6, 4)


def test_a_location_report_has_its_deveui_in_lower_case() -> None:
    located = PlanSettings(nwGeolocalization=True)
    record = LocationRecord(
        id=1, device_ref=7, time=NOW + 1, outcome="tdoa", dev_addr=DevAddr.parse("01ABCDEF"), frame=2,
        location=PLACE,
    )  # fmt: skip
    (message,) = WRITER.messages(record, device(plan=located))
    assert (message.name, message.lrn_dev_eui, message.lrn_fport) == (
        "DevEUI_location",
        "0059ac0000170311",
        0,
    )
    assert message.elements == "1000000010059ac0000170311"
    assert message.fields == {
        "Time": "2027-01-15T08:00:01.000+00:00",
        "DevEUI": "0059ac0000170311",
        "DevAddr": "01ABCDEF",
        "Lrcid": "0059AC01",
        "NwGeolocAlgo": 2,
        "NwGeolocTdoaOpt": 0,
        "DevLocTime": "2027-01-15T08:00:00.000+00:00",
        "DevLAT": 52.123457,
        "DevLON": 5.1,
        "DevAlt": 0.0,
        "DevAcc": 0.0,
        "DevLocRadius": 85.5,
        "DevAltRadius": 0.0,
        "DevUlFCntUpUsed": 6,
        "DevLocDilution": 0.75,
        "DevAltDilution": 0.0,
        "DevNorthVel": 1.5,
        "DevEastVel": -2.25,
        "CustomerID": "100000001",
    }
    assert WRITER.messages(record, device(plan=PlanSettings())) == [], "the plan does not want it any more"
    assert WRITER.messages(replace(record, location=None), device(plan=located)) == []


def test_uplinks_repeat_the_last_location_where_the_plan_wants_it() -> None:
    for plan, shown in ((PlanSettings(nwGeolocalization=True), True), (PlanSettings(), False)):
        target = device(plan=plan, network_location=LocationState(PLACE))
        fields = WRITER.messages(uplink(target), target)[0].fields
        assert ("DevLAT" in fields) is shown
    target = device(
        plan=PlanSettings(nwGeolocalization=True), network_location=LocationState(None, "outside")
    )
    assert "DevLAT" not in WRITER.messages(uplink(target), target)[0].fields


def test_an_uplink_carries_thingparks_fields() -> None:
    target = device(plan=PLAN, tags=("a",), latitude=52.0, longitude=5.0)
    (message,) = WRITER.messages(uplink(target), target)
    fields = json.loads(to_json(message.name, message.fields))["DevEUI_uplink"]
    assert fields["Time"] == "2027-01-15T08:00:00.000+00:00"
    assert fields["DevEUI"] == "0059AC0000170311" and fields["DevAddr"] == "01ABCDEF"
    assert (fields["FPort"], fields["FCntUp"], fields["MType"], fields["FCntDn"]) == (1, 7, 4, 1)
    assert fields["ADRbit"] == 1 and "ACKbit" not in fields and fields["AckRequested"] == 1
    assert fields["PayloadEncryption"] == 1 and fields["AppSKey"] == bytes(range(16)).hex()
    assert len(fields["payload_hex"]) == 10 and len(fields["mic_hex"]) == 8
    assert (fields["LrrRSSI"], fields["LrrSNR"], fields["SpFact"]) == (-90, 2.0, 7)
    assert fields["LrrESP"] == pytest.approx(-92.124, abs=1e-3)
    assert (fields["SubBand"], fields["Channel"], fields["Frequency"]) == ("G1", "LC1", 868.1)
    assert (fields["DevLrrCnt"], fields["Lrrid"], fields["Late"]) == (1, "FF000001", 0)
    assert (fields["LrrLAT"], fields["LrrLON"]) == (52.1, 5.1)
    assert fields["Lrrs"]["Lrr"][0]["Lrrid"] == "FF000001"
    assert fields["CustomerID"] == "100000001" and fields["ModelCfg"] == "0"
    assert fields["CustomerData"] == {
        "loc": {"lat": 52.0, "lon": 5.0},
        "alr": {"pro": "LORA/Generic", "ver": "1"},
        "tags": ["a"],
        "doms": [],
        "name": "Thing",
    }
    assert message.elements == f"1000000010059AC000017031117{fields['payload_hex']}"


@pytest.mark.parametrize(("region_power", "index"), [(16, 0), (14, 1), (2, 7)])
@pytest.mark.parametrize("nb_trans", [1, 3, 15])
def test_d5_an_uplink_carries_what_the_device_was_told(region_power: int, index: int, nb_trans: int) -> None:
    target = device(plan=PLAN)
    state = DeviceState(session=session(radio=radio(tx_power=index, nb_trans=nb_trans)))
    transition = receive(state, uplink_frame(7), target=target)
    assert transition is not None
    (message,) = WRITER.messages(transition.records[0], target)
    fields = json.loads(to_json(message.name, message.fields))["DevEUI_uplink"]
    assert (fields["TxPower"], fields["NbTrans"]) == (region_power, nb_trans)
    text = etree.fromstring(to_xml(message.name, message.fields))
    assert text.findtext(f"{{{NAMESPACE}}}NbTrans") == str(nb_trans)


@pytest.mark.parametrize("layer", [None, {"pro": "STL", "ver": "1"}])
def test_d5_the_application_layer_of_the_device_profile(layer: dict[str, str] | None) -> None:
    target = device(ProfileSettings(applicationLayer=layer), PLAN)
    (message,) = WRITER.messages(uplink(target), target)
    assert message.fields["CustomerData"]["alr"] == (layer or {"pro": "LORA/Generic", "ver": "1"})


@pytest.mark.parametrize("cause", ["E1", "E2", "E3", "E4"])
@pytest.mark.parametrize(("given", "expected"), [(None, 5), (3, 3), (0, 0)])
def test_d8_the_report_on_a_dropped_downlink_has_its_counter(
    cause: str, given: int | None, expected: int
) -> None:
    target = device(plan=PLAN)
    context = context_of(NETWORK, target, ContextReset(9), NOW)
    item = QueuedDownlink(1, 9, b"x", given, False, None, "AB", NOW)
    record = discarded(context, session(n_fcnt_down=5), item, cause, "why")
    (message,) = WRITER.messages(record, target)
    assert message.fields["FCntDn"] == expected and message.fields["DeliveryStatus"] == 0
    assert message.elements == f"1000000010059AC00001703119{expected}", "the token signs what the body says"
    (without,) = WRITER.messages(discarded(context, None, item, cause, "why"), target)
    assert without.fields["FCntDn"] == (given or 0)


def test_d8_a_reset_and_a_lost_plan_are_reported_for_each_downlink_that_waited() -> None:
    target = device(plan=PLAN)
    queue = tuple(QueuedDownlink(n, 9, b"x", None, False, None, None, NOW) for n in (1, 2))
    state = DeviceState(session=session(n_fcnt_down=5), queue=queue)
    context = context_of(NETWORK, target, ContextReset(9), NOW)
    for transition in (
        reset_context(context, state, JoinMemory()),
        deactivate(context, state),
    ):
        sent = [m for record in transition.records for m in WRITER.messages(record, target)]
        reports = [m.fields for m in sent if m.name == "DevEUI_downlink_Sent"]
        assert [(r["FCntDn"], r["DeliveryFailedCause1"]) for r in reports] == [(5, "E4"), (5, "E4")]


def test_fields_that_a_plan_leaves_out_and_frames_without_a_port() -> None:
    target = device(plan=PlanSettings(addLrrMetaInfo=False))
    record = uplink(target, fport=None, payload=b"", fctrl=frames.ACK, acknowledged_fcnt=3)
    (message,) = WRITER.messages(record, target)
    assert not {"Lrrs", "LrrLAT", "FPort", "payload_hex", "BatteryLevel"} & set(message.fields)
    assert message.fields["ACKbit"] == 1 and message.fields["CustomerData"]["loc"] is None
    assert message.lrn_fport == 0 and message.elements == "1000000010059AC000017031107"


def test_an_unreported_uplink_still_tells_a_device_status() -> None:
    target = device(plan=PLAN)
    record = uplink(target, reported=False, device_status=(200, -5))
    (message,) = WRITER.messages(record, target)
    assert message.name == "DevEUI_notification"
    assert (message.fields["Type"], message.fields["Var1"], message.fields["Var2"]) == (
        "devstatusans",
        200,
        -5,
    )
    assert WRITER.messages(record, device(plan=PlanSettings())) == []


def test_reports_of_downlinks_and_resets() -> None:
    target = device(plan=PLAN)
    sent = DownlinkRecord(
        id=1,
        device_ref=7,
        time=NOW,
        outcome="sent",
        join_accept=False,
        dev_addr=session().dev_addr,
        fcnt=22,
        fport=2,
        payload=b"x",
        size=1,
        confirmed=False,
        from_application=True,
        correlation_id="4434704901C7450B",
        fcnt_up=70,
        delivered=True,
        slot=2,
        cause_rx1="C0",
        cause_rx2="00",
        base_station=STATION,
        frequency=869_525_000,
        channel=253,
        sub_band="G3",
    )
    (message,) = WRITER.messages(sent, target)
    assert message.name == "DevEUI_downlink_Sent"
    assert message.elements == "1000000010059AC0000170311222"
    fields = message.fields
    assert (fields["DeliveryStatus"], fields["DeliveryFailedCause1"], fields["TransmissionSlot"]) == (
        1,
        "C0",
        2,
    )
    assert (fields["Channel"], fields["SubBand"], fields["Frequency"]) == ("LC253", "G3", 869.525)
    assert fields["CorrelationID"] == "4434704901C7450B" and "SpFact" not in fields
    assert WRITER.messages(replace(sent, from_application=False), target) == []
    rejected = DownlinkRejectedRecord(
        id=2, device_ref=7, time=NOW, outcome="rejected", fport=2, size=1, cause="words", correlation_id=None
    )
    (message,) = WRITER.messages(rejected, target)
    assert message.fields["DeliveryStatus"] == 350 and message.fields["DownlinkRejectionCause"] == "words"
    reset = ResetRecord(id=3, device_ref=7, time=NOW, outcome="admin_reset", dev_addr=session().dev_addr)
    (message,) = WRITER.messages(reset, target)
    assert (message.fields["Type"], message.fields["Var1"], message.fields["FCntDn"]) == (
        "reset",
        "admin_reset",
        0,
    )
    assert WRITER.messages(replace(reset, outcome="deactivated"), target) == []


def test_xml_has_one_element_a_field_in_thingparks_namespace() -> None:
    target = device(plan=PLAN, name='<&"\x01')
    (message,) = WRITER.messages(uplink(target), target)
    root = etree.fromstring(to_xml(message.name, message.fields))
    assert root.tag == f"{{{NAMESPACE}}}DevEUI_uplink"
    text = {child.tag.split("}")[1]: child.text for child in root}
    assert (text["FCntUp"], text["LrrRSSI"]) == ("7", "-90")
    assert json.loads(text["CustomerData"] or "")["name"] == '<&"\x01'
    (lrrid,) = root.findall(f".//{{{NAMESPACE}}}Lrr/{{{NAMESPACE}}}Lrrid")
    assert lrrid.text == "FF000001"


def route(index: int, ports: str, as_id: str | None, content_type: str = "JSON") -> Route:
    return Route(index, parse_ports(ports), False, content_type, as_id, "k" * 32, 0, ("http://as.example/",))


def test_routes_first_match_within_a_server_and_a_copy_for_each_server() -> None:
    first, second, other = route(1, "1-5,9", "a"), route(2, "*", "a", "XML"), route(3, "7", "b")
    profile = Profile(4, "100000001", (("a", (first, second)), ("b", (other,))))
    message = TunnelMessage("DevEUI_uplink", {"FPort": 7}, "", "0059AC0000170311", 7)
    stored = address_messages(message, profile)
    assert [(m.as_id, m.content_type) for m in stored] == [("a", "XML"), ("b", "JSON")]
    assert [profile.route_of(m.as_id, m.route_fport) for m in stored] == [second, other]
    assert all(decode_message(encode_message(m)) == m for m in stored)
    assert [m.as_id for m in address_messages(replace(message, lrn_fport=9), profile)] == ["a"]
    report = TunnelMessage("DevEUI_notification", {}, "", "0059AC0000170311", 0)
    assert [(m.as_id, m.route_fport) for m in address_messages(report, profile)] == [("a", None), ("b", None)]
    assert profile.route_of("b", None) == other and profile.route_of("c", 7) is None


def test_the_join_report_goes_to_json_routes_only() -> None:
    profile = Profile(4, "1", (("a", (route(1, "*", "a", "XML"),)),))
    message = TunnelMessage("DevEUI_uplink", {}, "", "0059AC0000170311", 0, json_only=True)
    assert address_messages(message, profile) == []


def test_a_multicast_summary_in_both_forms() -> None:
    record = MulticastSummaryRecord(
        id=1, device_ref=-7, time=NOW, outcome="partial", status="PARTIAL",
        dev_addr=DevAddr.parse("01ABCDEF"), fcnt=9, fport=5, size=2, correlation_id="00000000000000AB",
        group_class="C", attempt=1, stations=9, succeeded=6, causes={"A3": 2, "D0": 1},
    )  # fmt: skip
    (message,) = WRITER.messages(record, device())
    fields = json.loads(to_json(message.name, message.fields))["DevEUI_multicast_summary"]
    assert fields["TransmissionStatus"] == "PARTIAL" and fields["LrrFailedDistribution"] == "A3=2,D0=1"
    root = etree.fromstring(to_xml(message.name, message.fields))
    assert root.tag == f"{{{NAMESPACE}}}DevEUI_multicast_summary"
    texts = {etree.QName(child).localname: child.text for child in root}
    assert texts["LrrCnt"] == "9" and texts["LrrFailedDistribution"] == "A3=2,D0=1"
    assert texts["CorrelationID"] == fields["CorrelationID"] and texts["FCntDn"] == "9"
