"""What every base station protocol does when a clock jumps by an hour: the server's, or a base station's."""

from __future__ import annotations

import asyncio

import pytest

from veldnet.lorawan.gpstime import unix_to_gps
from veldnet.monitoring.alarms.machine import Raised
from veldnet.monitoring.base_stations import Facts, Limits, connection

from .field import EPOCH, EUI_HERE, EUI_THERE, HERE, Adapter, Connection, Field, in_field

_HOUR = 3600.0
# Seconds after which every forwarder has told that it is there.
_KEEP_ALIVE = 15.0


def _true() -> float:
    """Unix seconds by a clock that never jumps."""
    return EPOCH + asyncio.get_running_loop().time()


async def _right_or_refused(field: Field, token: int, frame: bytes, at: float) -> str | None:
    """The outcome of a downlink, which was on air at its moment or not at all."""
    error = await field.outcome(token)
    await field.until(lambda: _true() > at + 1)
    moments = [sent.at for sent in field.on_air[EUI_HERE] if sent.phy_payload == frame]
    assert moments == ([] if error else [pytest.approx(at, abs=0.002)]), error
    return error


async def _goes_on(field: Field) -> None:
    """Frames come at once and are answered at their moment, here and there."""
    for eui in (EUI_HERE, EUI_THERE):
        before, heard_at = len(field.on_air[eui]), _true()
        uplink = await field.hear(eui=eui)
        assert uplink.answerable and not uplink.late
        assert uplink.received_at == pytest.approx(field.clock(), abs=0.1)
        assert await field.outcome(field.transmit(field.window(uplink))) is None
        await asyncio.sleep(1.2)
        assert len(field.on_air[eui]) == before + 1
        assert field.on_air[eui][-1].at == pytest.approx(heard_at + 1, abs=0.002)


async def _goes_on_for_a_minute(field: Field) -> None:
    """As long as it takes to find out that a base station has restarted, and more."""
    for _ in range(3):
        await _goes_on(field)
        await asyncio.sleep(20)


async def _still_there(field: Field, begun: dict[str, int]) -> None:
    """Nobody was disconnected or taken for restarted, or for two."""
    for identifier, seen in field.hub.presence.stations.items():
        assert seen.sessions == begun[str(identifier)] and not seen.measures.restarts
        assert not seen.duplicates(field.clock())


def test_the_clock_of_the_server_jumps(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        await field.connect(gps=True)
        await field.connect(EUI_THERE)
        await _goes_on(field)
        stations = field.hub.presence.stations
        begun = {str(each): seen.sessions for each, seen in stations.items()}
        for number, step in enumerate((_HOUR, -_HOUR)):
            early, late, at_gps = (b"%s %d" % (name, number) for name in (b"early", b"late", b"gps"))
            heard_at = _true()
            uplink = await field.hear()
            before = field.transmit(field.window(uplink, 4.0), early)
            await asyncio.sleep(0.5)
            field.clock_jump += step
            # What is under way is not touched; the window of an earlier uplink means its moment, or nothing.
            after = field.transmit(field.window(uplink, 6.0), late)
            assert await _right_or_refused(field, before, early, heard_at + 4) is None
            await _right_or_refused(field, after, late, heard_at + 6)
            # A time that is right by one clock is wrong by the other.
            moment = _true() + 3
            window = field.window(None, slot=3, gps_time=unix_to_gps(moment + field.clock_jump))
            wrong = await _right_or_refused(field, field.transmit(window, at_gps), at_gps, moment)
            assert bool(wrong) == bool(field.clock_jump)
            await asyncio.sleep(_KEEP_ALIVE)
            await _goes_on_for_a_minute(field)
            await _still_there(field, begun)

    in_field(adapter, story)


def test_the_clock_of_a_base_station_jumps(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        here: Connection = await field.connect(gps=True)
        await field.connect(EUI_THERE, gps=True)
        await _goes_on(field)
        begun = {str(each): seen.sessions for each, seen in field.hub.presence.stations.items()}
        for number, off in enumerate((_HOUR, 0.0, -_HOUR)):
            early, late, at_gps = (b"%s %d" % (name, number) for name in (b"early", b"late", b"gps"))
            heard_at = _true()
            uplink = await field.hear()
            before = field.transmit(field.window(uplink, 4.0), early)
            here.set_clock(off)
            after = field.transmit(field.window(uplink, 6.0), late)
            assert await _right_or_refused(field, before, early, heard_at + 4) is None
            assert await _right_or_refused(field, after, late, heard_at + 6) is None
            await _goes_on_for_a_minute(field)
            # The operator sees how far it is off, and it is not given times that it would misread.
            said = field.hub.presence.stations[HERE].clock_error
            assert said == (pytest.approx(off, abs=0.1) if off else None)
            moment = _true() + 3
            window = field.window(None, slot=3, gps_time=unix_to_gps(moment))
            wrong = await _right_or_refused(field, field.transmit(window, at_gps), at_gps, moment)
            assert bool(wrong) == bool(off)
            await _still_there(field, begun)

    in_field(adapter, story)


def _is_away(field: Field) -> bool:
    """Whether alarm 102 rises for the base station."""
    now = field.hub.clock()
    seen = field.hub.presence.stations[HERE]
    (signal,) = connection(Facts(name="Mast", operator_ref=1, seen_at=seen.seen_at), Limits(), now)
    return isinstance(signal, Raised)


def test_silence_is_as_long_as_it_is_whatever_the_clock_of_the_server_does(adapter: Adapter) -> None:
    async def story(field: Field) -> None:
        here = await field.connect()
        uplink = await field.hear()
        assert await field.outcome(field.transmit(field.window(uplink))) is None
        seen = field.hub.presence.stations[HERE]
        for number, step in enumerate((_HOUR, -_HOUR, -_HOUR, 2 * _HOUR)):
            field.clock_jump += step
            # At once: it has said nothing since.
            frame = b"at any time %d" % number
            assert await field.outcome(field.transmit(field.window(None, slot=2), frame)) is None
            assert not _is_away(field) and not seen.breaks
            await asyncio.sleep(_KEEP_ALIVE)
        here.vanish()
        for step in (-_HOUR, _HOUR):
            await asyncio.sleep(80)
            field.clock_jump += step
            assert not _is_away(field), "it has been silent for less than three minutes"
        await asyncio.sleep(60)
        field.clock_jump -= _HOUR
        assert _is_away(field) and not seen.breaks

    in_field(adapter, story)
