"""Reads a PUSH_DATA or TX_ACK that is not written as the protocol has it.

Forwarders of many makers write members of other types, numbers as text, `nan`, or a `stat` that breaks the
JSON. Only `data`, `freq` and `datr` are needed to understand a frame; every object is read for itself, so
that one does not take another along. Datagrams that are well-formed do not come here.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from typing import Any

from veldnet.gateways.remarks import Note
from veldnet.texts import Text

from .packets import DatagramError, ReceivedPacket, Signal, Status

# Objects of a forwarder are nested four deep.
MAX_DEPTH = 16
# More objects do not fit into a datagram; after so many broken ones the rest is not worth looking at.
_MOST_PACKETS, _MOST_BROKEN = 2000, 16
_WHOLE = re.compile(r"\s*[-+]?[0-9]{1,40}\s*", re.ASCII)
_EXACT = 1 << 53
_LONGEST_NUMBER = 40

# A string that does not end runs to the end.
_STRUCTURE = re.compile(r'"(?:[^"\\]|\\.)*"?|[\[\]{}]', re.DOTALL)
# What C's printf writes for a number that is none; JSON has no word for it.
_NO_NUMBER = re.compile(
    r"(?<=[:\[,\s])[-+]?(?:nan|inf|infinity)(?:\([^)]{0,20}\))?(?=\s*[,}\]])", re.IGNORECASE
)
_PACKETS = re.compile(r'"rxpk"\s*:\s*(?=[\[{])')
_STATUS = re.compile(r'"stat"\s*:\s*(?=\{)')
_NEXT_PACKET = re.compile(r"\}\s*,\s*(?=\{)")
_ERROR = re.compile(rb'"error"\s*:\s*"([A-Z_]{1,40})"')


def _integer(text: str) -> int | None:
    return int(text) if len(text) <= _LONGEST_NUMBER else None


_decoder = json.JSONDecoder(parse_int=_integer, strict=False)


def read_push_data(
    body: bytes | memoryview, odd: Note, refuse: Note
) -> tuple[list[ReceivedPacket], Status | None]:
    """The frames and the status of a PUSH_DATA as far as they can be understood. `refuse` hears of each frame
    that cannot be, `odd` of what else is wrong. Raises `DatagramError` where there is nothing to read."""
    text, none = _NO_NUMBER.subn("null", _shallow(bytes(body).decode("utf-8", "replace")))
    if none:
        odd("odd_member", Text("a number is written as nan or inf"))
    whole = _whole(text)
    if whole is None:
        odd("broken_json", Text("PUSH_DATA is not JSON as a whole"))
    packets, status = _piecewise(text, refuse) if whole is None else whole
    found = [packet for each in packets if (packet := _packet(each, odd, refuse)) is not None]
    return found, _status(status, odd)


def _whole(text: str) -> tuple[list[Any], Any] | None:
    """The objects of a datagram that is JSON; None where it is not."""
    try:
        read = _decoder.decode(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(read, dict):
        raise DatagramError("bad_json", "PUSH_DATA does not hold a JSON object")
    packets = read.get("rxpk")
    if packets is None:
        packets = []
    return packets if isinstance(packets, list) else [packets], read.get("stat")


def _piecewise(text: str, refuse: Note) -> tuple[list[Any], Any]:
    """The objects that can be read where the datagram as a whole is not JSON."""
    begin, status = _PACKETS.search(text), _STATUS.search(text)
    if begin is None and status is None:
        raise DatagramError("bad_json", "PUSH_DATA does not hold JSON")
    packets = [] if begin is None else list(_packets_from(text, begin.end(), refuse))
    if begin is not None and not packets:
        raise DatagramError("bad_json", "PUSH_DATA breaks off or is not JSON, and no rxpk of it can be read")
    # A status that cannot be read is no object.
    return packets, None if status is None else _object_at(text, status.end())[0] or ""


def _packets_from(text: str, at: int, refuse: Note) -> Iterator[Any]:
    """The objects of a list one after another, past those that are broken."""
    broken = 0
    for _ in range(_MOST_PACKETS):
        at = text.find("{", at)
        if at < 0:
            return
        read, after = _object_at(text, at)
        if read is None:
            refuse("bad_rxpk", Text("rxpk is not JSON"))
            broken += 1
            if broken == _MOST_BROKEN:
                return
            following = _NEXT_PACKET.search(text, at)
            if following is None:
                return
            after = following.end()
        elif "data" in read:
            yield read
        rest = text[after : after + 64].lstrip()
        if rest.startswith("]"):
            return
        at = after


def _object_at(text: str, at: int) -> tuple[Any, int]:
    try:
        return _decoder.raw_decode(text, at)
    except (ValueError, RecursionError):
        return None, at


def _shallow(text: str) -> str:
    """The text with everything nested too deep left out: what is read after it cannot run away."""
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return text
    kept: list[str] = []
    depth = begin = 0
    for found in _STRUCTURE.finditer(text):
        sign = found[0]
        if sign in ("[", "{"):
            depth += 1
            if depth == MAX_DEPTH + 1:
                kept.append(text[begin : found.start()] + "null")
        elif sign in ("]", "}"):
            if depth == MAX_DEPTH + 1:
                begin = found.end()
            depth = max(depth - 1, 0)
    if depth <= MAX_DEPTH:
        kept.append(text[begin:])
    return "".join(kept)


def number(value: Any) -> float | None:
    """A finite number, also one written as text."""
    if isinstance(value, str) and len(value) <= _LONGEST_NUMBER:
        try:
            # Some print by the rules of their country.
            value = float(value.replace(",", "."))
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:
        return None


def integer(value: Any) -> int | None:
    """A whole number, also one written as text or with a fraction of zero."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    read = number(value)
    return int(read) if read is not None and read.is_integer() and abs(read) < _EXACT else None


def _packet(read: Any, odd: Note, refuse: Note) -> ReceivedPacket | None:
    if not isinstance(read, dict):
        refuse("bad_rxpk", Text("rxpk is not an object"))
        return None
    data, freq, datr = read.get("data"), number(read.get("freq")), _data_rate(read.get("datr"))
    if not isinstance(data, str):
        refuse("bad_rxpk", Text("data is missing or not text"))
        return None
    if freq is None:
        refuse("bad_frequency", Text("freq is missing or not a number"))
        return None
    if datr is None:
        refuse("bad_data_rate", Text("datr is missing, or neither text nor a number"))
        return None
    wrong = [name for name in _NUMBERS if not isinstance(read.get(name, 0), int | float)]
    if wrong:
        odd("odd_member", Text("rxpk: {members} is not a number", members=", ".join(wrong)))
    stat, modu, codr = integer(read.get("stat")), read.get("modu"), read.get("codr")
    return ReceivedPacket(
        data,
        freq,
        datr,
        tmst=integer(read.get("tmst")),
        tmms=number(read.get("tmms")),
        stat=1 if stat is None else stat,
        modu=modu if isinstance(modu, str) else "",
        rssi=number(read.get("rssi")),
        lsnr=number(read.get("lsnr")),
        size=integer(read.get("size")),
        codr=codr if isinstance(codr, str) else None,
        rsig=_antennas(read.get("rsig")),
        ftime=number(read.get("ftime")),
    )


_NUMBERS = ("freq", "tmst", "tmms", "stat", "rssi", "lsnr", "size", "ftime")


def _data_rate(value: Any) -> str | float | None:
    if isinstance(value, str) and number(value) is None:
        return value.strip().upper()
    return number(value)


def _antennas(value: Any) -> list[Signal] | None:
    if not isinstance(value, list):
        return None
    return [
        Signal(*(number(antenna.get(name)) for name in Signal.__struct_fields__))
        for antenna in value
        if isinstance(antenna, dict)
    ]


def _status(read: Any, odd: Note) -> Status | None:
    if read is None:
        return None
    if not isinstance(read, dict):
        odd("bad_stat", Text("stat is not an object"))
        return None
    fields = {name: number(read.get(name)) for name in Status.__struct_fields__}
    wrong = [name for name, value in fields.items() if value is None and name in read]
    if wrong:
        odd("bad_stat", Text("stat: {members} cannot be read", members=", ".join(wrong)))
    return Status(**{name: value for name, value in fields.items() if value is not None})


def tx_ack_error(body: bytes) -> str | None:
    """The error of a TX_ACK whose other members are not as they should be; None where it names none: a base
    station that answers has taken the frame unless it says otherwise."""
    found = _ERROR.search(body)
    return None if found is None else found[1].decode()
