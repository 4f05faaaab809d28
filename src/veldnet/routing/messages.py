"""Tunnel messages of ThingPark, field by field, made from records.

Member names, formats and order follow the reference's sections on the tunnel interface; absent values are
left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Protocol

import msgspec

from veldnet.domain.locations import NetworkLocation
from veldnet.lorawan import BaseStationId
from veldnet.lorawan.airtime import estimated_signal_power, time_on_air
from veldnet.lorawan.frames import ACK, ADR, ADR_ACK_REQ
from veldnet.lorawan.modulation import Lora, LrFhss, Modulation
from veldnet.network.core import (
    Copy,
    Device,
    DownlinkRecord,
    DownlinkRejectedRecord,
    JoinRecord,
    LocationRecord,
    MulticastSummaryRecord,
    Record,
    ResetRecord,
    UplinkRecord,
)

_MAX_LRRS = 10
# The application layer of a device profile that names none.
_APPLICATION_LAYER = {"pro": "LORA/Generic", "ver": "1"}


class Position(msgspec.Struct, frozen=True):
    """Degrees."""

    latitude: float
    longitude: float


class Positions(Protocol):
    """Where base stations stand."""

    def position(self, base_station: BaseStationId) -> Position | None: ...


class TunnelMessage(msgspec.Struct, frozen=True):
    """A message before it is written in a content type. `elements` is what the token signs of its body;
    `json_only` messages do not exist in XML."""

    name: str
    fields: dict[str, Any]
    elements: str
    lrn_dev_eui: str
    lrn_fport: int
    json_only: bool = False


def time_text(unix: float) -> str:
    """ISO 8601 in UTC with milliseconds and a numeric offset."""
    seconds, millis = divmod(round(unix * 1000), 1000)
    return f"{_second_text(seconds)}.{millis:03d}+00:00"


# Frames of one second share all but the milliseconds.
@lru_cache(maxsize=64)
def _second_text(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class MessageWriter:
    """Makes messages of one network. `lrc_id` is the network server's identifier, eight digits."""

    def __init__(self, lrc_id: str, positions: Positions) -> None:
        self.lrc_id = lrc_id
        self._positions = positions

    def messages(self, record: Record, device: Device) -> list[TunnelMessage]:
        """The messages that a record means for application servers, in order."""
        if isinstance(record, UplinkRecord):
            reported = [self._uplink(record, device)] if record.reported else []
            return self._counters_reset(record, device) + reported + self._device_status(record, device)
        if isinstance(record, JoinRecord):
            if record.outcome != "accepted":
                return []
            return [self._join(record, device), self._join_notification(record, device)]
        if isinstance(record, DownlinkRecord):
            wanted = (
                record.from_application and device.plan is not None and device.plan.downlinkSentIndication
            )
            return [self._downlink_sent(record, device)] if wanted else []
        if isinstance(record, DownlinkRejectedRecord):
            wanted = not record.answered and device.plan is not None and device.plan.downlinkSentIndication
            return [self._downlink_rejected(record, device)] if wanted else []
        if isinstance(record, ResetRecord) and record.outcome == "admin_reset":
            return [self._notification(device, record.time, record.dev_addr, "reset", record.outcome, None)]
        if isinstance(record, LocationRecord):
            wanted = record.location is not None and device.plan is not None and device.plan.nwGeolocalization
            return [self._location(record, device)] if wanted else []
        if isinstance(record, MulticastSummaryRecord):
            return [self._multicast_summary(record, device)]
        return []

    def _counters_reset(self, record: UplinkRecord, device: Device) -> list[TunnelMessage]:
        """A personalised device has reset its counters: the application server must do so, too."""
        if not record.automatic_reset:
            return []
        return [self._notification(device, record.time, record.dev_addr, "reset", "automatic_reset", None)]

    def _uplink(self, record: UplinkRecord, device: Device) -> TunnelMessage:
        row, plan, best = device.row, device.plan, record.best
        assert plan is not None
        fields: dict[str, Any] = {
            "Time": time_text(record.time),
            "DevEUI": row.dev_eui,
            "DevAddr": str(record.dev_addr),
        }
        if record.fport is not None:
            fields["FPort"] = record.fport
        fields["FCntUp"] = record.fcnt
        for name, bit in (("ADRbit", ADR), ("ADRACKReq", ADR_ACK_REQ), ("ACKbit", ACK)):
            if record.fctrl & bit:
                fields[name] = 1
        if record.confirmed:
            fields["AckRequested"] = 1
        fields["MType"] = 4 if record.confirmed else 2
        fields["FCntDn"] = record.next_fcnt_down
        if record.payload:
            fields["payload_hex"] = record.payload.hex()
            fields["PayloadEncryption"] = int(record.encrypted)
        fields["mic_hex"] = record.mic.hex()
        fields["Lrcid"] = self.lrc_id
        fields |= self._radio(record.modulation, best, record.sub_band, record.channel, record.frequency)
        fields["DevLrrCnt"] = len(record.copies)
        fields["Lrrid"] = str(best.base_station)
        fields["Late"] = int(record.late)
        if plan.addLrrMetaInfo:
            fields |= self._base_stations(record.copies)
        fields |= self._customer(device)
        if record.wrapped_app_s_key is not None:
            fields["AppSKey"] = record.wrapped_app_s_key.hex()
        if record.mac:
            fields["rawMacCommands"] = record.mac.hex()
        if record.tx_power is not None:
            fields["TxPower"] = record.tx_power
        fields["NbTrans"] = record.nb_trans
        fields["DynamicClass"] = record.device_class
        if record.device_class == "B" and record.ping_period is not None:
            fields["ClassBPeriodicity"] = record.ping_period
        if plan.addPerInfo:
            fields |= {"InstantPER": round(record.instant_per, 6), "MeanPER": round(record.mean_per, 6)}
        if plan.nwGeolocalization and row.network_location is not None:
            fields |= _last_location(row.network_location.last)
        if record.status_at is not None:
            if plan.reportDeviceBatteryLevel:
                fields |= {"BatteryLevel": record.battery, "BatteryTime": time_text(record.status_at)}
            if plan.reportDeviceMargin:
                fields["Margin"] = record.margin
        fport = record.fport or 0
        elements = f"{row.customer_id}{row.dev_eui}{fport}{record.fcnt}{record.payload.hex()}"
        return TunnelMessage("DevEUI_uplink", fields, elements, row.dev_eui, fport)

    def _radio(
        self,
        modulation: Modulation,
        best: Copy,
        sub_band: str | None,
        channel: int | None,
        frequency: int,
    ) -> dict[str, Any]:
        fields: dict[str, Any] = _levels(best)
        if isinstance(modulation, Lora):
            fields["SpFact"] = modulation.sf
        if sub_band is not None:
            fields["SubBand"] = sub_band
        if channel is not None:
            fields["Channel"] = channel_name(channel)
        fields["Frequency"] = frequency / 1_000_000
        return fields

    def _base_stations(self, copies: tuple[Copy, ...]) -> dict[str, Any]:
        fields: dict[str, Any] = {}
        position = self._positions.position(copies[0].base_station)
        if position is not None:
            fields |= {"LrrLAT": position.latitude, "LrrLON": position.longitude}
        fields["Lrrs"] = {
            "Lrr": [
                {"Lrrid": str(copy.base_station), "Chain": 0, **_levels(copy)} for copy in copies[:_MAX_LRRS]
            ]
        }
        return fields

    def _customer(self, device: Device) -> dict[str, Any]:
        row = device.row
        located = row.latitude is not None and row.longitude is not None
        data: dict[str, Any] = {"loc": {"lat": row.latitude, "lon": row.longitude} if located else None}
        data["alr"] = device.profile.applicationLayer or _APPLICATION_LAYER
        data |= {"tags": row.tags, "doms": [], "name": row.name}
        return {"CustomerID": row.customer_id, "CustomerData": data, "ModelCfg": "0"}

    def _device_status(self, record: UplinkRecord, device: Device) -> list[TunnelMessage]:
        plan = device.plan
        if record.device_status is None or plan is None:
            return []
        if not (plan.reportDeviceBatteryLevel or plan.reportDeviceMargin):
            return []
        battery, margin = record.device_status
        return [
            self._notification(
                device,
                record.time,
                record.dev_addr,
                "devstatusans",
                battery if plan.reportDeviceBatteryLevel else None,
                margin if plan.reportDeviceMargin else None,
            )
        ]

    def _join(self, record: JoinRecord, device: Device) -> TunnelMessage:
        """KPN's report of a join-request; the member is `Spfact` there, with a lower-case f."""
        row, best = device.row, record.best
        fields: dict[str, Any] = {
            "Time": time_text(record.time),
            "DevEUI": row.dev_eui,
            "rawJoinRequest": record.phy_payload.hex(),
            "Lrrid": str(best.base_station),
            "Chain": 0,
        }
        if record.channel is not None:
            fields["Channel"] = channel_name(record.channel)
        if isinstance(record.modulation, Lora):
            fields["Spfact"] = record.modulation.sf
        if record.sub_band is not None:
            fields["SubBand"] = record.sub_band
        fields |= {"MType": 0, "mic_hex": record.phy_payload[-4:].hex()}
        if not isinstance(record.modulation, LrFhss):
            airtime = time_on_air(record.modulation, len(record.phy_payload), crc=True)
            fields["airtime"] = round(airtime / 1000, 6)
        fields |= self._base_stations(record.copies)
        customer = self._customer(device)
        fields |= {name: customer[name] for name in ("CustomerID", "CustomerData")}
        # As in every DevEUI_uplink the port that is missing counts as 0.
        elements = f"{row.customer_id}{row.dev_eui}0"
        return TunnelMessage("DevEUI_uplink", fields, elements, row.dev_eui, 0, json_only=True)

    def _join_notification(self, record: JoinRecord, device: Device) -> TunnelMessage:
        wrapped = "" if record.wrapped_app_s_key is None else record.wrapped_app_s_key.hex()
        return self._notification(device, record.time, record.dev_addr, "join", wrapped, None)

    def _notification(
        self, device: Device, time: float, dev_addr: object, kind: str, var1: Any, var2: Any
    ) -> TunnelMessage:
        row = device.row
        fields: dict[str, Any] = {
            "Time": time_text(time),
            "DevEUI": row.dev_eui,
            "Lrcid": self.lrc_id,
            "DevAddr": None if dev_addr is None else str(dev_addr),
            "Type": kind,
            "Var1": var1,
            "Var2": var2,
            "CustomerID": row.customer_id,
            "FCntDn": 0,
            "ModelCfg": "0",
        }
        present = {name: value for name, value in fields.items() if value is not None}
        return TunnelMessage(
            "DevEUI_notification", present, f"{row.customer_id}{row.dev_eui}", row.dev_eui, 0
        )

    def _location(self, record: LocationRecord, device: Device) -> TunnelMessage:
        """The DevEUI is in lower case here, in the query too."""
        row, located = device.row, record.location
        assert located is not None
        dev_eui = row.dev_eui.lower()
        fields: dict[str, Any] = {"Time": time_text(record.time), "DevEUI": dev_eui}
        if record.dev_addr is not None:
            fields["DevAddr"] = str(record.dev_addr)
        fields |= {"Lrcid": self.lrc_id, "NwGeolocAlgo": located.requested, "NwGeolocTdoaOpt": 0}
        fields |= _solution(located) | {"CustomerID": row.customer_id}
        return TunnelMessage("DevEUI_location", fields, f"{row.customer_id}{dev_eui}", dev_eui, 0)

    def _downlink_sent(self, record: DownlinkRecord, device: Device) -> TunnelMessage:
        row = device.row
        customer = self._customer(device)
        # One that was dropped from the queue has no counter of its own: the next one of its session.
        fcnt = record.fcnt if record.fcnt is not None else record.next_fcnt or 0
        fields: dict[str, Any] = {
            "Time": time_text(record.time),
            "DevEUI": row.dev_eui,
            "FPort": record.fport,
            "FCntDn": fcnt,
            "FCntUp": record.fcnt_up,
            "Lrcid": self.lrc_id,
            "SpFact": record.modulation.sf if isinstance(record.modulation, Lora) else None,
            "SubBand": record.sub_band,
            "Channel": None if record.channel is None else channel_name(record.channel),
            "Lrrid": None if record.base_station is None else str(record.base_station),
            "DeliveryStatus": int(record.delivered),
            "DeliveryFailedCause1": record.cause_rx1,
            "DeliveryFailedCause2": record.cause_rx2,
            "DeliveryFailedCause3": None
            if record.cause_ping == "00" and record.slot != 3
            else record.cause_ping,
            "CustomerID": customer["CustomerID"],
            "CustomerData": customer["CustomerData"],
            "TransmissionSlot": record.slot,
            "Frequency": None if record.frequency is None else record.frequency / 1_000_000,
            "CorrelationID": record.correlation_id,
        }
        present = {name: value for name, value in fields.items() if value is not None}
        fport = record.fport or 0
        elements = f"{row.customer_id}{row.dev_eui}{fport}{fcnt}"
        return TunnelMessage("DevEUI_downlink_Sent", present, elements, row.dev_eui, fport)

    def _multicast_summary(self, record: MulticastSummaryRecord, device: Device) -> TunnelMessage:
        row, customer = device.row, self._customer(device)
        fields: dict[str, Any] = {
            "Time": time_text(record.time),
            "DevEUI": row.dev_eui,
            "DevAddr": str(record.dev_addr),
            "FPort": record.fport,
            "FCntDn": record.fcnt,
            "Lrcid": self.lrc_id,
            "TransmissionStatus": record.status,
            "LrrCnt": record.stations,
            "LrrSuccessCnt": record.succeeded,
            "LrrFailedCnt": record.stations - record.succeeded,
        }
        if record.causes:
            fields["LrrFailedDistribution"] = distribution_text(record.causes)
        fields |= {"CustomerID": row.customer_id, "CustomerData": customer["CustomerData"]}
        if record.correlation_id is not None:
            fields["CorrelationID"] = record.correlation_id
        elements = f"{row.customer_id}{row.dev_eui}"
        return TunnelMessage("DevEUI_multicast_summary", fields, elements, row.dev_eui, 0)

    def _downlink_rejected(self, record: DownlinkRejectedRecord, device: Device) -> TunnelMessage:
        row = device.row
        fields: dict[str, Any] = {
            "Time": time_text(record.time),
            "DevEUI": row.dev_eui,
            "FPort": record.fport,
            "DeliveryStatus": 350,
            "DownlinkRejectionCause": record.cause,
            "CustomerID": row.customer_id,
        }
        if record.correlation_id is not None:
            fields["CorrelationID"] = record.correlation_id
        return TunnelMessage(
            "DevEUI_downlink_Rejected", fields, f"{row.customer_id}{row.dev_eui}", row.dev_eui, 0
        )


def _last_location(located: NetworkLocation | None) -> dict[str, Any]:
    """What an uplink says of the last solution, which is repeated until there is another."""
    if located is None:
        return {}
    return _solution(located) | {"NwGeolocAlgo": located.requested, "NwGeolocAlgoUsed": located.used}


def _solution(located: NetworkLocation) -> dict[str, Any]:
    """DevAcc is of an earlier time, and 0 everywhere; a height is assumed, so nothing is said of its
    error."""
    return {
        "DevLocTime": time_text(located.at),
        "DevLAT": round(located.latitude, 6),
        "DevLON": round(located.longitude, 6),
        "DevAlt": round(located.altitude, 1),
        "DevAcc": 0.0,
        "DevLocRadius": round(located.radius, 6),
        "DevAltRadius": 0.0,
        "DevUlFCntUpUsed": located.fcnt,
        "DevLocDilution": round(located.dilution, 6),
        "DevAltDilution": 0.0,
        "DevNorthVel": round(located.north, 6),
        "DevEastVel": round(located.east, 6),
    }


def distribution_text(causes: Mapping[str, int]) -> str:
    """How many base stations failed for each cause, as `A3=2,D0=7`."""
    return ",".join(f"{cause}={count}" for cause, count in causes.items())


def _levels(copy: Copy) -> dict[str, float]:
    """How a base station received a frame, as far as it said so."""
    fields = {}
    if copy.rssi is not None:
        fields["LrrRSSI"] = copy.rssi
    if copy.snr is not None:
        fields["LrrSNR"] = copy.snr
    if copy.rssi is not None and copy.snr is not None:
        fields["LrrESP"] = round(estimated_signal_power(copy.rssi, copy.snr), 6)
    return fields


def trial_message(lrc_id: str, customer_id: str, now: float) -> TunnelMessage:
    """A notification of the type `test` and of no device, with which a destination is tried."""
    dev_eui = "0" * 16
    fields = {
        "Time": time_text(now),
        "DevEUI": dev_eui,
        "Lrcid": lrc_id,
        "Type": "test",
        "CustomerID": customer_id,
        "FCntDn": 0,
        "ModelCfg": "0",
    }
    return TunnelMessage("DevEUI_notification", fields, f"{customer_id}{dev_eui}", dev_eui, 0)


def channel_name(channel: int) -> str:
    """`LC1` for channel 0; RX2 has the number 253 already."""
    return "LC253" if channel == 253 else f"LC{channel + 1}"
