"""The alarm of a module of a vault: it waits for a process that is restarted, and tells who must know."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from sqlalchemy import select

from veldnet.assembly.data_directory.directory import DataDirectory
from veldnet.inventory import accounts, offers
from veldnet.inventory.sandbox import create_sandbox
from veldnet.lorawan import GatewayEui
from veldnet.monitoring import Module, ModuleMonitor, NotificationSettings, Recipients
from veldnet.monitoring.alarms import listing
from veldnet.monitoring.notification.digest import compose
from veldnet.monitoring.notification.events import OPERATOR, decode_event
from veldnet.monitoring.notification.webhook import body_of
from veldnet.settings import Settings
from veldnet.store import DatabaseStore, IdSource
from veldnet.store.schema import notifications
from veldnet.texts import Text, in_language

GOOD, BAD = Module("ams", "token-1", None), Module("ams", "token-1", "there is no token")


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[DatabaseStore]:
    opened = await DataDirectory.open(Settings(data=str(tmp_path / "data")), create=True)
    await opened.store.write(lambda c: create_sandbox(c, "", "unused", GatewayEui(1)))
    yield opened.store
    await opened.close()


class Stage:
    def __init__(self, store: DatabaseStore) -> None:
        self.now = 1_800_000_000.0
        self.store = store
        self.recipients = Recipients()
        self.told = 0
        self.monitor = self.fresh()

    def fresh(self) -> ModuleMonitor:
        monitor = ModuleMonitor(self.store, IdSource(), self.recipients, clock=lambda: self.now)
        monitor.on_notification(self._notify)
        return monitor

    def _notify(self) -> None:
        self.told += 1

    async def check(self, *modules: Module, after: float = 0.0) -> None:
        self.now += after
        await self.monitor.check(modules)

    async def listed(self, *, cleared: bool = False) -> list[listing.ModuleAlarm]:
        return await self.store.read(lambda c: listing.list_module_alarms(c, cleared=cleared))


async def test_it_rises_after_ten_seconds_and_clears_with_the_module(store: DatabaseStore) -> None:
    stage = Stage(store)
    await stage.check(GOOD)
    await stage.check(BAD, after=1)
    await stage.check(GOOD, after=9)
    await stage.check(BAD, after=1)
    assert await stage.listed(cleared=True) == [], "it was back in time"
    await stage.check(BAD, after=10)
    (alarm,) = await stage.listed()
    assert (alarm.module, alarm.alarmState) == ("ams/token-1", "CRITICAL")
    assert alarm.additionalInfos == ["there is no token"] and stage.monitor.active == 1
    # A server that is restarted knows of it.
    stage.monitor = stage.fresh()
    await stage.monitor.load()
    assert stage.monitor.active == 1
    await stage.check(GOOD, after=60)
    assert await stage.listed() == [] and stage.monitor.active == 0
    assert (await stage.listed(cleared=True))[0].alarmState == "CLEARED"


async def test_the_alarm_of_a_module_that_is_no_more_goes(store: DatabaseStore) -> None:
    stage = Stage(store)
    await stage.check(BAD)
    await stage.check(BAD, after=11)
    assert len(await stage.listed()) == 1
    await stage.check(Module("", "software", None), after=1)
    assert await stage.listed(cleared=True) == []


async def test_operators_hear_of_modules_that_keep_their_keys(store: DatabaseStore) -> None:
    stage = Stage(store)

    def two_operators(connection):  # type: ignore[no-untyped-def]
        first = accounts.create_operator(connection, "one-ope", "One")
        second = accounts.create_operator(connection, "two-ope", "Two")
        offers.create_hsm_group(connection, first, "Amsterdam", "ams")
        return first, second

    first, second = await store.write(two_operators)
    wants = NotificationSettings(mode="BASIC", recipients=["noc@example.com"])
    stage.recipients.load({(OPERATOR, first): wants, (OPERATOR, second): wants})
    await stage.check(BAD, Module("", "software", "gone"))
    await stage.check(BAD, Module("", "software", "gone"), after=11)
    rows = await store.read(lambda c: c.execute(select(notifications)).all())
    told = {(row.scope_ref, decode_event(row.event).subject) for row in rows}
    assert told == {(first, "ams/token-1"), (first, "software"), (second, "software")} and stage.told == 1
    event = next(decode_event(row.event) for row in rows if decode_event(row.event).subject != "software")
    message = compose([event], {}, Text("One"))
    assert "HSM module cannot work (there is no token)" in message.text and "CRITICAL" in message.subject
    assert b'"module":"ams/token-1"' in body_of([event])


async def test_what_is_wrong_is_told_in_the_language_of_the_reader(store: DatabaseStore) -> None:
    stage = Stage(store)
    operator = await store.write(lambda c: accounts.create_operator(c, "one-ope", "One"))
    wants = NotificationSettings(mode="BASIC", recipients=["noc@example.com"])
    stage.recipients.load({(OPERATOR, operator): wants})
    reason = Text("the PIN of token {name!r} is wrong", name="ams")
    bad = Module("", "token-1", Text("the vault cannot be opened: {reason}", reason=reason))
    await stage.check(bad)
    await stage.check(bad, after=11)
    (alarm,) = await stage.listed()
    (told,) = alarm.additionalInfos
    assert told == "the vault cannot be opened: the PIN of token 'ams' is wrong"
    assert (
        in_language(told, "nl") == "de vault kan niet worden geopend: de pincode van token 'ams' is onjuist"
    )
    (event,) = [
        decode_event(row.event) for row in await store.read(lambda c: c.execute(select(notifications)).all())
    ]
    message = compose([event], {}, Text("One"), language="nl")
    assert "HSM-module werkt niet (de vault kan niet worden geopend: de pincode" in message.text
    assert f'"additionalInfos":["{told}"]'.encode() in body_of([event])
