"""The API's own description, OpenAPI 3.0, from one table of operations.

Operation ids, parameters and schemas are those of KPN's published contract; `/api/v1` is described beside
it. A test holds the table against the routes that are served.
"""

from __future__ import annotations

from typing import Any

import msgspec

from veldnet import __version__
from veldnet.inventory.resources import (
    ConnectivityPlan,
    Device,
    DeviceProfile,
    HSMGroup,
    RoutingProfile,
)
from veldnet.network import DeviceView, Explanation

from .kpn.activation import ActivationReq, ActivationResp
from .kpn.devices import HEALTH_STATES
from .v1.deliveries import Redelivery, RedeliveryStarted, UndeliveredMessage
from .v1.frames import FrameDetail, FrameSummary
from .v1.sessions import NetworkKey

KPN = "/data/lora/thingpark"
V1 = "/api/v1"
TOKEN_URL = "/oauth/client_credential/accesstoken?grant_type=client_credentials"  # noqa: S105


class Parameter(msgspec.Struct, frozen=True):
    """A query parameter."""

    name: str
    text: str
    schema: dict[str, Any]


class Operation(msgspec.Struct, frozen=True):
    """One operation; `result` is a struct, a list of one, or None for an empty answer."""

    method: str
    path: str
    operation_id: str
    tag: str
    summary: str
    status: int
    result: Any = None
    body: type[msgspec.Struct] | None = None
    query: tuple[Parameter, ...] = ()


_STRING: dict[str, Any] = {"type": "string"}
_FLAG: dict[str, Any] = {"type": "boolean"}
_PAGE = Parameter(
    "pageIndex", "Page of 100 entries; the first is 1.", {"type": "integer", "format": "int32", "minimum": 1}
)
_JOIN_SERVER = (
    Parameter("jsProfile", "Account on a standalone join server; accepted and not used.", _STRING),
    Parameter("jsSubscriberRef", "Account on a standalone join server; accepted and not used.", _STRING),
)
_LIST_DEVICES = (
    Parameter("deviceEUI", "Only the device with this DevEUI.", _STRING),
    Parameter("healthState", "Only devices in this state.", {"type": "string", "enum": list(HEALTH_STATES)}),
    Parameter(
        "connectivityPlanId",
        "Only devices of this plan; _NOCP those without one, _CP those with any.",
        _STRING,
    ),
    Parameter("statistics", "Add statistics.", _FLAG),
    Parameter("commercialDetails", "Add commercial details.", _FLAG),
    Parameter("extendedInfo", "Show everything.", _FLAG),
    _PAGE,
)
_RANGE = (
    Parameter("from", "Begin of the time range, ISO 8601.", _STRING),
    Parameter("to", "End of the time range, ISO 8601.", _STRING),
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
            Parameter("deviceToken", "Registration token; accepted and not used.", _STRING),
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
        query=(Parameter("routingProfileId", "Only the profile with this id.", _STRING),),
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
        f"{V1}/devices/{{deviceRef}}/frames",
        "listFrames",
        "Frames",
        "The newest frames of a device.",
        200,
        list[FrameSummary],
        query=(
            _limit(500),
            Parameter("before", "Continue behind this frame.", {"type": "integer", "minimum": 0}),
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
    ),
    Operation(
        "get",
        f"{V1}/undelivered",
        "listUndelivered",
        "Deliveries",
        "Messages that no application server took.",
        200,
        list[UndeliveredMessage],
        query=(*_RANGE, Parameter("pending", "Also those that wait.", _FLAG), _limit(1000)),
    ),
    Operation(
        "post",
        f"{V1}/undelivered/redeliveries",
        "redeliver",
        "Deliveries",
        "Deliver the undelivered messages of a time range again.",
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
        "The session of a device, without its keys.",
        200,
        DeviceView,
    ),
    Operation(
        "get",
        f"{V1}/devices/{{deviceRef}}/explanation",
        "getExplanation",
        "Device",
        "Why a device does not join or is not heard.",
        200,
        Explanation,
    ),
    Operation(
        "post",
        f"{V1}/devices/{{deviceRef}}/rejoin",
        "askRejoin",
        "Device",
        "Ask a device of LoRaWAN 1.1 to renew its session.",
        202,
    ),
    Operation(
        "put",
        f"{V1}/devices/{{deviceRef}}/networkKey",
        "setNetworkKey",
        "Device",
        "Give a device of LoRaWAN 1.1 its NwkKey.",
        204,
        None,
        NetworkKey,
    ),
)

_ERRORS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    429: "Too many requests",
    500: "Server error",
}
_ERROR_SCHEMA = {
    "type": "object",
    "description": "Errors of the gateway have the string members; others also code and errorId.",
    "properties": {
        "code": {"type": "integer"},
        "errorId": _STRING,
        "transactionId": _STRING,
        "status": _STRING,
        "name": _STRING,
        "message": _STRING,
        "info": _STRING,
    },
}


def describe() -> dict[str, Any]:
    """The OpenAPI document."""
    kinds = [op.result for op in OPERATIONS if op.result] + [op.body for op in OPERATIONS if op.body]
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    found = iter(schemas)
    results = {op.operation_id: next(found) for op in OPERATIONS if op.result}
    bodies = {op.operation_id: next(found) for op in OPERATIONS if op.body}
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method] = _operation(
            operation, results.get(operation.operation_id), bodies.get(operation.operation_id)
        )
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "Veldnet",
            "version": __version__,
            "description": "LoRa device management as KPN offers it, and Veldnet's own API beside it.",
            "license": {"name": "Apache-2.0"},
        },
        "paths": paths,
        "security": [{"oauth2": []}],
        "components": {
            "schemas": _as_openapi_30(components) | {"error": _ERROR_SCHEMA},
            "securitySchemes": {
                "oauth2": {
                    "type": "oauth2",
                    "flows": {"clientCredentials": {"tokenUrl": TOKEN_URL, "scopes": {}}},
                }
            },
        },
    }


def _operation(
    operation: Operation, result: dict[str, Any] | None, body: dict[str, Any] | None
) -> dict[str, Any]:
    parameters: list[dict[str, Any]] = [
        {
            "name": "api-version",
            "in": "header",
            "required": False,
            "schema": {"type": "string", "enum": ["v1.2", "v1.1.1"]},
        }
    ]
    parameters += [
        {"name": part[1:-1], "in": "path", "required": True, "schema": _STRING}
        for part in operation.path.split("/")
        if part.startswith("{")
    ]
    parameters += [
        {"name": p.name, "in": "query", "required": False, "description": p.text, "schema": p.schema}
        for p in operation.query
    ]
    success: dict[str, Any] = {"description": "Successful"}
    if result is not None:
        success["content"] = {"application/json": {"schema": _as_openapi_30(result)}}
    responses = {str(operation.status): success}
    for status, text in _ERRORS.items():
        responses[str(status)] = {
            "description": text,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/error"}}},
        }
    described = {
        "operationId": operation.operation_id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": parameters,
        "responses": responses,
    }
    if body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _as_openapi_30(body)}},
        }
    return described


def _as_openapi_30(schema: Any) -> Any:
    """OpenAPI 3.0 says `nullable` where JSON Schema offers the type null."""
    if isinstance(schema, list):
        return [_as_openapi_30(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    options = schema.get("anyOf")
    if isinstance(options, list) and {"type": "null"} in options:
        rest = [_as_openapi_30(option) for option in options if option != {"type": "null"}]
        others = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
        inner = rest[0] if len(rest) == 1 else {"anyOf": rest}
        return others | inner | {"nullable": True}
    return {key: _as_openapi_30(value) for key, value in schema.items()}
