"""Result figures of a simulated network."""

from __future__ import annotations

import msgspec

from veldnet.simulator.life import DeviceLife

from .network import VirtualNetwork


class DeviceResult(msgspec.Struct, frozen=True):
    """One device. Place in km, `airtime` in seconds, `energy` in joules."""

    dev_eui: str
    kind: str
    region: str
    x: float
    y: float
    joined: bool
    data_rate: int
    tx_power: int
    nb_trans: int
    sent: int
    accepted: int
    transmissions: int
    airtime: float
    energy: float


class Hour(msgspec.Struct, frozen=True):
    """An hour of the run: readings sent and accepted in it."""

    number: int
    sent: int
    accepted: int


class Results(msgspec.Struct, frozen=True):
    """A whole run. `delivered_share` is that of the readings that an application server got."""

    seed: int
    hours: float
    devices: int
    joined: int
    base_stations: int
    sent: int
    accepted: int
    delivered: int
    delivered_share: float
    airtime_per_reading: float
    energy_per_reading: float
    copies_per_uplink: float
    collided: int
    server_deaths: int
    base_station_outages: int
    downlinks_by_slot: dict[str, int]
    failures: dict[str, int]
    outcomes: dict[str, int]
    per_hour: tuple[Hour, ...]
    per_device: tuple[DeviceResult, ...]


class Clock:
    """Counts readings by the hour while the network runs."""

    def __init__(self, network: VirtualNetwork) -> None:
        self._network = network
        self._before = (0, 0)
        self.hours: list[Hour] = []

    def tick(self, now: float) -> None:
        """`now` in virtual seconds; called at least once an hour."""
        if int(now // 3600) > len(self.hours):
            self._close_hour()

    def finish(self) -> None:
        """Count what is left of the last hour."""
        if sum(life.sent for life in self._network.lives) > self._before[0]:
            self._close_hour()

    def _close_hour(self) -> None:
        sent = sum(life.sent for life in self._network.lives)
        accepted = self._network.checker.accepted
        self.hours.append(Hour(len(self.hours) + 1, sent - self._before[0], accepted - self._before[1]))
        self._before = (sent, accepted)


def results_of(network: VirtualNetwork, seed: int, hours: float, clock: Clock) -> Results:
    """Sum up a run."""
    clock.finish()
    lives, checker = network.lives, network.checker
    per_device = tuple(_device(network, number, life) for number, life in enumerate(lives))
    sent = sum(life.sent for life in lives)
    delivered = checker.delivered_count
    names = {1: "RX1", 2: "RX2", 3: "ping slot"}
    return Results(
        seed=seed,
        hours=hours,
        devices=len(lives),
        joined=sum(life.device.joined for life in lives),
        base_stations=sum(len(air.base_stations) for air in network.airs.values()),
        sent=sent,
        accepted=checker.accepted,
        delivered=delivered,
        delivered_share=round(delivered / max(sent, 1), 4),
        airtime_per_reading=round(sum(life.airtime for life in lives) / max(delivered, 1), 4),
        energy_per_reading=round(sum(life.energy for life in lives) / max(delivered, 1), 5),
        copies_per_uplink=round(checker.copies / max(checker.accepted, 1), 2),
        collided=sum(air.collided for air in network.airs.values()),
        server_deaths=network.deaths,
        base_station_outages=network.outages,
        downlinks_by_slot={names.get(slot, "?"): count for slot, count in sorted(checker.slots.items())},
        failures=dict(checker.failures.most_common()),
        outcomes=dict(sorted(checker.outcomes.items())),
        per_hour=tuple(clock.hours),
        per_device=per_device,
    )


def _device(network: VirtualNetwork, number: int, life: DeviceLife) -> DeviceResult:
    device, kind = life.device, network.kinds[number % len(network.kinds)]
    return DeviceResult(
        dev_eui=str(device.identity.dev_eui),
        kind=f"{kind.version} {kind.device_class}",
        region=kind.region,
        x=round(life.place.x, 3),
        y=round(life.place.y, 3),
        joined=device.joined,
        data_rate=device.data_rate,
        tx_power=device.tx_power,
        nb_trans=device.nb_trans,
        sent=life.sent,
        # Devices are numbered as they were created.
        accepted=network.checker.accepted_of(number + 1),
        transmissions=life.transmissions,
        airtime=round(life.airtime, 3),
        energy=round(life.energy, 4),
    )
