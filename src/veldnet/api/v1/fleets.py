"""Fleets as code over the API: what a document would change, changing it, and what there is as a document."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import msgspec
from sqlalchemy import Connection

from veldnet.api.errors import note_written
from veldnet.api.query import Parameter
from veldnet.api.routers import SUBSCRIBER
from veldnet.api.services import Services
from veldnet.assembly.fleets import fleet_context
from veldnet.domain.errors import InvalidField
from veldnet.domain.scope import Scope
from veldnet.inventory import fleets
from veldnet.inventory.fleets import Action, Context, Step

_MOST_OCTETS = 20 << 20
_MOST_REF = 2**53


class MemberDifference(msgspec.Struct):
    """A member that is to become another one; secrets are `(hidden)`."""

    member: str
    before: Any
    wanted: Any


class FleetStep(msgspec.Struct):
    """What was done with a thing, or is to be; `error` says why it cannot be."""

    kind: str
    key: str
    action: Action
    differences: list[MemberDifference]
    error: str | None


class FleetOutcome(msgspec.Struct):
    """How many things of each action there are, and those that do not stay as they are."""

    create: int
    change: int
    none: int
    error: int
    steps: list[FleetStep]


class FleetPage(msgspec.Struct):
    """A part of a fleet: up to 500 devices, with the first of them all the rest; `next` leads on."""

    fleet: dict[str, Any]
    next: str | None


class FleetPart(msgspec.Struct, frozen=True):
    after: Annotated[str | None, Parameter("`next` of the previous answer.")] = None


@SUBSCRIBER.post(
    "/fleet/plan",
    "planFleet",
    "Device",
    "What applying a fleet would change.",
    read_only=True,
    max_body=_MOST_OCTETS,
)
async def plan_fleet(services: Services, scope: Scope, body: dict[str, Any]) -> FleetOutcome:
    """Carry a document out in transactions that are taken back, so that what applying it would refuse is
    refused here."""
    fleet, context = fleets.fleet_of(body), _context(services, scope)
    platform = services.platform
    return _outcome(await fleets.plan_fleet(platform.store, platform.vault, context, fleet))


@SUBSCRIBER.post(
    "/fleet/apply", "applyFleet", "Device", "Make and change what a fleet says.", max_body=_MOST_OCTETS
)
async def apply_fleet(services: Services, scope: Scope, body: dict[str, Any]) -> FleetOutcome:
    """What the document does not name stays as it is. Each thing is carried out by itself: where one is
    refused, the others are carried out, and the next time only what is missing."""
    fleet, context = fleets.fleet_of(body), _context(services, scope)
    platform = services.platform

    def note(connection: Connection, step: Step) -> None:
        note_written()
        action = "created" if step.action == "create" else "changed"
        services.note_within(
            connection, scope, f"{step.kind[:-1]}.{action}", f"{scope.customer_id}: {step.key[:80]}"
        )

    steps = await fleets.apply_fleet(platform.store, platform.vault, context, fleet, note)
    await services.take_up()
    return _outcome(steps)


@SUBSCRIBER.get("/fleet", "exportFleet", "Device", "What there is, as a fleet, without keys and secrets.")
async def export_fleet(services: Services, scope: Scope, query: FleetPart) -> FleetPage:
    """Plans and device profiles are there for users of the operator alone."""
    after = _ref(query.after)
    context = _context(services, scope)
    document: dict[str, Any] = {}
    if not after:
        document = await services.read(lambda c: fleets.export_offers(c, context))
    _page, listed, last = await services.read(lambda c: fleets.export_devices(c, context, after))
    document["devices"] = listed
    return FleetPage(document, str(last) if last else None)


def _ref(text: str | None) -> int:
    if text is None:
        return 0
    if not text.isdecimal() or len(text) > len(str(_MOST_REF)):
        raise InvalidField("after must be next of a previous answer")
    return int(text)


def _context(services: Services, scope: Scope) -> Context:
    platform = services.platform
    return fleet_context(
        platform.settings,
        platform.network.parameters,
        (platform.store, platform.vault),
        scope,
        platform.clock(),
        # An operator's user who works for a subscriber is none of its users.
        of_operator=not scope.user_ref,
    )


def _outcome(steps: Sequence[Step]) -> FleetOutcome:
    counts = {
        action: sum(step.action == action for step in steps)
        for action in ("create", "change", "none", "error")
    }
    shown = [
        FleetStep(
            step.kind,
            step.key,
            step.action,
            [MemberDifference(each.member, each.before, each.wanted) for each in step.differences],
            step.error,
        )
        for step in steps
        if step.action != "none"
    ]
    return FleetOutcome(**counts, steps=shown)
