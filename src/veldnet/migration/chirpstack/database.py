"""The database of ChirpStack v4: of which version it is, and its rows as things that can be moved."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import msgspec
from sqlalchemy import Select, TableClause, and_, column, func, select, table

from veldnet.lorawan import AesKey, GatewayEui, InvalidKey
from veldnet.migration.model import (
    BaseStation,
    Damaged,
    Device,
    Group,
    Integration,
    NotMovable,
    Profile,
    Unmoved,
)
from veldnet.migration.tags import application_tag
from veldnet.network.core import MovedSession
from veldnet.store import OtherDatabase

from .groups import read_group
from .integrations import read_integration
from .profiles import read_profile
from .session import read_session

_BATCH = 500
_Row = Mapping[Any, Any]
_NEEDED = {
    "tenant": {"id", "name"},
    "application": {"id", "tenant_id", "name"},
    "device": {"dev_eui", "application_id", "device_profile_id", "name", "enabled_class", "is_disabled"},
    "device_keys": {"dev_eui", "nwk_key", "app_key", "dev_nonces", "join_nonce"},
    "device_profile": {
        "id",
        "name",
        "region",
        "mac_version",
        "reg_params_revision",
        "adr_algorithm_id",
        "payload_codec_runtime",
        "device_status_req_interval",
        "supports_otaa",
        "supports_class_b",
        "supports_class_c",
    },
    "gateway": {"gateway_id", "tenant_id", "name"},
    "multicast_group": {
        "id",
        "application_id",
        "name",
        "region",
        "mc_addr",
        "mc_nwk_s_key",
        "mc_app_s_key",
        "f_cnt",
        "group_type",
        "dr",
        "frequency",
    },
    "multicast_group_device": {"multicast_group_id", "dev_eui"},
    "application_integration": {"application_id", "kind", "configuration"},
}
# What a dump has at its end: keys of tables, and what they refer to, that rows which are lost leave unmet.
_KEYS = {
    "tenant": {"tenant"},
    "application": {"application", "tenant"},
    "device_profile": {"device_profile"},
    "device": {"device", "application", "device_profile"},
    "device_keys": {"device_keys", "device"},
    "gateway": {"gateway", "tenant"},
    "multicast_group": {"multicast_group", "application"},
    "multicast_group_device": {"multicast_group_device", "multicast_group", "device"},
}
_NO_KEY = bytes(16)
_CLASSES: dict[str, Literal["A", "B", "C"]] = {"A": "A", "B": "B", "C": "C"}


class Tenant(msgspec.Struct, frozen=True):
    id: str
    name: str


class _Model(NamedTuple):
    """A device profile, and whether its devices join."""

    profile: Profile
    joins: bool


class ChirpStack:
    """A tenant of ChirpStack as a `Source`."""

    name = "ChirpStack"

    def __init__(self, database: OtherDatabase, wanted: str | None) -> None:
        """`wanted` is the name or id of a tenant; None takes the only one. Raises `Damaged`."""
        self._connection = database.connection
        self._columns = database.columns
        self._check(database.name, database.keys)
        self.tenant = self._choose(wanted)
        self._models: dict[str, _Model] | None = None

    def _check(self, name: str, keys: Mapping[str, frozenset[str]]) -> None:
        for each, columns in _NEEDED.items():
            there = self._columns.get(each)
            if there is None:
                raise Damaged(f"{name} is not that of ChirpStack v4: it has no table {each}")
            lacking = sorted(columns - there)
            if lacking:
                raise Damaged(f"{name} is of an unknown version of ChirpStack: {each} has no {lacking[0]}")
        for each, referred in _KEYS.items():
            if not referred <= keys.get(each, frozenset()):
                raise Damaged(
                    f"{name} is not whole: its table {each} lacks a key. A dump that it was made of is cut, "
                    "or was not taken in without errors: make it again with psql --single-transaction "
                    "--set ON_ERROR_STOP=1"
                )
        if "device_session" not in self._columns["device"]:
            raise Damaged(
                f"{name} is of a ChirpStack before 4.7, which keeps sessions in Redis: upgrade ChirpStack, "
                "and run its `migrate-device-sessions-to-postgres` first"
            )

    def _table(self, name: str) -> TableClause:
        """A table with the columns that it has in this version."""
        return table(name, *(column(each) for each in sorted(self._columns.get(name, ()))))

    def _rows(self, query: Select[Any]) -> Iterator[_Row]:
        return iter(self._connection.execute(query).mappings())

    def _choose(self, wanted: str | None) -> Tenant:
        tenants = self._table("tenant")
        found = [Tenant(str(row["id"]), str(row["name"])) for row in self._rows(select(tenants))]
        if wanted is not None:
            found_ones = [each for each in found if wanted in (each.id, each.name)]
        else:
            found_ones = found
        if len(found_ones) == 1:
            return found_ones[0]
        known = ", ".join(sorted(f"{each.name} ({each.id})" for each in found)[:20]) or "none"
        if wanted is not None and not found_ones:
            raise Damaged(f"there is no tenant {wanted[:60]!r}; there are {known}")
        raise Damaged(f"name one tenant with --tenant, by its id where names come twice; there are {known}")

    def _of_tenant(self) -> tuple[TableClause, TableClause, Any]:
        devices, applications = self._table("device"), self._table("application")
        own = applications.c.tenant_id == uuid.UUID(self.tenant.id)
        return devices, applications, and_(applications.c.id == devices.c.application_id, own)

    def count(self) -> int | None:
        _devices, _applications, own = self._of_tenant()
        return int(self._connection.execute(select(func.count()).where(own)).scalar_one())

    def profile(self, key: str) -> Profile:
        found = self._model(key)
        if found is None:
            raise NotMovable("its device profile does not exist")
        return found.profile

    def _model(self, key: str) -> _Model | None:
        if self._models is None:
            rows = self._rows(select(self._table("device_profile")))
            self._models = {
                str(row["id"]): _Model(read_profile(row), bool(row["supports_otaa"])) for row in rows
            }
        return self._models.get(key)

    def devices(self) -> Iterator[Sequence[Device]]:
        devices, applications, own = self._of_tenant()
        keys = self._table("device_keys")
        wanted = [keys.c[name].label(f"key_{name}") for name in sorted(self._columns["device_keys"])]
        query = (
            select(devices, applications.c.name.label("application_name"), *wanted)
            .select_from(
                devices.join(applications, own).join(keys, keys.c.dev_eui == devices.c.dev_eui, isouter=True)
            )
            .order_by(devices.c.dev_eui)
        )
        result = self._connection.execution_options(yield_per=_BATCH).execute(query).mappings()
        for part in result.partitions():
            yield [self._device(row) for row in part]

    def _device(self, row: _Row) -> Device:
        eui, name = bytes(row["dev_eui"]).hex().upper(), str(row["name"])
        key = str(row["device_profile_id"])
        model = self._model(key)
        if model is None:
            return Device(eui=eui, name=name, profile=key, problem="its device profile does not exist")
        session: MovedSession | None = None
        pending: MovedSession | None = None
        remarks: tuple[str, ...] = ()
        lost = ""
        try:
            if row["device_session"]:
                session, pending, remarks = read_session(
                    bytes(row["device_session"]), int(row.get("f_cnt_up") or 0), str(row["enabled_class"])
                )
        except NotMovable as error:
            lost = str(error)
        join_eui = bytes(row.get("join_eui") or b"").hex().upper()
        app_key, nwk_key = _root_keys(row, version_11=model.profile.settings.version_11)
        return Device(
            eui=eui,
            name=name,
            description=str(row.get("description") or ""),
            profile=key,
            join_eui=join_eui if join_eui.strip("0") else None,
            device_class=_CLASSES.get(str(row["enabled_class"]).strip(), "A"),
            personalised=not model.joins,
            app_key=app_key,
            nwk_key=nwk_key,
            gen_app_key=_key(row.get("key_gen_app_key")),
            session=session,
            pending=pending,
            last_join_nonce=int(row["key_join_nonce"] or 0),
            dev_nonces=_dev_nonces(row["key_dev_nonces"]),
            tags=_tags(row),
            latitude=row.get("latitude"),
            longitude=row.get("longitude"),
            remarks=remarks,
            without_session=lost,
            disabled="it is disabled there (is_disabled): enable or delete it" if row["is_disabled"] else "",
        )

    def base_stations(self) -> Sequence[BaseStation | Unmoved]:
        stations = self._table("gateway")
        own = stations.c.tenant_id == uuid.UUID(self.tenant.id)
        return [_base_station(row) for row in self._rows(select(stations).where(own))]

    def groups(self) -> Sequence[Group | Unmoved]:
        found, applications = self._table("multicast_group"), self._table("application")
        members: dict[str, list[str]] = {}
        for row in self._rows(select(self._table("multicast_group_device"))):
            eui = bytes(row["dev_eui"]).hex().upper()
            members.setdefault(str(row["multicast_group_id"]), []).append(eui)
        own = applications.c.tenant_id == uuid.UUID(self.tenant.id)
        query = select(found).join(applications, and_(applications.c.id == found.c.application_id, own))
        listed: list[Group | Unmoved] = []
        for row in self._rows(query):
            identifier = str(row["id"])
            try:
                listed.append(read_group(row, tuple(members.get(identifier, ()))))
            except NotMovable as error:
                listed.append(Unmoved(identifier, str(row["name"]), str(error)))
        return listed

    def integrations(self) -> Sequence[Integration]:
        found, applications = self._table("application_integration"), self._table("application")
        own = applications.c.tenant_id == uuid.UUID(self.tenant.id)
        query = (
            select(found, applications.c.name.label("application_name"), applications.c.tenant_id)
            .join(applications, and_(applications.c.id == found.c.application_id, own))
            .order_by(applications.c.name, found.c.kind)
        )
        return [read_integration(row) for row in self._rows(query)]


def _base_station(row: _Row) -> BaseStation | Unmoved:
    identifier = bytes(row["gateway_id"])
    if len(identifier) != GatewayEui.size:
        return Unmoved(identifier.hex().upper(), str(row["name"]), "its id does not have 8 bytes")
    latitude, longitude = row.get("latitude"), row.get("longitude")
    # It stores 0, 0 where nobody has said where a gateway stands.
    located = bool(latitude or longitude)
    return BaseStation(
        GatewayEui(int.from_bytes(identifier, "big")),
        str(row["name"]),
        latitude if located else None,
        longitude if located else None,
        row.get("altitude") if located else None,
    )


def _key(octets: object) -> AesKey | None:
    """A key; there is none where it is all zeros."""
    found = bytes(octets) if isinstance(octets, bytes | memoryview) else b""
    if not found or found == _NO_KEY:
        return None
    try:
        return AesKey(found)
    except InvalidKey:
        return None


def _root_keys(row: _Row, *, version_11: bool) -> tuple[AesKey | None, AesKey | None]:
    """AppKey and NwkKey. Of devices of LoRaWAN 1.0.x the column `nwk_key` has the AppKey."""
    nwk_key = _key(row["key_nwk_key"])
    return (_key(row["key_app_key"]), nwk_key) if version_11 else (nwk_key, None)


def _dev_nonces(value: object) -> tuple[int, ...]:
    """Those that were used: by JoinEUI, or before 4.10 as a list."""
    lists = value.values() if isinstance(value, dict) else (value,)
    return tuple(
        nonce for each in lists if isinstance(each, list) for nonce in each if isinstance(nonce, int)
    )


def _tags(row: _Row) -> tuple[str, ...]:
    """The tags of a device, and its application as one more."""
    tags = row.get("tags")
    own = [f"{name}={value}" for name, value in tags.items()] if isinstance(tags, dict) else []
    return (application_tag(str(row["application_name"])), *own)
