"""Monitoring put together: the participant of the commits, the looks at silent devices, base stations,
messages."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec
import structlog
from msgspec.structs import replace

from veldnet.assembly.base_station_directory import BaseStations
from veldnet.assembly.device_indexes import DeviceIndexes
from veldnet.assembly.roles import Roles
from veldnet.assembly.sights import Sight, Sights
from veldnet.cluster import Call, ClusterRequests, OwnerCalls
from veldnet.inventory import base_stations, branding
from veldnet.keys import VaultError, Vaults, labels
from veldnet.lorawan import BaseStationId
from veldnet.monitoring import (
    BASE_STATION_TYPES,
    DEVICE_TYPES,
    AlarmPolicy,
    AlarmType,
    BaseStationMonitor,
    Facts,
    GroupAlarms,
    Limits,
    Mailer,
    MailSettings,
    ModuleMonitor,
    Monitor,
    Notifier,
    Pace,
    Post,
    Recipients,
    SecretUnreadable,
    SeverityError,
    SilenceRules,
    SmtpMailer,
    Ways,
    health,
    read_all,
    with_severities,
)
from veldnet.monitoring.downlinks import settle
from veldnet.network.shell import Entry, NetworkServer, Runtime
from veldnet.settings import Settings, SettingsError
from veldnet.store import Store, StoreError, appended_counts, fold_device_counts

log = structlog.get_logger(__name__)

_LOOKS = 400


class Watched(msgspec.Struct, frozen=True):
    """What is monitored."""

    network: NetworkServer
    vault: Vaults
    base_stations: BaseStations
    sights: Sights
    roles: Roles


class MonitoringService:
    """`post` is the way of signed webhooks. Nothing runs until the chores are called."""

    def __init__(
        self,
        settings: Settings,
        runtime: Runtime,
        store: Store,
        watched: Watched,
        *,
        post: Post,
        mailer: Mailer | None = None,
    ) -> None:
        # Whether this node judges what belongs to the whole installation, and did so at the last look.
        self._roles, self._led = watched.roles, watched.roles.leads
        self._requests: ClusterRequests | None = None
        self.recipients = Recipients()
        self.mailer = mailer or mailer_of(settings, store)
        # Devices by state of health, as last counted.
        self.fleet: dict[str, int] = {}
        # Whether fine timestamps of a base station are wrong, where location can tell.
        self.wrong_stamps: Callable[[int], bool | None] = lambda _station: None
        self._store = store
        self._network, self._vault = watched.network, watched.vault
        self._base_stations, self._sights = watched.base_stations, watched.sights
        clock, ids = runtime.clock, runtime.ids
        self._clock = clock
        self._started_at = clock()
        alarms = settings.alarms
        kinds, station_kinds = _kinds(alarms.severities)
        self.stations = BaseStationMonitor(
            store,
            ids,
            self.recipients,
            clock=clock,
            limits=Limits(silence=alarms.base_station_silence, no_frames=alarms.base_station_no_frames),
            kinds=station_kinds,
        )
        self.modules = ModuleMonitor(store, ids, self.recipients, clock=clock)
        self.monitor = Monitor(
            watched.network.commits,
            ids,
            clock=clock,
            policy=AlarmPolicy(kinds, SilenceRules(alarms.inactive_after, alarms.learnt_factor)),
            recipients=self.recipients,
            cause=self.stations.cause,
        )
        self.monitor.on_frame_alarm(self.stations.heard)
        self.groups = GroupAlarms(store, ids, self.recipients, clock=clock, kinds=kinds)
        self.monitor.on_group_over_limit(self.groups.over_limit)
        if alarms.enabled:
            watched.network.commits.join(self.monitor)
            watched.network.groups.over_rate = self.groups.over_limit
        self.indexes = DeviceIndexes(store, clock)
        self.notifier = self._notify(post, Pace(alarms.notification_window, alarms.notification_interval))

    def _notify(self, post: Post, pace: Pace) -> Notifier:
        notifier = Notifier(
            self._store,
            self.recipients,
            Ways(post, self._unseal, self.mailer),
            clock=self._clock,
            is_down=lambda station: self.stations.is_down(BaseStationId.parse(station)),
            pace=pace,
        )
        notifier.leads = lambda: self._roles.leads
        self.monitor.on_notification(notifier.wake)
        self.stations.on_notification(notifier.wake)
        self.modules.on_notification(notifier.wake)
        self.groups.on_notification(notifier.wake)
        return notifier

    async def _unseal(self, sealed: bytes) -> bytes:
        try:
            return await self._vault.unseal(labels.ALARM_WEBHOOK, sealed)
        except VaultError as error:
            raise SecretUnreadable(str(error)) from None

    async def start(self) -> None:
        """Load what is small."""
        self._started_at = self._clock()
        await self.load_recipients()
        await self.stations.load()
        await self.modules.load()
        await self.count_devices()

    async def load_recipients(self) -> None:
        self.recipients.load(await self._store.read(read_all))

    # Partitions.

    async def take(self, partitions: frozenset[int]) -> None:
        """Watch over the devices of partitions: from now on `check_devices` finds them. Raises
        `StoreError`."""
        stored = self._network.devices.owned.stored_of(partitions)
        now = round(self._clock() * 1000)
        await self._store.write(lambda connection: settle(connection, now, stored))

    async def give(self, partitions: frozenset[int]) -> None:
        """What was seen of the devices is written with their state."""

    def lose(self, partitions: frozenset[int]) -> None:
        """What was seen of them goes with their entries in memory."""

    async def check_devices(self) -> None:
        """Look at the devices whose time has come; what follows is durable when this returns."""
        devices, skipped = self._network.devices, 0
        while refs := await self._store.devices_to_check(
            round(self._clock() * 1000), _LOOKS, devices.owned.stored, skipped
        ):
            entries = await asyncio.gather(*(devices.get(ref=ref) for ref in refs))
            there = [entry for entry in entries if entry is not None and not entry.removed]
            # Those that cannot be read stay due, and are not to hide the others.
            skipped += len(refs) - len(there)
            for entry in there:
                self.monitor.check(entry)
            await self._network.commits.durable()
            if len(refs) < _LOOKS:
                return

    async def count_devices(self) -> None:
        """Take up how many devices are in which state, for the metrics; and add up the parts of counts that
        writers have appended, where the engine has them do so."""
        if await self._store.read(appended_counts):
            await self._store.write(fold_device_counts)
        self.fleet = await self._store.read(health.fleet_counts)

    @property
    def base_station_count(self) -> int:
        return sum(1 for _station in self._base_stations.all())

    async def look_at_base_stations(self) -> None:
        """Judge all base stations and parts of the installation, or learn what the node that leads has
        judged."""
        led, self._led = self._led, self._roles.leads
        if not (led and self._led):
            await self.stations.load()
            await self.modules.load()
        if self._led:
            await self.check_base_stations()

    async def check_groups(self) -> None:
        """Write alarms of multicast groups, and clear those that have been quiet."""
        await self.groups.check(leads=self._roles.leads)

    async def check_base_stations(self) -> None:
        """Look at every base station, whichever node it is connected to."""
        now, radios = self._clock(), self._network.air.radios
        overdue = await self._store.read(lambda c: base_stations.overdue_updates(c, now))
        stations = dict(self._base_stations.all())
        sights = dict(self._sights.several(stations))
        facts = {}
        for identifier, station in stations.items():
            sight = sights.get(identifier)
            facts[identifier] = replace(
                self._unseen(identifier, station) if sight is None else _facts(station, sight),
                overdue=overdue.get(station.id, ""),
                wrong_stamps=self.wrong_stamps(int(identifier)),
                gps_refused=radios.refuses_gps_time(identifier, now) if sight is None else sight.gps_refused,
            )
        await self.stations.check(facts)

    def stepped(self, by: float) -> None:
        """Our clock has stepped by so many seconds."""
        self._started_at += by

    def _unseen(self, identifier: BaseStationId, station: base_stations.BaseStation) -> Facts:
        """Since the start it has not been heard; before, it may have been. It gets the time it always has."""
        known = station.last_seen_at is not None
        down = self.stations.is_down(identifier)
        at = (station.last_seen_at or 0) / 1000 if down else self._started_at
        return Facts(name=station.name, operator_ref=station.operator_ref, seen_at=at if known else None)

    async def devices_changed(self, entries: Sequence[Entry]) -> None:
        """Thresholds or plans of devices have changed: their next looks may be due earlier."""
        observed = [entry for entry in entries if not entry.removed and entry.monitoring is not None]
        for entry in observed:
            self.monitor.check(entry)
        if observed:
            await self._network.commits.durable()

    # Asked at any node, done by the one that serves the device.

    def answer(self, calls: OwnerCalls, requests: ClusterRequests) -> None:
        """Have what is asked of devices come to the nodes that serve them."""
        self._requests = requests
        calls.offer("acknowledge", Call(tuple[int, int, str, str], bool, self._acknowledge))
        calls.offer("mute", Call(tuple[int, int, str, int | None, str], bool, self._mute))

    async def acknowledge(self, device_ref: int, kind: int, of: str, author: str) -> bool:
        """Note that somebody has seen an alarm; durable when this returns. False if there is none such."""
        if device_ref < 0:
            return await self.groups.acknowledge(device_ref, author)
        if self._requests is None:
            return await self._acknowledge(device_ref, kind, of, author)
        return bool(await self._requests.ask(device_ref, "acknowledge", device_ref, kind, of, author))

    async def mute(self, device_ref: int, kind: int, of: str, until: int | None, author: str) -> bool:
        """Tell recipients nothing of an alarm for a time; durable when this returns. False if there is none
        such."""
        if device_ref < 0:
            return await self.groups.mute(device_ref, until, author)
        if self._requests is None:
            return await self._mute(device_ref, kind, of, until, author)
        return bool(await self._requests.ask(device_ref, "mute", device_ref, kind, of, until, author))

    async def _acknowledge(self, device_ref: int, kind: int, of: str, author: str) -> bool:
        entry = await self._network.devices.get(ref=device_ref)
        if entry is None or entry.removed:
            return False
        found = self.monitor.acknowledge(entry, kind, of, author)
        await self._network.commits.durable()
        return found

    async def _mute(self, device_ref: int, kind: int, of: str, until: int | None, author: str) -> bool:
        entry = await self._network.devices.get(ref=device_ref)
        if entry is None or entry.removed:
            return False
        found = self.monitor.mute(entry, kind, of, until, author)
        await self._network.commits.durable()
        return found


def _facts(station: base_stations.BaseStation, sight: Sight) -> Facts:
    return Facts(
        name=station.name,
        operator_ref=station.operator_ref,
        seen_at=sight.seen_at,
        up_since=sight.up_since,
        frame_at=sight.frame_at,
        gps_at=sight.gps_at,
        restarted_at=sight.restarted_at,
        packets=sight.packets,
        bad_packets=sight.bad_packets,
        acknowledged=sight.acknowledged,
        downlink_load=sight.load,
        addresses=sight.duplicates,
        clock_error=sight.clock_error,
    )


def _kinds(severities: tuple[str, ...]) -> tuple[dict[int, AlarmType], dict[int, AlarmType]]:
    """The types of alarms of devices and of base stations, with the severities that are set."""
    try:
        return (
            with_severities(DEVICE_TYPES, severities, others=BASE_STATION_TYPES),
            with_severities(BASE_STATION_TYPES, severities, others=DEVICE_TYPES),
        )
    except SeverityError as error:
        raise SettingsError(f"settings: alarms.severities: {error}") from None


def mailer_of(settings: Settings, store: Store | None) -> SmtpMailer | None:
    """The mail server of the settings, if there is one; without a store for a trial alone."""
    mail = settings.mail
    if not mail.host:
        return None
    return SmtpMailer(
        MailSettings(
            mail.host,
            mail.port,
            mail.security,
            mail.sender,
            mail.username,
            mail.password_file,
            ca_file=mail.ca_file,
            name=settings.console.name,
        ),
        None if store is None else lambda: _network_name(store),
    )


async def _network_name(store: Store) -> str | None:
    """The name that the operator has given the network in the console."""
    try:
        return await store.read(branding.network_name)
    except StoreError:
        return None
