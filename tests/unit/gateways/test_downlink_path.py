"""Where the downlinks of a Semtech UDP base station go, by its keep-alives."""

from __future__ import annotations

import pytest

from veldnet.gateways.semtech_udp.downlink_path import is_given_up, keep_alive, stepped

HERE, THERE = ("127.0.0.1", 1000), ("127.0.0.1", 2000)
ELSEWHERE, UNKNOWN = ("192.0.2.1", 1), ("198.51.100.1", 1)


@pytest.mark.parametrize("other", [THERE, ELSEWHERE])
def test_the_address_moves_only_after_consistent_keep_alives(other: tuple[str, int]) -> None:
    path = keep_alive(None, HERE, 2, 0.0)
    for now in (1.0, 1.1, 1.2, 1.3, 1.4, 2.0):
        path = keep_alive(path, other, 2, now)
        assert path.address == HERE, "many at once prove nothing"
    path = keep_alive(path, HERE, 2, 10.0)
    for now in (11.0, 16.0, 21.0):
        path = keep_alive(path, other, 2, now)
        assert path.address == HERE, "a keep-alive from the old address restarts the time"
    assert keep_alive(path, other, 2, 26.0).address == other
    third = keep_alive(path, (other[0], 3000), 2, 26.0)
    assert third.address == HERE, "a third one does not add to the second one's"


@pytest.mark.parametrize("by", [-3600.0, 3600.0])
def test_a_step_of_the_clock_neither_gives_the_address_up_nor_holds_it(by: float) -> None:
    path = keep_alive(keep_alive(None, HERE, 2, 4000.0), ELSEWHERE, 2, 4001.0)
    path = stepped(path, by)
    assert not is_given_up(path, 4002.0 + by) and is_given_up(path, 4200.0 + by)
    for now in (4008.0, 4015.0):
        path = keep_alive(path, ELSEWHERE, 2, now + by)
        assert path.address == HERE
    assert keep_alive(path, ELSEWHERE, 2, 4016.0 + by).address == ELSEWHERE


def test_silence_gives_the_address_to_another_port_and_not_to_another_host() -> None:
    path = keep_alive(None, HERE, 2, 0.0)
    assert keep_alive(path, THERE, 2, 31.0).address == THERE, "a NAT has given it another port"
    for now in (1000.0, 1007.0, 1014.0):
        path = keep_alive(path, ELSEWHERE, 2, now)
        assert path.address == HERE, "one datagram is no base station, however long there was none"
    assert keep_alive(path, ELSEWHERE, 2, 1021.0).address == ELSEWHERE


def test_who_has_taken_the_place_of_a_base_station_does_not_keep_it() -> None:
    path = keep_alive(None, HERE, 2, 0.0)
    for now in (100.0, 108.0, 116.0):
        path = keep_alive(path, ELSEWHERE, 2, now)
    assert path.address == ELSEWHERE
    # It is back, by another port, and the other one goes on.
    for now in (130.0, 131.0, 140.0):
        path = keep_alive(path, ELSEWHERE, 2, now)
        path = keep_alive(path, THERE, 2, now + 0.5)
    assert path.address == THERE
    # From then on the other one counts as anybody again.
    for now in (150.0, 151.0, 152.0, 155.0):
        path = keep_alive(keep_alive(path, ELSEWHERE, 2, now), THERE, 2, now)
    assert path.address == THERE
    # One that has moved is at home where it is after an hour.
    for now in (200.0, 208.0, 216.0, 3900.0):
        path = keep_alive(path, ELSEWHERE, 2, now)
    assert path.address == ELSEWHERE
    for now in (3905.0, 3907.0):
        path = keep_alive(path, HERE, 2, now)
    assert path.address == ELSEWHERE


def test_unknown_hosts_do_not_keep_a_base_station_from_showing_itself() -> None:
    path = keep_alive(None, HERE, 2, 0.0)
    for now in (5.0, 13.0, 21.0):
        path = keep_alive(path, THERE, 2, now)
        for number in range(5):
            path = keep_alive(path, UNKNOWN, 2, now + number)
    assert path.address == THERE
