"""Exports metrics for Prometheus at `/metrics`."""

from __future__ import annotations

import resource
import time
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from veldnet.assembly.data_directory.scheduled_backups import ScheduledBackups
from veldnet.assembly.platform import Platform
from veldnet.monitoring import DEVICE_TYPES

if TYPE_CHECKING:
    from veldnet.assembly.certificate import ServerCertificate
    from veldnet.assembly.clustering import Clustering

# Old names of metrics, which are exported beside the new ones for one more release.
RENAMED: dict[str, str] = {
    "veldnet_joins_waiting": "veldnet_joins_queued",
    "veldnet_deliveries_under_way": "veldnet_deliveries_in_flight",
    "veldnet_keys_resealed": "veldnet_keys_rewrapped",
}
_OLD_NAMES = {new: old for old, new in RENAMED.items()}


class PlatformCollector(Collector):
    """Numbers of one platform, read when asked for."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def collect(self) -> Iterator[Metric]:
        cluster = self._platform.cluster
        for family in self._families():
            if cluster is not None:
                _add_label(family, "node", cluster.name)
            yield family
            if old := _OLD_NAMES.get(family.name):
                yield _under_old_name(family, old)

    def _families(self) -> Iterator[Metric]:
        yield from self._counters()
        yield from self._counters_by_reason()
        yield from self._monitoring()
        yield from self._modules_and_air()
        yield from self._installation()
        yield from self._gauges()
        if self._platform.cluster is not None:
            yield from _of_node(self._platform.cluster)

    def _counters(self) -> Iterator[Metric]:
        network, deliveries = self._platform.network.counters, self._platform.deliveries
        for name, text, value in (
            ("uplink_copies", "Frames received, counting each copy", network.copies),
            ("late_copies", "Copies after the deduplication window", network.late_copies),
            ("uplinks_committed", "Uplinks accepted and durable", network.uplinks_committed),
            ("joins_too_late", "Join-requests dropped because RX2 could not be met", network.joins_too_late),
            ("keys_rewrapped", "Keys re-wrapped under a newer master key", self._platform.keys.resealed),
            ("joins_accepted", "Joins accepted and durable", network.joins_accepted),
            ("downlinks_sent", "Downlinks accepted by base stations", network.downlinks_sent),
            ("downlinks_failed", "Downlinks that could not be sent", network.downlinks_failed),
            ("commits", "Group commits", network.commits),
            ("commit_failures", "Group commits that failed", network.commit_failures),
            ("commit_seconds", "Time spent waiting for commits", network.commit_seconds),
            ("messages_delivered", "Messages accepted by application servers", deliveries.counters.delivered),
            ("messages_undelivered", "Messages set aside as undelivered", deliveries.counters.undelivered),
        ):
            yield CounterMetricFamily(f"veldnet_{name}", text, value=value)
        usage = resource.getrusage(resource.RUSAGE_SELF)
        yield CounterMetricFamily(
            "veldnet_cpu_seconds", "Processor time of this process", value=usage.ru_utime + usage.ru_stime
        )
        yield from _of_processes(self._platform, usage.ru_utime + usage.ru_stime)

    def _counters_by_reason(self) -> Iterator[Metric]:
        network, deliveries, messages = (
            self._platform.network.counters,
            self._platform.deliveries,
            self._platform.hub.counts(),
        )
        for name, text, label, counts in (
            ("frames_refused", "Frames refused, by reason", "reason", network.refused),
            ("datagrams", "Datagrams of base stations, by message", "message", messages.received),
            (
                "datagrams_irregular",
                "Irregularities of accepted frames, by reason",
                "reason",
                messages.irregular,
            ),
            ("datagrams_refused", "Datagrams and packets refused, by reason", "reason", messages.refused),
            ("delivery_attempts", "Delivery attempts, by result", "status", deliveries.counters.attempts),
            (
                "messages_set_aside",
                "Messages set aside as undelivered, by reason",
                "reason",
                deliveries.counters.set_aside,
            ),
            (
                "locations",
                "Uplinks of devices to locate, by what became of them",
                "outcome",
                self._platform.locations.keeper.counters.outcomes,
            ),
            (
                "campaign_failures",
                "Campaigns that could not be worked on, and devices in them (device), by reason",
                "reason",
                self._platform.campaigns.failures,
            ),
            (
                "task_failures",
                "Unexpected failures of background tasks, by task",
                "task",
                _failures(self._platform),
            ),
        ):
            family = CounterMetricFamily(f"veldnet_{name}", text, labels=[label])
            for key, count in counts.items():
                family.add_metric([key], count)
            yield family

    def _modules_and_air(self) -> Iterator[Metric]:
        """Of the modules of vaults, and of base stations."""
        modules = GaugeMetricFamily(
            "veldnet_vault_module_up", "Whether a module of a vault works", labels=["vault", "module"]
        )
        for vault, module in self._platform.vault.modules():
            modules.add_metric([vault or "default", module.name], float(module.problem is None))
        yield modules
        duty = GaugeMetricFamily(
            "veldnet_base_station_duty_cycle",
            "Share of the last hour that a base station was on air, by sub-band",
            labels=["base_station", "sub_band"],
        )
        for base_station, shares in self._platform.network.air.duty_cycles(self._platform.clock()).items():
            for band, share in shares.items():
                duty.add_metric([str(base_station), band], share)
        yield duty
        taken = HistogramMetricFamily(
            "veldnet_downlink_commit_to_socket_seconds",
            "From the commit that decided on a downlink to the socket of the base station's protocol",
            labels=["protocol"],
        )
        for protocol, times in self._platform.hub.handovers.items():
            taken.add_metric([protocol], times.cumulative(), times.total)
        yield taken

    def _installation(self) -> Iterator[Metric]:
        """Of the certificate and of scheduled backups, where there are any."""
        certificate, backups = self._platform.certificate, self._platform.backups
        if certificate is not None:
            yield from _certificate(certificate)
        if backups is not None:
            yield from _backups(backups)

    def _gauges(self) -> Iterator[Metric]:
        deliveries = self._platform.deliveries
        for name, text, number in (
            ("joins_queued", "Join-requests queued for a vault", self._platform.network.joins_waiting),
            ("devices_in_memory", "Devices held in memory", len(self._platform.network.devices)),
            ("deliveries_in_memory", "Pending messages held in memory", deliveries.pending),
            ("deliveries_in_flight", "Messages in flight to application servers", deliveries.under_way),
            ("deliveries_retrying", "Delivery queues waiting for their next attempt", deliveries.retrying),
            ("oldest_delivery_seconds", "Age of the oldest message held in memory", deliveries.oldest()),
            ("commit_backlog", "Records waiting for a commit", self._platform.network.commits.waiting),
            (
                "receive_lag_seconds",
                "How long datagrams of base stations wait before they are processed",
                min(self._platform.receive_lag, 60.0),
            ),
            ("loop_lag_seconds", "Latest delay of the event loop", self._platform.loop_lag.seconds),
            ("resident_bytes", "Resident memory of this process", _resident()),
            ("time_seconds", "The server's clock", time.time()),
        ):
            yield GaugeMetricFamily(f"veldnet_{name}", text, value=number)

    def _monitoring(self) -> Iterator[Metric]:
        monitoring = self._platform.monitoring
        counters = monitoring.monitor.counters
        for name, text, counts in (
            ("alarms_raised", "Device alarms raised, by type", counters.raised),
            ("alarms_cleared", "Device alarms cleared, by type", counters.cleared),
        ):
            family = CounterMetricFamily(f"veldnet_{name}", text, labels=["type"])
            for kind in DEVICE_TYPES:
                family.add_metric([f"{kind:03d}"], counts[kind])
            yield family
        sent = CounterMetricFamily(
            "veldnet_notifications",
            "Alarm notifications, by channel and result",
            labels=["channel", "result"],
        )
        for (channel, result), count in monitoring.notifier.counters.messages.items():
            sent.add_metric([channel, result], count)
        yield sent
        if not self._platform.roles.leads:
            # What is counted once for the installation is told by the node that leads.
            return
        stations = GaugeMetricFamily(
            "veldnet_base_station_alarms", "Active alarms of base stations, by type", labels=["type"]
        )
        for kind, number in monitoring.stations.active.items():
            stations.add_metric([str(kind)], number)
        yield stations
        devices = GaugeMetricFamily("veldnet_devices", "Devices, by health state", labels=["health"])
        for name, number in monitoring.fleet.items():
            devices.add_metric([name], number)
        yield devices
        yield GaugeMetricFamily(
            "veldnet_base_stations", "Registered base stations", value=monitoring.base_station_count
        )


def _failures(platform: Platform) -> Counter[str]:
    """Of the tasks of all processes."""
    found = platform.supervisor.failures.copy()
    if platform.deliveries.processes is not None:
        for each in platform.deliveries.processes.each:
            found.update(each.report.failures)
    return found


def _of_processes(platform: Platform, cpu: float) -> Iterator[Metric]:
    """Of the processes of a server, this one first."""
    found = [("server", 1.0, 0, cpu, _resident())]
    if platform.deliveries.processes is not None:
        found += [
            (each.name, float(each.ready), each.restarts, each.report.cpu, each.report.resident)
            for each in platform.deliveries.processes.each
        ]
    up = GaugeMetricFamily("veldnet_process_up", "Whether a process works", labels=["process"])
    restarts = CounterMetricFamily(
        "veldnet_process_restarts", "How often a process had to be started again", labels=["process"]
    )
    seconds = CounterMetricFamily("veldnet_process_cpu_seconds", "Processor time", labels=["process"])
    resident = GaugeMetricFamily("veldnet_process_resident_bytes", "Resident memory", labels=["process"])
    for name, works, started, used, memory in found:
        up.add_metric([name], works)
        restarts.add_metric([name], started)
        seconds.add_metric([name], used)
        resident.add_metric([name], memory)
    yield from (up, restarts, seconds, resident)


def _of_node(cluster: Clustering) -> Iterator[Metric]:
    """Of a node among others."""
    view, partitions = cluster.partitions.view, range(cluster.partitions.partitions)
    for name, text, value in (
        ("partitions", "Partitions that this node serves", sum(map(cluster.partitions.mine, partitions))),
        (
            "partitions_unserved",
            "Partitions that no node serves, as far as this one knows",
            sum(cluster.partitions.owner(each) is None for each in partitions),
        ),
        ("nodes", "Nodes that live, as far as this one knows", len(view.living)),
        ("node_clock_skew_seconds", "How far this clock is ahead of the database's", cluster.membership.skew),
        ("bus_up", "Whether messages reach the other nodes", float(cluster.bus.problem is None)),
    ):
        yield GaugeMetricFamily(f"veldnet_{name}", text, value=value)
    counts = cluster.bus.counts
    for what, text, counted in (
        ("sent", "Messages sent to other nodes, by subject", counts.sent),
        ("received", "Messages received from other nodes, by subject", counts.received),
        ("returned", "Messages that did not reach their node and came back, by subject", counts.returned),
        ("dropped", "Messages to and from other nodes that were dropped, by subject", counts.dropped),
    ):
        family = CounterMetricFamily(f"veldnet_bus_{what}", text, labels=["subject"])
        for subject, count in counted.items():
            family.add_metric([subject], count)
        yield family


def _add_label(family: Metric, name: str, value: str) -> None:
    family.samples = [sample._replace(labels={**sample.labels, name: value}) for sample in family.samples]


def _certificate(certificate: ServerCertificate) -> Iterator[Metric]:
    for name, text, value in (
        (
            "expiry_time_seconds",
            "When the certificate of the server expires, Unix time",
            certificate.not_after,
        ),
        (
            "reload_failed",
            "Whether the files of the certificate could not be loaded after they changed",
            float(certificate.reload_problem is not None),
        ),
    ):
        yield GaugeMetricFamily(f"veldnet_certificate_{name}", text, value=value)


def _backups(backups: ScheduledBackups) -> Iterator[Metric]:
    counters = backups.counters
    for name, text, value in (
        ("last_success_time_seconds", "When the newest scheduled backup was made", counters.succeeded_at),
        ("failed", "Whether the last scheduled backup failed", float(backups.problem is not None)),
        ("size_bytes", "Size of the last scheduled backup", counters.size),
        ("duration_seconds", "How long the last scheduled backup took", counters.seconds),
    ):
        yield GaugeMetricFamily(f"veldnet_backup_{name}", text, value=value)
    yield CounterMetricFamily(
        "veldnet_backup_failures", "Scheduled backups that failed", value=counters.failures
    )


def _under_old_name(family: Metric, old: str) -> Metric:
    copy = Metric(old, f"Deprecated: use {family.name}", family.type)
    copy.samples = [
        sample._replace(name=sample.name.replace(family.name, old, 1)) for sample in family.samples
    ]
    return copy


def _resident() -> int:
    try:
        with open("/proc/self/statm") as statm:  # noqa: PTH123 - read at once, no path of ours
            return int(statm.read().split()[1]) * resource.getpagesize()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Metrics:
    """The registry of one platform."""

    def __init__(self, platform: Platform) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(PlatformCollector(platform))

    def text(self) -> bytes:
        return generate_latest(self._registry)
