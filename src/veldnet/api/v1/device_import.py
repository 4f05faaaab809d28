"""Imports devices from CSV, or checks the rows in a dry run."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Annotated, NamedTuple

import msgspec
import structlog
from sqlalchemy import Connection

from veldnet.api.auth.bearer import legacy
from veldnet.api.errors import language_of, note_written
from veldnet.api.query import Parameter
from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.asgi import Request, Response
from veldnet.domain.errors import Refusal
from veldnet.domain.scope import Scope
from veldnet.domain.spreadsheets import csv_text
from veldnet.inventory import imports
from veldnet.inventory.imports import (
    DeviceEngine,
    Done,
    ImportRow,
    KeySealer,
    Line,
    Outcome,
    Ready,
    Rehearsal,
    Rules,
)
from veldnet.keys import VaultError
from veldnet.store import StoreError
from veldnet.texts import Text, in_language

log = structlog.get_logger(__name__)

_MOST_LINES = 100_000_000
# Rows in a transaction.
_BATCH = 50


class ImportPart(msgspec.Struct, frozen=True):
    """Which part of what is imported how."""

    dryRun: Annotated[bool, Parameter("Check each row without changing anything.")] = False
    import_: Annotated[
        str | None, Parameter("The import this part belongs to, so that it can be undone.")
    ] = msgspec.field(default=None, name="import")
    firstLine: Annotated[
        int | None,
        Parameter("Line of the file at which the rows of this part start.", least=1, most=_MOST_LINES),
    ] = None
    continues: Annotated[str | None, Parameter("`x-dry-run` header of the previous part, in a dry run.")] = (
        None
    )


@SUBSCRIBER.post(
    "/devices/import",
    "importDevices",
    "Device",
    "Create and delete devices from CSV, in ThingPark format or with a header row.",
    media="text/csv",
)
async def import_devices(
    request: Request, services: Services, scope: Scope, query: ImportPart, body: bytes
) -> Response[str]:
    """Create and delete devices after ThingPark's CSV, or one with a header. Each row is carried out by
    itself. The answer is CSV, for each row: action, EUI, `[code] message`, the line of the file, and
    where it is refused the column. With `import`, the devices created are noted as part of that import. A
    part of a file says with `firstLine` on which line its first row behind the header stands; a dry run
    in parts goes on with `continues`, the `x-dry-run` of the answer before."""
    dry_run, part_of = query.dryRun, query.import_
    import_ref = None
    if part_of is not None and not dry_run:
        import_ref = await services.read(lambda c: imports.own_import(c, scope, part_of))
    rehearsal, number = None, ""
    if dry_run:
        rehearsal, number = await services.dry_runs.find(query.continues, scope.subscriber_ref)
    settings, old = services.settings, legacy(request)
    rules = Rules(
        settings.hsm_required and not old, settings.legacy_abp and old, services.platform.open_personalised
    )
    importing = Importing(request, services, scope, rules, rehearsal, import_ref)
    rows = await importing.run(imports.read_devices(body, query.firstLine))
    answer: list[tuple[object, ...]] = [
        (row.action, row.eui, f"[{row.code}] {row.message}", row.line, row.column) for row in rows
    ]
    headers = {}
    if rehearsal is not None:
        headers["x-dry-run"] = services.dry_runs.keep(number, rehearsal)
    return Response(csv_text(answer), media_type="text/csv", headers=headers)


class RowAnswer(NamedTuple):
    """What became of a row, in the language of the caller, and the column that is at fault."""

    line: int
    action: str
    eui: str
    code: int
    message: str
    column: str


class Importing:
    """Carries out the rows of a file, or without writing anything where there is a `rehearsal`."""

    def __init__(
        self,
        request: Request,
        services: Services,
        scope: Scope,
        rules: Rules,
        rehearsal: Rehearsal | None = None,
        import_ref: int | None = None,
    ) -> None:
        self._language = language_of(request)
        self._import_ref = import_ref
        self._services = services
        self._scope = scope
        self._dry_run = rehearsal is not None
        platform = services.platform
        sealer = KeySealer(platform.store, platform.vault, scope)
        self._engine = DeviceEngine(platform.store, sealer, scope, rules, rehearsal)

    async def run(self, lines: Iterable[Line]) -> list[RowAnswer]:
        """What became of each row."""
        found: list[RowAnswer] = []
        rest = iter(lines)
        while batch := list(islice(rest, _BATCH)):
            found += await self._carry_out(batch)
        return found

    async def _carry_out(self, lines: list[Line]) -> list[RowAnswer]:
        try:
            outcomes = await self._engine.carry_out([line.row for line in lines], self._note)
        except StoreError as error:
            log.warning("import_rows_write_failed", line=lines[0].number, error=type(error).__name__)
            problem = Text("the database cannot work just now; try this row again")
            return [self._refused(line, 503, problem) for line in lines]
        if not self._dry_run:
            note_written()
            await self._services.take_up()
        return [self._outcome(line, outcome) for line, outcome in zip(lines, outcomes, strict=True)]

    def _note(self, connection: Connection, rows: list[tuple[Ready, Done]]) -> None:
        created = [done.ref for _ready, done in rows if done.action == "created"]
        if self._import_ref is not None:
            imports.note_devices(connection, self._import_ref, created)
        for ready, done in rows:
            what = f"device {done.ref}" if done.ref else f"device {done.eui}"
            details = ready.creation.new.body if ready.creation is not None else None
            self._services.note_within(connection, self._scope, f"device.{done.action}", what, details)

    def _outcome(self, line: Line, outcome: Outcome) -> RowAnswer:
        if isinstance(outcome, VaultError):
            return self._refused(line, 503, Text("the vault cannot work just now; try this row again"))
        if isinstance(outcome, Refusal):
            return self._refused(line, outcome.status, outcome.text)
        done = Text("deleted")
        if self._dry_run:
            done = Text("would be deleted") if outcome.action == "deleted" else Text("would be created")
        elif outcome.action == "created":
            done = Text("created as {ref}", ref=outcome.ref)
        remarks = line.row.remarks if isinstance(line.row, ImportRow) else ()
        words = "; ".join(in_language(text, self._language) for text in (done, *remarks))
        return RowAnswer(line.number, line.action, line.shown_eui, 200, words, "")

    def _refused(self, line: Line, status: int, problem: Text) -> RowAnswer:
        words, column = line.refusal(problem, self._language)
        return RowAnswer(line.number, line.action, line.shown_eui, status, words, column)
