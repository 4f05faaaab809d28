"""How things of a document are found and written: plans and profiles of the operator."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple

from msgspec import UNSET
from sqlalchemy import Connection

from veldnet.domain.documents import PlanSettings, ProfileSettings
from veldnet.domain.errors import Forbidden, InvalidField
from veldnet.domain.scope import Scope
from veldnet.inventory import offers
from veldnet.inventory.differences import Difference
from veldnet.inventory.groups import Allocate, NewGroup, SealedKeys
from veldnet.inventory.imports import Rules
from veldnet.keys import Vaults
from veldnet.lorawan import DevAddr
from veldnet.lorawan.regions import ChannelPlan
from veldnet.store import Store

from .documents import Item, PlanItem, ProfileItem


class Here(NamedTuple):
    """Something that there is: its ref, and its members as a document has them. Without a ref it can be
    neither compared nor changed: several have its name, or for its `problem` it cannot be read."""

    ref: str
    members: dict[str, Any]
    problem: str = ""


class Network(NamedTuple):
    """What the network has to say of a fleet: its channels, its addresses, and the keys of a new group."""

    channel_plans: Mapping[str, ChannelPlan]
    allocate: Allocate
    make_keys: Callable[[NewGroup, DevAddr], Awaitable[SealedKeys]]


class Context(NamedTuple):
    """Whose fleet it is, whether addresses may be private, what new devices must be, and whether plans and
    profiles of the operator may be written."""

    scope: Scope
    allow_private: bool
    now_ms: int
    rules: Rules
    network: Network
    of_operator: bool = True


class Keys(NamedTuple):
    """Where secrets are opened and sealed; in a dry run those of new things are not made."""

    store: Store
    vaults: Vaults
    dry_run: bool


class Ready(NamedTuple):
    """What was made of a thing before it is written, and how its secrets differ, which are not shown."""

    made: Any = None
    differences: tuple[Difference, ...] = ()


Read = Callable[[Connection, Context], dict[str, Here]]
Prepare = Callable[[Keys, Context, Any, Here | None], Awaitable[Ready]]
Write = Callable[[Connection, Context, Any, Here | None, Ready], None]


async def nothing_to_make(_keys: Keys, _context: Context, _item: Any, _here: Here | None) -> Ready:
    """For what has no secrets."""
    return Ready()


class Kind(NamedTuple):
    read: Read
    wanted: Callable[[Any], dict[str, Any]]
    write: Write
    prepare: Prepare = nothing_to_make
    # Where one is found without reading all.
    find: Callable[[Connection, Context, str], Here | None] | None = None


def members_of(item: Item, *without: str) -> dict[str, Any]:
    """The members that an item names."""
    found: dict[str, Any] = {
        name: value
        for name in item.__struct_fields__
        if name not in without and (value := getattr(item, name)) is not UNSET
    }
    return found


def by_name(found: dict[str, Here], name: str, here: Here) -> None:
    """Add something that is known by its name, which others may have, too."""
    found[name] = Here("", {}) if name in found else here


def unreadable(problem: str) -> Here:
    """Something of which what is stored cannot be read."""
    return Here("", {}, problem)


def refuse_without_ref(here: Here | None, name: str) -> None:
    """Raises `InvalidField` where several have a name, and where nobody can read what has it."""
    if here is not None and here.problem:
        raise InvalidField(
            "what is stored of {name} cannot be read: {problem}; replace or delete it before",
            name=name[:80],
            problem=here.problem,
        )
    if here is not None and not here.ref:
        raise InvalidField("there are several with the name {name}; rename all but one", name=name[:80])


def _for_operators(context: Context) -> None:
    if not context.of_operator:
        raise Forbidden(
            "plans and device profiles are the operator's: leave them out, or use an API key of an "
            "operator's user and --customer-id"
        )


# Connectivity plans.


def _plans(connection: Connection, context: Context) -> dict[str, Here]:
    _for_operators(context)
    scope = context.scope
    found = {}
    for plan in offers.operator_plans(connection, scope.operator_ref):
        if plan.problem is not None:
            found[plan.id] = unreadable(plan.problem)
            continue
        granted = [each.granted for each in plan.grants if each.customerId == scope.customer_id]
        members = {
            "name": plan.name,
            "communicationType": plan.communicationType,
            "settings": plan.settings,
            "granted": granted[0] if granted else None,
        }
        found[plan.id] = Here(plan.ref, members)
    return found


def _wanted_plan(item: PlanItem) -> dict[str, Any]:
    wanted = members_of(item, "id")
    if item.settings is not UNSET:
        wanted["settings"] = _settings(PlanSettings, item.settings)
    return wanted


def _settings(kind: type[PlanSettings] | type[ProfileSettings], given: dict[str, Any]) -> dict[str, Any]:
    """The settings that are given, in their types. Raises `InvalidField`."""
    read: PlanSettings | ProfileSettings
    read = offers.read_document(PlanSettings, given) if kind is PlanSettings else _profile_settings(given)
    return {name: getattr(read, name) for name in given if name in read.__struct_fields__}


def _profile_settings(given: dict[str, Any]) -> ProfileSettings:
    return offers.read_document(ProfileSettings, given)


def _write_plan(
    connection: Connection, context: Context, item: PlanItem, here: Here | None, _ready: Ready
) -> None:
    scope = context.scope
    given = {} if item.settings is UNSET else item.settings
    if here is None:
        settings = offers.read_document(PlanSettings, given)
        name = item.name if item.name is not UNSET else item.id
        kind = "UNICAST" if item.communicationType is UNSET else item.communicationType
        ref = offers.create_connectivity_plan(connection, scope.operator_ref, item.id, name, settings, kind)
    else:
        ref = int(here.ref)
        if item.communicationType not in (UNSET, here.members["communicationType"]):
            raise InvalidField("communicationType cannot be changed; create another plan")
        if given or item.name is not UNSET:
            offers.change_connectivity_plan(
                connection,
                scope.operator_ref,
                item.id,
                offers.read_document(PlanSettings, here.members["settings"] | given),
                name=None if item.name is UNSET else item.name,
            )
    if item.granted is not UNSET:
        offers.grant_connectivity_plan(connection, scope.subscriber_ref, ref, item.granted)


# Device profiles.


def _profiles(connection: Connection, context: Context) -> dict[str, Here]:
    _for_operators(context)
    return {
        each.id: Here(each.ref, {"name": each.name, "settings": each.settings})
        if each.problem is None
        else unreadable(each.problem)
        for each in offers.operator_profiles(connection, context.scope.operator_ref)
    }


def _wanted_profile(item: ProfileItem) -> dict[str, Any]:
    wanted = members_of(item, "id")
    if item.settings is not UNSET:
        wanted["settings"] = _settings(ProfileSettings, item.settings)
    return wanted


def _write_profile(
    connection: Connection, context: Context, item: ProfileItem, here: Here | None, _ready: Ready
) -> None:
    operator_ref = context.scope.operator_ref
    given = {} if item.settings is UNSET else item.settings
    if here is None:
        name = item.name if item.name is not UNSET else item.id
        offers.create_device_profile(connection, operator_ref, item.id, name, _profile_settings(given))
        return
    name = item.name if item.name is not UNSET else here.members["name"]
    settings = _profile_settings(here.members["settings"] | given)
    offers.change_profile(connection, operator_ref, here.ref, name, settings)


PLANS = Kind(_plans, _wanted_plan, _write_plan)
PROFILES = Kind(_profiles, _wanted_profile, _write_profile)
