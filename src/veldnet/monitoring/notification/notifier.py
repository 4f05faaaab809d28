"""Sends queued alarm notifications: grouped, rate-limited, at least once.

When a base station fails, hundreds of devices fall silent over hours. Its name stands in the first message;
the devices that follow are held back, and reported together when it is back or too long away.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable, Collection, Sequence

import msgspec
import structlog
from sqlalchemy import Connection, delete, select

from veldnet.monitoring.alarms.types import SILENCE
from veldnet.store import NotificationRow, Store, StoreError, Timeline, read_timeline, readable
from veldnet.store.schema import notifications
from veldnet.texts import Text

from .digest import compose
from .events import AlarmEvent, NotificationSettings, Recipients, decode_event, read_secret
from .mail import Mailer, MailFailed
from .webhook import body_of, signed_headers

log = structlog.get_logger(__name__)

Scope = tuple[int, int]
Waiting = tuple[int, AlarmEvent]

_PAGE = 20_000
_DAY = 86_400.0
_FIRST_RETRY, _LONGEST_RETRY = 30.0, 900.0


class Pace(msgspec.Struct, frozen=True):
    """Seconds: how long changes are collected before a message, the least distance of two messages, how long
    devices behind a failed base station are held back, and after its return."""

    window: float = 60.0
    interval: float = 600.0
    hold: float = _DAY / 2
    grace: float = 900.0


class _Held:
    """A base station that a scope was notified of, and the devices that are silent for it."""

    def __init__(self, now: float) -> None:
        self.announced_at = now
        self.back_at: float | None = None
        self.devices: set[str] = set()


class _Channel:
    """When the next message may go one way."""

    def __init__(self) -> None:
        self.next_at = 0.0
        self._failures = 0

    def failed(self, now: float) -> float:
        """Wait longer each time; returns until when."""
        self.next_at = now + min(_FIRST_RETRY * 2**self._failures, _LONGEST_RETRY)
        self._failures += 1
        return self.next_at

    def worked(self, now: float, pause: float) -> None:
        self.next_at = now + pause
        self._failures = 0


class _Account:
    """What the notifier remembers of a scope. E-mail and webhook go their own ways: one that does not work
    holds up no other."""

    def __init__(self) -> None:
        self.mail = _Channel()
        self.webhook = _Channel()
        # Of whatever else has failed.
        self.trouble = _Channel()
        self.held: dict[str, _Held] = {}
        # Those that have gone one way, and wait for the other. What other nodes write comes in no order.
        self.posted: set[int] = set()
        self.mailed: set[int] = set()

    def cause_of(self, event: AlarmEvent) -> str | None:
        """The failed base station behind an event, also for the end of a silence that it had caused."""
        if event.cause is not None:
            return event.cause
        if event.type == SILENCE and event.change == "cleared":
            return next((cause for cause, held in self.held.items() if event.subject in held.devices), None)
        return None


class NotifierCounters:
    """Since the start: messages by channel and result."""

    def __init__(self) -> None:
        self.messages: Counter[tuple[str, str]] = Counter()


Post = Callable[[str, dict[str, str], bytes], Awaitable[str | None]]


class SecretUnreadable(Exception):
    """The secret of a webhook cannot be opened, now or ever."""


class Ways(msgspec.Struct, frozen=True):
    """The ways of messages: `post` sends a body to a URL and returns what went wrong; `unseal` opens the
    secret of a webhook, or raises `SecretUnreadable`; without `mailer` nobody gets e-mails."""

    post: Post
    unseal: Callable[[bytes], Awaitable[bytes]]
    mailer: Mailer | None = None


class Notifier:
    """`is_down`: whether a base station, by its id, is down."""

    def __init__(
        self,
        store: Store,
        recipients: Recipients,
        ways: Ways,
        *,
        clock: Callable[[], float],
        is_down: Callable[[str], bool] = lambda _station: False,
        pace: Pace | None = None,
    ) -> None:
        self.counters = NotifierCounters()
        self._store = store
        self._recipients = recipients
        self._clock = clock
        self._ways = ways
        self._is_down = is_down
        self._pace = pace or Pace()
        # Another node sends while this one does not lead.
        self.leads: Callable[[], bool] = lambda: True
        self._accounts: defaultdict[Scope, _Account] = defaultdict(_Account)
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Something new may be waiting."""
        self._woken.set()

    async def run(self) -> None:
        """Send until cancelled."""
        self._woken.set()
        while True:
            await self._woken.wait()
            await asyncio.sleep(self._pace.window)
            self._woken.clear()
            if not self.leads():
                # What has been held back or sent so far is what the other one knows.
                self._accounts.clear()
                continue
            try:
                later = await self.deliver()
            except StoreError as error:
                log.warning("notifications_unread", error=str(error))
                later = self._clock() + _FIRST_RETRY
            if later is not None:
                delay = max(later - self._clock() - self._pace.window, 0.0)
                asyncio.get_running_loop().call_later(delay, self._woken.set)

    async def deliver(self) -> float | None:
        """Send what is due now; returns when to look again, None when nothing is left."""
        waiting: dict[Scope, list[Waiting]] = {}
        rows, timeline = await self._store.read(_read)
        known = dict(readable("notification", rows, _decoded))
        for row in rows:
            if row.id in known:
                waiting.setdefault((row.scope, row.scope_ref), []).append((row.id, known[row.id]))
        if len(known) < len(rows):
            # Nobody will ever be able to read them.
            await self._forget([row.id for row in rows if row.id not in known])
        later = None
        for scope, events in waiting.items():
            again = await self._guarded(scope, events, timeline)
            if again is not None:
                later = again if later is None else min(later, again)
        return later

    async def _guarded(self, scope: Scope, waiting: list[Waiting], timeline: Timeline) -> float | None:
        """What cannot be sent to one, for whatever reason, holds up no other. Raises `StoreError`."""
        trouble, now = self._accounts[scope].trouble, self._clock()
        if now < trouble.next_at:
            return trouble.next_at
        try:
            again = await self._scope(scope, waiting, timeline)
        except StoreError:
            raise
        except Exception:
            log.exception("notification_failed", scope=scope)
            self.counters.messages[("any", "failed")] += 1
            return trouble.failed(now)
        trouble.worked(now, 0.0)
        return again

    async def _scope(self, scope: Scope, waiting: list[Waiting], timeline: Timeline) -> float | None:
        now, account = self._clock(), self._accounts[scope]
        settings = self._recipients.find(*scope)
        gone = {i for i, _event in waiting if settings is None or now - timeline.millis_of(i) / 1000 > _DAY}
        if gone:
            await self._forget(gone)
            account.mailed -= gone
            account.posted -= gone
            self.counters.messages[("any", "dropped")] += len(gone)
            waiting = [item for item in waiting if item[0] not in gone]
        if settings is None or not waiting:
            return None
        again = [
            await self._post_due(scope, settings, account, waiting, now),
            await self._mail_due(scope, settings, account, waiting, now),
        ]
        done = {i for i in account.mailed if settings.webhook is None or i in account.posted}
        if done:
            await self._forget(done)
            account.mailed -= done
            account.posted -= done
        return min((moment for moment in again if moment is not None), default=None)

    async def _post_due(
        self,
        scope: Scope,
        settings: NotificationSettings,
        account: _Account,
        waiting: Sequence[Waiting],
        now: float,
    ) -> float | None:
        """Post what the webhook has not had; machines get everything, without holding back. Returns when to
        try again."""
        events = [(i, event) for i, event in waiting if i not in account.posted]
        if settings.webhook is None or not events:
            return None
        if now < account.webhook.next_at:
            return account.webhook.next_at
        problem = await self._webhook(scope, settings.webhook, [event for _i, event in events])
        if problem is not None:
            log.warning("notification_failed", scope=scope, channel="webhook", error=problem)
            return account.webhook.failed(now)
        account.webhook.worked(now, 0.0)
        account.posted.update(i for i, _event in events)
        return None

    async def _mail_due(
        self,
        scope: Scope,
        settings: NotificationSettings,
        account: _Account,
        waiting: Sequence[Waiting],
        now: float,
    ) -> float | None:
        """Mail what is not held back; returns when to look again."""
        pending = [item for item in waiting if item[0] not in account.mailed]
        if settings.mode == "OFF":
            account.mailed.update(i for i, _event in pending)
            return None
        if not pending:
            return None
        if now < account.mail.next_at:
            return account.mail.next_at
        fresh, over = self._split(account, pending, now)
        sent = [*fresh, *(item for items in over.values() for item in items)]
        if sent:
            problem = await self._mail(settings, account, fresh, over)
            if problem is not None:
                log.warning("notification_failed", scope=scope, channel="mail", error=problem)
                return account.mail.failed(now)
            account.mail.worked(now, self._pace.interval)
            account.mailed.update(i for i, _event in sent)
            self._note_causes(account, fresh, over, now)
        if len(sent) == len(pending):
            return None
        return max(account.mail.next_at, now + min(self._pace.interval, self._pace.grace))

    def _split(
        self, account: _Account, waiting: Sequence[Waiting], now: float
    ) -> tuple[list[Waiting], dict[str, list[Waiting]]]:
        """Events that are sent now, and those held back for a base station, by its id."""
        fresh: list[Waiting] = []
        behind: dict[str, list[Waiting]] = {}
        for item in waiting:
            cause = account.cause_of(item[1])
            held = None if cause is None else account.held.get(cause)
            if cause is None or held is None:
                fresh.append(item)
            else:
                held.devices.add(item[1].subject)
                behind.setdefault(cause, []).append(item)
        for cause, held in account.held.items():
            if self._is_down(cause):
                held.back_at = None
            elif held.back_at is None:
                held.back_at = now
        return fresh, {
            cause: items for cause, items in behind.items() if self._is_over(account.held[cause], now)
        }

    def _is_over(self, held: _Held, now: float) -> bool:
        back = held.back_at is not None and now - held.back_at >= self._pace.grace
        return back or now - held.announced_at >= self._pace.hold

    def _note_causes(
        self, account: _Account, fresh: Sequence[Waiting], over: dict[str, list[Waiting]], now: float
    ) -> None:
        for cause in over:
            del account.held[cause]
        for _identifier, event in fresh:
            if event.cause is not None:
                account.held.setdefault(event.cause, _Held(now)).devices.add(event.subject)

    async def _mail(
        self,
        settings: NotificationSettings,
        account: _Account,
        fresh: Sequence[Waiting],
        over: dict[str, list[Waiting]],
    ) -> str | None:
        """One message for all who are to hear the same; returns what went wrong."""
        groups: dict[tuple[int, ...], list[str]] = {}
        released = [item for items in over.values() for item in items]
        everybody = {a for _i, e in (*fresh, *released) for a in settings.addresses(e.change, e.state)}
        for address in sorted(everybody):
            wanted = tuple(
                identifier
                for identifier, event in (*fresh, *released)
                if address in settings.addresses(event.change, event.state)
            )
            groups.setdefault(wanted, []).append(address)
        if groups and self._ways.mailer is None:
            # The settings were made when this server had a mail server.
            log.warning("mail_not_configured", recipients=len(everybody))
            return None
        for wanted, addresses in groups.items():
            assert self._ways.mailer is not None
            events = [event for identifier, event in fresh if identifier in wanted]
            folded = {
                cause: len({event.subject for identifier, event in items if identifier in wanted})
                for cause, items in over.items()
            }
            try:
                message = compose(events, folded, Text("Alarms of your network"), settings.language)
                await self._ways.mailer.send(addresses, message)
            except MailFailed as error:
                self.counters.messages[("mail", "failed")] += 1
                return str(error)
            self.counters.messages[("mail", "sent")] += 1
        return None

    async def _webhook(self, scope: Scope, url: str, events: Sequence[AlarmEvent]) -> str | None:
        """Post events, signed; returns what went wrong."""
        sealed = await self._store.read(lambda connection: read_secret(connection, *scope))
        if sealed is None:
            # The settings of a subscriber are gone with it; its events go nowhere, and nothing unsigned.
            return "the webhook has no secret any more"
        try:
            secret = await self._ways.unseal(sealed)
        except SecretUnreadable as error:
            return f"the secret of the webhook cannot be opened: {error}"
        body = body_of(events)
        problem = await self._ways.post(url, signed_headers(secret, body, self._clock()), body)
        self.counters.messages[("webhook", "sent" if problem is None else "failed")] += 1
        return problem

    async def _forget(self, identifiers: Collection[int]) -> None:
        ordered = sorted(identifiers)

        def remove(connection: Connection) -> None:
            for start in range(0, len(ordered), 500):
                piece = ordered[start : start + 500]
                connection.execute(delete(notifications).where(notifications.c.id.in_(piece)))

        await self._store.write(remove)


def _decoded(row: NotificationRow) -> Waiting:
    return row.id, decode_event(row.event)


def _read(connection: Connection) -> tuple[list[NotificationRow], Timeline]:
    """What waits, so much of each scope that none waits behind another; and when it began to."""
    columns = notifications.c
    scopes = connection.execute(select(columns.scope, columns.scope_ref).distinct()).all()
    found: list[NotificationRow] = []
    for scope, ref in scopes:
        rows = connection.execute(
            select(columns.id, columns.event)
            .where(columns.scope == scope, columns.scope_ref == ref)
            .order_by(columns.id)
            .limit(_PAGE)
        )
        found += [NotificationRow(row.id, scope, ref, row.event) for row in rows]
    return found, read_timeline(connection)
