"""What was learnt of base stations, in the store."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection

from veldnet.location import Learnt
from veldnet.store import read_property, write_property

from .referees import Stored

_NAME = "location_calibration"
_decoder = msgspec.json.Decoder(Stored)


def read_calibration(connection: Connection) -> Stored:
    """What all nodes have learnt."""
    text = read_property(connection, _NAME)
    return Stored() if text is None else _decoder.decode(text)


def write_calibration(connection: Connection, news: Stored) -> Stored:
    """Add what a node has learnt; returns what is known now. What another adds in the same moment may be
    lost, and comes again."""
    known = read_calibration(connection)
    stations = dict(known.stations)
    for station, more in news.stations.items():
        before = stations.get(station, Learnt())
        stations[station] = Learnt(
            before.clock + more.clock,
            before.clock_frames + more.clock_frames,
            before.gain + more.gain,
            before.gain_frames + more.gain_frames,
        )
    none = [0.0] * len(news.sums)
    after = Stored(stations, [old + new for old, new in zip(known.sums or none, news.sums, strict=True)])
    write_property(connection, _NAME, msgspec.json.encode(after).decode())
    return after
