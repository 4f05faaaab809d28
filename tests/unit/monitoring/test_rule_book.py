"""Rules of alarms run where they have something to say: what is skipped follows from the rules themselves."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

import pytest
from msgspec.structs import replace

from tests.unit.network.builders import NOW, copy, device, uplink_frame
from tests.unit.network.core.test_uplink import uplink_record
from tests.unit.network.test_odd_copies import heard
from veldnet.domain.alarm_levels import Level
from veldnet.lorawan.modulation import Fsk, Lora
from veldnet.monitoring.alarms import rules, types
from veldnet.monitoring.alarms.machine import Alarm, Raised, Signal
from veldnet.monitoring.alarms.rules import RULES, Occasion, Rule, RuleBook, Seen, on
from veldnet.monitoring.alarms.types import DEVICE_TYPES, AlarmType
from veldnet.monitoring.monitor import AlarmPolicy, Monitor
from veldnet.monitoring.state import MonitoringState, state_of
from veldnet.network.core import BlockedCommand, UplinkRecord
from veldnet.network.shell import Entry, Recorded, new_entry
from veldnet.store import IdSource

NEW_TYPE = AlarmType(99, "Signal of the last seconds", False, ((1, Level.MAJOR),))


@on(Occasion.ACCEPTED)
def loud(record: UplinkRecord, _seen: Seen) -> Iterator[Signal]:
    """Looks at what no rule of the server looks at."""
    if record.best.rssi is not None and record.best.rssi > -60:
        yield Raised(99, (f"{record.best.rssi:.0f} dBm",))


@on(Occasion.ACCEPTED, reads=("automatic_reset",))
def counter_reset(_record: UplinkRecord, _seen: Seen) -> Iterator[Signal]:
    yield Raised(99)


class NoCommits:
    def touch(self, _entry: Entry) -> None:
        """Nothing is written."""


def uplink(**changes: object) -> UplinkRecord:
    phy = uplink_frame(0)
    return replace(uplink_record(heard(phy, copy(phy, rssi=-90.0, snr=5.0))), **changes)


@pytest.mark.parametrize("added", [loud, counter_reset], ids=["without reads", "with reads"])
def test_an_added_rule_that_looks_at_something_new_runs(added: Rule) -> None:
    entry = new_entry(device())
    monitor = Monitor(
        NoCommits(),
        IdSource(),
        clock=lambda: NOW,
        policy=AlarmPolicy(DEVICE_TYPES | {99: NEW_TYPE}, rules=(*RULES, added)),
    )
    quiet = uplink()
    monitor.observe(Recorded(quiet, entry.device, entry))
    assert state_of(entry).alarm(99) is None
    near = (replace(quiet.best, rssi=-40.0),)
    record = replace(quiet, copies=near) if added is loud else replace(quiet, automatic_reset=True)
    monitor.observe(Recorded(record, entry.device, entry))
    alarm = state_of(entry).alarm(99)
    assert alarm is not None and alarm.state == Level.MAJOR and monitor.counters.raised[99] == 1


def test_the_rules_that_are_skipped_would_have_said_nothing() -> None:
    book, target, skipped = RuleBook(RULES), device(), 0
    for status, over, nonce, blocked, commanded, modulation in product(
        (None, (10, 0), (254, 0)),
        (False, True),
        (None, 0),
        ((), (BlockedCommand("LinkADRReq", "rejected", 3),)),
        (None, 7, 12),
        (Lora(7, 125), Fsk(50_000)),
    ):
        record = uplink(
            device_status=status,
            over_limit=over,
            unused_dev_nonce=nonce,
            blocked=blocked,
            commanded_sf=commanded,
            modulation=modulation,
        )
        run = book.accepted.rules(record, MonitoringState())
        for rule in RULES:
            if Occasion.ACCEPTED in rule.occasions and rule not in run:
                skipped += 1
                assert not list(rule.signals(record, Seen(target, MonitoringState()))), rule
    assert skipped


def test_a_device_with_alarms_is_looked_at_by_all_rules() -> None:
    book, record = RuleBook(RULES), uplink()
    alarm = Alarm(types.SILENCE, "", int(Level.WARNING), 1, False, 0, 0)
    everything = book.accepted.rules(record, MonitoringState(alarms=(alarm,)))
    assert everything == tuple(rule for rule in RULES if Occasion.ACCEPTED in rule.occasions)
    assert book.accepted.rules(record, MonitoringState()) == ()


def test_every_rule_is_entered_for_an_occasion() -> None:
    made = [value for value in vars(rules).values() if isinstance(value, Rule)]
    assert tuple(made) == RULES and all(rule.occasions for rule in RULES)
    assert {occasion for rule in RULES for occasion in rule.occasions} == set(Occasion)
