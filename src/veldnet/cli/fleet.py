"""`veldnet fleet`: plans, profiles, routing, connections, flows, devices and groups of a customer as a YAML
file."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Annotated, Any, Literal

import msgspec
import typer

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.fleets import fleet_context
from veldnet.assembly.network_settings import network_parameters
from veldnet.domain.errors import BadRequest, Refusal
from veldnet.domain.resources import VeldnetDevice
from veldnet.domain.spreadsheets import csv_text
from veldnet.inventory import accounts, audit, fleets
from veldnet.inventory.fleets import Context, Difference, Step
from veldnet.settings import Settings
from veldnet.store import Connection

from .api_client import ApiClient, read_key
from .options import Data, Json
from .output import console, counted, fail, print_json, print_table
from .running import administrator, settings_of, with_data

fleet_app = typer.Typer(
    help="Plans, profiles, routing, connections, flows, devices and groups as a YAML file.",
    no_args_is_help=True,
)

FileArgument = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="YAML file.")]
_MOST_SHOWN = 60
_MOST_SECRET = 65_536
# Seconds: a large fleet takes its time.
_TIMEOUT = 900.0
_API = "/api/v1/fleet"


class Where(msgspec.Struct, frozen=True):
    """Whose fleet, and where: in a data directory of this machine, or at a server."""

    customer_id: Annotated[
        str | None,
        typer.Option(
            "--customer-id",
            help="Customer, by its nine digits; with --server only for an API key of an operator's user.",
        ),
    ] = None
    data: Data = None
    server: Annotated[
        str | None,
        typer.Option(help="Address of a server, such as https://veldnet.example.org, instead of --data."),
    ] = None
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

    @property
    def client(self) -> ApiClient | None:
        if self.server is None:
            return None
        if self.data is not None:
            fail("--data and --server exclude each other")
        return ApiClient(self.server, read_key(self.key_file), self.ca, self.customer_id, timeout=_TIMEOUT)

    @property
    def customer(self) -> str:
        if self.customer_id is None:
            fail("--customer-id is missing: whose fleet it is, nine digits")
        return self.customer_id


class Outcome(msgspec.Struct):
    """What was done, or would be: how many things of each action, and the steps that are not `none`."""

    create: int
    change: int
    none: int
    error: int
    steps: list[Step]

    @classmethod
    def of(cls, steps: Sequence[Step]) -> Outcome:
        counts = {
            action: sum(step.action == action for step in steps)
            for action in ("create", "change", "none", "error")
        }
        return cls(**counts, steps=[step for step in steps if step.action != "none"])


@fleet_app.command("plan")
def plan_command(file: FileArgument, where: Where, as_json: Json = False) -> None:
    """Show what apply would do, exactly; nothing is written. Ends with an error where something cannot be."""
    _show(_plan(file, where), "Plan: nothing was written", as_json=as_json)


@fleet_app.command("diff")
def diff_command(file: FileArgument, where: Where, as_json: Json = False) -> None:
    """Show how an installation differs from a file; ends with an error where it does, for use in scripts."""
    outcome = _plan(file, where)
    _show(outcome, "Differences", as_json=as_json)
    if outcome.steps:
        raise SystemExit(1)


@fleet_app.command("apply")
def apply_command(file: FileArgument, where: Where, as_json: Json = False) -> None:
    """Make and change what a file says; what it does not name stays. Things that cannot be written are
    left as they are, and tried again by the next apply."""
    document, client = _read(file), where.client
    if client is not None:
        _show(_answer(client.call("POST", f"{_API}/apply", document)), "Applied", as_json=as_json)
        return
    settings, customer_id = settings_of(where.data), where.customer

    async def work(opened: DataDirectory) -> list[Step]:
        context = await opened.store.read(lambda c: _context(c, settings, customer_id, opened))
        author = audit.Author(
            context.scope.display_name, context.scope.subscriber_ref, context.scope.operator_ref
        )

        def note(connection: Connection, step: Step) -> None:
            action = "created" if step.action == "create" else "changed"
            audit.note(connection, author, f"{step.kind[:-1]}.{action}", f"{customer_id}: {step.key[:80]}")

        fleet = fleets.fleet_of(document)
        return await fleets.apply_fleet(opened.store, opened.vault, context, fleet, note)

    _show(Outcome.of(with_data(settings, work, vaults=True)), "Applied", as_json=as_json)


@fleet_app.command("export")
def export_command(
    where: Where,
    output: Annotated[Path | None, typer.Option(help="File to write; standard output if absent.")] = None,
    form: Annotated[
        Literal["yaml", "thingpark"],
        typer.Option(help="YAML, or ThingPark's CSV of devices."),
    ] = "yaml",
    devices: Annotated[
        bool, typer.Option("--devices/--no-devices", help="Without devices only what they use.")
    ] = True,
) -> None:
    """Write a customer's fleet to a file. Keys and secrets are never exported."""
    client = where.client
    if client is not None:
        if form == "thingpark":
            fail("--form thingpark needs --data; a server exports CSV by GET /api/v1/devices/export")
        _write(output, _yaml(_exported(client, devices=devices)))
        return
    settings, customer_id = settings_of(where.data), where.customer

    async def work(opened: DataDirectory) -> tuple[dict[str, Any], list[VeldnetDevice]]:
        context = await opened.store.read(lambda c: _context(c, settings, customer_id, opened))
        document = await opened.store.read(lambda c: fleets.export_offers(c, context))
        found: list[VeldnetDevice] = []
        document["devices"] = []
        after = 0
        while devices or form == "thingpark":
            page, listed, last = await opened.store.read(
                partial(fleets.export_devices, context=context, after=after)
            )
            if not last:
                break
            found += page
            document["devices"] += listed
            after = last
        return document, found

    document, found = with_data(settings, work, vaults=True)
    text = csv_text(map(_thingpark_row, found)) if form == "thingpark" else _yaml(document)
    _write(output, text)


def _exported(client: ApiClient, *, devices: bool) -> dict[str, Any]:
    """The fleet that a server has, which gives it in parts."""
    document: dict[str, Any] = {}
    listed: list[dict[str, Any]] = []
    query = ""
    while True:
        page = client.call("GET", f"{_API}{query}")
        listed += page["fleet"].pop("devices")
        document |= page["fleet"]
        if page["next"] is None or not devices:
            return document | {"devices": listed if devices else []}
        query = f"?after={page['next']}"


def _write(output: Path | None, text: str) -> None:
    try:
        file: IO[str] = sys.stdout if output is None else output.open("w", encoding="utf-8", newline="")
        file.write(text)
        if output is not None:
            file.close()
    except OSError as error:
        fail(f"cannot write {output}: {error.strerror}")


def _yaml(document: dict[str, Any]) -> str:
    import yaml

    return str(yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110))


def _thingpark_row(device: VeldnetDevice) -> Sequence[object]:
    """The columns A to R of Device Manager's import; keys, which are not shown, are empty."""
    given = {name: value for name, value in msgspec.to_builtins(device).items() if value is not None}
    otaa = device.activationType != "ABP"
    cells: dict[str, object] = {
        "A": "CREATE_OTAA" if otaa else "CREATE_ABP",
        "B": given["EUI"],
        "C": "" if otaa else given.get("networkAddress", ""),
        "D": given.get("deviceProfileId", ""),
        "E": given.get("applicationEUI", "") if otaa else "",
        "H": given.get("connectivityPlanId", ""),
        "I": given.get("routingProfileId", ""),
        "K": given.get("name", ""),
        "L": given.get("geoLatitude", ""),
        "M": given.get("geoLongitude", ""),
        "N": given.get("administrativeInfo", ""),
        "Q": given.get("motionIndicator", ""),
        "R": given.get("hsmGroupId", ""),
    }
    return [cells.get(chr(letter), "") for letter in range(ord("A"), ord("R") + 1)]


def _read(file: Path) -> dict[str, Any]:
    """The document of a file, with its secrets put in; one that is wrong ends the command."""

    def find(source: str, what: str) -> str:
        if source == "env":
            if not os.environ.get(what):
                raise BadRequest("the environment has no {name}", name=what[:80])
            return os.environ[what]
        try:
            with file.parent.joinpath(what).open("rb") as opened:
                octets = opened.read(_MOST_SECRET + 1)
            if len(octets) > _MOST_SECRET:
                raise BadRequest("the file {file} is larger than 64 KiB", file=what[:80])
            return octets.decode().strip()
        except OSError as error:
            raise BadRequest("cannot read {file}: {error}", file=what[:80], error=error.strerror) from None
        except ValueError:
            raise BadRequest("the file {file} is not UTF-8", file=what[:80]) from None

    try:
        octets = file.read_bytes()
        fleets.read_fleet(octets, find)
        return fleets.read_document(octets, find)
    except Refusal as error:
        fail(f"{file.name}: {error.text}")
    except OSError as error:
        fail(f"cannot read {file}: {error.strerror}")


def _context(connection: Connection, settings: Settings, customer_id: str, opened: DataDirectory) -> Context:
    scope = accounts.customer_scope(connection, customer_id, administrator())
    return fleet_context(
        settings,
        network_parameters(settings.network),
        (opened.store, opened.vault),
        scope,
        time.time(),
        of_operator=True,
    )


def _plan(file: Path, where: Where) -> Outcome:
    document, client = _read(file), where.client
    if client is not None:
        return _answer(client.call("POST", f"{_API}/plan", document))
    settings, customer_id = settings_of(where.data), where.customer

    async def work(opened: DataDirectory) -> list[Step]:
        context = await opened.store.read(lambda c: _context(c, settings, customer_id, opened))
        return await fleets.plan_fleet(opened.store, opened.vault, context, fleets.fleet_of(document))

    return Outcome.of(with_data(settings, work, vaults=True))


def _answer(answer: Any) -> Outcome:
    try:
        return msgspec.convert(answer, Outcome)
    except msgspec.ValidationError:
        fail("the server does not know fleets; it may be of an earlier version")


def _show(outcome: Outcome, title: str, *, as_json: bool) -> None:
    if as_json:
        print_json(msgspec.to_builtins(outcome))
    else:
        rows = list(_rows(outcome.steps[:_MOST_SHOWN]))
        if rows:
            print_table(title, ("Kind", "What", "Action", "Members"), rows)
        if len(outcome.steps) > len(rows):
            console.print(f"... and {len(outcome.steps) - len(rows)} more; --json shows all")
        console.print(
            f"{outcome.create} to create, {outcome.change} to change, {outcome.none} as they are, "
            f"{counted(outcome.error, 'error')}"
        )
    if outcome.error:
        raise SystemExit(1)


def _rows(steps: Sequence[Step]) -> Iterator[tuple[str, str, str, str]]:
    from rich.markup import escape

    for step in steps:
        yield step.kind, escape(step.key), step.action, escape(_words(step))


def _words(step: Step) -> str:
    if step.error is not None:
        return step.error
    if step.action == "create":
        return ""
    return ", ".join(_change(each) for each in step.differences)


def _change(each: Difference) -> str:
    return f"{each.member}: {_short(each.before)} -> {_short(each.wanted)}"


def _short(value: Any) -> str:
    text = "(none)" if value in (None, "", []) else msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else f"{text[:57]}..."
