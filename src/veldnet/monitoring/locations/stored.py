"""What was learnt of base stations, in the store."""

from __future__ import annotations

import msgspec
import structlog
from sqlalchemy import Connection

from veldnet.location import Learnt
from veldnet.store import read_property, write_property

from .referees import Stored

log = structlog.get_logger(__name__)

_NAME = "location_calibration"
_decoder = msgspec.json.Decoder(Stored)


def read_calibration(connection: Connection) -> Stored:
    """What all nodes have learnt; nothing where that cannot be read, for it comes again."""
    text = read_property(connection, _NAME)
    if text is None:
        return Stored()
    try:
        return _decoder.decode(text)
    except msgspec.MsgspecError as error:
        log.error("calibration_unreadable", error=str(error))
        return Stored()


def write_calibration(connection: Connection, news: Stored) -> Stored:
    """Add what a node has learnt; returns what is known now. What another adds in the same moment may be
    lost, and comes again."""
    known = read_calibration(connection)
    stations = {station: learnt for station, learnt in known.stations.items() if station not in news.moved}
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
