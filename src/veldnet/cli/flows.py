"""`veldnet connection` and `veldnet flow`: messages to applications, through the API of a running server,
which tries a connection and tells how it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from .api_client import ApiClient, read_key
from .output import fail, print_json, print_members, print_rows, report

connection_app = typer.Typer(help="Connections to applications.", no_args_is_help=True)
flow_app = typer.Typer(help="Flows: which messages go over which connections.", no_args_is_help=True)

_LOCAL = "http://127.0.0.1:8080"
_FORMS = {"--set": "MEMBER=VALUE", "--set-file": "MEMBER=FILE"}
# Members that the server sets, and those that are taken away by an option of their own.
_OF_SERVER = {"ref", "state", "problem", "creationTime", "lastUpdateTime", "lastUpdateUser", "clear"}
# Members that are written as JSON, with an example.
_LISTS = {
    "headers": '{"X-Key": "secret"}',
    "options": '{"table": "lorawan"}',
    "tags": '["cellar"]',
    "deviceProfileIds": '["LORA/GenericA.1.0.3a_ETSI"]',
    "strategies": '["DATAFLOW"]',
    "connectionRefs": '["1"]',
}
_ADDRESS = "Such as mqtts://HOST:8883 or a URL of HTTP; `connection kinds` lists how others begin."

Ref = Annotated[str, typer.Argument(help="Its ref, as list shows it.")]
Members = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="MEMBER=VALUE", help="A member as in the API; may be repeated."),
]
Files = Annotated[
    list[str] | None,
    typer.Option(
        "--set-file",
        metavar="MEMBER=FILE",
        help="A member that is read from a file, such as password or clientKey; may be repeated.",
    ),
]
Cleared = Annotated[
    list[str] | None,
    typer.Option("--clear", metavar="MEMBER", help="A member that loses its value; may be repeated."),
]
Used = Annotated[
    list[str] | None, typer.Option("--connection", help="Ref of a connection it uses; may be repeated.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class Access(msgspec.Struct, frozen=True):
    """Where the server is, and who asks."""

    server: Annotated[
        str, typer.Option(help="Address of the server, such as https://veldnet.example.org.")
    ] = _LOCAL
    key_file: Annotated[
        Path | None,
        typer.Option(help="File with an API key or an access token; VELDNET_API_KEY if absent."),
    ] = None
    ca: Annotated[
        Path | None,
        typer.Option(
            "--ca", help="File with the authorities of the server's certificate; the system's if absent."
        ),
    ] = None
    customer_id: Annotated[
        str | None,
        typer.Option("--customer-id", help="Customer to work for, with the API key of an operator's user."),
    ] = None

    def call(self, method: str, path: str, body: Any = None) -> Any:
        client = ApiClient(self.server, read_key(self.key_file), self.ca, self.customer_id)
        return client.call(method, path, body)


class ConnectionRow(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A connection in a table."""

    ref: str
    name: str
    type: str | None = None
    dialect: str | None = None
    address: str | None = None
    status: str
    since: str | None
    reason: str | None
    pending: int
    undelivered: int


class KindRow(msgspec.Struct, frozen=True, rename="camel"):
    """A type of connection in a table."""

    type: str
    title: str
    example: str
    fields: list[str]
    presets: list[str]


class FlowRow(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """A flow in a table."""

    ref: str
    name: str
    active: bool
    tags: list[str] | None = None
    device_profile_ids: list[str] | None = None
    strategies: list[str] | None = None
    ports: str | None = None
    driver: str | None = None
    connection_refs: list[str]
    problem: str | None = None


def _body(kind: type[msgspec.Struct], members: list[str] | None, files: list[str] | None) -> dict[str, Any]:
    """The members that options give, in the types of the API."""
    known = [
        field.encode_name for field in msgspec.structs.fields(kind) if field.encode_name not in _OF_SERVER
    ]
    given: dict[str, Any] = {}
    for name, value in _pairs("--set", members):
        if name in given:
            fail(f"--set {name}: it is given twice")
        if not value:
            fail(f"--set {name}: there is no value; --clear {name} takes one away where that is possible")
        try:
            given[name] = msgspec.json.decode(value) if name in _LISTS else value
        except msgspec.DecodeError as error:
            fail(f"--set {name}: {value[:80]!r} must be JSON, such as {_LISTS[name]}: {error}")
    for name, path in _pairs("--set-file", files):
        try:
            given[name] = Path(path).read_text().strip()
        except (OSError, UnicodeDecodeError) as error:
            fail(f"--set-file {name}: {path} cannot be read: {error}")
    for name in given:
        if name in _OF_SERVER:
            fail(f"{name} cannot be set; members that can are {', '.join(known)}")
        if name not in known:
            fail(f"{name}: there is no such member; there are {', '.join(known)}")
    try:
        made: dict[str, Any] = msgspec.to_builtins(msgspec.convert(given, kind, strict=False))
    except msgspec.ValidationError as error:
        from veldnet.inventory.offers import refusal_text

        fail(f"--set {refusal_text(str(error), kind)}")
    return made


def _pairs(option: str, given: list[str] | None) -> Iterator[tuple[str, str]]:
    for pair in given or []:
        name, equals, value = pair.partition("=")
        if not equals:
            fail(f"{option} {pair[:80]!r} must look like {_FORMS[option]}")
        yield name, value


class Resources(msgspec.Struct, frozen=True):
    """Connections, or flows: how commands call one, where the API has them, and a row of their table."""

    noun: str
    app: typer.Typer
    row: type[msgspec.Struct]
    after_deletion: str

    @property
    def path(self) -> str:
        return f"/api/v1/{self.noun}s"

    def one(self, ref: str) -> str:
        """A reference is one part of a path."""
        from urllib.parse import quote

        return f"{self.path}/{quote(ref, safe='')}"

    def body(self, members: list[str] | None, files: list[str] | None) -> dict[str, Any]:
        from veldnet.inventory.flows import Connection, Flow

        return _body(Connection if self is CONNECTIONS else Flow, members, files)

    def create(self, access: Access, body: dict[str, Any]) -> None:
        made = access.call("POST", self.path, body)
        report(f"{self.noun} {made['ref']} created", ref=made["ref"])

    def change(self, access: Access, ref: str, body: dict[str, Any], options: str) -> None:
        if not body:
            fail(f"name what changes: {options}")
        access.call("PUT", self.one(ref), body)
        report(f"{self.noun} {ref} changed", ref=ref)


CONNECTIONS = Resources(
    "connection",
    connection_app,
    ConnectionRow,
    " that no flow uses; messages that wait for it become undelivered",
)
FLOWS = Resources("flow", flow_app, FlowRow, "; messages that wait are delivered all the same")


def _print_table(title: str, row: type[msgspec.Struct], found: Iterable[Any], as_json: Any) -> None:
    """A table; where there is `as_json`, that instead."""
    if as_json is not None:
        print_json(as_json)
        return
    print_rows(title, row, [msgspec.convert(each, row) for each in found], as_json=False)


def _commands(kind: Resources) -> None:
    """What can be done with either."""
    how = ", and how they are" if kind is CONNECTIONS else ""

    @kind.app.command("list", help=f"List {kind.noun}s{how}.")
    def list_them(access: Access, as_json: AsJson = False) -> None:
        found = access.call("GET", kind.path)
        flat = [each | each.get("state", {}) for each in found]
        _print_table(f"{kind.noun.capitalize()}s", kind.row, flat, found if as_json else None)

    @kind.app.command("show", help=f"Show a {kind.noun}{how.replace('they are', 'it is')}.")
    def show(ref: Ref, access: Access, as_json: AsJson = False) -> None:
        print_members(access.call("GET", kind.one(ref)), as_json=as_json)

    @kind.app.command("delete", help=f"Delete a {kind.noun}{kind.after_deletion}.")
    def delete(ref: Ref, access: Access) -> None:
        access.call("DELETE", kind.one(ref))
        report(f"{kind.noun} {ref} deleted", ref=ref)


_commands(CONNECTIONS)
_commands(FLOWS)


@connection_app.command("create")
def create_connection(
    name: Annotated[str, typer.Argument(help="Its name.")],
    address: Annotated[str, typer.Argument(help=_ADDRESS)],
    access: Access,
    members: Members = None,
    files: Files = None,
    preset: Annotated[
        str | None,
        typer.Option(help="Settings for a cloud or product, such as aws-iot; `connection kinds` lists them."),
    ] = None,
) -> None:
    """Create a connection. Nothing goes over it until a flow uses it."""
    kinds = access.call("GET", "/api/v1/connectionKinds")
    given = CONNECTIONS.body(members, files)
    body = _of_preset(kinds, preset) if preset else {}
    types = {scheme: kind["type"] for kind in reversed(kinds) for scheme in kind["schemes"]}
    kind = given.get("type") or body.get("type") or types.get(address.partition("://")[0].lower())
    if kind is None:
        schemes = dict.fromkeys(f"{scheme}://" for each in kinds for scheme in each["schemes"])
        fail(f"ADDRESS {address!r} must begin with one of {', '.join(schemes)}")
    CONNECTIONS.create(access, body | given | {"type": kind, "name": name, "address": address})


def _of_preset(kinds: list[dict[str, Any]], wanted: str) -> dict[str, Any]:
    """The members that a preset gives."""
    known = {preset["id"]: (kind, preset) for kind in kinds for preset in kind["presets"]}
    if wanted not in known:
        fail(f"--preset {wanted!r} is not known; there are {', '.join(known)}")
    kind, preset = known[wanted]
    options = {field["name"] for field in kind["fields"] if field["option"]}
    members = {name: value for name, value in preset["values"].items() if name not in options}
    of_type = {name: value for name, value in preset["values"].items() if name in options}
    return {"type": kind["type"], **members, **({"options": of_type} if of_type else {})}


@connection_app.command("kinds")
def list_kinds(access: Access, as_json: AsJson = False) -> None:
    """List the types of connection, how their addresses begin, and their presets."""
    found = access.call("GET", "/api/v1/connectionKinds")
    _print_table("Types of connection", KindRow, map(_kind_row, found), found if as_json else None)


def _kind_row(kind: dict[str, Any]) -> dict[str, Any]:
    names = [field["name"] for field in kind["fields"]]
    return kind | {"fields": names, "presets": [preset["id"] for preset in kind["presets"]]}


@connection_app.command("change")
def change_connection(
    ref: Ref,
    access: Access,
    members: Members = None,
    files: Files = None,
    clear: Cleared = None,
) -> None:
    """Change a connection; what is not given stays."""
    body = CONNECTIONS.body(members, files) | _given("clear", clear)
    CONNECTIONS.change(access, ref, body, "--set, --set-file or --clear")


@connection_app.command("test")
def try_connection(ref: Ref, access: Access) -> None:
    """Send a test message over a connection, and say what became of it. It ends with an error where it was
    not delivered."""
    done = _try(access, ref)
    if not done["delivered"]:
        fail(f"connection {ref}: {_refused(done)}")
    report(_delivered(done), **done)


def _try(access: Access, ref: str) -> dict[str, Any]:
    done: dict[str, Any] = access.call("POST", f"{CONNECTIONS.one(ref)}/trial")
    return done


def _delivered(done: dict[str, Any]) -> str:
    return f"test message delivered to {done['address']} in {done['ms']} ms"


def _refused(done: dict[str, Any]) -> str:
    at = "" if done["address"] is None else f" to {done['address']}"
    return f"the test message{at} was not delivered: {done['error'] or done['status']}"


@flow_app.command("create")
def create_flow(
    name: Annotated[str, typer.Argument(help="Its name.")],
    access: Access,
    connections: Used = None,
    members: Members = None,
    files: Files = None,
) -> None:
    """Create a flow. It takes the messages of frames that are heard from now on."""
    FLOWS.create(access, FLOWS.body(members, files) | _given("connectionRefs", connections) | {"name": name})


@flow_app.command("change")
def change_flow(
    ref: Ref,
    access: Access,
    connections: Used = None,
    members: Members = None,
    files: Files = None,
    clear: Cleared = None,
) -> None:
    """Change a flow; what is not given stays."""
    body = FLOWS.body(members, files) | _given("connectionRefs", connections) | _given("clear", clear)
    FLOWS.change(access, ref, body, "--connection, --set, --set-file or --clear")


@flow_app.command("test")
def try_flow(ref: Ref, access: Access) -> None:
    """Send a test message over each connection of a flow. It ends with an error where one was not
    delivered."""
    connections = access.call("GET", FLOWS.one(ref))["connectionRefs"]
    if not connections:
        fail(f"flow {ref} uses no connection")
    tried = {each: _try(access, each) for each in connections}
    good = [f"connection {each}: {_delivered(done)}" for each, done in tried.items() if done["delivered"]]
    bad = [f"connection {each}: {_refused(done)}" for each, done in tried.items() if not done["delivered"]]
    if good:
        report("\n".join(good), trials=[{"connectionRef": each} | done for each, done in tried.items()])
    if bad:
        fail("; ".join(bad))


def _given(member: str, values: list[str] | None) -> dict[str, Any]:
    return {member: values} if values else {}
