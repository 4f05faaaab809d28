"""Payload decoders: JavaScript of whoever wrote it, run in processes of their own with bounds on time and
memory, and Cayenne LPP."""

from .cayenne import CayenneError, decode_cayenne
from .pool import Busy, Decoded, DecoderPool, Function, Limits

__all__ = ["Busy", "CayenneError", "Decoded", "DecoderPool", "Function", "Limits", "decode_cayenne"]
