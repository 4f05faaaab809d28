"""What answers of ThingPark's OSS API have in common."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any

from msgspec import UNSET

from veldnet.api.query import Parameter
from veldnet.api.routers import OSS
from veldnet.api.services import Services
from veldnet.domain.errors import InvalidField, Refusal
from veldnet.texts import Text

# The subscriber who calls.
MINE = "/subscriptions/mine"


def now_ms(services: Services) -> int:
    """The server's clock in Unix milliseconds."""
    return round(services.platform.clock() * 1000)


def millis(text: Any) -> int | None:
    """Unix milliseconds of a time as KPN's API prints it; None where there is none."""
    return None if text is UNSET or text is None else round(datetime.fromisoformat(text).timestamp() * 1000)


def known(value: Any) -> Any:
    """A member of a resource of KPN's API; None where it is absent."""
    return None if value is UNSET else value


def href(path: str) -> str:
    return f"{OSS.bases[0]}{MINE}{path}"


# Members of KPN's API by the names that they have here.
_NAMES = {
    "deviceProfileId": "model.ID",
    "connectivityPlanId": "networkSubscription.ID",
    "routingProfileId": "appServers[0].ID",
    "applicationEUI": "appEUI",
    "applicationKey": "appKey",
    "geoLatitude": "adminLat",
    "geoLongitude": "adminLon",
    "administrativeInfo": "customerAdminData",
    "activationType": "activation",
    "routes": "destinations",
    "sourcePorts": "ports",
    "asId": "downlinkSecurity.asID",
    "asKey": "downlinkSecurity.downlinkAsKey",
    "maxDeviation": "downlinkSecurity.maxTimestampDeviation",
}
_MEMBERS = re.compile(rf"\b(?:{'|'.join(_NAMES)})\b")
_PATHS = {
    "GET /deviceProfiles": f"GET {MINE}/deviceProfiles",
    "GET /connectivityPlans": f"GET {MINE}/networkSubscriptions",
    "GET /routingProfiles": f"GET {MINE}/appServers",
}


@contextmanager
def oss_names() -> Iterator[None]:
    """Has refusals name members and paths as OSS does."""
    try:
        yield
    except Refusal as error:
        text = str(error.text)
        for path, ours in _PATHS.items():
            text = text.replace(path, ours)
        named = _MEMBERS.sub(lambda found: _NAMES[found[0]], text)
        if named != str(error.text):
            error.text = Text("{error}", error=named)
            error.message = f"{error.prefix}{named}"
        raise


def listed(text: str, _name: str) -> tuple[str, ...]:
    """What stands between commas, or in parameters of the same name."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _page(text: str, name: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 7):
        raise InvalidField(
            "{name} {value!r} must be a whole number from {least} to {most}",
            name=name,
            value=text[:40],
            least=1,
            most=999_999,
        )
    return max(int(text), 1)


# Some clients call the first page 0.
FirstPage = Annotated[int, Parameter("The first is 1; 0 is taken as that.", type="integer", read=_page)]
