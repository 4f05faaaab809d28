"""What is described is what is served, and one function is all that an operation takes."""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import httpx
import msgspec
import pytest

from tests.api.hosting import Client, HostedServer
from tests.installation import sandbox
from veldnet.api.application import Application
from veldnet.api.description import openapi
from veldnet.api.description.operation import Access, Operation
from veldnet.api.query import Parameter, parameters_of
from veldnet.api.routers import KPN, KPN_BASE, V1_BASE, Router, routers
from veldnet.api.routes import Routes, operations_of
from veldnet.api.services import Services
from veldnet.api.serving import Operations
from veldnet.console import Branding
from veldnet.domain.scope import Scope

# Of KPN's contract; Veldnet has its own join server.
NOT_USED = {
    *("deviceToken", "jsProfile", "jsSubscriberRef"),
    *("async_", "forceDevAddrs", "networkSubscriptionsHandlingMode"),
}


def operations() -> list[tuple[Router, Operation]]:
    return [(router, operation) for router in routers() for operation in router.operations]


def test_described_and_served_are_the_same() -> None:
    described = {
        (method, path, operation["operationId"])
        for path, methods in openapi.describe()["paths"].items()
        for method, operation in methods.items()
    }
    found = [(router.bases[0], operation) for router in routers() for operation in operations_of(router)]
    bases = (KPN_BASE, V1_BASE)
    assert all(operation.id for base, operation in found if base.startswith(bases)), "each has an id"
    served = {
        (operation.method, base + operation.path, operation.id)
        for base, operation in found
        # What a browser is sent to has no id, and is nobody's to call.
        if operation.id and (base + operation.path).startswith(bases)
    }
    assert described == served
    assert len({name for _method, _path, name in served}) == len(served), "and each its own"


def test_described_and_read_parameters_are_the_same() -> None:
    document = openapi.describe()
    for router, operation in operations():
        if not operation.id:
            continue
        described = document["paths"][router.bases[0] + operation.path][operation.method]["parameters"]
        kind = operation.inputs().get("query")
        fields = () if kind is None else parameters_of(kind).fields
        assert [p["name"] for p in described if p["in"] == "query"] == [field.name for field in fields]
        assert [p["name"] for p in described if p["in"] == "path"] == operation.path_parameters


def test_every_parameter_is_used() -> None:
    """Where the struct is declared, or the handler is written, each of its fields is read."""
    for _router, operation in operations():
        kind = operation.inputs().get("query")
        if kind is None:
            continue
        source = "".join(
            inspect.getsource(sys.modules[module])
            for module in {operation.handler.__module__, *(each.__module__ for each in kind.__mro__[:-2])}
            if module.startswith("veldnet.api")
        )
        for field in msgspec.structs.fields(kind):
            used = re.search(rf"\b(query|self)\.{field.name}\b", source) is not None
            assert used != (field.name in NOT_USED), f"{operation.id}: {field.name}"


def test_parameters_are_read_in_one_place() -> None:
    """But for forms of token requests, the signed query of application servers, and what an identity provider
    sends a browser back with."""
    root = Path(inspect.getfile(openapi)).parents[1]
    reading = {
        str(path.relative_to(root))
        for path in root.rglob("*.py")
        if re.search(r"query_params|query_string", path.read_text())
    }
    assert reading == {"query.py", "auth/oauth.py", "tunnel/__init__.py", "v1/provider_sign_in.py"}


class Greeting(msgspec.Struct, frozen=True):
    times: Annotated[int, Parameter("How often.", least=1, most=3)] = 1


class Name(msgspec.Struct):
    """Who is greeted."""

    name: str


class Greeted(msgspec.Struct):
    """What was said."""

    text: str


class Stage:
    """An operation that is added by one function, with a server of its own."""

    def __init__(self, data: Path) -> None:
        account = sandbox(data)
        self.server = HostedServer(data)
        customer = Client(self.server, account)
        customer.activate()
        self.token = {"authorization": f"Bearer {customer.token}"}
        self.router = Router("test", KPN.access, "/test")

        @self.router.post("/greetings/{roomRef}", "greet", "Test", "Greet somebody.", status=201)
        async def greet(room_ref: str, scope: Scope, query: Greeting, body: Name) -> Greeted:
            return Greeted(f"{room_ref} {scope.customer_id}: {body.name * query.times}")

        services = Services(self.server.platform, Branding())
        self.application: Any = Application(
            Operations(Routes(()), lambda: Routes((self.router,)), services),
            (),
            self.server.platform.settings.api,
        )

    def ask(self, query: str = "", body: Any = None, **headers: str) -> httpx.Response:
        async def work() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.application)
            async with httpx.AsyncClient(transport=transport, base_url="http://test") as http:
                return await http.post(f"/test/greetings/7{query}", json=body, headers=headers)

        return self.server.run(work())


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    found = Stage(tmp_path_factory.mktemp("stage") / "data")
    yield found
    found.server.stop()


def test_one_function_is_a_served_operation(stage: Stage) -> None:
    answer = stage.ask("?times=2", {"name": "Ada"}, **stage.token)
    assert answer.status_code == 201
    assert re.fullmatch(r"7 \d{9}: AdaAda", answer.json()["text"])


@pytest.mark.parametrize(
    ("query", "body", "status", "message"),
    [
        ("?times=4", {"name": "Ada"}, 400, "times '4' must be a whole number from 1 to 3"),
        ("?times=", {"name": 5}, 400, "name: Expected `str`, got `int`"),
        ("", {}, 400, "Object missing required field `name`"),
    ],
)
def test_its_parameters_and_body_are_checked(
    stage: Stage, query: str, body: Any, status: int, message: str
) -> None:
    answer = stage.ask(query, body, **stage.token)
    assert answer.status_code == status and answer.json()["errorId"] == "LDM-401"
    assert message in answer.json()["message"]


def test_its_callers_are_checked_before_anything_else(stage: Stage) -> None:
    assert stage.ask("?times=4", {}).status_code == 401


def test_it_is_described(stage: Stage) -> None:
    document = openapi.describe((stage.router,))
    greet = document["paths"]["/test/greetings/{roomRef}"]["post"]
    assert greet["operationId"] == "greet"
    assert [p["name"] for p in greet["parameters"]] == ["api-version", "roomRef", "times"]
    assert greet["parameters"][2]["schema"] == {"type": "integer", "minimum": 1, "maximum": 3}
    assert greet["requestBody"]["content"]["application/json"]["schema"] == {
        "$ref": "#/components/schemas/Name"
    }
    assert document["components"]["schemas"]["Greeted"]["description"] == "What was said."


@pytest.mark.parametrize("wrong", ["unknown", "path", "caller"])
def test_a_handler_that_does_not_fit_is_refused(wrong: str) -> None:
    router = Router("test", Access("scope", Scope, None), "/test")

    async def unknown(ref: str, answer: int) -> None: ...

    async def path() -> None: ...

    async def caller(ref: str, scope: str) -> None: ...

    handler: Any = {"unknown": unknown, "path": path, "caller": caller}[wrong]
    router.get("/things/{ref}")(handler)
    words = {"unknown": "nothing gives answer", "path": "does not take ref", "caller": "scope must be"}[wrong]
    with pytest.raises(TypeError, match=words):
        router.operations[0].inputs()


def test_a_parameter_needs_a_description_and_a_default() -> None:
    class Bare(msgspec.Struct, frozen=True):
        limit: int = 1

    class Mandatory(msgspec.Struct, frozen=True):
        limit: Annotated[int, Parameter("Entries at most.")]

    for kind in (Bare, Mandatory):
        with pytest.raises(TypeError, match="must be Annotated with one Parameter, and have a default"):
            parameters_of(kind)
