"""Search over everything the caller may see."""

from __future__ import annotations

from typing import Annotated

import msgspec

from veldnet.api.query import Parameter
from veldnet.api.routers import VIEWER
from veldnet.api.services import Services
from veldnet.domain.errors import InvalidField
from veldnet.inventory.search import MOST_CHARACTERS, HitGroup, Sight, search
from veldnet.monitoring.logger import Whose


def _short(text: str, name: str) -> str:
    if len(text) > MOST_CHARACTERS:
        raise InvalidField(
            "{name} may have {most_characters} characters", name=name, most_characters=MOST_CHARACTERS
        )
    return text


class SearchText(msgspec.Struct, frozen=True):
    """What is searched for."""

    q: Annotated[
        str, Parameter("Words of a name, an EUI, a DevAddr or a part of one, a tag.", read=_short)
    ] = ""
    limit: Annotated[int, Parameter("Hits of each kind.", least=1, most=50)] = 8


class Hits(msgspec.Struct):
    """Hits by kind; kinds without any are left out."""

    groups: list[HitGroup]


@VIEWER.get("/search", "search", "Search", "Search devices and everything else by name or identifier.")
async def find(services: Services, of: Whose, query: SearchText) -> Hits:
    """Everything that the caller may see and the text finds: each word in the name or id, in upper or lower
    case; devices also by the beginning or end of their DevEUI, by DevAddr from six digits, and by the
    beginning of a tag. An operator's user who names no subscriber searches all of the operator's."""
    sight = Sight(of.operator_ref, of.subscriber_ref)
    return Hits(await services.read(lambda c: search(c, sight, query.q, query.limit)))
