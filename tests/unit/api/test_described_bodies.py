"""Members of bodies that an operation takes are those that its description has, at any depth, in both
directions; where it has `additionalProperties: false`, others are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from veldnet.api.description import openapi
from veldnet.api.routers import routers
from veldnet.api.routes import Routes, Served
from veldnet.api.unknown_members import refuse_unknown
from veldnet.domain.errors import InvalidField

Schema = dict[str, Any]
# Puts a value where an object of a body is.
Place = Callable[[Any], Any]

UNKNOWN = "nobodyKnowsThis"


@pytest.fixture(scope="module")
def document() -> Schema:
    return openapi.describe()


class Objects:
    """The objects in a body, with their schemas."""

    def __init__(self, document: Schema) -> None:
        self._schemas: dict[str, Schema] = document["components"]["schemas"]

    def of(
        self, schema: Schema, place: Place = lambda value: value, depth: int = 0
    ) -> Iterator[tuple[Schema, Place]]:
        for each in self._each(schema):
            if "items" in each:
                yield from self.of(each["items"], lambda value: place([{}, value]), depth)
            elif "properties" in each and depth < 6:
                yield each, place
                for name, member in each["properties"].items():
                    yield from self.of(member, _under(name, place), depth + 1)
            elif each.get("type") == "object" and "allOf" not in each:
                yield each, place

    def _each(self, schema: Schema) -> Iterator[Schema]:
        if "$ref" in schema:
            yield from self._each(self._schemas[schema["$ref"].rpartition("/")[2]])
            return
        yield schema
        for each in (*schema.get("anyOf", ()), *schema.get("allOf", ())):
            yield from self._each(each)


def _under(name: str, place: Place) -> Place:
    return lambda value: place({name: value})


def _refused(served: Served, routes: Routes, body: Any) -> bool:
    shown = routes.shown(served)
    if shown is None:
        return False
    try:
        refuse_unknown(body, served.operation.body(), shown)
    except InvalidField as refused:
        assert "is unknown here" in str(refused)
        return True
    return False


def described(document: Schema, routes: Routes) -> Iterator[tuple[Served, Schema]]:
    for served in routes.served:
        method, path = served.operation.method, served.path
        operation = document["paths"].get(path, {}).get(method, {})
        content = operation.get("requestBody", {}).get("content", {})
        if "application/json" in content:
            yield served, content["application/json"]["schema"]


def test_members_that_are_described_are_taken_and_no_others(document: Schema) -> None:
    routes, objects = Routes(routers()), Objects(document)
    closed, opened, problems = set[str](), set[str](), list[str]()
    for served, body in described(document, routes):
        found = list(objects.of(body))
        names = {UNKNOWN, *(name for schema, _place in found for name in schema.get("properties", ()))}
        for schema, place in found:
            known = schema.get("properties", {})
            shut = schema.get("additionalProperties") is False
            (closed if shut else opened).add(served.operation.id)
            for name in names:
                right = shut and name not in known
                if _refused(served, routes, place({name: None})) != right:
                    problems.append(
                        f"{served.operation.id} {place({name: None})}: {'taken' if right else 'refused'}"
                    )
    assert not problems, "\n".join(problems[:50])
    assert {"createFlow", "updateConnection", "createGeofence", "signIn"} <= closed and len(closed) > 60
    assert {"Devicecreation", "setPreferences", "createPlan"} <= opened


def test_bodies_of_kpn_and_answers_stay_open(document: Schema) -> None:
    routes, objects = Routes(routers()), Objects(document)
    for served, body in described(document, routes):
        if not served.path.startswith("/api/v1"):
            assert not [
                schema for schema, _place in objects.of(body) if schema.get("additionalProperties") is False
            ]
    answers = [
        answer["content"]["application/json"]["schema"]
        for methods in document["paths"].values()
        for operation in methods.values()
        for answer in operation["responses"].values()
        if "application/json" in answer.get("content", {})
    ]
    # The one type that is read by itself.
    shut = {
        schema["title"]
        for answer in answers
        for schema, _place in objects.of(answer)
        if schema.get("additionalProperties") is False
    }
    assert shut <= {"StoredNotificationSettings"}


def test_what_was_read_may_be_sent_back_and_is_read_only(document: Schema) -> None:
    schemas = document["components"]["schemas"]
    fence = document["paths"]["/api/v1/geofences/{geofenceRef}"]["put"]
    name = fence["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    members = schemas[name]["properties"]
    assert members["ref"]["readOnly"] and "readOnly" not in members["name"]
    shown = schemas["GeofenceView"]["properties"]
    assert shown.keys() <= members.keys() and not any("readOnly" in each for each in shown.values())
