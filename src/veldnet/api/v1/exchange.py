"""Root keys that come encrypted: the key to encrypt with, and the import of devices as CSV, which can be
undone."""

from __future__ import annotations

import csv
import io
from typing import Any

from litestar import Request, Response, get, post
from msgspec import UNSET
from sqlalchemy import Connection

from veldnet.api import query
from veldnet.api.auth.bearer import legacy, require_scope
from veldnet.api.body import read_body
from veldnet.api.services import Services
from veldnet.inventory import csv_import, device_checks, devices, exchange, header_csv, imports
from veldnet.inventory.catalogues import find_hsm_group
from veldnet.inventory.csv_import import EncryptedKey, ImportRow
from veldnet.inventory.device_checks import NewDevice
from veldnet.inventory.errors import BadRequest, InvalidField, Refusal
from veldnet.inventory.exchange import PublicExchangeKey
from veldnet.inventory.resources import Device
from veldnet.inventory.scope import Scope
from veldnet.keys import Transported, VaultError, labels
from veldnet.lorawan import AesKey, DevEui


@get("/hsmGroups/{hsm_group_id:str}/publicExchangeKey")
async def get_exchange_key(
    hsm_group_id: str, request: Request[Any, Any, Any], services: Services
) -> PublicExchangeKey:
    """The RSA key under which AppKeys may come to an HSM group."""
    scope = await require_scope(request, services)
    return await services.read(lambda c: _exchange_key(c, scope, hsm_group_id))


def _exchange_key(connection: Connection, scope: Scope, hsm_group_id: str) -> PublicExchangeKey:
    group = find_hsm_group(connection, scope.operator_ref, hsm_group_id)
    return exchange.newest(connection, group.vault, hsm_group_id, scope.subscriber_ref)


@post("/devices/import", status_code=200)
async def import_devices(request: Request[Any, Any, Any], services: Services) -> Response[str]:
    """Create and delete devices after ThingPark's CSV, or one with a header of member names. Each row is
    carried out by itself; the answer has the rows' action and EUI and what became of each. With `import`, the
    devices created are noted as part of that import."""
    scope = await require_scope(request, services)
    dry_run = query.flag(request, "dryRun")
    part_of = query.text(request, "import")
    import_ref = None
    if part_of is not None and not dry_run:
        import_ref = await services.read(lambda c: imports.own_import(c, scope, part_of))
    body = await read_body(request, services.settings.max_body)
    try:
        text = body.decode()
    except UnicodeDecodeError:
        raise BadRequest("the body must be CSV in UTF-8") from None
    importing = _Import(services, scope, legacy(request), dry_run, import_ref)
    answer = io.StringIO()
    writer = csv.writer(answer, lineterminator="\n")
    rows = csv_import.rows_of(text)
    lines = header_csv.read(rows) if rows and header_csv.is_header(rows[0]) else csv_import.read(text)
    for line in lines:
        if line.row is not None:
            writer.writerow([*[*line.cells, ""][:2], await importing.carry_out(line.row)])
    return Response(answer.getvalue(), media_type="text/csv")


class _DryRun(Exception):
    """Undoes what was only tried."""


class _Import:
    def __init__(
        self, services: Services, scope: Scope, legacy: bool, dry_run: bool, import_ref: int | None
    ) -> None:
        self._import_ref = import_ref
        self._services = services
        self._scope = scope
        self._legacy = legacy
        self._dry_run = dry_run

    async def carry_out(self, row: ImportRow | BadRequest) -> str:
        """What became of a row, as `[code] message`."""
        if isinstance(row, BadRequest):
            return _refused(row)
        try:
            return await (self._delete(row) if row.action == "delete" else self._create(row))
        except Refusal as error:
            return _refused(error)
        except VaultError as error:
            if error.code in ("bad_transport", "no_exchange_key"):
                return f"[400] {error}"
            return "[500] the vault cannot work just now; try this row again"

    async def _delete(self, row: ImportRow) -> str:
        ref = f"e{row.device.EUI}".replace("-", "").replace(":", "")
        if self._dry_run:
            await self._services.read(lambda c: devices.device_ref(c, self._scope, ref))
            return "[200] would be deleted"
        await self._services.change(
            lambda c: devices.delete_device(c, self._scope, ref),
            by=self._scope,
            action="device.deleted",
            what=f"device {ref[1:]}",
        )
        return "[200] deleted"

    async def _create(self, row: ImportRow) -> str:
        services, scope = self._services, self._scope
        settings = services.settings
        new = device_checks.check_new_device(
            row.device,
            hsm_required=settings.hsm_required and not self._legacy,
            abp=settings.legacy_abp and self._legacy,
            key_encrypted=row.app_key is not None,
        )
        if row.app_key is None:
            sealed = await services.seal_app_key(scope, new)
        else:
            sealed = await self._receive(new, row.app_key, labels.app_key(new.dev_eui))
        nwk_key = await self._nwk_key(new, row.nwk_key)

        def create(connection: Connection) -> Device:
            device = devices.create_device(
                connection, scope, new, sealed, services.platform.open_personalised
            )
            if nwk_key is not None:
                devices.set_nwk_key(connection, scope, int(str(device.ref)), nwk_key)
            if self._dry_run:
                raise _DryRun
            if self._import_ref is not None:
                imports.note_device(connection, self._import_ref, int(str(device.ref)))
            return device

        try:
            device = await services.change(create, by=scope, action="device.created", details=new.body)
        except _DryRun:
            return "; ".join(("[200] would be created", *row.remarks))
        return "; ".join((f"[200] created as {device.ref}", *row.remarks))

    async def _nwk_key(self, new: NewDevice, key: EncryptedKey | str | None) -> bytes | None:
        if key is None:
            return None
        if isinstance(key, EncryptedKey):
            return await self._receive(new, key, labels.nwk_key(new.dev_eui))
        vault = await self._services.vault_of_group(self._scope, new.body.hsmGroupId)
        return await vault.import_nwk_key(DevEui(new.dev_eui), AesKey.parse(key))

    async def _receive(self, new: NewDevice, key: EncryptedKey, label: str) -> bytes:
        """A key that the vault alone opens."""
        group_id = new.body.hsmGroupId
        if group_id is UNSET:
            raise InvalidField("an encrypted key needs an HSM group, whose vault opens it")

        def find(connection: Connection) -> tuple[str, bytes]:
            group = find_hsm_group(connection, self._scope.operator_ref, group_id)
            sealed = exchange.find_key(
                connection, group.vault, key.form, key.version, self._scope.subscriber_ref
            )
            return group.vault, sealed

        name, sealed = await self._services.read(find)
        transported = Transported(form=key.form, label=label, encrypted=key.octets, sealed=sealed)
        return await self._services.platform.vault.of(name).receive(transported)


def _refused(error: Refusal) -> str:
    return f"[{error.status}] {error.message}"


HANDLERS = (get_exchange_key, import_devices)
