"""Outcomes of downlinks that one node sends for a device which another one serves by now."""

from __future__ import annotations

from typing import Any

import msgspec

from veldnet.lorawan import BaseStationId
from veldnet.network.core import Done

from .radio_messages import BadMessage

SUBJECT = "outcomes"
_Row = tuple[int, int, Done]


def _to_wire(value: Any) -> int:
    if isinstance(value, BaseStationId):
        return int(value)
    raise NotImplementedError


def _from_wire(kind: type, value: Any) -> Any:
    if kind is BaseStationId:
        return BaseStationId(value)
    raise NotImplementedError


_encoder = msgspec.msgpack.Encoder(enc_hook=_to_wire)
_decoder: msgspec.msgpack.Decoder[_Row] = msgspec.msgpack.Decoder(_Row, dec_hook=_from_wire)


def encode_outcome(device_ref: int, token: int, outcome: Done) -> bytes:
    return _encoder.encode((device_ref, token, outcome))


def decode_outcome(message: bytes) -> _Row:
    """Device, token and outcome. Raises `BadMessage`."""
    try:
        return _decoder.decode(message)
    except (msgspec.DecodeError, ValueError, OverflowError) as error:
        raise BadMessage(str(error)) from None
