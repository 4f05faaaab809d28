"""The table of operations: ids, parameters and bodies are those of KPN's published contract; `/api/v1`
stands beside."""

from __future__ import annotations

from typing import Any

from veldnet.api.kpn.activation import ActivationReq, ActivationResp
from veldnet.api.kpn.devices import HEALTH_STATES
from veldnet.api.v1.deliveries import Redelivery, RedeliveryStarted, UndeliveredMessage
from veldnet.api.v1.device_session import NetworkKey
from veldnet.api.v1.frames import FrameDetail, FrameSummary
from veldnet.api.v1.monitoring import StoredNotificationSettings, Thresholds
from veldnet.diagnosis import LANGUAGES, Explanation
from veldnet.domain.resources import (
    ConnectivityPlan,
    Device,
    DeviceAlarm,
    DeviceHealthStatistics,
    DeviceProfile,
    FrameStatistics,
    HSMGroup,
    RoutingProfile,
)
from veldnet.inventory.audit import AuditEntry
from veldnet.inventory.keys.exchange_keys import PublicExchangeKey
from veldnet.monitoring import NotificationSettings
from veldnet.monitoring.alarms.listing import PastAlarm
from veldnet.monitoring.statistics.totals import Totals
from veldnet.network import DeviceView

from .operation import KPN, STRING, TOKEN_URL, V1, Operation, Parameter
from .v1_operations import CONSOLE_OPERATIONS

_FLAG: dict[str, Any] = {"type": "boolean"}
_PAGE = Parameter(
    "pageIndex",
    "Page number, 100 entries per page, starting at 1.",
    {"type": "integer", "format": "int32", "minimum": 1},
)
_JOIN_SERVER = (
    Parameter("jsProfile", "Account on a standalone join server; accepted but not used.", STRING),
    Parameter("jsSubscriberRef", "Account on a standalone join server; accepted but not used.", STRING),
)
_LANGUAGE = Parameter(
    "language",
    "Language of the explanation; without it, that of Accept-Language.",
    {"type": "string", "enum": list(LANGUAGES)},
)
_DEVICE_EUI = Parameter("deviceEUI", "Only the device with this DevEUI.", STRING)
_START = Parameter("startDate", "Start of the time range, ISO 8601.", STRING)
_DURATION = Parameter(
    "duration", "Days; 7 without it.", {"type": "integer", "format": "int32", "minimum": 1, "maximum": 400}
)
_STEP = Parameter(
    "aggregationStep",
    "Hours of a slot.",
    {"type": "integer", "format": "int32", "minimum": 1, "maximum": 24},
)
_LIST_DEVICES = (
    _DEVICE_EUI,
    Parameter("healthState", "Only devices in this state.", {"type": "string", "enum": list(HEALTH_STATES)}),
    Parameter(
        "connectivityPlanId",
        "Only devices with this plan; _NOCP without a plan, _CP with any plan.",
        STRING,
    ),
    Parameter("statistics", "Add statistics.", _FLAG),
    Parameter("commercialDetails", "Add commercial details.", _FLAG),
    Parameter("extendedInfo", "Show everything.", _FLAG),
    _PAGE,
)
_RANGE = (
    Parameter("from", "Start of the time range, ISO 8601.", STRING),
    Parameter("to", "End of the time range, ISO 8601.", STRING),
)


def _limit(most: int) -> Parameter:
    return Parameter("limit", "Entries at most.", {"type": "integer", "minimum": 1, "maximum": most})


OPERATIONS = (
    Operation(
        "post",
        f"{KPN}/activate",
        "Activation",
        "Activation",
        "Bind the project to a ThingPark user.",
        200,
        ActivationResp,
        ActivationReq,
    ),
    Operation(
        "get",
        f"{KPN}/devices",
        "Devicesretrieval",
        "Device",
        "List devices.",
        200,
        list[Device],
        query=_LIST_DEVICES,
    ),
    Operation(
        "post",
        f"{KPN}/devices",
        "Devicecreation",
        "Device",
        "Create a device.",
        201,
        Device,
        Device,
        (
            Parameter("deviceToken", "Registration token; accepted but not used.", STRING),
            *_JOIN_SERVER,
        ),
    ),
    Operation(
        "get", f"{KPN}/devices/{{deviceRef}}", "Deviceretrieval", "Device", "Show a device.", 200, Device
    ),
    Operation(
        "put",
        f"{KPN}/devices/{{deviceRef}}",
        "Deviceupdate",
        "Device",
        "Change a device.",
        200,
        Device,
        Device,
        _JOIN_SERVER,
        conditional=True,
    ),
    Operation("delete", f"{KPN}/devices/{{deviceRef}}", "Devicedeletion", "Device", "Delete a device.", 204),
    Operation(
        "get",
        f"{KPN}/deviceProfiles",
        "Deviceprofilesretrieval",
        "Device",
        "List device profiles.",
        200,
        list[DeviceProfile],
    ),
    Operation(
        "get",
        f"{KPN}/connectivityPlans",
        "Connectivityplansretrieval",
        "Subscription",
        "List connectivity plans.",
        200,
        list[ConnectivityPlan],
    ),
    Operation(
        "get",
        f"{KPN}/routingProfiles",
        "Routingprofilesretrieval",
        "Routing",
        "List routing profiles.",
        200,
        list[RoutingProfile],
        query=(Parameter("routingProfileId", "Only the profile with this id.", STRING),),
    ),
    Operation(
        "post",
        f"{KPN}/routingProfiles",
        "Routingprofilescreation",
        "Routing",
        "Create a routing profile, and its AS key if rsaPublicKey is given.",
        201,
        RoutingProfile,
        RoutingProfile,
    ),
    Operation(
        "get",
        f"{KPN}/routingProfiles/{{routingProfileRef}}",
        "Routingprofileretrieval",
        "Routing",
        "Show a routing profile.",
        200,
        RoutingProfile,
    ),
    Operation(
        "put",
        f"{KPN}/routingProfiles/{{routingProfileRef}}",
        "Routingprofileupdate",
        "Routing",
        "Change a routing profile, or generate a new AS key.",
        200,
        RoutingProfile,
        RoutingProfile,
        conditional=True,
    ),
    Operation(
        "delete",
        f"{KPN}/routingProfiles/{{routingProfileRef}}",
        "Routingprofiledeletion",
        "Routing",
        "Delete a routing profile.",
        204,
    ),
    Operation(
        "get",
        f"{KPN}/hsmGroups",
        "HSMgroupsretrieval",
        "DeviceSecurity",
        "List HSM groups.",
        200,
        list[HSMGroup],
        query=(_PAGE,),
    ),
    Operation(
        "get",
        f"{KPN}/deviceFrameStatistics",
        "Framestatisticsretrieval",
        "Statistics",
        "Frame statistics aggregated over devices, by frame or by slot; the newest without startDate.",
        200,
        list[FrameStatistics],
        query=(
            Parameter("deviceEUIList", "DevEUIs, comma-separated or as repeated parameters.", STRING),
            Parameter("baseStationId", "Only frames received or sent by this base station.", STRING),
            _START,
            _DURATION,
            _STEP,
        ),
    ),
    Operation(
        "get",
        f"{KPN}/deviceHealthStatistics",
        "Healthstatisticsretrieval",
        "Statistics",
        "Number of devices by health state.",
        200,
        DeviceHealthStatistics,
    ),
    Operation(
        "get",
        f"{KPN}/deviceAlarms",
        "Devicealarmsretrieval",
        "Alarm",
        "List device alarms, last updated first.",
        200,
        list[DeviceAlarm],
        query=(_DEVICE_EUI, _PAGE),
    ),
    Operation(
        "get",
        f"{KPN}/deviceAlarms/{{deviceAlarmRef}}",
        "Devicealarmretrieval",
        "Alarm",
        "Show a device alarm.",
        200,
        DeviceAlarm,
    ),
    Operation(
        "post",
        f"{KPN}/deviceAlarms/{{deviceAlarmRef}}/acks",
        "Devicealarmacknowledgement",
        "Alarm",
        "Acknowledge a device alarm.",
        201,
    ),
    Operation(
        "get",
        f"{V1}/devices/{{deviceRef}}/alarmHistory",
        "listAlarmHistory",
        "Alarm",
        "Cleared alarms of a device.",
        200,
        list[PastAlarm],
        query=(_limit(1000),),
    ),
    Operation(
        "put",
        f"{V1}/devices/{{deviceRef}}/alarmThresholds",
        "setAlarmThresholds",
        "Alarm",
        "Change the inactivity thresholds (alarm 004) of a device.",
        200,
        Device,
        Thresholds,
    ),
    Operation(
        "get",
        f"{V1}/devices/{{deviceRef}}/statistics",
        "deviceStatistics",
        "Statistics",
        "All statistics of a device.",
        200,
        list[Totals],
        query=(_START, _DURATION, _STEP),
    ),
    Operation(
        "get",
        f"{V1}/statistics",
        "fleetStatistics",
        "Statistics",
        "All statistics of all devices together.",
        200,
        list[Totals],
        query=(_START, _DURATION, _STEP),
    ),
    Operation(
        "get",
        f"{V1}/connectivityPlans/{{connectivityPlanRef}}/statistics",
        "planStatistics",
        "Statistics",
        "All statistics of a connectivity plan.",
        200,
        list[Totals],
        query=(_START, _DURATION, _STEP),
    ),
    Operation(
        "get",
        f"{V1}/notificationSettings",
        "getNotificationSettings",
        "Alarm",
        "Who is told of alarms.",
        200,
        StoredNotificationSettings,
    ),
    Operation(
        "put",
        f"{V1}/notificationSettings",
        "setNotificationSettings",
        "Alarm",
        "Change who is notified of alarms; the response contains the secret of a new webhook.",
        200,
        StoredNotificationSettings,
        NotificationSettings,
    ),
    Operation(
        "get",
        f"{V1}/audit",
        "listAudit",
        "Audit",
        "Audit log, newest first.",
        200,
        list[AuditEntry],
        query=(_limit(1000), Parameter("before", "Only earlier entries, ISO 8601.", STRING)),
    ),
    Operation(
        "get",
        f"{V1}/devices/{{deviceRef}}/frames",
        "listFrames",
        "Frames",
        "Newest frames of a device.",
        200,
        list[FrameSummary],
        query=(
            _limit(500),
            Parameter("before", "Continue after this frame.", {"type": "integer", "minimum": 0}),
        ),
    ),
    Operation(
        "get",
        f"{V1}/frames/{{frameId}}",
        "getFrame",
        "Frames",
        "A frame, explained.",
        200,
        FrameDetail,
        query=(_LANGUAGE,),
    ),
    Operation(
        "get",
        f"{V1}/undelivered",
        "listUndelivered",
        "Deliveries",
        "Messages not accepted by any application server.",
        200,
        list[UndeliveredMessage],
        query=(
            *_RANGE,
            Parameter("includePending", "Also those that wait.", _FLAG),
            Parameter("pending", "As includePending.", _FLAG),
            _limit(1000),
        ),
    ),
    Operation(
        "post",
        f"{V1}/undelivered/redeliveries",
        "redeliver",
        "Deliveries",
        "Redeliver the undelivered messages of a time range.",
        202,
        RedeliveryStarted,
        Redelivery,
    ),
    Operation(
        "post",
        f"{V1}/devices/{{deviceRef}}/securityContext/reset",
        "resetSecurityContext",
        "Device",
        "Reset the security context of a device.",
        204,
    ),
    Operation(
        "get",
        f"{V1}/devices/{{deviceRef}}/session",
        "getSession",
        "Device",
        "Session of a device, without its keys.",
        200,
        DeviceView,
    ),
    Operation(
        "get",
        f"{V1}/devices/{{deviceRef}}/explanation",
        "getExplanation",
        "Device",
        "Explain why a device does not join or is not received.",
        200,
        Explanation,
        query=(_LANGUAGE,),
    ),
    Operation(
        "post",
        f"{V1}/devices/{{deviceRef}}/rejoin",
        "askRejoin",
        "Device",
        "Ask a LoRaWAN 1.1 device to renew its session.",
        202,
    ),
    Operation(
        "get",
        f"{V1}/hsmGroups/{{hsmGroupId}}/publicExchangeKey",
        "getPublicExchangeKey",
        "DeviceSecurity",
        "RSA key for encrypting AppKeys for an HSM group, and its version.",
        200,
        PublicExchangeKey,
    ),
    Operation(
        "post",
        f"{V1}/devices/import",
        "importDevices",
        "Device",
        "Create and delete devices from CSV, in ThingPark format or with a header row.",
        200,
        query=(
            Parameter("dryRun", "Check each row without changing anything.", _FLAG),
            Parameter("import", "The import this part belongs to, so that it can be undone.", STRING),
            Parameter(
                "firstLine",
                "Line of the file at which the rows of this part start.",
                {"type": "integer", "minimum": 1},
            ),
            Parameter("continues", "`x-dry-run` header of the previous part, in a dry run.", STRING),
        ),
        media="text/csv",
    ),
    Operation(
        "put",
        f"{V1}/devices/{{deviceRef}}/networkKey",
        "setNetworkKey",
        "Device",
        "Set the NwkKey of a LoRaWAN 1.1 device.",
        204,
        None,
        NetworkKey,
    ),
    *CONSOLE_OPERATIONS,
)

__all__ = ["KPN", "OPERATIONS", "STRING", "TOKEN_URL", "V1", "Operation"]
