"""The published contract as a table in our own words, and validation of bodies against a description.

A test also holds the table against the published file where that lies beside the repository.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jsonschema import Draft4Validator
from jsonschema.validators import extend

from tests.customers import Client

PUBLISHED = Path(__file__).parents[3] / "shared" / "reference" / "kpn-openapi.yml"

# operationId: (method, path, query parameters, has a body, status of success)
OPERATIONS: dict[str, tuple[str, str, frozenset[str], bool, int]] = {
    "Activation": ("post", "/activate", frozenset(), True, 200),
    "Devicesretrieval": (
        "get",
        "/devices",
        frozenset(
            {
                "deviceEUI",
                "healthState",
                "connectivityPlanId",
                "statistics",
                "commercialDetails",
                "extendedInfo",
                "pageIndex",
            }
        ),
        False,
        200,
    ),
    "Devicecreation": (
        "post",
        "/devices",
        frozenset({"deviceToken", "jsProfile", "jsSubscriberRef"}),
        True,
        201,
    ),
    "Deviceretrieval": ("get", "/devices/{deviceRef}", frozenset(), False, 200),
    "Deviceupdate": (
        "put",
        "/devices/{deviceRef}",
        frozenset({"jsProfile", "jsSubscriberRef"}),
        True,
        200,
    ),
    "Devicedeletion": ("delete", "/devices/{deviceRef}", frozenset(), False, 204),
    "Deviceprofilesretrieval": ("get", "/deviceProfiles", frozenset(), False, 200),
    "Connectivityplansretrieval": ("get", "/connectivityPlans", frozenset(), False, 200),
    "Routingprofilesretrieval": ("get", "/routingProfiles", frozenset({"routingProfileId"}), False, 200),
    "Routingprofilescreation": ("post", "/routingProfiles", frozenset(), True, 201),
    "Routingprofileretrieval": ("get", "/routingProfiles/{routingProfileRef}", frozenset(), False, 200),
    "Routingprofileupdate": ("put", "/routingProfiles/{routingProfileRef}", frozenset(), True, 200),
    "Routingprofiledeletion": ("delete", "/routingProfiles/{routingProfileRef}", frozenset(), False, 204),
    "Framestatisticsretrieval": (
        "get",
        "/deviceFrameStatistics",
        frozenset({"deviceEUIList", "baseStationId", "startDate", "duration", "aggregationStep"}),
        False,
        200,
    ),
    "Healthstatisticsretrieval": ("get", "/deviceHealthStatistics", frozenset(), False, 200),
    "Devicealarmsretrieval": ("get", "/deviceAlarms", frozenset({"deviceEUI", "pageIndex"}), False, 200),
    "Devicealarmretrieval": ("get", "/deviceAlarms/{deviceAlarmRef}", frozenset(), False, 200),
    "Devicealarmacknowledgement": ("post", "/deviceAlarms/{deviceAlarmRef}/acks", frozenset(), False, 201),
    "HSMgroupsretrieval": ("get", "/hsmGroups", frozenset({"pageIndex"}), False, 200),
}

# Published members of each resource, with their type.
MEMBERS: dict[str, dict[str, str]] = {
    "Device": {
        "ref": "string",
        "name": "string",
        "EUI": "string",
        "networkAddress": "string",
        "activationType": "string",
        "deviceClass": "string",
        "classBState": "string",
        "deviceProfileId": "string",
        "connectivityPlanId": "string",
        "processingStrategyId": "string",
        "routingProfileId": "string",
        "applicationEUI": "string",
        "applicationKey": "string",
        "administrativeInfo": "string",
        "geoLatitude": "number",
        "geoLongitude": "number",
        "dataflowTags": "array",
        "homeNsNetID": "string",
        "asKeyId": "string",
        "hsmGroupId": "string",
        "secureElement": "string",
        "alarmThresholds": "array",
        "motionIndicator": "string",
        "statistics": "object",
        "commercialDetails": "object",
    },
    "RoutingProfile": {
        "id": "string",
        "ref": "string",
        "name": "string",
        "default": "boolean",
        "hsmGroupId": "string",
        "rsaEncryptedASKey": "string",
        "rsaPublicKey": "string",
        "routes": "array",
    },
    "Route": {
        "sourcePorts": "string",
        "strategy": "string",
        "contentType": "string",
        "asId": "string",
        "asKey": "string",
        "maxDeviation": "integer",
        "addresses": "array",
    },
    "ConnectivityPlan": {
        "id": "string",
        "ref": "string",
        "name": "string",
        "grantedConnections": "integer",
        "usedConnections": "integer",
        "communicationType": "string",
    },
    "DeviceAlarm": {
        "ref": "string",
        "alarmState": "string",
        "occurrence": "integer",
        "acked": "boolean",
        "creationTime": "string",
        "lastUpdateTime": "string",
        "lastAckTime": "string",
        "additionalInfo1": "string",
        "additionalInfo2": "string",
        "additionalInfo3": "string",
        "additionalInfo4": "string",
        "additionalInfo5": "string",
        "ackAuthor": "string",
        "deviceRef": "string",
        "deviceAlarmTypeId": "integer",
        "deviceAlarmObjectId": "string",
    },
    "DeviceHealthStatistics": {
        "initCount": "integer",
        "activeCount": "integer",
        "rfConnectionErrorCount": "integer",
        "totalCount": "integer",
    },
    "DeviceStatistics": {
        "creationTime": "string",
        "healthState": "string",
        "lastRSSI": "number",
        "lastSNR": "number",
        "averageRSSI": "number",
        "averageSNR": "number",
        "lastSF": "integer",
        "last24hUplinkCount": "integer",
        "last24hDownlinkCount": "integer",
        "firstUplinkTime": "string",
        "lastUplinkTime": "string",
        "lastDownlinkTime": "string",
        "lastInstantPER": "number",
        "lastMeanPER": "number",
        "lastBatteryLevel": "integer",
        "lastBatteryLevelTime": "string",
        "alarmStatistics": "object",
        "commissioningState": "string",
        "loraClass": "string",
        "motionIndicator": "string",
        "lastUpdateUser": "string",
        "lastUpdateTime": "string",
    },
    "FrameStatistics": {
        "type": "string",
        "date": "string",
        "frameCount": "integer",
        "payloadSize": "integer",
        "baseStationRSSI": "number",
        "baseStationSNR": "number",
        "payloadReceivedOnTime": "integer",
        "payloadReceivedLate": "integer",
        "payloadReceivedOnTimeSize": "integer",
        "payloadReceivedLateSize": "integer",
        "payloadSentWithSuccess": "integer",
        "payloadSentWithSuccessSize": "integer",
        "payloadSentWithFailure": "integer",
        "payloadSentWithFailureSize": "integer",
        "averagePER": "number",
    },
    "DeviceProfile": {"id": "string", "name": "string", "typeMAC": "string"},
    "HSMGroup": {"id": "string", "name": "string"},
    "ActivationReq": {"thingpark_username": "string", "thingpark_password": "string"},
    "ActivationResp": {"status": "string"},
}


def _nullable(validator: Any, types: Any, instance: Any, schema: Any) -> Any:
    if instance is None and schema.get("nullable"):
        return
    yield from Draft4Validator.VALIDATORS["type"](validator, types, instance, schema)


# OpenAPI 3.0 schemas are those of JSON Schema's draft 4 but for `nullable`.
OpenApiValidator = extend(Draft4Validator, {"type": _nullable})  # type: ignore[no-untyped-call]


def validate(document: dict[str, Any], schema: dict[str, Any], instance: Any) -> None:
    """Check a body against a schema of an OpenAPI document. Raises `jsonschema.ValidationError`."""
    rooted = {**schema, "components": document["components"]}
    OpenApiValidator(rooted).validate(instance)


def _operation(document: dict[str, Any], operation_id: str) -> dict[str, Any]:
    for path in document["paths"].values():
        for operation in path.values():
            if isinstance(operation, dict) and operation.get("operationId") == operation_id:
                return operation
    raise KeyError(operation_id)


def _schema(holder: dict[str, Any]) -> dict[str, Any] | None:
    content = holder.get("content")
    return content["application/json"]["schema"] if content else None


def request_schema(document: dict[str, Any], operation_id: str) -> dict[str, Any] | None:
    """The schema of a request's body, None where the operation takes none."""
    return _schema(_operation(document, operation_id).get("requestBody", {}))


def response_schema(document: dict[str, Any], operation_id: str, status: int) -> dict[str, Any] | None:
    """The schema of an answer's body, None where the contract gives none. Raises `KeyError` for a status
    that the contract does not know."""
    responses = _operation(document, operation_id)["responses"]
    described = {str(key): value for key, value in responses.items()}
    if str(status) not in described and document["openapi"] != "3.0.3" and status >= 400:
        # The published description does not name every refusal.
        return None
    return _schema(described[str(status)])


def checker(client: Client, documents: list[dict[str, Any]]) -> Any:
    """Call an operation and hold its answer against the"""

    def call(operation_id: str, body: Any = None, *, expect: int | None = None, **arguments: Any) -> Any:
        method, path, _query, _has_body, success = OPERATIONS[operation_id]
        path = path.format(**arguments.pop("path", {}))
        answer = client.request(method.upper(), path, body, **arguments)
        wanted = success if expect is None else expect
        assert answer.status_code == wanted, f"{method} {path}: {answer.status_code} {answer.text}"
        for document in documents:
            asked = request_schema(document, operation_id)
            if asked is not None and answer.status_code == success:
                validate(document, asked, body)
            schema = response_schema(document, operation_id, answer.status_code)
            if schema is not None:
                assert answer.headers["content-type"].startswith("application/json")
                validate(document, schema, answer.json())
        assert answer.headers["api-version"] and answer.headers["x-request-id"]
        return answer.json() if answer.content else None

    return call


def refused(checked: Any, operation_id: str, body: Any, status: int = 400, **arguments: Any) -> str:
    """The message of a refusal, in the shape of an application's error."""
    error = checked(operation_id, body, expect=status, **arguments)
    assert error["code"] == status and error["status"] == str(status)
    assert error["errorId"].startswith(("LDM-", "OSS-")) and error["transactionId"] and error["name"]
    message: str = error["message"]
    assert message.startswith("Bad request: ") or status != 400
    return message
