"""Creation of devices, of one or of many in a transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any, NamedTuple

from msgspec import UNSET
from sqlalchemy import BindParameter, Connection, bindparam, insert, select, union_all, update

from veldnet.domain.devices import SHADOW
from veldnet.domain.documents import ProfileSettings
from veldnet.domain.errors import DuplicateEui, InvalidField, Refusal
from veldnet.domain.partitions import partition_of_address, partition_of_eui
from veldnet.domain.resources import Device
from veldnet.domain.scope import Scope
from veldnet.inventory import changes
from veldnet.inventory.offers import find_hsm_group
from veldnet.inventory.routing_profiles import check_destinations
from veldnet.lorawan import DevAddr
from veldnet.store import Prepared, insert_new, moment
from veldnet.store.schema import device_states, devices, multicast_groups

from .assignment import FreeConnections, choose_routing, find_profile
from .checks import NewDevice
from .fields import encode_fields
from .personalisation import Personalisation
from .root_keys import check_gen_app_key
from .tags import write_new_tags
from .view import get_device

# Built once: an import executes them thousands of times.
_INSERT_STATE = Prepared(insert(device_states))
_EUIS: BindParameter[str] = bindparam("euis", expanding=True)
_KNOWN = Prepared(
    union_all(
        select(devices.c.dev_eui).where(devices.c.dev_eui.in_(_EUIS)),
        select(multicast_groups.c.dev_eui).where(multicast_groups.c.dev_eui.in_(_EUIS)),
    )
)
_RENAME = update(devices).where(devices.c.ref == bindparam("device")).values(name=bindparam("given"))
# The stored state of a personalised device after its profile.
OpenSession = Callable[[Personalisation, ProfileSettings], bytes]


class Moved(NamedTuple):
    """What a device brings along from another network, as it is stored: the addresses of its sessions, its
    state, and what its joins must not repeat."""

    state: bytes | None = None
    dev_addr: DevAddr | None = None
    pending_dev_addr: DevAddr | None = None
    join_memory: bytes | None = None
    # Whether the other network goes on answering it.
    shadow: bool = False


class Creation(NamedTuple):
    """A device to be created, with its root keys as they are stored."""

    new: NewDevice
    app_key: bytes | None = None
    nwk_key: bytes | None = None
    gen_app_key: bytes | None = None
    moved: Moved | None = None


def create_device(
    connection: Connection,
    scope: Scope,
    new: NewDevice,
    sealed_app_key: bytes | None,
    open_session: OpenSession | None = None,
) -> Device:
    """Write a device that has been checked; assigns plan and routing as the API's rules say. `open_session`
    makes the stored state of a personalised device."""
    return carry_out(connection, scope, Creation(new, sealed_app_key), open_session)


def carry_out(
    connection: Connection, scope: Scope, creation: Creation, open_session: OpenSession | None = None
) -> Device:
    """The same for a device that may have more root keys."""
    (ref,) = insert_devices(connection, Lookups(connection, scope), [creation], open_session)
    if isinstance(ref, Refusal):
        raise ref
    return get_device(connection, scope, str(ref), with_statistics=False)


class Lookups:
    """What new devices name, read once in a transaction that creates many."""

    def __init__(self, connection: Connection, scope: Scope) -> None:
        self.scope = scope
        self.profile = cache(partial(find_profile, connection, scope))
        self.group = cache(partial(find_hsm_group, connection, scope.operator_ref))
        self.routing = cache(partial(choose_routing, connection, scope))
        self.check_destinations = cache(partial(check_destinations, connection))
        self._connection = connection

    def is_group_address(self, dev_addr: DevAddr) -> bool:
        """Whether a multicast group has an address, which no device may have then."""
        found = select(multicast_groups.c.ref).where(multicast_groups.c.dev_addr == int(dev_addr))
        return self._connection.execute(found).first() is not None


class _Prepared(NamedTuple):
    """The row of a new device, and what its state has besides."""

    values: dict[str, Any]
    session: dict[str, Any]
    body: Device


def insert_devices(
    connection: Connection,
    lookups: Lookups,
    creations: Sequence[Creation],
    open_session: OpenSession | None = None,
) -> list[int | Refusal]:
    """The same for many devices: for each its number, or why it was refused. What is refused leaves nothing
    behind."""
    known = _KNOWN.rows(connection, {"euis": [str(creation.new.dev_eui) for creation in creations]})
    creating = _Creating(
        lookups,
        FreeConnections(connection, lookups.scope, {each.new.body.connectivityPlanId for each in creations}),
        {row.dev_eui for row in known},
        moment(connection),
        open_session,
    )
    prepared: list[_Prepared | Refusal] = []
    for creation in creations:
        try:
            prepared.append(creating.prepare(creation))
        except Refusal as error:
            prepared.append(error)
    rows = [each.values for each in prepared if not isinstance(each, Refusal)]
    # Another transaction may have created one of them meanwhile.
    written = insert_new(connection, devices, rows, ("dev_eui",))
    outcomes: list[int | Refusal] = []
    made: list[tuple[int, _Prepared]] = []
    for each in prepared:
        if isinstance(each, Refusal):
            outcomes.append(each)
            continue
        eui = each.values["dev_eui"]
        ref = written.get(eui)
        if ref is None:
            creating.connections.give_back(each.values["plan_ref"])
            outcomes.append(DuplicateEui(eui))
            continue
        outcomes.append(ref)
        made.append((ref, each))
    creating.connections.write()
    if made:
        _write_beside(connection, lookups.scope, made)
    return outcomes


class _Creating:
    def __init__(
        self,
        lookups: Lookups,
        connections: FreeConnections,
        known: set[str],
        now: int,
        open_session: OpenSession | None,
    ) -> None:
        self._lookups = lookups
        self.connections = connections
        self._known = known
        self._now = now
        self._open_session = open_session

    def prepare(self, creation: Creation) -> _Prepared:
        """Take a connection for the device. Raises `Refusal`."""
        lookups, new = self._lookups, creation.new
        body, personalisation = new.body, new.personalisation
        eui = str(new.dev_eui)
        if eui in self._known:
            raise DuplicateEui(eui)
        profile_ref, profile = lookups.profile(str(body.deviceProfileId))
        if creation.gen_app_key is not None:
            check_gen_app_key(profile, joins=personalisation is None)
        group = None if body.hsmGroupId is UNSET else lookups.group(body.hsmGroupId)
        plan_ref = self.connections.choose(body.connectivityPlanId)
        routing_ref, strategy = lookups.routing(body.routingProfileId, body.processingStrategyId)
        lookups.check_destinations(plan_ref, routing_ref)
        if creation.moved is not None:
            session = self._moved(creation.moved)
            if creation.moved.shadow:
                routing_ref, strategy = None, SHADOW
        else:
            session = {} if personalisation is None else self._session(body, personalisation, profile)
        self.connections.take(plan_ref)
        self._known.add(eui)
        values = {
            "subscriber_ref": lookups.scope.subscriber_ref,
            "dev_eui": eui,
            "join_eui": None if new.join_eui is None else str(new.join_eui),
            "name": body.name.strip() if body.name is not UNSET else "",
            "activation_type": "OTAA" if personalisation is None else "ABP",
            "device_class": body.deviceClass if body.deviceClass is not UNSET else profile.loRaWANClass,
            "profile_ref": profile_ref,
            "plan_ref": plan_ref,
            "routing_profile_ref": routing_ref,
            "processing_strategy": strategy,
            "hsm_group_ref": None if group is None else group.ref,
            "sealed_app_key": creation.app_key,
            "sealed_nwk_key": creation.nwk_key,
            "sealed_gen_app_key": creation.gen_app_key,
            "motion_indicator": body.motionIndicator if body.motionIndicator is not UNSET else None,
            "latitude": body.geoLatitude if body.geoLatitude is not UNSET else None,
            "longitude": body.geoLongitude if body.geoLongitude is not UNSET else None,
            "partition": _partition(new),
            "details": encode_fields(body),
            "created_at": self._now,
            "updated_at": self._now,
            "updated_by": lookups.scope.display_name,
        }
        return _Prepared(values, session, body)

    def _session(
        self, body: Device, personalisation: Personalisation, profile: ProfileSettings
    ) -> dict[str, Any]:
        if self._open_session is None or profile.version_11:
            raise InvalidField(
                "deviceProfileId {device_profile_id} is for LoRaWAN 1.1; ABP is for 1.0.x",
                device_profile_id=body.deviceProfileId,
            )
        self._refuse_address_of_group(personalisation.dev_addr)
        state = self._open_session(personalisation, profile)
        return {"dev_addr": int(personalisation.dev_addr), "state": state}

    def _moved(self, moved: Moved) -> dict[str, Any]:
        addresses = {"dev_addr": moved.dev_addr, "pending_dev_addr": moved.pending_dev_addr}
        for dev_addr in addresses.values():
            if dev_addr is not None:
                self._refuse_address_of_group(dev_addr)
        stored = {name: None if each is None else int(each) for name, each in addresses.items()}
        return {**stored, "state": moved.state, "join_memory": moved.join_memory}

    def _refuse_address_of_group(self, dev_addr: DevAddr) -> None:
        if self._lookups.is_group_address(dev_addr):
            raise InvalidField(
                "networkAddress {dev_addr} is the address of a multicast group; choose another",
                dev_addr=dev_addr,
            )


def _partition(new: NewDevice) -> int:
    if new.personalisation is None:
        return partition_of_eui(new.dev_eui)
    return partition_of_address(new.personalisation.dev_addr)


def _write_beside(connection: Connection, scope: Scope, made: list[tuple[int, _Prepared]]) -> None:
    """What stands beside the rows of new devices."""
    nameless = [
        {"device": ref, "given": f"New device {ref}"} for ref, each in made if not each.values["name"]
    ]
    if nameless:
        connection.execute(_RENAME, nameless)
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for ref, each in made:
        by_columns.setdefault(tuple(each.session), []).append({"device_ref": ref, **each.session})
    for rows in by_columns.values():
        _INSERT_STATE.write(connection, rows)
    write_new_tags(connection, scope, [(ref, each.body) for ref, each in made])
    changes.note_all(connection, "device", [ref for ref, _each in made])
