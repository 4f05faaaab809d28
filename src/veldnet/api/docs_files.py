"""Scripts and styles of the page that shows the API's description: those of Swagger UI, as its package has
them."""

from __future__ import annotations

import asyncio
import mimetypes
from functools import cache
from pathlib import Path

from veldnet.asgi import HTTPException, Request, Response

_BELOW = "/docs/ui/"


async def docs_file(request: Request) -> Response[bytes] | None:
    """The file that is asked for. Raises `HTTPException` where there is none."""
    if not request.path.startswith(_BELOW):
        return None
    path = (await asyncio.to_thread(_files)).get(request.path.removeprefix(_BELOW))
    if path is None:
        raise HTTPException(404)
    kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    return Response(await asyncio.to_thread(path.read_bytes), media_type=kind)


@cache
def _files() -> dict[str, Path]:
    """By their names, which are not taken for paths."""
    # Loaded when somebody looks at the page.
    from swagger_ui_bundle import swagger_ui_path

    root = Path(str(swagger_ui_path))
    return {path.relative_to(root).as_posix(): path for path in root.rglob("*") if path.is_file()}
