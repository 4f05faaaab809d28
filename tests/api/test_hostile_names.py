"""Names that are meant to break out of lists, exports, mails, metrics and the log. Which kinds have names is
read off the description of the API, so a new one is tried, too."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.api.hosting import HostedServer
from tests.api.operations import EXAMPLES, PASSWORD, World
from tests.api.operations.example import Example
from tests.installation import sandbox
from tests.monitoring.post_office import PostOffice
from tests.person import Person
from veldnet.monitoring.notification.mail import MailSettings, SmtpMailer

# Members that people fill in freely, besides those whose names end in "name".
FREE = ("administrativeInfo", "comment", "description", "label", "note", "tags", "text")
# Names that are looked up, and not kept as they are given.
LOOKED_UP = {"signIn", "Activation"}
SCRIPT = "<script>alert(1)</script>"
# Each is refused, or kept as it is; short enough for every kind, and without what separates tags.
PRINTABLE = f"=cmd{SCRIPT}\"'{{0.x}}%s%n${{jn:x}}\U0001f469\u200d\U0001f692"[:50]
LINES = "a\r\nBcc: all@evil.example"
REFUSED = ("a\x00b", "a\u202eb", "a\u2067b\u200f", "a\x1b[2Jb", "x" * 65_536)
# May have several lines.
TEXTS = {"administrativeInfo", "text"}
# Fixed when the device is made.
FIXED = {("Deviceupdate", "administrativeInfo"), ("changeVeldnetDevice", "administrativeInfo")}
# A name that nobody has is answered as one that is known.
UNTOLD = "requestPasswordReset"
HEADERS = {
    "Subject",
    "From",
    "To",
    "Date",
    "Message-ID",
    "MIME-Version",
    "Content-Type",
    "Auto-Submitted",
    "X-Peer",
    "X-MailFrom",
    "X-RcptTo",
}


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostOffice]:
    with PostOffice(tmp_path_factory.mktemp("post")) as office:
        yield office


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    data: Path = tmp_path_factory.mktemp("hostile") / "data"
    account = sandbox(data)
    server = HostedServer(
        data,
        VELDNET_GATEWAYS__BASICS_STATION_COMMANDS="true",
        VELDNET_GATEWAYS__BASICS_STATION_SHELLS="true",
        # Nobody listens there.
        VELDNET_MAIL__HOST="127.0.0.1",
        VELDNET_MAIL__PORT="9",
        VELDNET_MAIL__SECURITY="none",
        VELDNET_SIGN_IN__URL="http://localhost",
    )
    yield World(server, account)
    server.stop()


Described = dict[str, tuple[str, str, dict[str, Any]]]


def described(world: World) -> Described:
    """Method, path and members of the body of each operation."""
    document = world.client.http.get("/openapi.json").json()
    schemas = document["components"]["schemas"]
    found = {}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            schema = content.get("schema", {})
            if "$ref" in schema:
                schema = schemas[schema["$ref"].rpartition("/")[2]]
            found[operation["operationId"]] = (method, path, schema.get("properties", {}))
    return found


def is_text(schema: dict[str, Any]) -> bool:
    if schema.get("type") == "array":
        return bool(schema["items"].get("type") == "string")
    kinds = [schema, *schema.get("anyOf", ())]
    return any(kind.get("type") == "string" and not {"enum", "format"} & set(kind) for kind in kinds)


def takes_names(properties: dict[str, Any]) -> list[str]:
    return [
        member
        for member, schema in properties.items()
        if (member.lower().endswith("name") or member in FREE) and is_text(schema)
    ]


def send(world: World, method: str, path: str, example: Example) -> httpx.Response:
    """As `operations.ask`, but what is refused comes back."""
    person: Any = world.client
    headers: dict[str, str] = {}
    if path.startswith("/api/v1"):
        person = world.operator if path.startswith("/api/v1/operator") else world.user
        headers = person.headers(method.upper())
    address = path.format(**example.path) + (f"?{example.query}" if example.query else "")
    http = world.server.connect(cookies=example.cookies) if example.anonymous else person.http
    content = {"content": example.text} if example.text is not None else {"json": example.body}
    answer: httpx.Response = http.request(
        (example.method or method).upper(), address, headers=headers, **content
    )
    return answer


def test_hostile_names_break_out_of_nothing(world: World, post: PostOffice) -> None:
    operations = described(world)
    tried, problems = set(), []
    for operation, (method, path, properties) in operations.items():
        for member in () if operation in LOOKED_UP else takes_names(properties):
            listed = properties[member].get("type") == "array"
            problems += _give(world, operation, (method, path), member, listed=listed)
            tried.add(operation)
    assert not problems, "\n".join(problems)
    assert {"Devicecreation", "createUser", "createProject", "setBranding", "addPasskey"} <= tried
    _check_lists(world, operations)
    _check_metrics_and_log(world)
    _check_mails(world, post)


def _give(world: World, operation: str, at: tuple[str, str], member: str, *, listed: bool) -> list[str]:
    """What has control characters or is too long is refused in a sentence; anything printable is kept."""
    problems = []
    example = EXAMPLES[operation](world)
    for value in (*REFUSED, LINES, PRINTABLE):
        if value in (LINES, PRINTABLE):
            # Where the one before was kept, its example is used up.
            example = EXAMPLES[operation](world)
        body = dict(example.body or {}) | {member: [value] if listed else value}
        answer = send(world, *at, msgspec.structs.replace(example, body=body))
        kept = value == PRINTABLE or (value == LINES and member in TEXTS)
        if operation == UNTOLD:
            right = answer.status_code in (204, 400)
        elif kept and (operation, member) not in FIXED:
            # User names are unique, and this one may be taken by now.
            right = answer.status_code < 300 or (member == "username" and "exists already" in answer.text)
        else:
            right = answer.status_code in (400, 409) and 20 < len(answer.json()["message"]) < 700
        if not right:
            problems.append(f"{operation} {member} {value[:30]!r}: {answer.status_code} {answer.text[:200]}")
    return problems


def _check_lists(world: World, operations: Described) -> None:
    """Every list and export can be read, and no cell is taken for a formula."""
    exports = 0
    for operation, (method, path, _properties) in operations.items():
        if method != "get" or path.endswith("/live"):
            continue
        answer = send(world, method, path, EXAMPLES[operation](world))
        # Some need what an earlier example of theirs gives.
        assert answer.status_code in (200, 204, 403), f"{operation}: {answer.text[:300]}"
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if kind == "application/json":
            json.loads(answer.content)
        elif kind == "text/csv":
            rows = list(csv.reader(io.StringIO(answer.text)))
            exports += any(f"'{PRINTABLE}" in row for row in rows)
            assert not [cell for row in rows for cell in row if _is_formula(cell)], operation
        else:
            assert SCRIPT not in answer.text, operation
    assert exports, "a device with the name is among those exported"
    assert PRINTABLE in json.dumps(world.v1("GET", "/audit"), ensure_ascii=False).replace('\\"', '"')


def _is_formula(cell: str) -> bool:
    if not cell.startswith(("=", "+", "-", "@", "\t", "\r")):
        return False
    try:
        float(cell)
    except ValueError:
        return True
    return False


def _check_metrics_and_log(world: World) -> None:
    families = list(text_string_to_metric_families(world.client.http.get("/metrics").text))
    assert len(families) > 20
    log = world.server.log
    assert not [line for line in log.splitlines() if line.startswith("Bcc")]
    assert "Traceback" not in log and "\x1b[2J" not in log


def _check_mails(world: World, post: PostOffice) -> None:
    """A letter of a network and about people with such names."""
    world.desk("PUT", "/branding", {"name": PRINTABLE})
    monitoring = world.server.platform.monitoring
    monitoring.mailer = SmtpMailer(
        MailSettings("127.0.0.1", post.port, "none", "veldnet@example.com", timeout=5, name=PRINTABLE)
    )
    user = {"username": "hostile@example.com", "password": PASSWORD, "displayName": PRINTABLE}
    world.desk("POST", "/users", user | {"customerId": world.customer, "role": "admin"})
    hostile = Person(world.server, user["username"], PASSWORD)
    hostile.call("POST", "/api/v1/invitations", {"email": "someone@example.com", "role": "ro"})
    people = hostile.call("GET", "/api/v1/users")
    ref = next(one["ref"] for one in people if one["username"] == world.account.thingpark_username)
    assert hostile.call("POST", f"/api/v1/users/{ref}/passwordReset", {})["mailed"]
    invited, reset = post.messages
    assert invited["Subject"].count(SCRIPT) == 4, "prefix, inviter, subscriber, network"
    assert reset["Subject"].count(SCRIPT) == 2, "prefix, network"
    for message in post.messages:
        assert set(message.keys()) <= HEADERS and "\n" not in message["Subject"]
        page = message.get_body(("html",))
        assert page is not None
        assert SCRIPT not in page.get_content() and escape(SCRIPT) in page.get_content()
