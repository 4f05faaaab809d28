"""Name, logo and colour of the operator: what everybody sees who signs in."""

from __future__ import annotations

import base64
import binascii

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection

from veldnet.api.routers import OPERATOR
from veldnet.api.services import Services
from veldnet.console import BadBranding, check_colour, kind_of_logo
from veldnet.domain.errors import InvalidField
from veldnet.domain.scope import OperatorScope
from veldnet.inventory import branding
from veldnet.inventory.branding import StoredBranding

# A logo of 200 KB in base64, and what is around it.
_MOST_BODY = 300_000


class BrandingView(msgspec.Struct):
    """How the server presents itself. `logo` is a data URI, absent for the built-in one; `stored` says
    whether it was set here, or comes from the settings of the server."""

    name: str
    colour: str
    logo: str | None
    stored: bool


class NewBranding(msgspec.Struct):
    """`colour` is like #1a7f37, absent for the built-in one. `logo` is PNG, JPEG, WebP or SVG in base64,
    200 KB at most; without it the logo stays, unless `builtInLogo` takes it away."""

    name: str
    colour: str = ""
    logo: str | UnsetType = UNSET
    builtInLogo: bool = False


async def _view(services: Services) -> BrandingView:
    shown = await services.branding()
    stored = await services.read(branding.network_name)
    picture = f"data:{shown.logo_type};base64,{base64.b64encode(shown.logo).decode()}" if shown.logo else None
    return BrandingView(shown.name, shown.colour, picture, stored is not None)


@OPERATOR.get("/branding", "getBranding", "Operator", "Name, logo and colour of the console.")
async def get_branding(services: Services, operator: OperatorScope) -> BrandingView:
    return await _view(services)


@OPERATOR.put(
    "/branding",
    "setBranding",
    "Operator",
    "Change name, logo and colour of the console, and the name in e-mails.",
    max_body=_MOST_BODY,
)
async def set_branding(services: Services, operator: OperatorScope, body: NewBranding) -> BrandingView:
    """Everybody sees it with the next page; refused where several operators share the server."""
    logo, kind = _logo(body)
    try:
        check_colour(body.colour, "colour")
    except BadBranding as error:
        raise InvalidField("{problem}", problem=error) from None

    def write(connection: Connection) -> None:
        before = branding.read_branding(connection)
        kept = before if logo is None and before is not None else None
        wanted = StoredBranding(body.name, body.colour, logo, kind)
        if kept is not None:
            wanted = msgspec.structs.replace(wanted, logo=kept.logo, logo_type=kept.logo_type)
        branding.write_branding(connection, wanted)

    details = {"name": body.name[:60], "colour": body.colour, "logo": logo is not None}
    await services.change(write, by=operator, action="branding.changed", what="branding", details=details)
    services.forget_branding()
    return await _view(services)


def _logo(body: NewBranding) -> tuple[bytes | None, str]:
    """A new logo and its media type; None where it stays, empty for the built-in one."""
    if body.builtInLogo:
        return b"", ""
    if body.logo is UNSET:
        return None, ""
    try:
        picture = base64.b64decode(body.logo, validate=True)
    except binascii.Error:
        raise InvalidField("logo must be base64") from None
    try:
        return picture, kind_of_logo(picture, "logo")
    except BadBranding as error:
        raise InvalidField("{problem}", problem=error) from None


@OPERATOR.delete(
    "/branding", "removeBranding", "Operator", "Go back to name, logo and colour of the settings."
)
async def remove_branding(services: Services, operator: OperatorScope) -> None:
    await services.change(branding.remove_branding, by=operator, action="branding.removed", what="branding")
    services.forget_branding()
