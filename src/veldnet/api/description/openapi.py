"""The API's own description, OpenAPI 3.0, from the operations of the routers: what is described
is what is served."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import msgspec

from veldnet import __version__
from veldnet.api.auth.sessions import COOKIE
from veldnet.api.query import parameters_of
from veldnet.api.routers import Router
from veldnet.api.routers import routers as all_routers
from veldnet.api.routes import Routes, Served

from .bodies import Bodies, Schema, references
from .operation import Operation

TOKEN_URL = "/oauth/client_credential/accesstoken?grant_type=client_credentials"  # noqa: S105
STRING: dict[str, Any] = {"type": "string"}

_ERRORS = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    429: "Too many requests",
    500: "Server error",
}
# Of some operations only.
_RARER = {
    409: "Not possible in this installation",
    410: "The link has expired or was used already",
    412: "Changed by someone else since it was read",
    507: "There is no room for what was sent",
}
_IF_MATCH = {
    "name": "if-match",
    "in": "header",
    "required": False,
    "description": "ETag of the object to change; without it the change is applied unconditionally.",
    "schema": {"type": "string"},
}
_ERROR_SCHEMA = {
    "type": "object",
    "description": "Errors of the gateway have the string members only; others also code and errorId.",
    "properties": {
        "code": {"type": "integer"},
        "errorId": STRING,
        "transactionId": STRING,
        "status": STRING,
        "name": STRING,
        "message": STRING,
        "info": STRING,
    },
}


def describe(routers: Sequence[Router] | None = None) -> dict[str, Any]:
    """The OpenAPI document of the operations that have an id, of all routers where none are named."""
    chosen = tuple(all_routers() if routers is None else routers)
    served = [
        Served(router, operation, router.bases[0] + operation.path)
        for router in chosen
        for operation in router.operations
        if operation.id
    ]
    components, answers, bodies = _schemas(served, Routes(chosen))
    paths: dict[str, Any] = {}
    for each, answer, body in zip(served, answers, bodies, strict=True):
        paths.setdefault(each.path, {})[each.operation.method] = _operation(each.operation, answer, body)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "Veldnet",
            "version": __version__,
            "description": "LoRa Device Management API compatible with KPN's, and Veldnet's own API.",
            "license": {"name": "Apache-2.0"},
        },
        "servers": [{"url": "/", "description": "This server."}],
        "paths": paths,
        "security": [{"oauth2": []}, {"apiKey": []}, {"session": []}],
        "components": {
            "schemas": _as_openapi_30(components) | {"error": _ERROR_SCHEMA},
            "securitySchemes": {
                "session": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": COOKIE,
                    "description": "Console session; changes also need the header x-csrf-token.",
                },
                "apiKey": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A personal API key, which begins with vldk_.",
                },
                "oauth2": {
                    "type": "oauth2",
                    "flows": {"clientCredentials": {"tokenUrl": TOKEN_URL, "scopes": {}}},
                },
            },
        },
    }


def _schemas(
    served: Sequence[Served], routes: Routes
) -> tuple[dict[str, Schema], list[Schema | None], list[Schema | None]]:
    """Components, and the schemas of answers and bodies, with bodies that refuse members closed to others."""
    answers = [each.operation.answer() for each in served]
    bodies = [each.operation.body() for each in served]
    shown = [routes.shown(each) for each in served]
    kinds = [kind for kind in (*answers, *bodies, *(one for each in shown for one in each or ())) if kind]
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    found = dict(zip(kinds, schemas, strict=True))
    described = [None if kind is None else found[kind] for kind in answers]
    read = [None if kind is None else found[kind] for kind in bodies]
    others = [body for body, each in zip(read, shown, strict=True) if each is None]
    closing = Bodies(components, references([*described, *others], components))
    read = [
        body
        if body is None or each is None
        else closing.closed(body, [found[one] for one in each], one_served.operation.id)
        for one_served, body, each in zip(served, read, shown, strict=True)
    ]
    needed = components | closing.schemas
    kept = references([*described, *read], needed)
    return {name: schema for name, schema in needed.items() if name in kept}, described, read


def _operation(
    operation: Operation, answer: dict[str, Any] | None, body: dict[str, Any] | None
) -> dict[str, Any]:
    described = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "parameters": _parameters(operation),
        "responses": _responses(operation, answer),
    }
    if body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {"application/json": {"schema": _as_openapi_30(body)}},
        }
    elif operation.takes_octets:
        described["requestBody"] = {"required": True, "content": {operation.media: {"schema": STRING}}}
    if operation.access.security is not None:
        described["security"] = [{name: []} for name in operation.access.security]
    return described


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    parameters: list[dict[str, Any]] = [
        {
            "name": "api-version",
            "in": "header",
            "required": False,
            "description": "v1.1.1 is the interface for customers without an HSM; the default is v1.2.",
            "schema": {"type": "string", "enum": ["v1.2", "v1.1.1"]},
        }
    ]
    parameters += [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": "Identifier, as returned in lists and responses.",
            "schema": STRING,
        }
        for name in operation.path_parameters
    ]
    query = operation.inputs().get("query")
    parameters += [
        {
            "name": field.name,
            "in": "query",
            "required": False,
            "description": field.text,
            "schema": field.schema,
        }
        for field in (() if query is None else parameters_of(query).fields)
    ]
    if operation.conditional:
        parameters.append(_IF_MATCH)
    return parameters


def _responses(operation: Operation, answer: dict[str, Any] | None) -> dict[str, Any]:
    success: dict[str, Any] = {"description": "Successful"}
    if answer is not None:
        success["content"] = {"application/json": {"schema": _as_openapi_30(answer)}}
    if operation.media is not None:
        # A stream has no schema: each event has one of its own.
        stream = operation.media == "text/event-stream"
        success["content"] = {operation.media: {} if stream else {"schema": STRING}}
    responses = {str(operation.status): success}
    errors = _ERRORS | {status: _RARER[status] for status in operation.refusals}
    if operation.conditional:
        errors |= {412: _RARER[412]}
    for status, text in errors.items():
        responses[str(status)] = {
            "description": text,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/error"}}},
        }
    return responses


def _as_openapi_30(schema: Any) -> Any:
    """OpenAPI 3.0 says `nullable`, beside a type, where JSON Schema offers the type null, whether a bound is
    exclusive beside it, and has no empty lists of required members."""
    if isinstance(schema, list):
        return [_as_openapi_30(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    for bound, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        if isinstance(schema.get(exclusive), int | float) and schema[exclusive] is not True:
            schema = schema | {bound: schema[exclusive], exclusive: True}
    options = schema.get("anyOf")
    if isinstance(options, list) and {"type": "null"} in options:
        rest = [_as_openapi_30(option) for option in options if option != {"type": "null"}]
        others = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
        return others | (
            _nullable(rest[0]) if len(rest) == 1 else {"anyOf": [_nullable(one) for one in rest]}
        )
    converted = {
        key: _as_openapi_30(value) for key, value in schema.items() if (key, value) != ("required", [])
    }
    if isinstance(schema.get("description"), str):
        # Of a docstring, which is indented as the code is.
        converted["description"] = inspect.cleandoc(schema["description"])
    if isinstance(schema.get("enum"), list) and None in schema["enum"]:
        values = [value for value in schema["enum"] if value is not None]
        return _nullable(converted | {"enum": [*values, None]} | _type_of(values))
    return converted | _type_of(schema.get("enum"))


def _type_of(values: Any) -> dict[str, str]:
    """The type of an enumeration."""
    if not isinstance(values, list) or not values:
        return {}
    return {"type": "integer" if all(isinstance(value, int) for value in values) else "string"}


def _nullable(schema: dict[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        # Nothing else counts beside a reference.
        return {"type": "object", "allOf": [schema], "nullable": True}
    if "type" not in schema:
        # Anything at all, null too.
        return schema
    if "enum" in schema and None not in schema["enum"]:
        schema = schema | {"enum": [*schema["enum"], None]}
    return schema | {"nullable": True}
