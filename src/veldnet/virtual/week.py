"""Simulated week with injected failures: compares expected with raised alarms."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from sqlalchemy import Connection, select

from veldnet.domain.documents import PlanSettings
from veldnet.domain.resources import AlarmThreshold
from veldnet.domain.scope import Scope
from veldnet.inventory import accounts, changes, devices
from veldnet.monitoring import NotificationSettings, health, write_settings
from veldnet.monitoring.alarms.types import DEVICE_TYPES, SILENCE
from veldnet.monitoring.notification.digest import Message
from veldnet.monitoring.notification.events import OPERATOR, SUBSCRIBER
from veldnet.simulator.base_station import BaseStation, HeardFrame
from veldnet.simulator.life import DeviceLife
from veldnet.simulator.propagation import Place
from veldnet.store.schema import alarms

from .failures import DAY, FAILURES, HOUR
from .faults import Faults
from .mortal import MortalServer
from .network import Conditions, VirtualNetwork
from .population import Kind

KINDS = (Kind("1.0.2", motion="NEAR_STATIC"), Kind("1.0.4", motion="NEAR_STATIC"))
_LOOK_EVERY = 300.0
# A look that has not ended by then belongs to a server that was killed.
_TIMEOUT = 120.0


class _OnAir(msgspec.Struct, frozen=True):
    """A frame as a base station heard it, kept to be sent again by somebody else."""

    station: BaseStation
    frame: HeardFrame


class Outcome(msgspec.Struct, frozen=True):
    """Of the devices that something befell: how many had each expected alarm, and how many had others."""

    failure: str
    devices: int
    expected: dict[str, int]
    others: dict[str, int]


class WeekResult(msgspec.Struct, frozen=True):
    """`healthy` devices had nothing; `health` counts devices by state at the end; `messages` are the subjects
    of the e-mails to the customer and to the operator."""

    devices: int
    days: float
    uplinks: int
    servers_killed: int
    outcomes: tuple[Outcome, ...]
    healthy: Outcome
    village: Outcome
    health: dict[str, int]
    customer_messages: tuple[str, ...]
    operator_messages: tuple[str, ...]

    def surprises(self) -> list[str]:
        """What a person would not have expected: a failure without its alarm, and an alarm without one."""
        found = [
            f"{outcome.devices - count} of {outcome.devices} that {outcome.failure}: no alarm {code}"
            for outcome in (*self.outcomes, self.village)
            for code, count in outcome.expected.items()
            if count < outcome.devices
        ]
        return found + [f"{count} healthy: alarm {code}" for code, count in self.healthy.others.items()]


class Week(VirtualNetwork):
    """Devices that send every two hours, some of which fail; a village whose base station fails for half a
    day; a server that is killed once a day. One device in `village` lives there, where one base station alone
    hears it."""

    def __init__(
        self, directory: Path, seed: int, devices_each: int, stations: int, village: int = 20
    ) -> None:
        # Acknowledgements of repeated uplinks count as downlinks; a plan of one an hour would mark them.
        plan = PlanSettings(deviceStatusRequestFrequency=4, downlinkRate=10, downlinkBucketSize=10)
        super().__init__(
            directory,
            seed,
            faults=Faults(loss=0.01, delivery_failures=0.0),
            conditions=Conditions(
                kinds=KINDS, plan=plan, downlinks_every=(600.0, 1800.0), radius=4.0, shadowing=4.0
            ),
        )
        self.mailer = self
        self.messages: list[tuple[tuple[str, ...], Message]] = []
        self.afflicted: dict[str, list[DeviceLife]] = {}
        self._each = devices_each
        self._station_count = stations
        self._village = village
        self._running: dict[DeviceLife, asyncio.Task[None]] = {}
        self._recorded: dict[bytes, list[_OnAir]] = {}

    # People.

    async def send(self, recipients: Sequence[str], message: Message) -> None:
        """Take an e-mail."""
        self.messages.append((tuple(recipients), message))

    # Building.

    async def build_week(self, count: int, progress: Callable[[int], None]) -> None:
        """Devices with thresholds, some of them with a fate; recipients of e-mails."""
        await self.build(
            count,
            self._station_count,
            2 * HOUR,
            confirmed_share=0.05,
            first=2 * HOUR,
            progress=progress,
        )
        scope = await self.data.store.read(lambda c: accounts.scope_of_user(c, 1))
        assert scope is not None
        await self.data.store.write(lambda c: _prepare(c, scope, count))
        await self.server.platform.apply_changes()
        station = list(self._stations.values())[-1]
        station.place = Place(60.0, 0.0)
        for life in self.village:
            life.place = Place(60.0 + self.rng.uniform(-1, 1), self.rng.uniform(-1, 1))
        free = [(n, life) for n, life in enumerate(self.lives) if n % self._village]
        for failure in FAILURES:
            fit = [
                (n, life)
                for n, life in free
                if failure.version in (None, self.kinds[n % len(self.kinds)].version)
            ]
            chosen = self.rng.sample(fit, self._each)
            free = [item for item in free if item not in chosen]
            self.afflicted[failure.name] = [life for _n, life in chosen]
            for _n, life in chosen:
                failure.prepare(life)

    @property
    def village(self) -> list[DeviceLife]:
        return self.lives[:: self._village]

    # The scene.

    def switch_on(self, life: DeviceLife) -> None:
        self._running[life] = asyncio.get_running_loop().create_task(life.run())

    def switch_off(self, life: DeviceLife) -> None:
        self._running.pop(life).cancel()

    def play(self, life: DeviceLife, change: Callable[[bytes], bytes]) -> None:
        """Somebody sends the oldest frame of a device that was kept, changed."""
        address = life.device.dev_addr
        kept = [] if address is None else self._recorded.get(int(address).to_bytes(4, "little"), [])
        if kept:
            first = kept[0]
            changed = msgspec.structs.replace(first.frame, phy_payload=change(first.frame.phy_payload))
            super().frame(first.station, changed)

    def frame(self, station: BaseStation, frame: HeardFrame) -> None:
        kept = self._recorded.setdefault(frame.phy_payload[1:5], [])
        kept.append(_OnAir(station, frame))
        del kept[:-20]
        if not self.server.dead:
            seen = self.server.platform.presence.seen(self._ids[station.eui], self.clock())
            seen.frame(self.clock(), station.gps)
        super().frame(station, frame)

    # Living.

    async def live(self, days: float, progress: Callable[[float], None]) -> None:
        """The week."""
        loop = asyncio.get_running_loop()
        for life in self.lives:
            self.switch_on(life)
        fates: list[asyncio.Task[None]] = [
            loop.create_task(failure.act(self, life))  # type: ignore[arg-type]
            for failure in FAILURES
            for life in self.afflicted[failure.name]
        ]
        fates += [loop.create_task(self._village_fails()), loop.create_task(self._kill_now_and_then())]
        fates += [loop.create_task(self._submit_downlinks()), loop.create_task(self._check())]
        self._spawn(self._notify(self.server))
        end = days * DAY
        while (now := loop.time()) < end:
            await asyncio.sleep(min(HOUR, end - now))
            progress(loop.time())
            for task in (*fates, *self._running.values()):
                if task.done() and not task.cancelled():
                    # Nothing of this may end with an error.
                    task.result()
        everything = [*fates, *self._running.values()]
        for task in everything:
            task.cancel()
        await asyncio.gather(*everything, return_exceptions=True)
        await asyncio.sleep(60)

    async def _village_fails(self) -> None:
        await asyncio.sleep(4 * DAY)
        station = list(self._stations.values())[-1]
        station.down = True
        await asyncio.sleep(14 * HOUR)
        station.down = False

    async def _kill_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(self.rng.uniform(0.7, 1.3) * DAY)
            self.server.die()

    def revive(self) -> None:
        super().revive()
        self._spawn(self._notify(self.server))

    async def _notify(self, server: MortalServer) -> None:
        await server.platform.monitoring.notifier.run()

    async def _check(self) -> None:
        """The chores of whatever server lives."""
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            server = self.server
            if server.dead:
                continue
            for base_station, station in self._stations.items():
                if not station.down:
                    server.platform.presence.seen(base_station, self.clock())
            monitoring = server.platform.monitoring
            looks = [monitoring.check_devices(), monitoring.check_base_stations()]
            tasks = [asyncio.get_running_loop().create_task(look) for look in looks]
            _done, hanging = await asyncio.wait(tasks, timeout=_TIMEOUT)
            for task in tasks:
                if task in hanging:
                    task.cancel()
                elif not task.cancelled() and task.exception() is not None:
                    # Unless the server died meanwhile, which shows as a cancellation.
                    task.result()

    # Looking.

    async def result(self, days: float) -> WeekResult:
        """Who was warned about."""
        found = await self.data.store.read(_alarms_by_device)
        number_of = {life: number for number, life in enumerate(self.lives, 1)}

        def outcome(name: str, lives: Sequence[DeviceLife], expected: Sequence[int]) -> Outcome:
            counts = Counter(kind for life in lives for kind in found.get(number_of[life], ()))
            return Outcome(
                name,
                len(lives),
                {DEVICE_TYPES[kind].code: counts[kind] for kind in expected},
                {DEVICE_TYPES[kind].code: n for kind, n in sorted(counts.items()) if kind not in expected},
            )

        struck = {life for lives in self.afflicted.values() for life in lives}
        struck |= set(self.village)
        healthy = [life for life in self.lives if life not in struck]
        states = await self.data.store.read(health.fleet_counts)
        return WeekResult(
            devices=len(self.lives),
            days=days,
            uplinks=self.checker.accepted,
            servers_killed=self.deaths,
            outcomes=tuple(outcome(f.name, self.afflicted[f.name], f.expected) for f in FAILURES),
            healthy=outcome("healthy", healthy, ()),
            village=outcome("village whose base station fails", self.village, (SILENCE,)),
            health=states,
            customer_messages=tuple(m.subject for to, m in self.messages if to == ("customer@example.org",)),
            operator_messages=tuple(m.subject for to, m in self.messages if to == ("operator@example.org",)),
        )


def _prepare(connection: Connection, scope: Scope, count: int) -> None:
    """Thresholds for every device, and who is notified."""
    thresholds = [
        AlarmThreshold(enabled=True, durationOfInactivity="10_HOURS", level="WARNING"),
        AlarmThreshold(enabled=True, durationOfInactivity="2_DAYS", level="MAJOR"),
    ]
    for ref in range(1, count + 1):
        devices.set_thresholds(connection, scope, str(ref), thresholds)
    for kind, ref, name in (
        (SUBSCRIBER, scope.subscriber_ref, "customer"),
        (OPERATOR, scope.operator_ref, "operator"),
    ):
        settings = NotificationSettings("BASIC", [f"{name}@example.org"])
        write_settings(connection, kind, ref, settings)
    changes.note(connection, "recipients", 0)


def _alarms_by_device(connection: Connection) -> dict[int, set[int]]:
    """The types of alarm that each device has or had."""
    found: dict[int, set[int]] = {}
    for row in connection.execute(select(alarms.c.device_ref, alarms.c.type)):
        found.setdefault(row.device_ref, set()).add(row.type)
    return found
