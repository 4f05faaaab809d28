"""The share of a base station's time."""

from __future__ import annotations

from veldnet.campaigns.airtime import AirtimeShares


def test_a_share_is_used_up_and_comes_back() -> None:
    shares, now = AirtimeShares(), 1_000_000
    # One percent: 360 ms may come at once.
    assert shares.charge(7, 3600, 0.01, now) == now
    # 100 ms too much are there again after 10 s.
    assert shares.charge(7, 1000, 0.01, now) == now + 10_000
    assert shares.charge(8, 1000, 0.01, now) == now and shares.charge(None, 9999, 0.01, now) == now
    assert shares.charge(7, 0, 0.01, now + 10_000) == now + 10_000


def test_base_stations_that_are_remembered_are_bounded() -> None:
    shares = AirtimeShares()
    for station in range(10_050):
        shares.charge(station, 1, 0.01, 5)
    assert len(shares._left) == 10_000
