"""Alarms of parts of the installation: modules of vaults, the server's certificate, scheduled backups. They
have the same state machine as device alarms."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import msgspec
import structlog
from sqlalchemy import Connection, delete, insert, select

from veldnet.store import IdSource, Store, put
from veldnet.store.schema import hsm_groups, module_alarms, notifications, operators
from veldnet.texts import Text, pack

from .alarms import machine, types
from .alarms.machine import Alarm, Cleared, Raised, Step
from .alarms.types import MODULE_TYPES
from .notification.events import OPERATOR, AlarmEvent, Recipients, encode_event

log = structlog.get_logger(__name__)

# Seconds that a module may be away: a process that is restarted is no reason for an alarm.
_GRACE = 10.0
_MACHINE = ("type", "object", "state", "occurrence", "acked", "created_at", "updated_at")


# What a part is called in notifications, by its type of alarm.
_NAMES = {types.MODULE: Text("HSM module")}
_OTHER = Text("Server")


class Module(msgspec.Struct, frozen=True):
    """A module of a vault (the default one has no name), or another part of the installation, and what is
    wrong with it."""

    vault: str
    name: str
    problem: str | None
    kind: int = types.MODULE

    @property
    def title(self) -> str:
        return f"{self.vault}/{self.name}" if self.vault else self.name

    @property
    def packed(self) -> str | None:
        """The problem for readers of all languages."""
        return None if self.problem is None else pack(self.problem)


class _Change(msgspec.Struct, frozen=True):
    module: Module
    step: Step


class ModuleMonitor:
    """The alarms of all modules, in memory and in the store."""

    def __init__(
        self, store: Store, ids: IdSource, recipients: Recipients, *, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._ids = ids
        self._recipients = recipients
        self._clock = clock
        self._alarms: dict[str, Alarm] = {}
        self._away_since: dict[str, float] = {}
        self._on_change: Callable[[], None] = lambda: None

    def on_notification(self, wake: Callable[[], None]) -> None:
        self._on_change = wake

    async def load(self) -> None:
        """Take up the alarms that an earlier process left."""
        self._alarms = await self._store.read(_load)

    @property
    def active(self) -> int:
        return sum(alarm.active for alarm in self._alarms.values())

    async def check(self, modules: Sequence[Module]) -> None:
        """Judge all modules; what changes is written before it counts."""
        now = self._clock()
        changes = [change for module in modules if (change := self._judge(module, now)) is not None]
        gone = self._alarms.keys() - {module.title for module in modules}
        if not changes and not gone:
            return
        if await self._store.write(partial(self._write, changes, gone, now)):
            self._on_change()
        for change in changes:
            assert change.step.alarm is not None
            self._alarms[change.module.title] = change.step.alarm
        for title in gone:
            del self._alarms[title]

    def _judge(self, module: Module, now: float) -> _Change | None:
        title = module.title
        if module.problem is None:
            self._away_since.pop(title, None)
            signal: Raised | Cleared = Cleared(module.kind)
        elif now - self._away_since.setdefault(title, now) < _GRACE:
            return None
        else:
            signal = Raised(module.kind, (str(module.problem),))
        step = machine.apply(MODULE_TYPES[module.kind], self._alarms.get(title), signal, round(now * 1000))
        return _Change(module, step) if step.written and step.change is not None else None

    def _write(
        self, changes: Iterable[_Change], gone: Iterable[str], now: float, connection: Connection
    ) -> int:
        """Write the changes and their notifications; returns how many of these there are."""
        queued = 0
        columns = module_alarms.c
        for title in gone:
            connection.execute(delete(module_alarms).where(columns.module == title))
        for change in changes:
            alarm, title = change.step.alarm, change.module.title
            assert alarm is not None
            log.warning(
                "module_alarm", module=title, change=change.step.change, problem=change.module.problem
            )
            values = {name: getattr(alarm, name) for name in _MACHINE} | {"info1": change.module.packed}
            put(connection, module_alarms, {"module": title, **values}, ("module", "type", "object"))
            queued += self._notify(connection, change, now)
        return queued

    def _notify(self, connection: Connection, change: _Change, now: float) -> int:
        alarm, what = change.step.alarm, change.step.change
        assert alarm is not None and what is not None
        event = AlarmEvent(
            change=what,
            type=alarm.type,
            state=alarm.state,
            at=alarm.updated_at,
            subject=change.module.title,
            name=str(_NAMES.get(alarm.type, _OTHER)),
            infos=() if change.module.packed is None else (change.module.packed,),
        )
        wanting = [
            ref
            for ref in _operators_of(connection, change.module.vault)
            if self._recipients.wants_base_station(ref, what, alarm.state)
        ]
        for ref in wanting:
            connection.execute(
                insert(notifications).values(
                    id=self._ids.next(now), scope=OPERATOR, scope_ref=ref, event=encode_event(event)
                )
            )
        return len(wanting)


def _operators_of(connection: Connection, vault: str) -> list[int]:
    """Whose keys a vault keeps; the default one those of everybody."""
    if not vault:
        return list(connection.execute(select(operators.c.ref)).scalars())
    query = select(hsm_groups.c.operator_ref).where(hsm_groups.c.vault == vault).distinct()
    return list(connection.execute(query).scalars())


def _load(connection: Connection) -> dict[str, Alarm]:
    rows = connection.execute(select(module_alarms)).mappings()
    return {row["module"]: Alarm(*(row[name] for name in _MACHINE)) for row in rows}
