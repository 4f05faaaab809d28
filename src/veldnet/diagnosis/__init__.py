"""Frames and devices explained in the languages of the console."""

from .describe_mac_commands import describe_mac_commands
from .explaining import explain_device, explain_frame
from .findings import Explanation, Finding

__all__ = [
    "Explanation",
    "Finding",
    "describe_mac_commands",
    "explain_device",
    "explain_frame",
]
