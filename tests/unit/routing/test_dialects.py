"""What records look like in each dialect, word for word: the files of `golden` are ours, made from the
records below. `UPDATE_GOLDEN=1` writes them again; read the difference before it is kept.

Names of members are those of ChirpStack v4 and The Things Stack v3; the tables below say which there are.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, get_args

import pytest
from msgspec.structs import replace

from tests.unit.network.builders import NOW, STATION, device
from tests.unit.routing.test_messages import PLACE, WRITER, Map
from veldnet.connections import Connection
from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.domain.flows import TOPICS, ConnectionSecrets, ConnectionSettings, Dialect, fill
from veldnet.lorawan import BaseStationId, DevAddr, DevEui, JoinEui, frames
from veldnet.lorawan.modulation import Fsk, Lora, LrFhss
from veldnet.network.core import (
    Copy,
    DownlinkRecord,
    DownlinkRejectedRecord,
    JoinRecord,
    LocationRecord,
    Record,
    UplinkRecord,
)
from veldnet.routing import DIALECTS, Answer, Decoding, Instruction
from veldnet.routing.connections.dialects import Facts
from veldnet.routing.connections.model import Event

GOLDEN = Path(__file__).parent / "golden"
NAMES: tuple[Dialect, ...] = get_args(Dialect)
ADDR = DevAddr.parse("01ABCDEF")
OTHER = BaseStationId(0xFF000002)
WRAPPED = bytes(range(24))


class Stations(Map):
    """The second base station was removed since, and its EUI is not known any more."""

    def eui(self, base_station: BaseStationId) -> str:
        if base_station != STATION:
            raise KeyError(base_station)
        return "00800000A0001234"


DEVICE = device(
    ProfileSettings(),
    PlanSettings(downlinkSentIndication=True, reportDeviceBatteryLevel=True, reportDeviceMargin=True,
                 nwGeolocalization=True),
    tags=("cold", "site=north"),
    hsm_group_ref=None,
    processing_strategy="DATAFLOW",
)  # fmt: skip

UP = UplinkRecord(
    id=1_234_567, device_ref=7, time=NOW, outcome="accepted", dev_addr=ADDR, confirmed=False,
    fctrl=frames.ADR, fcnt=7, previous_fcnt=6, fport=2, payload=b"\x01\xff\x20",
    encrypted=False, wrapped_app_s_key=None,
    mic=b"\x01\x02\x03\x04", size=16,
    copies=(Copy(STATION, -90.0, 2.5, NOW), Copy(OTHER, -117.0, -14.25, NOW + 0.05)),
    frequency=868_100_000, modulation=Lora(7, 125), data_rate=5, channel=0, sub_band="G1", mac=b"",
    acknowledged_fcnt=None, next_fcnt_down=3, mean_per=0.125,
)  # fmt: skip
SECRET = replace(UP, encrypted=True, wrapped_app_s_key=WRAPPED, fcnt=0, confirmed=True, data_rate=0)
JOIN = JoinRecord(
    id=2, device_ref=7, time=NOW, outcome="accepted", phy_payload=bytes(23),
    dev_eui=DevEui.parse("0059AC0000170311"), join_eui=JoinEui.parse("0102030405060708"), dev_nonce=9,
    copies=UP.copies, frequency=868_300_000, modulation=Lora(12, 125), data_rate=0, channel=1, sub_band="G1",
    dev_addr=ADDR,
)  # fmt: skip
SENT = DownlinkRecord(
    id=3, device_ref=7, time=NOW + 1, outcome="sent", join_accept=False, dev_addr=ADDR, fcnt=2, fport=10,
    payload=b"on", size=15, confirmed=True, from_application=True, correlation_id="job-1", fcnt_up=7,
    delivered=True, slot=1, cause_rx1="00", cause_rx2="00", base_station=STATION, frequency=868_100_000,
    modulation=Lora(7, 125), data_rate=5, channel=0, sub_band="G1", submission=41,
)  # fmt: skip
LOST = replace(SENT, delivered=False, slot=0, cause_rx1="A1", cause_rx2="A2", base_station=None,
               frequency=None, modulation=None)  # fmt: skip

RECORDS: Mapping[str, Record] = {
    "uplink": UP,
    "uplink of a device with an HSM group": SECRET,
    "uplink with FSK, without port and payload": replace(
        UP, modulation=Fsk(50_000), data_rate=7, fport=None, payload=b"",
        copies=(Copy(OTHER, None, None, NOW),),
    ),
    "uplink with LR-FHSS": replace(UP, modulation=LrFhss(coding_rate="1/3", bandwidth=137), data_rate=8),
    "uplink that acknowledges": replace(
        UP, acknowledged_fcnt=2, awaited_submission=41, awaited_correlation_id="job-1"
    ),
    "uplink that does not acknowledge": replace(UP, awaited_submission=41),
    "uplink with a device status": replace(
        UP, device_status=(254, -5), battery=254, margin=-5, status_at=NOW
    ),
    "uplink of a device that has reset its counter": replace(UP, automatic_reset=True, fcnt=0),
    "join": JOIN,
    "join of a device with an HSM group": replace(JOIN, wrapped_app_s_key=WRAPPED),
    "refused join": replace(JOIN, outcome="mic", dev_addr=None),
    "downlink": SENT,
    "downlink without an id": replace(SENT, correlation_id=None, confirmed=False),
    "downlink that was not sent": LOST,
    "downlink that has expired": replace(LOST, cause_rx1="E0", cause_rx2="E0"),
    "downlink of the network": replace(SENT, from_application=False),
    "refused downlink": DownlinkRejectedRecord(
        id=4, device_ref=7, time=NOW, outcome="rejected", fport=10, size=200,
        cause="Payload size exceeds the maximum", correlation_id="job-2",
    ),
    "location": LocationRecord(
        id=5, device_ref=7, time=NOW + 1, outcome="tdoa", dev_addr=ADDR, frame=2, location=PLACE
    ),
    "no location": LocationRecord(id=6, device_ref=7, time=NOW, outcome="few", dev_addr=ADDR, frame=2),
}  # fmt: skip


def connection(dialect: Dialect) -> Connection:
    settings = ConnectionSettings(
        type="MQTT", dialect=dialect, address="mqtt://a", application_id="cellars", tenant_id="acme"
    )
    return Connection(1, 1, "100000001", "C", True, settings, ConnectionSecrets())


def facts(dialect: Dialect) -> Facts:
    return Facts(WRITER, Stations(), connection(dialect).known, "LORA/GenericA")


def shown(dialect: Dialect, event: Event) -> dict[str, Any]:
    row = DEVICE.row
    values = {
        "DevEUI": row.dev_eui,
        "devEui": row.dev_eui.lower(),
        "deviceId": f"eui-{row.dev_eui.lower()}",
        "event": event.event,
        **connection(dialect).known,
    }
    decoded = None if event.payload is None else event.payload.hex()
    return {
        "topic": fill(TOPICS[dialect], values),
        "message": event.message,
        "fport": event.fport,
        "payload for the decoder": decoded,
        "document": json.loads(json.dumps(event.document)),
    }


def made(dialect: Dialect) -> dict[str, Any]:
    of, about = DIALECTS[dialect], facts(dialect)
    found: dict[str, Any] = {
        name: [shown(dialect, event) for event in of.events(record, DEVICE, about)]
        for name, record in RECORDS.items()
    }
    for name, decoding in (
        ("decoded uplink", Decoding({"temperature": 21.5}, ("low battery",))),
        ("uplink whose decoder failed", Decoding(error="TypeError: no bytes")),
    ):
        event = of.events(UP, DEVICE, about)[0]
        besides = of.with_decoding(event.document, decoding)
        found[name] = [shown(dialect, each) for each in (besides, event) if each is not None]
    wanted = Instruction(fport=10, payload=b"on", confirmed=True, correlation_id="job-3")
    for name, refused in (
        ("answer to a downlink that was queued", None),
        ("answer to a downlink that was refused", "Payload size exceeds the maximum (code 350)"),
    ):
        answer = of.answered(Answer(wanted, refused, NOW), DEVICE.row, about)
        found[name] = [] if answer is None else [shown(dialect, answer)]
    found["test message"] = [shown(dialect, of.trial(about, NOW))]
    return found


@pytest.mark.parametrize("dialect", NAMES)
def test_records_look_as_they_always_have(dialect: Dialect) -> None:
    file, found = GOLDEN / f"{dialect.lower()}.json", made(dialect)
    if os.environ.get("UPDATE_GOLDEN"):
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(found, indent=1) + "\n")
    kept = json.loads(file.read_text())
    assert list(found) == list(kept)
    for name, events in found.items():
        assert events == kept[name], name


# ChirpStack v4: members of its events. Those are always there, except for the ones that may be absent.
_COMMON = {"deduplicationId", "time", "deviceInfo"}
_CHIRPSTACK = {
    "up": _COMMON
    | {"devAddr", "adr", "dr", "fCnt", "fPort", "confirmed", "data", "rxInfo", "txInfo", "regionConfigId"},
    "join": _COMMON | {"devAddr", "regionConfigId"},
    "ack": _COMMON | {"queueItemId", "acknowledged", "fCntDown"},
    "txack": {"downlinkId", "time", "deviceInfo", "queueItemId", "fCntDown", "gatewayId", "txInfo"},
    "log": {"time", "deviceInfo", "level", "code", "description", "context"},
    "status": _COMMON | {"margin", "externalPowerSource", "batteryLevelUnavailable", "batteryLevel"},
    "location": _COMMON | {"location"},
}
_MAY_BE_ABSENT = {"up": {"object", "joinServerContext"}, "join": {"joinServerContext"}}
_DEVICE_INFO = {
    "tenantId", "tenantName", "applicationId", "applicationName", "deviceProfileId", "deviceProfileName",
    "deviceName", "devEui", "deviceClassEnabled", "tags",
}  # fmt: skip
_RX_INFO = {
    "gatewayId", "uplinkId", "gwTime", "nsTime", "timeSinceGpsEpoch", "fineTimeSinceGpsEpoch", "rssi", "snr",
    "channel", "rfChain", "board", "antenna", "location", "context", "metadata", "crcStatus",
}  # fmt: skip
_LOG_CODES = {
    "UNKNOWN", "DOWNLINK_PAYLOAD_SIZE", "UPLINK_CODEC", "DOWNLINK_CODEC", "OTAA", "UPLINK_F_CNT_RESET",
    "UPLINK_MIC", "UPLINK_F_CNT_RETRANSMISSION", "DOWNLINK_GATEWAY", "RELAY_NEW_END_DEVICE", "F_CNT_DOWN",
    "EXPIRED",
}  # fmt: skip


def test_members_are_those_of_chirpstack() -> None:
    seen = set()
    for name, events in made("CHIRPSTACK").items():
        for each in events:
            kind, document = each["topic"].rpartition("/")[2], each["document"]
            seen.add(kind)
            assert each["topic"] == f"application/cellars/device/0059ac0000170311/event/{kind}"
            assert set(document) - _MAY_BE_ABSENT.get(kind, set()) == _CHIRPSTACK[kind], name
            assert set(document["deviceInfo"]) == _DEVICE_INFO
            for received in document.get("rxInfo", ()):
                assert set(received) <= _RX_INFO and len(received["gatewayId"]) == 16
            assert document.get("code", "UNKNOWN") in _LOG_CODES
    assert seen == set(_CHIRPSTACK)


# The Things Stack v3: the member that each event has besides those of the envelope, and its members.
_ENVELOPE = {"end_device_ids", "correlation_ids", "received_at", "simulated"}
_DOWNLINK = {
    "session_key_id", "f_port", "f_cnt", "frm_payload", "decoded_payload", "confirmed", "class_b_c",
    "priority", "correlation_ids", "confirmed_retry",
}  # fmt: skip
_UPLINK = {
    "session_key_id", "f_port", "f_cnt", "frm_payload", "decoded_payload", "decoded_payload_warnings",
    "normalized_payload", "rx_metadata", "settings", "received_at", "app_s_key", "last_a_f_cnt_down",
    "confirmed", "consumed_airtime", "packet_error_rate", "locations", "version_ids", "network_ids",
}  # fmt: skip
_METADATA = {
    "gateway_ids", "time", "timestamp", "fine_timestamp", "rssi", "channel_rssi", "signal_rssi", "snr",
    "frequency_offset", "location", "uplink_token", "channel_index", "antenna_index", "gps_time",
    "received_at", "packet_broker",
}  # fmt: skip
_THE_THINGS_STACK = {
    "up": ("uplink_message", _UPLINK),
    "join": (
        "join_accept",
        {"session_key_id", "received_at", "app_s_key", "invalidated_downlinks", "pending_session"},
    ),
    "down/queued": ("downlink_queued", _DOWNLINK),
    "down/sent": ("downlink_sent", _DOWNLINK),
    "down/ack": ("downlink_ack", _DOWNLINK),
    "down/nack": ("downlink_nack", _DOWNLINK),
    "down/failed": ("downlink_failed", {"downlink", "error"}),
    "location/solved": ("location_solved", {"service", "location", "attributes"}),
    "service/data": ("service_data", {"service", "data"}),
}


def test_members_are_those_of_the_things_stack() -> None:
    seen = set()
    for name, events in made("THE_THINGS_STACK").items():
        for each in events:
            kind = each["topic"].removeprefix("v3/cellars@acme/devices/eui-0059ac0000170311/")
            seen.add(kind)
            member, known = _THE_THINGS_STACK[kind]
            assert set(each["document"]) - _ENVELOPE == {member}, name
            body = each["document"][member]
            assert set(body) <= known, name
            assert set(body.get("downlink", ())) <= _DOWNLINK
            for received in body.get("rx_metadata", ()):
                assert set(received) <= _METADATA
            assert isinstance(body.get("settings", {}).get("frequency", ""), str)
            assert 0 not in [value for value in body.values() if not isinstance(value, bool)], name
    assert seen == set(_THE_THINGS_STACK)


def test_messages_are_those_of_thingpark() -> None:
    for name, events in made("THINGPARK").items():
        for each in events:
            assert list(each["document"]) == [each["message"]], name
            assert each["topic"] == "mqtt/things/0059AC0000170311/uplink"


def test_a_payload_that_is_encrypted_never_comes_to_a_decoder() -> None:
    for dialect in NAMES:
        events = made(dialect)["uplink of a device with an HSM group"]
        assert [each["payload for the decoder"] for each in events] == [None]
        assert [each["payload for the decoder"] for each in made(dialect)["uplink"]] == ["01ff20"]
