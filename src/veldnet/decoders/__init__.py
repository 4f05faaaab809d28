"""Payload decoders: JavaScript of whoever wrote it, run in processes of their own with bounds on time and
memory, and Cayenne LPP; units of what they read."""

from .cayenne import CayenneError, decode_cayenne
from .pool import Busy, Decoded, DecoderPool, Function, Limits
from .units import infer_unit

__all__ = [
    "Busy",
    "CayenneError",
    "Decoded",
    "DecoderPool",
    "Function",
    "Limits",
    "decode_cayenne",
    "infer_unit",
]
