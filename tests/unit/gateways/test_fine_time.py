"""Fine time stamps of base stations, by each protocol."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from tests.unit.gateways.chirpstack import frame, uplink
from tests.unit.gateways.test_basics_station import Platform, station_of, uplink_text
from veldnet.diagnosis.base_stations import odd_copies
from veldnet.gateways.semtech_udp.messages import parse_push_data, uplink_of
from veldnet.gateways.station_clock import StationClock
from veldnet.lorawan import BaseStationId
from veldnet.lorawan.gpstime import FineTime, unix_to_gps
from veldnet.lorawan.radio import GatewayUplink
from veldnet.network.core.records import Copy, encode_record
from veldnet.network.core.uplink_record import copies_of
from veldnet.simulator.virtual_time import run_virtually

STATION = BaseStationId(0xFF000001)
NOW = 1_800_000_000.0
SECOND = round(unix_to_gps(NOW))
Read = tuple[FineTime | None, list[str]]


def by_udp(gps: float | None, fine: Any) -> Read:
    packet = {
        "data": base64.b64encode(b"x" * 12).decode(), "freq": 868.1, "datr": "SF7BW125", "tmst": 1,
        "rssi": -80, "lsnr": 5, "ftime": fine,
    }  # fmt: skip
    if gps is not None:
        packet["tmms"] = round(gps * 1000)
    datagram = bytes(12) + json.dumps({"rxpk": [packet]}).encode()
    notes: list[str] = []
    push = parse_push_data(datagram, lambda code, _w: notes.append(code), lambda code, _w: notes.append(code))
    heard = uplink_of(
        push.rxpk[0], STATION, NOW, StationClock(lambda: NOW), lambda code, _words: notes.append(code)
    )
    assert heard is not None
    return heard.fine_time, notes


def by_station(gps: float | None, fine: Any) -> Read:
    message = json.loads(uplink_text())
    message["upinfo"]["fts"] = fine
    platform = Platform()

    async def story() -> Read:
        station, _sent = station_of(platform)
        if gps is not None:
            offset = platform.clock() - NOW
            message["upinfo"]["gpstime"] = round((gps + offset) * 1_000_000)
        station.received(json.dumps(message))
        (heard,) = platform.uplinks
        found = platform.presence.stations[STATION].irregular.last
        return heard.fine_time, [] if found is None else [found.partition(":")[0]]

    return run_virtually(story())


def by_mqtt(gps: float | None, fine: Any) -> Read:
    made, notes = frame(), list[str]()
    if gps is not None:
        made.rx_info.fine_time_since_gps_epoch.seconds = int(gps)
        made.rx_info.fine_time_since_gps_epoch.nanos = fine
    return uplink(made, notes, NOW).fine_time, notes


@pytest.mark.parametrize("read", [by_udp, by_station])
def test_the_second_is_the_nearest_one(read: Any) -> None:
    assert read(SECOND + 0.25, 250_000_123) == (FineTime(SECOND, 250_000_123), [])
    # The coarse clock is some milliseconds off, at the turn of a second.
    assert read(SECOND + 0.001, 999_999_999) == (FineTime(SECOND - 1, 999_999_999), [])
    assert read(SECOND - 0.001, 5) == (FineTime(SECOND, 5), [])
    assert read(SECOND + 0.25, None) == (None, [])


@pytest.mark.parametrize("read", [by_udp, by_station])
@pytest.mark.parametrize(("gps", "fine"), [(SECOND, 10**9), (SECOND, 0.5), (None, 5), (SECOND - 4000.0, 5)])
def test_nonsense_is_noted_and_not_used(read: Any, gps: float | None, fine: float) -> None:
    assert read(gps, fine) == (None, ["bad_fine_time"])


def test_negative_nanoseconds_are_those_that_are_not_known() -> None:
    assert by_station(SECOND + 0.25, -1) == (None, [])
    assert by_udp(SECOND + 0.25, -1) == (None, ["bad_fine_time"])
    # Text is read where it is a number, and noted.
    assert by_udp(SECOND + 0.25, "250000123") == (FineTime(SECOND, 250_000_123), ["odd_member"])


def test_chirpstack_says_the_whole_time() -> None:
    assert by_mqtt(SECOND, 250_000_123) == (FineTime(SECOND, 250_000_123), [])
    assert by_mqtt(None, 0) == (None, [])
    assert by_mqtt(SECOND - 4000.0, 5)[1] == ["bad_fine_time"]


def test_of_several_antennas_the_one_that_heard_best_counts() -> None:
    packet = {"data": base64.b64encode(b"x" * 12).decode(), "freq": 868.1, "datr": "SF7BW125", "tmst": 1}
    signals = [{"rssis": -80, "lsnr": snr, "ftime": fine} for snr, fine in ((9, None), (3, 7), (5, 8))]
    text = {"rxpk": [packet | {"tmms": SECOND * 1000, "rsig": signals}]}
    push = parse_push_data(bytes(12) + json.dumps(text).encode(), print, print)
    heard = uplink_of(push.rxpk[0], STATION, NOW, StationClock(lambda: NOW), print)
    assert heard is not None and heard.fine_time == FineTime(SECOND, 8) and heard.snr == 9


def test_it_is_kept_with_the_copy_and_explained() -> None:
    heard: GatewayUplink | None = uplink(frame(), [], NOW)
    assert heard is not None
    (copy,) = copies_of([heard])
    assert copy.fine_time is None
    copy, fine = Copy(STATION, -80.0, 5.0, NOW), Copy(STATION, -80.0, 5.0, NOW, fine_time=FineTime(SECOND, 8))
    assert json.loads(encode_record((copy, fine)))[1]["fine_time"] == [SECOND, 8]
    (finding,) = odd_copies((copy, fine))
    assert finding.text.code == "station.fine" and str(finding.text.values["number"]) == "1"
    assert odd_copies((copy,)) == []
