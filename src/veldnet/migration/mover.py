"""Moves a network here, by the functions that the API uses: hundreds of devices in a transaction.

A dry run does the same and takes each transaction back. Whatever is here already stays as it is, so that a
migration that was interrupted goes on when it is begun again."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from veldnet.domain.errors import DuplicateEui, Refusal
from veldnet.inventory import devices, imports
from veldnet.inventory.devices import Creation
from veldnet.keys import ClearKey, labels

from .checks import Checked, Sessions, Terms, check_device
from .groups import check_group, initial_state, known_groups, seal_group, write_group
from .integrations import prepare_connections, write_flow
from .model import Device, Group, Integration, NotMovable, Profile, Source, Unmoved
from .offers import ensure_connections, ensure_profile
from .others import known_base_stations, move_base_station
from .report import Entry, Outcome
from .target import Target

_SEALED_BY_NOBODY = b"dry run"
_AT_CUT_OVER = "it is made at the cut-over, so that nothing is sent or delivered twice before"
_EXISTS = "a device with this DevEUI is here already; it stays as it is"


class Migration:
    """Moves everything of a source, devices first; or some devices alone, by their DevEUI."""

    def __init__(
        self, source: Source, target: Target, terms: Terms, only: frozenset[str] | None = None
    ) -> None:
        self._source = source
        self._target = target
        self._terms = terms
        self._only = only
        self._devices = DeviceMover(source, target, terms, only)

    async def run(self) -> AsyncIterator[list[Entry]]:
        """What became of each thing, piece by piece. Raises `Damaged`, `VaultError` and `StoreError`; what
        was moved before stays."""
        async for entries in self._devices.run():
            yield entries
        if self._only is not None:
            return
        yield await self._base_stations()
        for group in await asyncio.to_thread(self._source.groups):
            yield [await self._group(group)]
        for integration in await asyncio.to_thread(self._source.integrations):
            yield [await self._flow(integration)]

    async def _group(self, group: Group | Unmoved) -> Entry:
        if isinstance(group, Unmoved):
            return Entry("multicastGroup", group.id, group.name, "refused", (group.problem,))
        target, terms = self._target, self._terms
        scope = target.scope
        if terms.shadow:
            return Entry("multicastGroup", group.eui, group.name, "later", (_AT_CUT_OVER,))
        if group.eui in await target.store.read(lambda c: known_groups(c, scope)):
            return Entry("multicastGroup", group.eui, group.name, "exists")
        try:
            new = check_group(group, terms.channel_plans)
            keys = await seal_group(target.vaults, new)
            state = initial_state(group, terms.generation, terms.counter_jump)
            return await target.write(lambda c: write_group(c, target, group, new, keys, state))
        except Refusal as error:
            return Entry("multicastGroup", group.eui, group.name, "refused", (str(error.text),))

    async def _flow(self, integration: Integration) -> Entry:
        target, name = self._target, integration.name
        if integration.problem:
            return Entry("flow", name, name, "refused", (integration.problem,))
        if self._terms.shadow:
            return Entry("flow", name, name, "later", (_AT_CUT_OVER,))
        try:
            prepared = await prepare_connections(
                integration, target.vaults, allow_private=target.allow_private
            )
            now = int(self._terms.now * 1000)
            return await target.write(lambda c: write_flow(c, target, integration, prepared, now))
        except Refusal as error:
            return Entry("flow", name, name, "refused", (str(error.text),))

    async def _base_stations(self) -> list[Entry]:
        found = await asyncio.to_thread(self._source.base_stations)
        unmoved = [each for each in found if isinstance(each, Unmoved)]
        refused = [Entry("baseStation", each.id, each.name, "refused", (each.problem,)) for each in unmoved]
        stations = [each for each in found if not isinstance(each, Unmoved)]

        def write(connection: Connection) -> list[Entry]:
            known = known_base_stations(connection)
            return [
                Entry("baseStation", str(each.eui), each.name, "exists")
                if each.eui in known
                else move_base_station(connection, self._target, each)
                for each in {each.eui: each for each in stations}.values()
            ]

        return refused + (await self._target.write(write) if stations else [])


class _Ready(NamedTuple):
    checked: Checked
    profile: Profile
    creation: Creation


class DeviceMover:
    """Moves the devices of a source with their profiles, plans and decoders. Those in shadow are read again:
    they go on with the counters that they have reached."""

    def __init__(
        self, source: Source, target: Target, terms: Terms, only: frozenset[str] | None = None
    ) -> None:
        self._only = only
        self._source = source
        self._target = target
        self._terms = terms
        self._sessions = Sessions()
        self._seen: set[str] = set()
        self._profiles: dict[str, Profile] = {}
        # Profiles that are there for good, and what has been said of them.
        self._made: set[str] = set()
        self._told: set[str] = set()

    async def run(self) -> AsyncIterator[list[Entry]]:
        """What became of each batch. Raises `Damaged`, `VaultError` and `StoreError`; what was moved before
        stays."""
        batches = self._source.devices()
        while True:
            batch = await asyncio.to_thread(_next, batches)
            if batch is None:
                return
            yield await self._move(batch)

    async def _move(self, batch: Sequence[Device]) -> list[Entry]:
        entries: list[Entry] = []
        checked: list[tuple[Checked, Profile]] = []
        # What cannot be moved may have no DevEUI, and is named by its place in the source.
        euis = [device.eui if device.problem else device.eui.upper() for device in batch]
        scope = self._target.scope
        found = await self._target.store.read(lambda c: devices.find_shadows(c, scope, euis))
        shadows = {shadow.dev_eui: shadow for shadow in found}
        for eui, device in zip(euis, batch, strict=True):
            if self._only is not None and eui not in self._only:
                continue
            if eui in self._seen and not device.problem:
                text = "its DevEUI comes twice; the first one was taken"
                entries.append(Entry("device", eui, device.name, "refused", (text,)))
                continue
            self._seen.add(eui)
            try:
                checked.append(self._check(device, shadows.get(eui)))
            except NotMovable as error:
                entries.append(Entry("device", eui, device.name, "refused", (str(error),)))
            except Refusal as error:
                entries.append(Entry("device", eui, device.name, "refused", (str(error.text),)))
        ready = await self._seal(checked)
        return entries + await self._target.write(lambda c: self._write(c, ready))

    def _check(self, device: Device, earlier: devices.Shadow | None) -> tuple[Checked, Profile]:
        """Raises `NotMovable` or a `Refusal`."""
        if device.problem:
            raise NotMovable(device.problem)
        profile = self._profile(device.profile)
        return check_device(device, profile, self._terms, self._sessions, earlier), profile

    def _profile(self, key: str) -> Profile:
        if key not in self._profiles:
            self._profiles[key] = self._source.profile(key)
        return self._profiles[key]

    async def _seal(self, checked: Sequence[tuple[Checked, Profile]]) -> list[_Ready]:
        clear = [key for each, _profile in checked for key in _clear_keys(each)]
        vaults = self._target.vaults
        if vaults is None or not clear:
            sealed = iter([_SEALED_BY_NOBODY] * len(clear))
        else:
            sealed = iter(await vaults.import_keys(clear))

        def next_of(key: bytes | None) -> bytes | None:
            return None if key is None else next(sealed)

        return [
            _Ready(
                each,
                profile,
                Creation(
                    each.new,
                    next_of(each.app_key),
                    next_of(each.nwk_key),
                    next_of(each.gen_app_key),
                    each.moved,
                ),
            )
            for each, profile in checked
        ]

    def _write(self, connection: Connection, ready: Sequence[_Ready]) -> list[Entry]:
        # The session is that of a new device: what runs with the old one cannot get in its way.
        earlier = [each.checked.earlier for each in ready if each.checked.earlier is not None]
        if earlier:
            devices.drop_shadows(connection, self._target.scope, earlier)
        known = devices.registered(connection, [str(each.checked.new.dev_eui) for each in ready])
        new = [each for each in ready if str(each.checked.new.dev_eui) not in known]
        there = [each.checked.device for each in ready if str(each.checked.new.dev_eui) in known]
        entries = [Entry("device", each.eui, each.name, "exists", (_EXISTS,)) for each in there]
        made, refused = self._make_offers(connection, new)
        entries += made
        creating = [each for each in new if each.profile.id not in refused]
        for each in new:
            if each.profile.id in refused:
                entries.append(_refused(each, refused[each.profile.id]))
        lookups = devices.Lookups(connection, self._target.scope)
        refs = devices.insert_devices(connection, lookups, [each.creation for each in creating])
        if self._target.import_ref is not None:
            imports.note_devices(
                connection, self._target.import_ref, [ref for ref in refs if isinstance(ref, int)]
            )
        for each, ref in zip(creating, refs, strict=True):
            entries.append(_moved(each) if isinstance(ref, int) else _refused(each, _words(ref)))
        return entries

    def _make_offers(
        self, connection: Connection, new: Sequence[_Ready]
    ) -> tuple[list[Entry], dict[str, str]]:
        """Have profiles and plans for devices; why there can be none, by the id of the profile."""
        entries: list[Entry] = []
        refused: dict[str, str] = {}
        for profile in {each.profile.id: each.profile for each in new}.values():
            if profile.id in self._made:
                continue
            try:
                found = ensure_profile(connection, self._target, profile)
            except (NotMovable, Refusal) as error:
                text = error.text if isinstance(error, Refusal) else error
                refused[profile.id] = str(text)
                found = [Entry("deviceProfile", profile.id, profile.name, "refused", (str(text),))]
            if profile.id not in self._told:
                entries += found
                self._told.add(profile.id)
            if not self._target.dry_run and profile.id not in refused:
                self._made.add(profile.id)
        if self._terms.plan is None:
            wanted = Counter(each.profile.plan.id for each in new if each.profile.id not in refused)
            for profile in {each.profile.plan.id: each.profile for each in new}.values():
                if wanted[profile.plan.id]:
                    ensure_connections(connection, self._target, profile, wanted[profile.plan.id])
        return entries, refused


def _next(batches: Iterator[Sequence[Device]]) -> Sequence[Device] | None:
    return next(batches, None)


def _clear_keys(each: Checked) -> list[ClearKey]:
    """The root keys of a device in the order in which they are sealed."""
    eui = each.new.dev_eui
    found = (
        (labels.app_key(eui), each.app_key),
        (labels.nwk_key(eui), each.nwk_key),
        (labels.gen_app_key(eui), each.gen_app_key),
    )
    return [ClearKey(label, bytes(key)) for label, key in found if key is not None]


def _moved(each: _Ready) -> Entry:
    device = each.checked.device
    outcome: Outcome = "partly" if each.checked.partly else "moved"
    return Entry("device", device.eui, device.name, outcome, each.checked.remarks)


def _refused(each: _Ready, text: str) -> Entry:
    return Entry("device", each.checked.device.eui, each.checked.device.name, "refused", (text,))


def _words(refusal: int | Refusal) -> str:
    assert isinstance(refusal, Refusal)
    return _EXISTS if isinstance(refusal, DuplicateEui) else str(refusal.text)
