"""`veldnet fleet`: plans, profiles, routing, flows and devices of a customer as a YAML file."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Annotated, Any, Literal

import msgspec
import typer

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.domain.errors import Refusal
from veldnet.domain.resources import VeldnetDevice
from veldnet.domain.spreadsheets import csv_text
from veldnet.inventory import accounts, audit, fleets
from veldnet.inventory.fleets import Context, Fleet, Step
from veldnet.settings import Settings
from veldnet.store import Connection

from .options import CustomerOption, Data, Json
from .output import console, counted, fail, print_json, print_table
from .running import administrator, settings_of, with_data

fleet_app = typer.Typer(
    help="Plans, profiles, routing, flows and devices as a YAML file.", no_args_is_help=True
)

FileArgument = Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="YAML file.")]
_MOST_SHOWN = 60


class Outcome(msgspec.Struct):
    """What was done, or would be: how many things of each action, and the steps that are not `none`."""

    create: int
    change: int
    none: int
    error: int
    steps: list[dict[str, Any]]


@fleet_app.command("plan")
def plan_command(
    file: FileArgument, customer_id: CustomerOption, data: Data = None, as_json: Json = False
) -> None:
    """Show what apply would do, exactly; nothing is written. Ends with an error where something cannot be."""
    _show(_plan(file, customer_id, data), "Plan: nothing was written", as_json=as_json)


@fleet_app.command("diff")
def diff_command(
    file: FileArgument, customer_id: CustomerOption, data: Data = None, as_json: Json = False
) -> None:
    """Show how an installation differs from a file; ends with an error where it does, for use in scripts."""
    steps = _plan(file, customer_id, data)
    _show(steps, "Differences", as_json=as_json)
    if any(step.action != "none" for step in steps):
        raise SystemExit(1)


@fleet_app.command("apply")
def apply_command(
    file: FileArgument, customer_id: CustomerOption, data: Data = None, as_json: Json = False
) -> None:
    """Make and change what a file says; what it does not name stays. Things that cannot be written are
    left as they are, and tried again by the next apply."""
    settings, fleet = settings_of(data), _read(file)

    async def work(opened: DataDirectory) -> list[Step]:
        context = await opened.store.read(lambda c: _context(c, settings, customer_id))
        author = audit.Author(
            context.scope.display_name, context.scope.subscriber_ref, context.scope.operator_ref
        )

        def note(connection: Connection, step: Step) -> None:
            action = "created" if step.action == "create" else "changed"
            audit.note(connection, author, f"{step.kind[:-1]}.{action}", f"{customer_id}: {step.key[:80]}")

        return await fleets.apply_fleet(opened.store, opened.vault, context, fleet, note)

    _show(with_data(settings, work, vaults=True), "Applied", as_json=as_json)


@fleet_app.command("export")
def export_command(
    customer_id: CustomerOption,
    output: Annotated[Path | None, typer.Option(help="File to write; standard output if absent.")] = None,
    form: Annotated[
        Literal["yaml", "thingpark"],
        typer.Option(help="YAML, or ThingPark's CSV of devices."),
    ] = "yaml",
    devices: Annotated[
        bool, typer.Option("--devices/--no-devices", help="Without devices only what they use.")
    ] = True,
    data: Data = None,
) -> None:
    """Write a customer's fleet to a file. Keys are never exported."""
    settings = settings_of(data)

    async def work(opened: DataDirectory) -> tuple[dict[str, Any], list[VeldnetDevice]]:
        context = await opened.store.read(lambda c: _context(c, settings, customer_id))
        document = await opened.store.read(lambda c: fleets.export_offers(c, context))
        found: list[VeldnetDevice] = []
        document["devices"] = []
        after = 0
        while devices or form == "thingpark":
            page, listed, last = await opened.store.read(
                lambda c, after=after: fleets.export_devices(c, context, after)  # type: ignore[misc]
            )
            if not last:
                break
            found += page
            document["devices"] += listed
            after = last
        return document, found

    document, found = with_data(settings, work)
    text = csv_text(map(_thingpark_row, found)) if form == "thingpark" else _yaml(document)
    _write(output, text)


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


def _read(file: Path) -> Fleet:
    try:
        return fleets.read_fleet(file.read_bytes())
    except Refusal as error:
        fail(f"{file.name}: {error.text}")
    except OSError as error:
        fail(f"cannot read {file}: {error.strerror}")


def _context(connection: Connection, settings: Settings, customer_id: str) -> Context:
    scope = accounts.customer_scope(connection, customer_id, administrator())
    return Context(scope, settings.routing.allow_private_destinations, int(time.time() * 1000))


def _plan(file: Path, customer_id: str, data: Path | None) -> list[Step]:
    settings, fleet = settings_of(data), _read(file)

    async def work(opened: DataDirectory) -> list[Step]:
        context = await opened.store.read(lambda c: _context(c, settings, customer_id))
        return await fleets.plan_fleet(opened.store, context, fleet)

    return with_data(settings, work)


def _show(steps: Sequence[Step], title: str, *, as_json: bool) -> None:
    from rich.markup import escape

    counts = {
        action: sum(step.action == action for step in steps)
        for action in ("create", "change", "none", "error")
    }
    told = [step for step in steps if step.action != "none"]
    if as_json:
        print_json(Outcome(**counts, steps=[msgspec.to_builtins(step) for step in told]))
    else:
        rows = [
            (step.kind, escape(step.key), step.action, escape(_words(step))) for step in told[:_MOST_SHOWN]
        ]
        if rows:
            print_table(title, ("Kind", "What", "Action", "Members"), rows)
        if len(told) > len(rows):
            console.print(f"... and {len(told) - len(rows)} more; --json shows all")
        console.print(
            f"{counts['create']} to create, {counts['change']} to change, {counts['none']} as they are, "
            f"{counted(counts['error'], 'error')}"
        )
    if counts["error"]:
        raise SystemExit(1)


def _words(step: Step) -> str:
    if step.error is not None:
        return step.error
    if step.action == "create":
        return ""
    return ", ".join(
        f"{each.member}: {_short(each.before)} -> {_short(each.wanted)}" for each in step.differences
    )


def _short(value: Any) -> str:
    text = "(none)" if value in (None, "", []) else msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else f"{text[:57]}..."
