"""The chores of a server, by name: how often each comes round, and whether one node does it for all."""

from __future__ import annotations

from typing import TYPE_CHECKING

from veldnet.assembly.parts import own_parts, parts_of, reported
from veldnet.assembly.roles import Chore
from veldnet.assembly.shared_feeds import TELL_EVERY, SharedFeeds
from veldnet.assembly.vaults.returning import ReturningVault
from veldnet.inventory import changes
from veldnet.monitoring import Retention, prune

if TYPE_CHECKING:
    from veldnet.assembly.clustering import Clustering
    from veldnet.assembly.platform import Platform

_CHANGES_EVERY = 1.0
_PRESENCE_EVERY = 10.0
_CONNECTIONS_EVERY = 1.0
_SHELLS_EVERY = 1.0
_APPLICATIONS_EVERY = 2.0
_PRUNE_EVERY = 3600.0
_BACKUP_EVERY = 20.0
_COVERAGE_EVERY = 30.0
_HISTORY_EVERY = 60.0
_WORTH_EVERY = 120.0
_CALIBRATION_EVERY = 60.0
_ORDER_EVERY = 60.0
_NAMES_EVERY = 10.0
_SIGHTS_EVERY = 5.0
_NOTIFICATIONS_EVERY = 10.0
_PARTS_EVERY = 5.0
_VAULT_EVERY = 2.0
_CAMPAIGNS_EVERY = 2.0
_DAMAGED_EVERY = 60.0
_VIRTUAL_CHECK = 300.0
# Seconds for which announced changes of the inventory are kept.
_KEPT_CHANGES = 86_400


def chores_of(platform: Platform) -> list[Chore]:
    """What comes round: changes of other processes, presence, alarms, retention."""
    looks: float = platform.settings.alarms.check_interval
    campaigns_every = _CAMPAIGNS_EVERY
    if platform.virtual is not None:
        # Days pass in seconds, with so many looks; and each move of the clock ends with one.
        looks = max(looks, _VIRTUAL_CHECK)
        campaigns_every = _VIRTUAL_CHECK
    monitoring, coverage = platform.monitoring, platform.coverage

    async def check_installation() -> None:
        await monitoring.modules.check(parts_of(platform))

    async def retain() -> None:
        await clean_up(platform)

    chores = [
        Chore("inventory changes", _CHANGES_EVERY, platform.apply_changes),
        Chore("base station presence", _PRESENCE_EVERY, platform.presence_keeper.write),
        Chore("remote shells", _SHELLS_EVERY, platform.stations.remote.check),
        Chore("base station connections", _CONNECTIONS_EVERY, platform.stations.write),
        Chore("connections to applications", _APPLICATIONS_EVERY, platform.connecting.write),
        Chore("alarms of the installation", looks, check_installation, once=True),
        Chore("coverage", _COVERAGE_EVERY, coverage.take, once=True),
        Chore("worth of base stations", _WORTH_EVERY, coverage.judge_in_turn, once=True),
        Chore("calibration of base stations", _CALIBRATION_EVERY, platform.locations.write),
        Chore("order of devices", _ORDER_EVERY, monitoring.indexes.order_in_turn, once=True),
        Chore("names of devices", _NAMES_EVERY, monitoring.indexes.take_names, once=True),
        Chore("base station history", _HISTORY_EVERY, platform.history.write),
        Chore("device counts", looks, monitoring.count_devices, once=True),
        Chore("damaged routes", _DAMAGED_EVERY, platform.table.reload_damaged),
        Chore("campaigns", campaigns_every, platform.campaigns.run, once=True, virtual=True),
        Chore("retention", _PRUNE_EVERY, retain, once=True, virtual=True),
        # Of the partitions that this node serves.
        Chore("device alarms", looks, monitoring.check_devices, virtual=True),
        Chore("multicast group alarms", looks, monitoring.check_groups, virtual=True),
        Chore("base station alarms", looks, monitoring.look_at_base_stations, virtual=True),
    ]
    if platform.cluster is not None and platform.feeds.shared is not None:
        chores += _between_nodes(platform, platform.cluster, platform.feeds.shared)
    if platform.backups is not None:
        chores.append(Chore("scheduled backups", _BACKUP_EVERY, platform.backups.run, once=True))
    return chores


def _between_nodes(platform: Platform, cluster: Clustering, feeds: SharedFeeds) -> list[Chore]:
    async def look_for_notifications() -> None:
        # What other nodes have written, for this one sends it.
        platform.monitoring.notifier.wake()

    async def look_at_parts() -> None:
        cluster.parts = reported(own_parts(platform))

    return [
        Chore("parts of this node", _PARTS_EVERY, look_at_parts),
        Chore("return of the vault", _VAULT_EVERY, ReturningVault(platform).look),
        Chore("readers at other nodes", TELL_EVERY, feeds.tell),
        Chore("base stations of other nodes", _SIGHTS_EVERY, platform.sights.tell),
        Chore("notifications of other nodes", _NOTIFICATIONS_EVERY, look_for_notifications, once=True),
    ]


async def run_now(platform: Platform) -> None:
    """What the chores would do within their intervals."""
    await platform.presence_keeper.write()
    await platform.apply_changes()
    await platform.connecting.write()
    await platform.monitoring.check_devices()
    await platform.monitoring.check_groups()
    await platform.monitoring.look_at_base_stations()
    if platform.roles.leads:
        await platform.monitoring.modules.check(parts_of(platform))
        await platform.monitoring.count_devices()
        await platform.coverage.take()
        await platform.coverage.judge()
        await platform.monitoring.indexes.refresh()
        await platform.campaigns.run()
    await platform.history.write()
    await platform.locations.write()


async def clean_up(platform: Platform) -> None:
    """Drop what is older than it is to be kept."""
    journal, now = platform.settings.journal, platform.clock()
    history = platform.settings.alarms.history
    keep = Retention(
        journal.frames, journal.bodies, journal.statistics, history, journal.audit, journal.locations
    )
    await prune(platform.store, now, keep)
    await platform.store.write(lambda c: changes.prune(c, int((now - _KEPT_CHANGES) * 1000)))
