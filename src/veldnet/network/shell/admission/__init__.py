"""Admission of frames: from base stations' copies to the frames that devices get, while anybody can forge."""

from .admission import Admission, FrameHandler
from .deduplication import ReceivedType
from .deferred_queue import PORTION
from .gate import FrameGate

__all__ = ["PORTION", "Admission", "FrameGate", "FrameHandler", "ReceivedType"]
