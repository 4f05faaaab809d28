"""Imports devices from CSV, row by row, or checks the rows in a dry run."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
import structlog
from litestar import Request, Response
from sqlalchemy import Connection

from veldnet.api.auth.bearer import legacy
from veldnet.api.errors import language_of
from veldnet.api.query import Parameter
from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.domain.errors import BadRequest, Refusal
from veldnet.domain.resources import Device
from veldnet.domain.scope import Scope
from veldnet.domain.spreadsheets import csv_text
from veldnet.inventory import devices, imports
from veldnet.inventory.imports import ImportRow, KeySealer, Line, Rehearsal
from veldnet.keys import VaultError
from veldnet.store import StoreError
from veldnet.texts import Text, in_language

log = structlog.get_logger(__name__)

_MOST_LINES = 100_000_000


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
    request: Request[Any, Any, Any], services: Services, scope: Scope, query: ImportPart, body: bytes
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
    importing = _Import(request, services, scope, rehearsal, import_ref)
    answer: list[tuple[object, ...]] = []
    for line in imports.read_devices(body, query.firstLine):
        outcome, column = await importing.carry_out(line)
        answer.append((line.action, line.shown_eui, outcome, line.number, column))
    headers = {}
    if rehearsal is not None:
        headers["x-dry-run"] = services.dry_runs.keep(number, rehearsal)
    return Response(csv_text(answer), media_type="text/csv", headers=headers)


class _DryRun(Exception):
    """Undoes what was only tried."""


class _Import:
    def __init__(
        self,
        request: Request[Any, Any, Any],
        services: Services,
        scope: Scope,
        rehearsal: Rehearsal | None,
        import_ref: int | None,
    ) -> None:
        self._language = language_of(request)
        self._import_ref = import_ref
        self._services = services
        self._scope = scope
        self._legacy = legacy(request)
        self._rehearsal = rehearsal
        self._sealer = KeySealer(services.platform.store, services.platform.vault, scope)

    async def carry_out(self, line: Line) -> tuple[str, str]:
        """What became of a row, as `[code] message`, and the column that is at fault."""
        row = line.row
        try:
            if isinstance(row, BadRequest):
                raise row
            return await (self._delete(row) if row.action == "delete" else self._create(row)), ""
        except Refusal as error:
            return self._refused(line, error.status, error.text)
        except VaultError as error:
            if error.code in ("bad_transport", "no_exchange_key", "weak_key"):
                return self._refused(line, 400, Text("applicationKey: {error}", error=error))
            return self._refused(line, 503, Text("the vault cannot work just now; try this row again"))
        except StoreError as error:
            log.warning("import_row_write_failed", line=line.number, error=type(error).__name__)
            return self._refused(line, 503, Text("the database cannot work just now; try this row again"))

    async def _delete(self, row: ImportRow) -> str:
        eui = str(devices.check_dev_eui(row.device))
        scope, rehearsal = self._scope, self._rehearsal
        if rehearsal is not None:
            await self._services.read(lambda c: rehearsal.delete(c, scope, eui))
            return self._done(Text("would be deleted"))
        await self._services.change(
            lambda c: devices.delete_device(c, scope, f"e{eui}"),
            by=scope,
            action="device.deleted",
            what=f"device {eui}",
        )
        return self._done(Text("deleted"))

    async def _create(self, row: ImportRow) -> str:
        services, scope, rehearsal = self._services, self._scope, self._rehearsal
        settings = services.settings
        new = devices.check_new_device(
            row.device,
            hsm_required=settings.hsm_required and not self._legacy,
            abp=settings.legacy_abp and self._legacy,
            key_encrypted=row.app_key is not None,
        )
        sealed = await self._sealer.seal(new, row)

        def create(connection: Connection) -> Device:
            if rehearsal is not None:
                rehearsal.prepare(connection, scope, str(new.dev_eui))
            creation = devices.Creation(new, *sealed)
            device = devices.carry_out(connection, scope, creation, services.platform.open_personalised)
            if rehearsal is not None:
                rehearsal.created(connection, device)
                raise _DryRun
            if self._import_ref is not None:
                imports.note_devices(connection, self._import_ref, [int(str(device.ref))])
            return device

        try:
            device = await services.change(create, by=scope, action="device.created", details=new.body)
        except _DryRun:
            return self._done(Text("would be created"), *row.remarks)
        return self._done(Text("created as {ref}", ref=device.ref), *row.remarks)

    def _done(self, *texts: Text) -> str:
        return "[200] " + "; ".join(in_language(text, self._language) for text in texts)

    def _refused(self, line: Line, status: int, problem: Text) -> tuple[str, str]:
        words, column = line.refusal(problem, self._language)
        return f"[{status}] {words}", column
