"""What answers of ThingPark's OSS API have in common."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import UNSET

from veldnet.api.routers import OSS
from veldnet.api.services import Services

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
