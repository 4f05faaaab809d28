"""`veldnet export`: a customer's installation in the form that migrations read."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Annotated, Any

import msgspec
import typer

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.assembly.network_settings import network_parameters
from veldnet.assembly.vaults.exporting import KeyReader, key_reader
from veldnet.domain.resources import VeldnetDevice
from veldnet.domain.scope import Scope
from veldnet.inventory import accounts, audit, base_stations, decoders, devices, flows, groups
from veldnet.inventory.devices import Wanted
from veldnet.inventory.groups import KeptGroup
from veldnet.keys import VaultError
from veldnet.migration.tts import (
    DIALECT,
    Exported,
    GroupKeys,
    RootKeys,
    end_device,
    gateway,
    multicast_device,
    webhook,
)
from veldnet.network.core import NetworkParameters, stored_sessions
from veldnet.network.core.multicast import catch_up, decode_group_state
from veldnet.settings import Settings
from veldnet.store import Connection

from .options import CustomerOption, Data, Json
from .output import console, counted, errors, fail, print_json
from .running import administrator, settings_of, with_data

_BATCH = 500


class Written(msgspec.Struct, rename="camel"):
    """What was written: devices with their session, groups, and those of both whose keys stay in a vault."""

    file: str
    devices: int = 0
    with_session: int = 0
    keys_kept: int = 0
    multicast_groups: int = 0
    group_keys_kept: int = 0
    gateways: int = 0
    webhooks: int = 0


def export_command(
    customer_id: CustomerOption,
    output: Annotated[Path, typer.Option(help="File to write; with keys only its owner can read it.")],
    keys: Annotated[
        bool,
        typer.Option(
            "--keys/--no-keys",
            help="With root keys and sessions, in clear, so that devices can go on elsewhere.",
        ),
    ] = False,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Write a customer's devices, with their multicast groups, base stations and HTTP flows, as JSON of The
    Things Stack, which `veldnet migrate tts` and tools of other network servers read.

    Keys of HSM groups and of PKCS#11 modules never leave them. Stop the devices' downlinks here before they
    are served elsewhere. `veldnet fleet export --form thingpark` writes the CSV of ThingPark.
    """
    settings = settings_of(data)
    written = Written(str(output))

    async def work(opened: DataDirectory) -> None:
        scope = await opened.store.read(lambda c: accounts.customer_scope(c, customer_id, administrator()))
        reader = key_reader(settings) if keys else None
        exporter = _Exporter(opened, settings, scope, reader, written)
        with _opened(output, secret=keys) as file:
            async for document in exporter.documents():
                file.write(msgspec.json.encode(document) + b"\n")
        author = audit.Author(scope.display_name, scope.subscriber_ref, scope.operator_ref)
        details = {"done": written.devices, "keys": keys}
        await opened.store.write(lambda c: audit.note(c, author, "devices.exported", customer_id, details))

    try:
        with_data(settings, work)
    except VaultError as error:
        fail(f"root keys cannot be read: {error}; --no-keys leaves them out")
    if as_json:
        print_json(written)
        return
    console.print(f"{counted(written.devices, 'device')} written to {output}", markup=False)
    if keys:
        errors.print("The file has keys in clear: delete it when it has been read.")
    if written.keys_kept:
        errors.print(f"{counted(written.keys_kept, 'device')} without root keys: these stay in their vault.")
    if written.group_keys_kept:
        groups_without = counted(written.group_keys_kept, "multicast group")
        errors.print(f"{groups_without} without a session: the keys stay in their vault.")


def _opened(path: Path, *, secret: bool) -> IO[bytes]:
    """A new file; with keys nobody but its owner reads it from its first octet on."""
    try:
        return os.fdopen(
            os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if secret else 0o644), "wb"
        )
    except FileExistsError:
        fail(f"{path} exists already; name another file, or remove it")
    except OSError as error:
        fail(f"cannot write {path}: {error.strerror}")


class _Exporter:
    """Reads an installation piece by piece."""

    def __init__(
        self,
        opened: DataDirectory,
        settings: Settings,
        scope: Scope,
        keys: KeyReader | None,
        written: Written,
    ) -> None:
        self._store = opened.store
        self._opened = opened
        self._scope = scope
        self._keys = keys
        self._written = written
        self._network: NetworkParameters = network_parameters(settings.network)

    async def documents(self) -> AsyncIterator[dict[str, Any]]:
        generation = await self._opened.generation()
        after = 0
        while True:
            listed = await self._store.read(
                partial(
                    devices.devices_after,
                    scope=self._scope,
                    wanted=Wanted(),
                    after=after,
                    limit=_BATCH,
                    observed=lambda _monitoring: {},
                )
            )
            if not listed:
                break
            after = int(str(listed[-1].ref))
            for each in await self._batch(listed, generation):
                yield each
        for group in await self._store.read(lambda c: groups.kept_groups(c, self._scope)):
            yield self._group(group, generation)
        for document in await self._store.read(self._others):
            yield document

    async def _batch(self, listed: Sequence[VeldnetDevice], generation: int) -> list[dict[str, Any]]:
        shown = {str(each.EUI): each for each in listed}
        rows = await self._store.devices_by_ref([int(str(each.ref)) for each in listed])
        refs = {row.profile_ref for row in rows}

        def read(connection: Connection) -> Any:
            return (
                devices.profiles_by_ref(connection, refs),
                decoders.programs(connection, self._scope.subscriber_ref, refs),
            )

        profiles, programs = await self._store.read(read)
        documents = []
        for row in rows:
            profile = profiles[row.profile_ref]
            sessions = stored_sessions(row.state, row.join_memory, generation)
            root = None if self._keys is None else RootKeys(*self._keys.root_keys(row))
            if root is not None:
                self._written.with_session += sessions.session is not None
                self._written.keys_kept += row.sealed_app_key is not None and root.app_key is None
            self._written.devices += 1
            plan = self._network.channel_plan(profile)
            program = programs.get(row.profile_ref)
            documents.append(end_device(Exported(shown[row.dev_eui], profile, sessions, plan, program, root)))
        return documents

    def _group(self, group: KeptGroup, generation: int) -> dict[str, Any]:
        """A group whose AppSKey is the customer's alone cannot go on elsewhere, so that it has no session."""
        keys, reader = None, self._keys
        if reader is not None and group.hsm_group_ref is None:
            found = reader.group_keys(group.dev_eui, group.sealed_keys)
            keys = None if found is None else GroupKeys(*found)
        self._written.multicast_groups += 1
        self._written.group_keys_kept += reader is not None and keys is None
        state = catch_up(decode_group_state(group.state), generation)
        return multicast_device(group, state.fcnt_down, keys)

    def _others(self, connection: Connection) -> list[dict[str, Any]]:
        stations = [
            each
            for each in base_stations.list_base_stations(connection)
            if each.operator_ref == self._scope.operator_ref
        ]
        hooks = [
            webhook(str(each.applicationId or "veldnet"), str(each.name), str(each.address))
            for each in flows.list_connections(connection, self._scope, 0)
            if each.type == "HTTP" and each.dialect == DIALECT
        ]
        self._written.gateways, self._written.webhooks = len(stations), len(hooks)
        return [*map(gateway, stations), *hooks]
