"""Who may call what: every route of the application belongs to a router that checks its callers, or to the
short list of what everybody may call."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.api.hosting import Client, HostedServer
from tests.api.operations import EXAMPLES, PASSWORD, World
from tests.api.operations.example import Example
from tests.asgi_requests import made_request
from tests.installation import sandbox
from tests.person import Person
from veldnet.api.application import Application
from veldnet.api.description.operation import Operation
from veldnet.api.routers import (
    DX,
    DX_OPERATOR,
    ENTERING,
    OPERATOR,
    OSS_OPERATOR,
    PROJECT,
    SESSION,
    STATION_ACCESS,
    Router,
    routers,
)
from veldnet.api.routes import Routes

# What needs no credentials, or checks those that a request brings itself.
PUBLIC = {
    ("get", "/healthz"),
    ("get", "/readyz"),
    ("get", "/metrics"),
    ("get", "/openapi.json"),
    ("get", "/docs"),
    ("get", "/docs/start.js"),
    ("get", "/api/v1/signIn"),
    ("get", "/api/v1/signIn/{provider}"),
    ("get", "/api/v1/signIn/{provider}/callback"),
    ("post", "/oauth/client_credential/accesstoken"),
    ("post", "/users-auth/protocol/openid-connect/token"),
    ("post", "/thingpark/dx/admin/{version}/api/oauth/token"),
    ("get", "/thingpark/dx/admin/{version}/api/oauth/tokeninfo"),
    ("post", "/thingpark/dx/admin/{version}/api/oauth/revoke_token"),
    ("post", "/admin/{version}/api/oauth/token"),
    ("get", "/admin/{version}/api/oauth/tokeninfo"),
    ("post", "/admin/{version}/api/oauth/revoke_token"),
    # Steps of a sign-in, each with what the one before gave; see test_oss_sign_in.py.
    ("post", "/thingpark/smp/rest/admins/login"),
    ("post", "/thingpark/smp/rest/admins/{thingparkId}/accessCode"),
    ("get", "/thingpark/wireless/rest/customers"),
    ("get", "/thingpark/wireless/rest/customers/logout"),
    # Signed with the key of a routing profile.
    ("post", "/thingpark/lrc/rest/downlink"),
    ("post", "/thingpark/lrc/rest/v2/downlink"),
}
SIGN_IN = ("post", "/api/v1/session")
# Only for the console's own page: user name and password, or the token of a link, are in the body.
OWN_PAGE = {
    SIGN_IN,
    ("post", "/api/v1/invitation"),
    ("post", "/api/v1/invitation/acceptance"),
    ("post", "/api/v1/passwordReset"),
    ("post", "/api/v1/passwordReset/link"),
    ("post", "/api/v1/passwordReset/password"),
    ("post", "/api/v1/session/passkey"),
    ("post", "/api/v1/session/passkey/challenge"),
}
# Files that are no operations.
FILES = ("/", "/console", "/console/logo", "/console/devices", "/docs/ui/swagger-ui.css")

# Whose callers are users of operators.
OPERATORS = (OPERATOR, STATION_ACCESS, DX_OPERATOR, OSS_OPERATOR)
_NOTHING = Example()
Served = tuple[Router, Operation, str]


def served() -> list[Served]:
    return [(each.router, each.operation, each.path) for each in Routes(routers()).served]


def guarded() -> list[Served]:
    return [each for each in served() if (each[1].method, each[2]) not in PUBLIC | OWN_PAGE]


class Neighbourhood:
    """A subscriber with one of everything, and somebody of another operator with the same rights."""

    def __init__(self, data: Path) -> None:
        account = sandbox(data)
        foreign = sandbox(data)
        self.server = HostedServer(
            data,
            VELDNET_GATEWAYS__BASICS_STATION_COMMANDS="true",
            VELDNET_GATEWAYS__BASICS_STATION_SHELLS="true",
            VELDNET_SIGN_IN__URL="http://localhost",
        )
        self.world = World(self.server, account)
        self.client = Client(self.server, foreign)
        self.client.activate()
        self.user = Person(self.server, foreign.thingpark_username, foreign.thingpark_password)
        operator = foreign.thingpark_username.replace("sandbox", "operator")
        self.operator = Person(self.server, operator, foreign.thingpark_password)

    def ask(
        self, method: str, path: str, example: Example = _NOTHING, person: Any = None, **headers: str
    ) -> httpx.Response:
        """A request of a person with a session, of nobody without."""
        http = self.server.connect() if person is None else person.http
        if isinstance(person, Person):
            headers |= person.headers(method.upper())
        path = path.replace("{version}", "v1")
        content: Any = {"content": example.text} if example.text is not None else {"json": example.body}
        address = path.format(**example.path) + (f"?{example.query}" if example.query else "")
        answer: httpx.Response = http.request(
            (example.method or method).upper(), address, headers=headers, **content
        )
        return answer


@pytest.fixture(scope="module")
def neighbours(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbourhood]:
    found = Neighbourhood(tmp_path_factory.mktemp("access") / "data")
    yield found
    found.server.stop()


def test_every_route_belongs_to_a_router(neighbours: Neighbourhood) -> None:
    application: Any = neighbours.server.application
    inner: Application = application._application
    assert [files.__qualname__ for files in inner.files] == ["Pages.answer", "docs_file"]

    def is_file(path: str) -> bool:
        asked = (neighbours.server.run(files(made_request("GET", path))) for files in inner.files)
        return any(found is not None for found in asked)

    assert all(map(is_file, FILES))
    for path in ("/consoles", "/docs", "/docs/uix", "/data", "/index.html"):
        assert not is_file(path), "served beside the routers"
    for router, operation, path in served():
        assert not is_file(re.sub(r"{\w+}", "1", path)), "hidden by a file"
        assert operation.access.check is not None or (operation.method, path) in PUBLIC | OWN_PAGE, (
            router.name
        )
        # Refuses handlers that do not fit their path.
        operation.inputs()
    assert {(operation.method, path) for _router, operation, path in served()} >= PUBLIC | OWN_PAGE


def test_nobody_gets_in_without_credentials(neighbours: Neighbourhood) -> None:
    for _router, operation, path in guarded():
        filled = re.sub(r"{\w+}", "1", path)
        answer = neighbours.ask(operation.method, filled)
        assert answer.status_code == 401, f"{operation.method} {path}: {answer.status_code}"
        wrong = neighbours.ask(operation.method, filled, authorization="Bearer of-nobody")
        assert wrong.status_code == 401, f"{operation.method} {path}: {wrong.status_code}"


def test_credentials_of_another_kind_do_not_count(neighbours: Neighbourhood) -> None:
    """Tokens do not sign in to the console, and users of subscribers are no operators."""
    for router, operation, path in guarded():
        filled = re.sub(r"{\w+}", "1", path)
        if router in (ENTERING, SESSION, *OPERATORS):
            assert neighbours.ask(operation.method, filled, person=neighbours.client).status_code == 401
        if router in OPERATORS:
            assert neighbours.ask(operation.method, filled, person=neighbours.user).status_code == 403


def test_whoever_may_only_read_changes_nothing(neighbours: Neighbourhood) -> None:
    world = neighbours.world
    for kind in ("subscriber", "operator"):
        body = {"username": f"{kind}@read.example", "password": PASSWORD, "displayName": "R", "kind": kind}
        if kind == "subscriber":
            body["customerId"] = world.customer
        world.desk("POST", "/users", body)
    reader = Person(neighbours.server, "subscriber@read.example", PASSWORD)
    looker = Person(neighbours.server, "operator@read.example", PASSWORD)
    refused = 0
    for router, operation, path in guarded():
        if operation.method == "get" or operation.read_only or router in (ENTERING, SESSION, PROJECT):
            continue
        filled = re.sub(r"{\w+}", "1", path)
        person = looker if router in OPERATORS else reader
        answer = neighbours.ask(operation.method, filled, person=person)
        assert answer.status_code == 403, f"{operation.method} {path}: {answer.status_code}"
        refused += 1
    assert refused > 50


# Operations that name something in their path.
NAMING = {
    operation.id: (router, operation, path)
    for router, operation, path in served()
    if operation.id and operation.path_parameters and router is not DX
}


@pytest.mark.parametrize("name", NAMING)
def test_what_belongs_to_somebody_else_is_not_found(neighbours: Neighbourhood, name: str) -> None:
    """For another subscriber or operator each operation answers as if there were no such thing."""
    router, operation, path = NAMING[name]
    example = EXAMPLES[name](neighbours.world)
    persons: dict[Router, Any] = {
        OPERATOR: neighbours.operator,
        STATION_ACCESS: neighbours.operator,
        SESSION: neighbours.user,
    }
    answer = neighbours.ask(operation.method, path, example, persons.get(router, neighbours.client))
    if name == "getPublicExchangeKey":
        assert answer.status_code == 400 and "is unknown" in answer.json()["message"]
    elif name == "getCatalogueModel":
        # It comes with the package; what an operator imported is in test_catalogue.
        assert answer.json()["makerId"] == "generic"
    elif name == "getCoverageReport":
        # A report is named by its day: this operator's own.
        assert str(neighbours.world.station) not in answer.text
    else:
        assert answer.status_code in (403, 404), f"{answer.status_code} {answer.text}"


@pytest.mark.parametrize("name", [name for name, found in NAMING.items() if found[1].method == "get"])
def test_what_is_ones_own_is_found(neighbours: Neighbourhood, name: str) -> None:
    router, _operation, path = NAMING[name]
    world = neighbours.world
    example = EXAMPLES[name](world)
    person: Any = world.operator if router in (OPERATOR, STATION_ACCESS) else world.client
    assert neighbours.ask("get", path, example, person).status_code == 200


def test_sign_in_is_for_the_page_of_the_console(neighbours: Neighbourhood) -> None:
    account = neighbours.world.account
    body = {"username": account.thingpark_username, "password": account.thingpark_password}
    for method, path in OWN_PAGE:
        answer = neighbours.ask(method, path, Example(body=body), **{"sec-fetch-site": "cross-site"})
        assert answer.status_code == 403 and "set-cookie" not in answer.headers
