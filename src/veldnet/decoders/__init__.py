"""Payload decoders: JavaScript of whoever wrote it, run in a process of its own with bounds on time and
memory, and Cayenne LPP."""

from .cayenne import decode_cayenne
from .pool import Decoded, DecoderPool, Limits

__all__ = ["Decoded", "DecoderPool", "Limits", "decode_cayenne"]
