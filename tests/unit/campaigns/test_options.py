"""Options of campaigns and times of devices stay within their bounds, whatever was stored."""

from __future__ import annotations

import msgspec
import pytest

from veldnet.campaigns.airtime import AirtimeShares
from veldnet.campaigns.failures import rest
from veldnet.campaigns.states import GroupOptions, Options, Progress, check_options, read_options, within
from veldnet.domain.errors import InvalidField

NOW = 1_700_000_000_000
YEARS = 400 * 86_400_000


@pytest.mark.parametrize(
    ("stored", "read"),
    [
        ('{"dutyCycleShare":1e-300}', Options(duty_cycle_share=0.01)),
        ('{"dutyCycleShare":99,"rounds":-1}', Options(duty_cycle_share=10.0, rounds=0)),
        ('{"group":{"lead":1e9,"sessions":0}}', Options(group=GroupOptions(lead=604_800, sessions=1))),
        ('{"group":null,"packageVersion":2}', Options(package_version=2)),
    ],
)
def test_what_was_stored_is_read_within_bounds(stored: str, read: Options) -> None:
    assert read_options(stored) == read


def test_what_is_written_must_be_within_bounds() -> None:
    usual = Options(group=GroupOptions())
    check_options(usual)
    assert read_options(msgspec.json.encode(usual).decode()) == usual
    for wrong in (Options(duty_cycle_share=0.001), Options(group=GroupOptions(lead=1)), Options(retries=21)):
        with pytest.raises(InvalidField, match="Expected"):
            check_options(wrong)


def test_absurd_times_and_counts_do_not_overflow() -> None:
    usual = Progress(sent=3, due_at=NOW + 5)
    assert within(usual, NOW) == usual
    absurd = within(Progress(sent=1 << 70, missing=-4, tries=-(1 << 70), due_at=1 << 90), NOW)
    assert (absurd.sent, absurd.missing, absurd.due_at) == ((1 << 31) - 1, 0, NOW + YEARS)
    assert absurd.tries == 1 - (1 << 31) and within(Progress(due_at=None), NOW).due_at is None
    assert AirtimeShares().charge(1, 1 << 40, 0.0, NOW) == NOW + 7 * 86_400_000
    assert [rest(failures) for failures in (0, 1, 2, 3, 1000)] == [30e3, 30e3, 60e3, 120e3, 1800e3]
