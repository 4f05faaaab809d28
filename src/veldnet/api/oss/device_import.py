"""Import of devices on the path of ThingPark's OSS: its CSV as the body, or as a part of a form."""

from __future__ import annotations

from email.message import Message
from email.parser import BytesParser
from typing import Annotated, Any

import msgspec

from veldnet.api.query import Parameter
from veldnet.api.routers import OSS
from veldnet.api.services import Services
from veldnet.api.v1.device_import import Importing
from veldnet.asgi import Request
from veldnet.domain.errors import BadRequest
from veldnet.domain.scope import Scope
from veldnet.inventory import imports
from veldnet.inventory.imports import Rules

from .devices import PATH
from .shapes import now_ms

# Rows of an answer that is not waited for longer.
_MOST_ROWS = 10_000


class OssImport(msgspec.Struct, frozen=True):
    """What clients say besides; the answer comes when all rows are done, and addresses that devices have in
    the file are those of personalised ones."""

    async_: Annotated[bool, Parameter("Whether to answer before the end; it is not.")] = msgspec.field(
        default=False, name="async"
    )
    forceDevAddrs: Annotated[bool, Parameter("Without effect.")] = False
    networkSubscriptionsHandlingMode: Annotated[str | None, Parameter("Without effect.")] = None


class OssRow(msgspec.Struct):
    """What became of a row: `code` 200, or why it was refused."""

    line: int
    action: str
    EUI: str
    code: int
    message: str


class OssImported(msgspec.Struct):
    """The rows of a file, and how many were carried out and refused."""

    briefs: list[OssRow]
    successCount: int
    errorCount: int
    now: int


@OSS.post(f"{PATH}/import", media="text/csv", result=OssImported)
async def import_file(
    request: Request, services: Services, scope: Scope, query: OssImport, body: bytes
) -> OssImported:
    """Create and delete devices after ThingPark's CSV. Each row is carried out by itself."""
    rules = Rules(open_session=services.platform.open_personalised, abp=services.settings.legacy_abp)
    importing = Importing(request, services, scope, rules)
    briefs = [
        OssRow(row.line, row.action, row.eui, row.code, row.message)
        for row in await importing.run(imports.read_devices(_file(request, body)))
    ]
    done = sum(row.code < 300 for row in briefs)
    return OssImported(briefs, done, len(briefs) - done, now_ms(services))


def _file(request: Request, body: bytes) -> bytes:
    """The file of a form, or the body itself. Raises `BadRequest`."""
    kind = request.headers.get("content-type", "")
    if not kind.lower().startswith("multipart/form-data"):
        return body
    head = f"content-type: {kind}\r\nmime-version: 1.0\r\n\r\n".encode("latin-1", "replace")
    form = BytesParser().parsebytes(head + body)
    parts: Any = form.get_payload() if form.is_multipart() else []
    files = [part for part in parts if isinstance(part, Message) and part.get_filename()]
    if len(files) != 1:
        raise BadRequest("the form must have one file, the CSV; it has {count}", count=len(files))
    found: Any = files[0].get_payload(decode=True)
    return bytes(found or b"")
