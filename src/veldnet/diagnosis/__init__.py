"""Frames and devices explained in the languages of the console."""

from .describe_commands import describe_mac_commands, describe_package_commands
from .explaining import explain_device, explain_frame
from .findings import Explanation, Finding

__all__ = [
    "Explanation",
    "Finding",
    "describe_mac_commands",
    "describe_package_commands",
    "explain_device",
    "explain_frame",
]
