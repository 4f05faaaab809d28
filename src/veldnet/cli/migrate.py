"""`veldnet migrate`: moving in from other network servers."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Annotated, Any

import msgspec
import typer

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.network_settings import network_parameters
from veldnet.domain.scope import Scope
from veldnet.inventory import accounts, audit, imports
from veldnet.keys import VaultError
from veldnet.migration import (
    ChirpStack,
    Damaged,
    Entry,
    Migration,
    Report,
    Source,
    Tally,
    Target,
    Terms,
    TheThingsStack,
)
from veldnet.settings import Settings
from veldnet.store import Connection, StoreError, other_database

from .migrate_compare import compare_command
from .migrate_ending import cut_over_command, dev_euis_of, roll_back_command
from .options import CustomerOption, Data, Json
from .output import console, errors, fail, print_json, print_table
from .running import administrator, settings_of, with_data

migrate_app = typer.Typer(help="Move in from other network servers.", no_args_is_help=True)
migrate_app.command("compare")(compare_command)
migrate_app.command("cut-over")(cut_over_command)
migrate_app.command("roll-back")(roll_back_command)

_URL_VARIABLE = "CHIRPSTACK_URL"
_MOST_JUMP = 8192


class How(msgspec.Struct, frozen=True):
    """How things are moved, whatever they are moved from."""

    dry_run: Annotated[
        bool, typer.Option("--dry-run/--apply", help="Only report what would be done; the default.")
    ] = True
    sessions: Annotated[
        bool, typer.Option("--sessions/--no-sessions", help="Without sessions all devices join again.")
    ] = True
    shadow: Annotated[
        bool,
        typer.Option(
            "--shadow/--no-shadow",
            help="Listen to the devices beside their network, which goes on answering them, until they are "
            "moved without this.",
        ),
    ] = False
    device: Annotated[
        list[str] | None, typer.Option(help="DevEUI of a device to move alone; may be repeated.")
    ] = None
    counter_jump: Annotated[
        int,
        typer.Option(
            min=0, max=_MOST_JUMP, help="How far downlink counters jump, for what is sent there meanwhile."
        ),
    ] = 1000
    plan: Annotated[
        str | None, typer.Option(help="Id of a connectivity plan for all devices, instead of new ones.")
    ] = None
    routing_profile: Annotated[
        str | None, typer.Option(help="Id of a routing profile for all devices; flows serve them if absent.")
    ] = None
    report: Annotated[
        Path | None, typer.Option(help="File for a line of JSON about each thing that was looked at.")
    ] = None


@migrate_app.command("chirpstack")
def migrate_chirpstack(
    customer_id: CustomerOption,
    how: How,
    url: Annotated[
        str | None,
        typer.Option(help=f"postgresql://USER@HOST/DATABASE; {_URL_VARIABLE} keeps a password out of lists."),
    ] = None,
    tenant: Annotated[str | None, typer.Option(help="Name or id of the tenant to move.")] = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Move a tenant of ChirpStack v4, from its PostgreSQL database: devices with their sessions, device
    profiles, decoders, gateways, multicast groups, HTTP integrations.

    Reads only. Without --apply nothing is written here either. With --shadow devices are listened to only;
    moving them again without it cuts them over.
    """
    address = url or os.environ.get(_URL_VARIABLE)
    if not address:
        fail(f"give --url postgresql://USER@HOST/DATABASE, or set {_URL_VARIABLE}")
    with _readable_errors(), other_database(address) as database:
        source = ChirpStack(database, tenant)
        _migrate(source, f"ChirpStack tenant {source.tenant.name}", customer_id, how, data, as_json)


@migrate_app.command("tts")
def migrate_tts(
    file: Annotated[
        list[Path],
        typer.Argument(exists=True, dir_okay=False, help="JSON of end devices, gateways or webhooks."),
    ],
    customer_id: CustomerOption,
    how: How,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Move end devices of The Things Stack v3 with their sessions, gateways and webhooks, from the JSON that
    ttn-lw-migrate, ttn-lw-cli or `veldnet export` writes.

    Without --apply nothing is written. With --shadow devices are listened to only; moving them again
    without it cuts them over.
    """
    with _readable_errors():
        title = f"The Things Stack {' '.join(each.name for each in file)}"
        _migrate(TheThingsStack(file), title, customer_id, how, data, as_json)


@contextlib.contextmanager
def _readable_errors() -> Iterator[None]:
    try:
        yield
    except (Damaged, StoreError) as error:
        fail(str(error))


def _migrate(
    source: Source, title: str, customer_id: str, how: How, data: Path | None, as_json: bool
) -> None:
    settings = settings_of(data)
    if how.sessions and settings.cluster.nats:
        fail(
            "sessions of other networks are served by a single process only, and settings: cluster.nats is "
            "set; give --no-sessions, and devices join again"
        )
    if how.shadow and not how.sessions:
        fail("--shadow needs the sessions: without them no frame of a device can be read here")
    only = dev_euis_of(how.device)
    started = time.monotonic()
    tally = Tally()

    async def run(opened: DataDirectory) -> Report:
        with _ReportFile(how.report) as file, _Progress(source.count()) as progress:
            moving = _Moving(opened, settings, source, how)
            target = await moving.begin(customer_id, title)
            terms = await moving.terms()
            try:
                async for entries in Migration(source, target, terms, only).run():
                    for entry in entries:
                        tally.add(entry)
                        file.write(entry)
                    progress.advance(sum(entry.kind == "device" for entry in entries))
            finally:
                await moving.end(target, title, tally)
        ref = None if target.import_ref is None else str(target.import_ref)
        seconds = round(time.monotonic() - started, 1)
        return Report(title, customer_id, how.dry_run, how.shadow, ref, seconds, tally.counts, tally.reasons)

    try:
        done = with_data(settings, run, vaults=not how.dry_run)
    except VaultError as error:
        fail(f"the vault cannot work just now; what was moved before stays: {error}")
    if as_json:
        print_json(done)
    else:
        _show(done)


class _Moving:
    """The installation that things are moved to."""

    def __init__(self, opened: DataDirectory, settings: Settings, source: Source, how: How) -> None:
        self._opened = opened
        self._settings = settings
        self._source = source
        self._how = how

    async def begin(self, customer_id: str, title: str) -> Target:
        def note(connection: Connection) -> tuple[Scope, int | None]:
            scope = accounts.customer_scope(connection, customer_id, administrator())
            if self._how.dry_run:
                return scope, None
            return scope, int(imports.begin_import(connection, scope, title[:200]).ref)

        scope, ref = await self._opened.store.write(note)
        return Target(
            store=self._opened.store,
            vaults=None if self._how.dry_run else self._opened.vault,
            scope=scope,
            import_ref=ref,
            dry_run=self._how.dry_run,
            most_source=self._settings.console.decoder_source,
            allow_private=self._settings.routing.allow_private_destinations,
        )

    async def terms(self) -> Terms:
        network = network_parameters(self._settings.network)
        return Terms(
            plan_of=lambda profile: network.channel_plan(profile.settings),
            channel_plans=network.channel_plans,
            generation=await self._opened.generation(),
            now=time.time(),
            counter_jump=self._how.counter_jump,
            with_sessions=self._how.sessions,
            shadow=self._how.shadow,
            plan=self._how.plan,
            routing_profile=self._how.routing_profile,
        )

    async def end(self, target: Target, title: str, tally: Tally) -> None:
        if target.import_ref is None:
            return
        counts = next((each for each in tally.counts if each.kind == "device"), None)
        details: dict[str, Any] = {"import": str(target.import_ref)}
        if counts is not None:
            details |= {"done": counts.moved + counts.partly, "refused": counts.refused}
        scope = target.scope
        author = audit.Author(scope.display_name, scope.subscriber_ref, scope.operator_ref)
        await self._opened.store.write(lambda c: audit.note(c, author, "devices.imported", title, details))


def _show(done: Report) -> None:
    from rich.markup import escape

    outcome = "dry run: nothing was written" if done.dryRun else f"import {done.importRef}"
    if done.shadow:
        outcome += ", in shadow"
    title = f"{escape(done.source)}, {outcome}"
    columns = ("moved", "partly", "exists", "later", "refused")
    rows = [(each.kind, *(getattr(each, name) for name in columns)) for each in done.counts]
    print_table(title, ("Kind", *map(str.capitalize, columns)), rows)
    if done.reasons:
        print_table(
            "Remarks",
            ("Kind", "Outcome", "Count", "What", "Such as"),
            [
                (r.kind, r.outcome, r.count, escape(r.text), escape(" ".join(r.examples[:2])))
                for r in done.reasons
            ],
        )
    if done.dryRun:
        console.print("Give --apply to carry it out.")


class _ReportFile:
    """A line of JSON about each thing; no file where none is wanted. It has no keys."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._file: IO[bytes] | None = None

    def __enter__(self) -> _ReportFile:
        if self._path is not None:
            try:
                self._file = self._path.open("wb")
            except OSError as error:
                raise Damaged(f"cannot write {self._path}: {error.strerror}") from None
        return self

    def __exit__(self, *_error: object) -> None:
        if self._file is not None:
            self._file.close()

    def write(self, entry: Entry) -> None:
        if self._file is not None:
            self._file.write(msgspec.json.encode(entry) + b"\n")


class _Progress:
    """A bar on the terminal, where there is one."""

    def __init__(self, total: int | None) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        columns = (BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self._bar = Progress(*columns, console=errors, disable=not sys.stderr.isatty())
        self._task = self._bar.add_task("", total=total)

    def __enter__(self) -> _Progress:
        self._bar.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._bar.stop()

    def advance(self, count: int) -> None:
        self._bar.advance(self._task, count)
