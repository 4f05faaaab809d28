"""Alarms of multicast groups: 002 alone, where downlinks exceed the plan's rate.

They stand among those of devices under the number of the group in the journal, which is below 0. Groups have
no state in memory that alarms could live in, and few of them: each change reads the row it changes.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from functools import partial
from typing import NamedTuple

from sqlalchemy import Connection, insert, select, update

from veldnet.domain.alarm_levels import Level
from veldnet.domain.groups import ref_of_group
from veldnet.monitoring.notification.events import SUBSCRIBER, AlarmEvent, Recipients, encode_event
from veldnet.store import IdSource, Store, put
from veldnet.store.schema import alarm_history, alarms, multicast_groups, notifications

from . import machine
from .machine import Alarm, Step
from .types import DEVICE_TYPES, DOWNLINK_RATE, AlarmType

_MACHINE = Alarm.__struct_fields__
_MORE = ("acked_at", "ack_author", "info1", "info2", "info3", "info4", "info5")
_PAST = ("device_ref", *(name for name in _MACHINE if name != "muted_until"), *_MORE)


class _Group(NamedTuple):
    """Whose alarm it is."""

    journal_ref: int
    subscriber_ref: int
    dev_eui: str
    name: str


class GroupAlarms:
    """Counts occurrences as they come, and writes them with the next look; those of the last seconds before a
    process ends are not counted."""

    def __init__(
        self,
        store: Store,
        ids: IdSource,
        recipients: Recipients,
        *,
        clock: Callable[[], float],
        kinds: Mapping[int, AlarmType] = DEVICE_TYPES,
    ) -> None:
        self._store = store
        self._ids = ids
        self._recipients = recipients
        self._clock = clock
        self._kind = kinds[DOWNLINK_RATE]
        self._over: Counter[int] = Counter()
        self._on_change: Callable[[], None] = lambda: None

    def on_notification(self, wake: Callable[[], None]) -> None:
        self._on_change = wake

    def over_limit(self, group_ref: int) -> None:
        """A downlink to a group was over the limit: marked, or refused."""
        self._over[group_ref] += 1

    async def check(self, *, leads: bool) -> None:
        """Write what has come since the last look; the node that leads clears alarms that have been quiet."""
        over = dict(self._over)
        if not over and not leads:
            return
        now = round(self._clock() * 1000)
        quiet = await self._store.read(partial(_quiet, before=now - (self._kind.quiet or 0))) if leads else []
        if not over and not quiet:
            return
        notified = await self._store.write(partial(self._write, over, quiet, now))
        self._over -= Counter(over)
        if notified:
            self._on_change()

    def _write(self, over: Mapping[int, int], quiet: list[int], now: int, connection: Connection) -> int:
        notified = 0
        for ref, count in sorted(over.items()):
            group, alarm = _group(connection, -ref), _alarm(connection, -ref)
            if group is not None:
                step = machine.raise_often(self._kind, alarm, (), count, now)
                notified += self._keep(connection, group, step, ())
        for journal_ref in quiet:
            group, alarm = _group(connection, journal_ref), _alarm(connection, journal_ref)
            if group is not None:
                days = 0 if alarm is None else (now - alarm.updated_at) // 86_400_000
                notified += self._keep(connection, group, machine.clear_alarm(alarm, now), (str(days),))
        return notified

    def _keep(self, connection: Connection, group: _Group, step: Step, infos: tuple[str, ...]) -> int:
        """Returns how many notifications there are."""
        alarm = step.alarm
        if alarm is None or not step.written:
            return 0
        own = (alarms.c.device_ref == group.journal_ref) & (alarms.c.type == alarm.type)
        if step.before is not None:
            past = select(*(alarms.c[name] for name in _PAST)).where(own)
            row = connection.execute(past).one()
            connection.execute(insert(alarm_history).values(cleared_at=alarm.updated_at, **row._mapping))
        values = {name: getattr(alarm, name) for name in _MACHINE if name not in ("muted_until", "acked")}
        values |= {"device_ref": group.journal_ref, "subscriber_ref": group.subscriber_ref}
        values |= {"acked": alarm.acked, "info1": infos[0] if infos else None}
        put(connection, alarms, values, ("device_ref", "type", "object"))
        if step.change is None or alarm.muted_until > alarm.updated_at:
            return 0
        return self._notify(connection, group, step.change, alarm, infos)

    def _notify(
        self,
        connection: Connection,
        group: _Group,
        change: machine.Change,
        alarm: Alarm,
        infos: tuple[str, ...],
    ) -> int:
        if not self._recipients.wants_device(group.subscriber_ref, change, alarm.state):
            return 0
        event = AlarmEvent(
            change=change,
            type=alarm.type,
            state=alarm.state,
            at=alarm.updated_at,
            subject=group.dev_eui,
            name=group.name,
            infos=infos,
            occurrence=alarm.occurrence,
        )
        values = {"id": self._ids.next(self._clock()), "scope": SUBSCRIBER, "scope_ref": group.subscriber_ref}
        connection.execute(insert(notifications).values(event=encode_event(event), **values))
        return 1

    async def acknowledge(self, journal_ref: int, author: str) -> bool:
        """Note that somebody has seen an alarm; False if there is none such."""

        def write(connection: Connection) -> bool:
            group, alarm = _group(connection, journal_ref), _alarm(connection, journal_ref)
            if group is None or alarm is None:
                return False
            step, now = machine.acknowledge(alarm), round(self._clock() * 1000)
            if step.written and step.alarm is not None:
                seen = {"acked": True, "acked_at": now, "ack_author": author}
                connection.execute(update(alarms).where(alarms.c.device_ref == journal_ref).values(**seen))
                self._notify(connection, group, "acknowledged", step.alarm, ())
            return True

        found = await self._store.write(write)
        self._on_change()
        return found

    async def mute(self, journal_ref: int, until: int | None, author: str) -> bool:
        """Tell recipients nothing of an alarm until then; False if there is none such."""
        muted = {"muted_until": until, "muted_by": None if until is None else author}
        change = update(alarms).where(alarms.c.device_ref == journal_ref).values(**muted)
        return bool(await self._store.write(lambda c: c.execute(change).rowcount))


def _group(connection: Connection, journal_ref: int) -> _Group | None:
    columns = multicast_groups.c
    query = select(columns.subscriber_ref, columns.dev_eui, columns.name)
    row = connection.execute(query.where(columns.ref == ref_of_group(journal_ref))).first()
    return None if row is None else _Group(journal_ref, *row)


def _alarm(connection: Connection, journal_ref: int) -> Alarm | None:
    own = (alarms.c.device_ref == journal_ref) & (alarms.c.type == DOWNLINK_RATE)
    row = connection.execute(select(*(alarms.c[name] for name in _MACHINE)).where(own)).first()
    if row is None:
        return None
    return Alarm(**dict(row._mapping) | {"muted_until": row.muted_until or 0, "acked": bool(row.acked)})


def _quiet(connection: Connection, before: int) -> list[int]:
    """Active alarms of groups that have not been raised since."""
    columns = alarms.c
    query = select(columns.device_ref).where(
        columns.device_ref < 0, columns.state > int(Level.CLEARED), columns.updated_at <= before
    )
    return list(connection.execute(query).scalars())
