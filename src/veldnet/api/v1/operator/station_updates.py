"""What base stations are to have by CUPS, and what they have reported."""

from __future__ import annotations

from collections import defaultdict
from functools import partial
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from sqlalchemy import Connection

from veldnet.api.routers import OPERATOR
from veldnet.api.services import Services
from veldnet.assembly.certificate_authority import CredentialKind, CredentialMaker
from veldnet.domain.errors import BadRequest
from veldnet.domain.resources import timestamp
from veldnet.domain.scope import OperatorScope
from veldnet.inventory import base_stations
from veldnet.inventory.base_stations import Contact, Firmware, NewCredentials, Update


class CupsContact(msgspec.Struct):
    """What a base station reported when it contacted CUPS last. `package` is the version of its firmware,
    `keys` are CRC-32 of the keys that it takes updates from, `proof` is how it proved who it is."""

    at: str
    station: str | None
    model: str | None
    package: str | None
    cupsUri: str | None
    lnsUri: str | None
    keys: list[str]
    proof: Literal["token", "certificate", "none"]


class StationUpdate(msgspec.Struct):
    """Something that a base station is to have: `ordered`, then `fetched` by it, `confirmed` once it
    has shown that it uses it, `overdue` where it has not for two hours (an address of the LNS: 26
    hours). `value` is the URI, the kind of credentials, or the version of firmware, which has `failed`
    when it was handed out often and is not reported. `obstacle` is why firmware is not handed out: the
    base station has no key that it is signed by, or is of another model."""

    ref: str
    kind: base_stations.UpdateKind
    value: str
    state: base_stations.UpdateState
    createdAt: str
    createdBy: str
    fetchedAt: str | None
    confirmedAt: str | None
    failedAt: str | None
    attempts: int
    firmware: str | None
    obstacle: base_stations.Obstacle | None


class StationUpdates(msgspec.Struct):
    """A base station at CUPS."""

    baseStationId: str
    contact: CupsContact | None
    updates: list[StationUpdate]


class UpdateOrder(msgspec.Struct):
    """What base stations are to have; `baseStations` are their ids, absent for all that have contacted CUPS.
    With `credentials` each gets a token, or a certificate of the internal authority; what it has is revoked
    once it has used the new one. `firmware` is the ref of a file; without `baseStations` it is for those that
    report its model."""

    baseStations: Annotated[list[str], Meta(max_length=10_000)] | None = None
    cupsUri: str | None = None
    lnsUri: str | None = None
    credentials: CredentialKind | None = None
    firmware: str | None = None


class OrderedUpdates(msgspec.Struct):
    """How many base stations were given an order."""

    baseStations: int


@OPERATOR.get(
    "/baseStations/updates",
    "listStationUpdates",
    "Operator",
    "Base stations at CUPS: what they have reported and are to have.",
)
async def list_station_updates(services: Services, operator: OperatorScope) -> list[StationUpdates]:
    """The operator's base stations that have contacted CUPS, or are to have something by it."""
    now = services.platform.clock()
    return await services.read(lambda c: _views(c, operator.operator_ref, None, now))


@OPERATOR.get(
    "/baseStations/{stationId}/updates",
    "getStationUpdates",
    "Operator",
    "What a base station has reported to CUPS and is to have.",
)
async def get_station_updates(station_id: str, services: Services, operator: OperatorScope) -> StationUpdates:
    """A base station at CUPS."""

    def read(connection: Connection) -> StationUpdates:
        ref = base_stations.own_base_station(connection, operator.operator_ref, station_id)
        found = _views(connection, None, ref, services.platform.clock())
        return found[0] if found else StationUpdates(station_id, None, [])

    return await services.read(read)


@OPERATOR.post(
    "/baseStations/updates", "orderStationUpdates", "Operator", "Order updates of base stations.", status=201
)
async def order_station_updates(
    services: Services, operator: OperatorScope, body: UpdateOrder
) -> OrderedUpdates:
    """Let base stations fetch other URIs, new credentials or firmware by CUPS, at their next contact. An
    order takes the place of what was ordered of its kind before."""
    if all(each is None for each in (body.cupsUri, body.lnsUri, body.credentials, body.firmware)):
        raise BadRequest("name cupsUri, lnsUri, credentials or firmware")
    firmware = await _ordered_firmware(services, operator, body.firmware)
    if body.baseStations is not None:
        named = list(dict.fromkeys(body.baseStations))
    elif firmware is not None:
        named = await services.read(partial(base_stations.of_model, firmware=firmware))
    else:
        named = await services.read(lambda c: base_stations.speaking_cups(c, operator.operator_ref))
    platform = services.platform
    fresh: dict[str, NewCredentials] = {}
    if body.credentials is not None:
        maker = CredentialMaker(platform.settings, platform.store, platform.vault, platform.clock)
        euis = await services.read(lambda c: base_stations.euis(c, operator.operator_ref, named))
        fresh = {each: await maker.make(body.credentials, euis[each]) for each in named}

    def write(connection: Connection) -> None:
        for station_id in named:
            ref = base_stations.own_base_station(connection, operator.operator_ref, station_id)
            if body.cupsUri is not None:
                base_stations.order_uri(connection, ref, "cupsUri", body.cupsUri, operator.display_name)
            if body.lnsUri is not None:
                base_stations.order_uri(connection, ref, "lnsUri", body.lnsUri, operator.display_name)
            if station_id in fresh:
                base_stations.order_credentials(connection, ref, fresh[station_id], operator.display_name)
            if firmware is not None:
                base_stations.order_firmware(connection, ref, firmware, operator.display_name)

    what = f"baseStation {named[0]}" if len(named) == 1 else f"{len(named)} baseStations"
    await services.change(write, by=operator, action="baseStation.updateOrdered", what=what, details=body)
    return OrderedUpdates(len(named))


async def _ordered_firmware(services: Services, operator: OperatorScope, ref: str | None) -> Firmware | None:
    if ref is None:
        return None
    return await services.read(lambda c: base_stations.read_firmware(c, operator.operator_ref, ref))


@OPERATOR.delete(
    "/baseStations/{stationId}/updates/{updateRef}",
    "withdrawStationUpdate",
    "Operator",
    "Withdraw an update of a base station.",
)
async def withdraw_station_update(
    station_id: str, update_ref: str, services: Services, operator: OperatorScope
) -> None:
    """Take an order back. Credentials that were fetched stay valid: the base station has no other ones."""

    def write(connection: Connection) -> None:
        ref = base_stations.own_base_station(connection, operator.operator_ref, station_id)
        base_stations.withdraw(connection, ref, update_ref)

    await services.change(
        write, by=operator, action="baseStation.updateWithdrawn", what=f"baseStation {station_id}"
    )


def _views(
    connection: Connection, operator_ref: int | None, base_station_ref: int | None, now: float
) -> list[StationUpdates]:
    contacts = base_stations.list_contacts(connection, operator_ref, base_station_ref)
    contact_of = {each.base_station: each for each in contacts}
    ordered: dict[str, list[StationUpdate]] = defaultdict(list)
    updates = base_stations.list_updates(connection, operator_ref, base_station_ref)
    if any(update.firmware_ref is not None for update in updates):
        files = {each.ref: each for each in base_stations.list_firmware(connection, operator_ref)}
    else:
        files = {}
    for update in updates:
        state = update.state(now)
        firmware = files.get(update.firmware_ref or 0) if state == "ordered" else None
        contact = contact_of.get(update.base_station)
        hindered = None if firmware is None else base_stations.obstacle(firmware, contact)
        ordered[update.base_station].append(_update_view(update, state, hindered))
    views = [
        StationUpdates(each.base_station, _contact_view(each), ordered.pop(each.base_station, []))
        for each in contacts
    ]
    return views + [StationUpdates(station, None, updates) for station, updates in ordered.items()]


def _contact_view(contact: Contact) -> CupsContact:
    return CupsContact(
        timestamp(contact.at),
        contact.station,
        contact.model,
        contact.package,
        contact.cups_uri,
        contact.lns_uri,
        [f"{key:08X}" for key in contact.keys],
        contact.proof,
    )


def _update_view(
    update: Update, state: base_stations.UpdateState, hindered: base_stations.Obstacle | None
) -> StationUpdate:
    fetched, confirmed, failed = (
        None if at is None else timestamp(at)
        for at in (update.fetched_at, update.confirmed_at, update.failed_at)
    )
    return StationUpdate(
        str(update.ref),
        update.kind,
        update.value,
        state,
        timestamp(update.created_at),
        update.created_by,
        fetched,
        confirmed,
        failed,
        update.attempts,
        None if update.firmware_ref is None else str(update.firmware_ref),
        hindered,
    )
