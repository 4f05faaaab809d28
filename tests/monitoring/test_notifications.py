"""E-mail over a real SMTP server and signed webhooks: who is told what, how often, and what survives."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from aiohttp import web
from sqlalchemy import text

from tests.monitoring.post_office import PostOffice
from tests.monitoring.stage import STATIONS, Stage, on_stage
from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.domain.errors import InvalidField
from veldnet.inventory.sandbox import create_sandbox
from veldnet.lorawan import GatewayEui
from veldnet.monitoring import (
    Facts,
    Mailer,
    Notifier,
    Pace,
    Recipients,
    SecretUnreadable,
    Ways,
    check_settings,
)
from veldnet.monitoring.alarms import types
from veldnet.monitoring.notification import digest, notifier
from veldnet.monitoring.notification.events import (
    SUBSCRIBER,
    AlarmEvent,
    NotificationSettings,
    decode_event,
    encode_event,
    write_settings,
)
from veldnet.monitoring.notification.mail import MailFailed
from veldnet.routing import post_signed
from veldnet.settings import Settings
from veldnet.store import DatabaseStore, IdSource, NotificationRow, Statement
from veldnet.store.schema import notifications

NOW = 1_800_000_000.0
STATION = "FF000001"
SCOPE = (SUBSCRIBER, 1)


def event(number: int, *, state: int = 5, change: Any = "raised", **values: Any) -> AlarmEvent:
    base: dict[str, Any] = {
        "change": change, "type": types.SLOW_RATE, "state": state, "at": round(NOW * 1000),
        "subject": f"{number:016X}", "name": f"Meter {number}",
    }  # fmt: skip
    return AlarmEvent(**(base | values))


def silent(number: int, cause: str | None = STATION) -> AlarmEvent:
    return event(number, type=types.SILENCE, state=3, infos=("1",), cause=cause)


def heard(number: int) -> AlarmEvent:
    return event(number, type=types.SILENCE, state=1, change="cleared", infos=("7",))


class Office:
    """A notifier on a real store, a clock that a test turns, and who is to be told."""

    def __init__(self, store: DatabaseStore, mailer: Mailer | None, settings: NotificationSettings) -> None:
        self.now = NOW
        self.down = {STATION}
        self.store = store
        self.recipients = Recipients()
        self.recipients.load({SCOPE: settings})
        self.mailer = mailer
        self._ids = IdSource()
        self.notifier = self.fresh()

    def fresh(self) -> Notifier:
        """As after a restart: nothing is remembered."""

        async def unseal(sealed: bytes) -> bytes:
            if sealed == b"sealed elsewhere":
                raise SecretUnreadable("it is of another vault")
            return sealed

        self.notifier = Notifier(
            self.store,
            self.recipients,
            Ways(post_signed(allow_private=True), unseal, self.mailer),
            clock=lambda: self.now,
            is_down=lambda station: station in self.down,
            pace=Pace(),
        )
        return self.notifier

    async def happen(self, *events: AlarmEvent | bytes, scope: tuple[int, int] = SCOPE) -> None:
        stored = (e if isinstance(e, bytes) else encode_event(e) for e in events)
        rows = [NotificationRow(self._ids.next(self.now), *scope, octets) for octets in stored]
        await self.store.commit([(Statement.INSERT_NOTIFICATION, rows)])

    async def after(self, seconds: float) -> float | None:
        self.now += seconds
        return await self.notifier.deliver()

    async def waiting(self) -> int:
        return await self.store.read(lambda c: len(c.execute(notifications.select()).all()))


BASIC = NotificationSettings("BASIC", ["ops@customer.example"])


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[DatabaseStore]:
    opened = await DataDirectory.open(Settings(data=str(tmp_path / "data")), create=True)
    await opened.store.write(lambda c: create_sandbox(c, "", "unused", GatewayEui(1)))
    yield opened.store
    await opened.close()


async def test_a_message_with_starttls_and_login(tmp_path: Path, store: DatabaseStore) -> None:
    with PostOffice(tmp_path, tls=True) as post:
        office = Office(store, post.mailer(), BASIC)
        await office.happen(event(1, infos=("SF12", "SF9")))
        await office.after(60)
        assert post.logins == ["veldnet"]
        (message,) = post.messages
        assert post.recipients == [["ops@customer.example"]]
        assert message["Subject"] == "[Veldnet] MAJOR: Node uses lower data rate than expected: Meter 1"
        assert message["Auto-Submitted"] == "auto-generated" and message["Message-ID"] and message["Date"]
        plain, html = message.get_body(("plain",)), message.get_body(("html",))
        assert plain is not None and "Meter 1 (0000000000000001)" in plain.get_content()
        assert "SF12, SF9" in plain.get_content()
        assert html is not None and "<table" in html.get_content()
        assert await office.waiting() == 0


@pytest.mark.parametrize(
    ("tls", "changes", "words"),
    [
        (True, {"ca_file": ""}, "certificate"),
        (True, {"username": "somebody"}, "535"),
        (True, {"security": "none", "username": ""}, "STARTTLS"),
        (False, {"security": "starttls"}, "STARTTLS"),
        (False, {"security": "tls"}, "SSL"),
        (False, {"port": 1}, "refused"),
    ],
)
async def test_a_mail_server_that_is_not_as_configured_is_not_trusted(
    tmp_path: Path, store: DatabaseStore, tls: bool, changes: dict[str, Any], words: str
) -> None:
    """Nothing is sent in clear text where encryption was asked for, and the event waits."""
    with PostOffice(tmp_path, tls=tls) as post:
        office = Office(store, post.mailer(**changes), BASIC)
        await office.happen(event(1))
        again = await office.after(60)
        assert again is not None and again > office.now
        assert post.messages == [] and await office.waiting() == 1
        assert office.notifier.counters.messages["mail", "failed"] == 1
        with pytest.raises(MailFailed, match=words):
            assert office.mailer is not None
            await office.mailer.send(["a@b.example"], msgspec.convert(
                {"subject": "s", "text": "t", "html": "h"}, _message_type()))  # fmt: skip


def _message_type() -> Any:
    from veldnet.monitoring.notification.digest import Message

    return Message


async def test_a_failed_message_is_sent_again_and_only_once(tmp_path: Path, store: DatabaseStore) -> None:
    with PostOffice(tmp_path) as post:
        post.refusals = 2
        office = Office(store, post.mailer(), BASIC)
        await office.happen(event(1))
        first = await office.after(60)
        assert first is not None and first - office.now == 30
        await office.after(5)
        assert post.refusals == 1, "not before its time"
        second = await office.after(30)
        assert second is not None and second - office.now == 60
        await office.after(61)
        await office.after(10_000)
        assert len(post.messages) == 1 and await office.waiting() == 0


async def test_who_cannot_be_told_holds_up_no_other(
    tmp_path: Path, store: DatabaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A webhook whose secret does not open, a message that cannot be made, an event that is damaged."""
    with PostOffice(tmp_path) as post:
        office = Office(store, post.mailer(), BASIC)
        first, second, last = (SUBSCRIBER, 2), (SUBSCRIBER, 3), (SUBSCRIBER, 4)
        hooks = NotificationSettings("BASIC", ["a@one.example"], webhook="https://hooks.example/")
        await store.write(lambda c: write_settings(c, *first, hooks, b"sealed elsewhere"))
        office.recipients.load(
            {
                first: hooks,
                second: NotificationSettings("BASIC", ["b@two.example"]),
                last: NotificationSettings("BASIC", ["c@three.example"]),
            }
        )
        compose = digest.compose

        def broken(events: Any, *more: Any) -> Any:
            if any(each.name == "Meter 3" for each in events):
                raise LookupError
            return compose(events, *more)

        monkeypatch.setattr(notifier, "compose", broken)
        for scope, number in ((first, 2), (second, 3), (last, 4)):
            await office.happen(event(number), scope=scope)
        await office.happen(b"\xc1", scope=last)
        again = await office.after(60)
        assert sorted(post.recipients) == [["a@one.example"], ["c@three.example"]]
        assert again == office.now + 30 and await office.waiting() == 2
        monkeypatch.undo()
        await office.after(31)
        assert post.recipients[2:] == [["b@two.example"]] and await office.waiting() == 1


async def test_what_waits_survives_a_restart(tmp_path: Path, store: DatabaseStore) -> None:
    with PostOffice(tmp_path) as post:
        office = Office(store, post.mailer(), BASIC)
        await office.happen(event(1), event(2))
        office.fresh()
        await office.after(60)
        office.fresh()
        await office.after(60)
        assert [m["Subject"] for m in post.messages] == ["[Veldnet] 2 alarms: 2 major"]


async def test_many_changes_are_one_message_and_the_next_comes_later(
    tmp_path: Path, store: DatabaseStore
) -> None:
    with PostOffice(tmp_path) as post:
        office = Office(store, post.mailer(), BASIC)
        await office.happen(*(event(number) for number in range(80)))
        await office.after(60)
        (message,) = post.messages
        body = message.get_body(("plain",))
        assert body is not None
        assert body.get_content().count("Meter ") == 50 and "and 30 more" in body.get_content()
        for _ in range(5):
            await office.happen(event(500))
            await office.after(60)
        assert len(post.messages) == 1, "at most one in ten minutes"
        await office.after(600)
        assert len(post.messages) == 2
        body = post.messages[1].get_body(("plain",))
        assert body is not None and body.get_content().count("Meter 500") == 1, "the newest of each alarm"


async def test_a_failed_base_station_is_one_message_and_not_three_hundred(
    tmp_path: Path, store: DatabaseStore
) -> None:
    with PostOffice(tmp_path) as post:
        office = Office(store, post.mailer(), BASIC)
        await office.happen(*(silent(number) for number in range(5)))
        await office.after(60)
        assert "Base station FF000001 does not answer, 5 devices silent" in post.messages[0]["Subject"]
        # The others fall silent in the course of hours.
        for number in range(5, 300):
            await office.happen(silent(number))
            await office.after(60)
        assert len(post.messages) == 1 and await office.waiting() == 295
        # An alarm of another device still comes through.
        await office.happen(event(9999))
        await office.after(60)
        assert len(post.messages) == 2 and "Meter 9999" in post.messages[1]["Subject"]
        # It is back, and so are the devices.
        office.down.clear()
        await office.happen(*(heard(number) for number in range(300)))
        await office.after(700)
        assert len(post.messages) == 2, "a while for the last ones"
        await office.after(1000)
        assert len(post.messages) == 3 and await office.waiting() == 0
        body = post.messages[2].get_body(("plain",))
        assert body is not None and "FF000001" in body.get_content() and "300" in body.get_content()
        await office.after(100_000)
        assert len(post.messages) == 3


async def test_a_base_station_that_stays_away_is_reported_again_after_half_a_day(
    tmp_path: Path, store: DatabaseStore
) -> None:
    with PostOffice(tmp_path) as post:
        office = Office(store, post.mailer(), BASIC)
        await office.happen(silent(1))
        await office.after(60)
        await office.happen(silent(2))
        await office.after(6 * 3600)
        assert len(post.messages) == 1
        await office.after(7 * 3600)
        assert len(post.messages) == 2 and await office.waiting() == 0


async def test_advanced_recipients_hear_of_their_states(tmp_path: Path, store: DatabaseStore) -> None:
    settings = NotificationSettings(
        "ADVANCED",
        recipientsByState={
            "CRITICAL": ["night@c.example", "boss@c.example"],
            "MAJOR": ["night@c.example"],
            "CLEARED": ["day@c.example"],
            "ACKED": ["boss@c.example"],
        },
    )
    with PostOffice(tmp_path) as post:
        office = Office(store, post.mailer(), settings)
        await office.happen(
            event(1, state=6), event(2, state=5), event(3, state=3),
            event(4, state=1, change="cleared"), event(5, state=5, change="acknowledged"),
        )  # fmt: skip
        await office.after(60)
        told: dict[str, str] = {}
        for message, recipients in zip(post.messages, post.recipients, strict=True):
            body = message.get_body(("plain",))
            assert body is not None
            for recipient in recipients:
                told[recipient] = body.get_content()
        assert {who: [n for n in "12345" if f"Meter {n}" in text] for who, text in told.items()} == {
            "night@c.example": ["1", "2"],
            "boss@c.example": ["1", "5"],
            "day@c.example": ["4"],
        }


async def test_a_name_cannot_forge_headers_or_markup(tmp_path: Path, store: DatabaseStore) -> None:
    with PostOffice(tmp_path) as post:
        office = Office(store, post.mailer(), BASIC)
        await office.happen(event(1, name="X\r\nBcc: all@victim.example\r\n\r\n<script>alert(1)</script>"))
        await office.after(60)
        (message,) = post.messages
        assert message["Bcc"] is None and post.recipients == [["ops@customer.example"]]
        assert "\n" not in message["Subject"]
        html = message.get_body(("html",))
        assert html is not None and "<script>" not in html.get_content()


async def test_events_older_than_a_day_are_dropped_and_counted(tmp_path: Path, store: DatabaseStore) -> None:
    with PostOffice(tmp_path) as post:
        office = Office(store, post.mailer(port=1), BASIC)
        await office.happen(event(1))
        await office.after(60)
        await office.after(90_000)
        assert await office.waiting() == 0
        assert office.notifier.counters.messages["any", "dropped"] == 1
        assert post.messages == []


async def test_a_signed_webhook(store: DatabaseStore) -> None:
    taken: list[tuple[web.BaseRequest, bytes]] = []
    status = [500, 200]

    async def take(request: web.Request) -> web.Response:
        taken.append((request, await request.read()))
        return web.Response(status=status[min(len(taken), 2) - 1])

    application = web.Application()
    application.router.add_post("/alarms", take)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        settings = NotificationSettings(webhook=f"http://127.0.0.1:{port}/alarms")
        await store.write(lambda c: write_settings(c, *SCOPE, settings, b"secret"))
        office = Office(store, None, settings)
        await office.happen(event(1, infos=("SF12",)), silent(2))
        await office.after(60)
        assert await office.waiting() == 2, "the server answered 500"
        await office.after(60)
        assert await office.waiting() == 0
        request, body = taken[-1]
        stamp = request.headers["Veldnet-Timestamp"]
        expected = hmac.new(b"secret", stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        assert request.headers["Veldnet-Signature"] == f"sha256={expected}"
        assert int(stamp) == int(office.now)
        first, second = msgspec.json.decode(body)["events"]
        assert first["deviceEUI"] == "0000000000000001" and first["alarmState"] == "MAJOR"
        assert first["additionalInfos"] == ["SF12"] and first["change"] == "raised"
        assert second["causeBaseStationId"] == STATION and second["alarmTypeId"] == 4
        await office.after(10_000)
        assert len(taken) == 2, "each is posted once"
        # A1: settings that are gone, with their subscriber for example, are not used from memory.
        await store.write(lambda c: c.execute(text("DELETE FROM notification_settings")))
        await office.happen(event(3))
        await office.after(60)
        assert len(taken) == 2 and await office.waiting() == 1
    finally:
        await runner.cleanup()


async def test_a_webhook_that_does_not_answer_holds_up_no_mail(tmp_path: Path, store: DatabaseStore) -> None:
    settings = NotificationSettings("BASIC", ["ops@c.example"], webhook="http://127.0.0.1:9/alarms")
    with PostOffice(tmp_path) as post:
        office = Office(store, post.mailer(), settings)
        await office.happen(event(1))
        again = await office.after(60)
        assert again is not None and again - office.now == 30
        assert len(post.messages) == 1 and await office.waiting() == 1
        await office.after(2000)
        assert len(post.messages) == 1, "what was mailed is not mailed again for the webhook's sake"
        await office.happen(event(2))
        await office.after(60)
        assert len(post.messages) == 2 and await office.waiting() == 2


async def test_a_mail_server_that_does_not_answer_holds_up_no_webhook(
    tmp_path: Path, store: DatabaseStore
) -> None:
    taken: list[bytes] = []

    async def take(request: web.Request) -> web.Response:
        taken.append(await request.read())
        return web.Response()

    application = web.Application()
    application.router.add_post("/alarms", take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/alarms"
    try:
        with PostOffice(tmp_path) as post:
            settings = NotificationSettings("BASIC", ["ops@c.example"], webhook=url)
            await store.write(lambda c: write_settings(c, *SCOPE, settings, b"secret"))
            office = Office(store, post.mailer(port=1), settings)
            for number in range(3):
                await office.happen(event(number))
                await office.after(60)
            assert len(taken) == 3 and await office.waiting() == 3
            office.mailer = post.mailer()
            office.fresh()
            await office.after(60)
            assert len(post.messages) == 1 and await office.waiting() == 0
    finally:
        await runner.cleanup()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (NotificationSettings("BASIC", ["nobody"]), "not an e-mail address"),
        (NotificationSettings("BASIC", ["a@b.example\r\nBcc: c@d.example"]), "not an e-mail address"),
        (NotificationSettings("BASIC", ["a@b.example, c@d.example"]), "not an e-mail address"),
        (NotificationSettings("BASIC"), "needs recipients"),
        (NotificationSettings(webhook="ftp://a.example/"), "http or https"),
        (NotificationSettings(webhook="https://"), "has no host"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: NotificationSettings, words: str) -> None:
    with pytest.raises(InvalidField, match=words):
        check_settings(settings, mail=True)


def test_mail_settings_need_a_mail_server() -> None:
    with pytest.raises(InvalidField, match=r"mail\.host is not set"):
        check_settings(BASIC, mail=False)


def test_a_devices_silence_names_the_base_station_behind_it(tmp_path: Path) -> None:
    """Driven by frames: the only base station that hears a device fails, and the event says so."""

    async def story(stage: Stage) -> None:
        stage.monitoring.recipients.load({SCOPE: BASIC})
        await stage.set_thresholds(("1_HOUR", "WARNING"))
        await stage.uplink()
        station = STATIONS[0]
        facts = Facts(name="Roof", operator_ref=1, seen_at=stage.clock(), frame_at=stage.clock())
        await stage.pass_time(600, step=60)
        await stage.monitoring.stations.check({station: facts})
        assert stage.monitoring.stations.is_down(station)
        await stage.pass_time(3600, step=60)
        await asyncio.sleep(1)
        rows = await stage.store.read(lambda c: c.execute(notifications.select()).all())
        told = [decode_event(row.event) for row in rows]
        assert [(e.type, e.cause) for e in told] == [(types.SILENCE, str(station))]

    on_stage(tmp_path, story)
